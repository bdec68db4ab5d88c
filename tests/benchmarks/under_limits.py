"""How close export and import come to the least time that a cloud portal's limits leave.

One process holds the program and both portals, which enforce the documented limits. The clock is
the real one, but waits, and the seconds a portal is said to work, are counted and skipped.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.deals import two_portals
from tests.benchmarks.skipping_clock import SkippingClock
from tests.simulation.paced import PacedMigration, refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.sandbox import Portal

#: b24restdocs limits.md; the tariffs below Enterprise.
RATE, BURST = 2.0, 50
BUDGET, WINDOW = 480.0, 600.0
#: What the samples of b24restdocs show: 0.59 s for a page of crm.item.list, 1.2 s for each item of
#: crm.item.batchImport.
READ_SECONDS, IMPORT_SECONDS = 0.59 / 50, 1.2
#: The way to the portal and back.
LATENCY = 0.1
#: Most pages, most items in one request.
PAGE, PAGES, CHUNK = 50, 50, 20

_REFUSALS = ("QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """One stage under limits; times in seconds."""

    stage: str
    items: int
    requests: int
    wall: float
    minimum: float
    #: what this machine really computed, the portals' part included
    computing: float
    #: by limits, and by the portal's cut at 60 seconds
    refused: int

    @property
    def ratio(self) -> float:
        return self.wall / self.minimum


def least_time(requests: int, working: float) -> float:
    """Seconds that the limits alone leave, with nothing lost on the way and no time to compute.

    Requests: the bucket takes a burst at once and drains by its rate. Work: requests go one at a
    time, as the target's chronology demands, so work takes its own time; a window of 600 s holds
    480 s of it, and what is used comes back when its window is over. The larger of the two counts.
    """
    through_the_bucket = max(0.0, requests - BURST) / RATE
    windows, rest = divmod(working, BUDGET)
    if windows and not rest:
        windows, rest = windows - 1, BUDGET
    return max(through_the_bucket, windows * WINDOW + rest)


def measure(to_export: int, to_import: int) -> list[Paced]:
    return [_export(to_export), _import(to_import)]


def _export(count: int) -> Paced:
    with tempfile.TemporaryDirectory() as folder:
        migration, clock = _migration(count, folder)
        with migration.opened() as app:
            app.check()
            return _measure("export", migration.source, clock, app.export, count)


def _import(count: int) -> Paced:
    with tempfile.TemporaryDirectory() as folder:
        migration, clock = _migration(count, folder)
        with migration.opened() as app:
            app.check()
            app.export()
            blueprint = app.plan()
            return _measure("import", migration.target, clock, lambda: app.load(blueprint), count)


def _migration(count: int, folder: str) -> tuple[PacedMigration, SkippingClock]:
    limits: dict[str, Any] = {
        "requests_per_second": RATE,
        "burst": BURST,
        "operating_limit_seconds": BUDGET,
        "operating_window_seconds": WINDOW,
    }
    cost = {"seconds_per_read_item": READ_SECONDS, "seconds_per_imported_item": IMPORT_SECONDS}
    source, target = two_portals(count, limits=limits, cost=cost)
    clock = SkippingClock()
    url = f"sqlite:///{Path(folder) / 'staging.db'}"
    migration = PacedMigration(source, target, url, latency=LATENCY, clock=clock, **limits)
    return migration, clock


def _measure(
    stage: str, portal: Portal, clock: SkippingClock, work: Callable[[], object], count: int
) -> Paced:
    before, began, computed = len(portal.requests), clock.monotonic(), clock.computing
    work()
    wall, computing = clock.monotonic() - began, clock.computing - computed
    refused = refusals(portal)
    cost, in_one = (READ_SECONDS, PAGE * PAGES) if stage == "export" else (IMPORT_SECONDS, CHUNK)
    return Paced(
        stage=stage,
        items=count,
        requests=len(portal.requests) - before,
        wall=wall,
        minimum=least_time(-(-count // in_one), count * cost),
        computing=computing,
        refused=sum(Counter(refused)[code] for code in _REFUSALS),
    )
