"""Time, memory and statements per item, by how many items the staging database holds.

    .venv/bin/python -m tests.benchmarks.staging_scale --database both --items 10000,100000,1000000

The program's own stages work between two portals that answer at once and hold nothing in memory
(`endless_portal`). Export and plan run over all items. Import and verify are measured over some
thousand items at the beginning, in the middle and at the end of the type; what the import would
have left of the items between, SQL puts there. Each size has a process and a database of its own.

None of what is printed may grow with the number of items: milliseconds per item (elapsed, and CPU
of the program and of PostgreSQL), SQL statements per 1,000 items (one for many rows counts once),
and peak memory of the program. Elapsed time depends on the disk, and on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from pydantic import SecretStr
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from migrator.bitrix.client import PortalClient
from migrator.domain.vocabulary import EntityTypeId
from migrator.interrupt import Interrupted, StopRequest
from migrator.opening import open_app
from migrator.progress import Silent
from migrator.settings import PortalSettings, Settings
from migrator.staging import Staging
from migrator.staging.engine import Purpose
from migrator.staging.repositories.id_map import IdMap
from tests.benchmarks.endless_portal import (
    COMPANIES,
    COMPANY,
    DEAL,
    OFFSET,
    EndlessPortal,
    two_portals,
)
from tests.postgresql_server import a_postgresql_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from migrator.app import App
    from migrator.bitrix.webhook import Webhook

#: Items that are measured at each place of the type.
SLICE = 2_000
#: Links that are set one by one.
LINKS = 100
_ONLY = frozenset({EntityTypeId(DEAL), EntityTypeId(COMPANY)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a piece of work took, per item of it."""

    work: str
    items: int
    milliseconds: float
    cpu_milliseconds: float
    statements_per_1000: float
    #: Until the first items were done: what each start of the command pays once.
    start_seconds: float


@dataclass(frozen=True, slots=True)
class _Mark:
    done: int
    elapsed: float
    cpu: float
    statements: int


class Meter(Silent):
    """Told of each step as progress; measures from the first to the last, and ends the work."""

    def __init__(self, server_cpu: Callable[[], float]) -> None:
        self.figures: list[Figures] = []
        self._server_cpu = server_cpu
        self._statements = 0
        self._most: float = 0
        self._marks: list[_Mark] = []

    def _count(self, *_: object) -> None:
        self._statements += 1

    def _mark(self, count: int) -> None:
        done = self._marks[-1].done + count if self._marks else 0
        cpu = time.process_time() + self._server_cpu()
        mark = _Mark(done, time.perf_counter(), cpu, self._statements)
        self._marks.append(mark)
        del self._marks[2:-1]

    def advance(self, count: int) -> None:
        self._mark(count)

    def check_stop(self) -> None:
        """Raises: Interrupted once enough is done."""
        if self._marks and self._marks[-1].done >= self._most:
            raise Interrupted(15)

    @contextmanager
    def measure(self, work: str, most: float = float("inf")) -> Iterator[None]:
        """Measure a stage over so many items; the first step of it is its start."""
        self._most, self._marks = most, []
        self._mark(0)
        event.listen(Engine, "before_cursor_execute", self._count)
        with suppress(Interrupted):
            yield
        event.remove(Engine, "before_cursor_execute", self._count)
        began, first, last = self._marks[0], self._marks[1], self._marks[-1]
        items = max(1, last.done - first.done)
        self.figures.append(
            Figures(
                work=work,
                items=items,
                milliseconds=(last.elapsed - first.elapsed) * 1000 / items,
                cpu_milliseconds=(last.cpu - first.cpu) * 1000 / items,
                statements_per_1000=(last.statements - first.statements) * 1000 / items,
                start_seconds=first.elapsed - began.elapsed,
            )
        )


class Migration:
    """Two endless portals and a staging database, with a meter beside them."""

    def __init__(
        self, url: str, deals: int, *, measured: int = SLICE, name: str = "default"
    ) -> None:
        self._url = url
        self._deals = deals
        self._measured = measured
        self._name = name
        self._portals = two_portals(deals)
        self.meter = Meter(_server_cpu_of(url))

    @property
    def _target(self) -> EndlessPortal:
        return self._portals[1]

    def run(self) -> list[Figures]:
        with self._opened() as app:
            with self.meter.measure("export"):
                app.export(_ONLY)
            with self.meter.measure("plan"):
                blueprint = app.plan(_ONLY)
            with self.meter.measure("import of all companies", COMPANIES):
                app.load(blueprint)
            last = self._deals - self._measured
            places = {"beginning": 0, "middle": self._deals // 2, "end": last}
            for place, begin in places.items():
                self._fill(app, begin)
                with self.meter.measure(f"import, {place}", self._measured):
                    app.load(blueprint)
            self._fill(app, self._deals)
            with self.meter.measure("links", LINKS):
                app.load(blueprint)
            self._target.linked_to = self._deals
            for place, begin in places.items():
                with (
                    self._verifying_after(begin),
                    self.meter.measure(f"verify, {place}", self._measured),
                ):
                    app.verify(frozenset({EntityTypeId(DEAL)}))
        return self.meter.figures

    @contextmanager
    def _opened(self) -> Iterator[App]:
        stop = StopRequest()
        source, target = (
            PortalSettings(
                webhook_url=SecretStr(portal.webhook_url),
                requests_per_second=0,
                operating_limit_seconds=0,
            )
            for portal in self._portals
        )
        settings = Settings(
            source=source, target=target, staging_url=SecretStr(self._url), mapping=None
        )
        with ExitStack() as stack:
            stack.enter_context(patch("migrator.opening.PortalClient", self._client))
            stack.enter_context(patch.object(stop, "check", self.meter.check_stop))
            yield stack.enter_context(
                open_app(settings, self._name, progress=self.meter, stop=stop)
            )

    def _client(self, webhook: Webhook, *args: Any, **options: Any) -> PortalClient:
        portal = next(p for p in self._portals if p.host == webhook.host)
        return PortalClient(webhook, *args, adapter=portal.adapter, **options)

    @contextmanager
    def _verifying_after(self, number: int) -> Iterator[None]:
        pages = IdMap.page_to_verify

        def from_there_on(own: IdMap, kind: Any, after: Any, limit: int, *, into: Any) -> Any:
            return pages(own, kind, max(after, number + OFFSET), limit, into=into)

        with patch.object(IdMap, "page_to_verify", from_there_on):
            yield

    def _fill(self, app: App, number: int) -> None:
        """What the import would have left of the deals up to this one."""
        steps = [*range(self._target.filled_to, number, 100_000), number]
        for after, last in pairwise(steps):
            with app.workspace.staging._connect(Purpose.WRITE) as connection:
                rows = connection.execute(text("SELECT COALESCE(MAX(id), 0) FROM import_batch"))
                values = {
                    "migration": app.migration.migration_id,
                    "after": after,
                    "last": last,
                    "batch": rows.scalar_one() + 1,
                }
                for statement in _LEFT_BY_IMPORT:
                    connection.execute(text(statement), values)
        self._target.filled_to = max(self._target.filled_to, number)


#: In both dialects.
_THESE = (
    "FROM item WHERE migration_id = :migration AND entity_type_id = 2"
    " AND source_id > :after AND source_id <= :last"
)
_LEFT_BY_IMPORT = [
    f"""
INSERT INTO id_map (migration_id, entity_type_id, source_id, target_entity_type_id, target_id,
    origin, imported_at)
SELECT migration_id, 2, source_id, 2, source_id + {OFFSET}, 'import', exported_at {_THESE}
""",
    f"""
INSERT INTO import_batch (migration_id, entity_type_id, state, method, items, sent_at, settled_at)
SELECT migration_id, 2, 'settled', 'crm.item.batchImport', 20, exported_at, exported_at {_THESE}
    AND (source_id - :after - 1) % 20 = 0 ORDER BY source_id
""",
    f"""
INSERT INTO import_batch_item (migration_id, batch_id, position, entity_type_id, source_id,
    correlation, outcome, target_id)
SELECT migration_id, :batch + (source_id - :after - 1) / 20, (source_id - :after - 1) % 20, 2,
    source_id, 'old.bitrix24.test/D_' || source_id, 'created', source_id + {OFFSET} {_THESE}
""",
    f"""
INSERT INTO request_log (migration_id, portal_role, portal, method, sent_at, duration_s, commands)
SELECT migration_id, 'target', 'new.bitrix24.test', 'crm.item.batchImport', exported_at, 1, 1
{_THESE} AND source_id % 20 = 0
""",
    f"""
INSERT INTO deferred_link (migration_id, entity_type_id, source_id, field, refers_to_entity_type_id,
    refers_to_source_id, state, updated_at)
SELECT migration_id, 2, source_id, 'UF_CRM_FOLLOWS', 2, source_id + 7, 'pending', exported_at
{_THESE} AND source_id % 100 = 50
""",
]


_DATA_DIRECTORY = "SELECT setting FROM pg_settings WHERE name = 'data_directory'"


def _server_cpu_of(url: str) -> Callable[[], float]:
    """Seconds of CPU that the processes of the PostgreSQL server have used so far."""
    if url.startswith("sqlite"):
        return lambda: 0.0
    with Staging.open(url) as staging:
        folder = staging.query_read_only(_DATA_DIRECTORY).rows[0][0]
    server = Path(folder, "postmaster.pid").read_text(encoding="ascii").split()[0]
    ticks = os.sysconf("SC_CLK_TCK")

    def cpu() -> float:
        total = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has just ended
                values = path.read_text(encoding="utf-8").rpartition(")")[2].split()
                # ppid, utime and stime. Source: man proc_pid_stat, less the first two
                if values[1] == server:
                    total += int(values[11]) + int(values[12])
        return total / ticks

    return cpu


def _peak_megabytes() -> float:
    """The highest resident size of this process alone, unlike `ru_maxrss` of a child."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s*(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def _measure_here(url: str, deals: int) -> None:
    with Staging.open(url) as staging:
        staging.upgrade()
    figures = Migration(url, deals).run()
    report = {"peak_megabytes": _peak_megabytes(), "figures": [asdict(one) for one in figures]}
    print(json.dumps(report))


def measure(url: str, deals: int) -> dict[str, Any]:
    """One size, in a process of its own."""
    program = [sys.executable, "-m", "tests.benchmarks.staging_scale", "--here", url, str(deals)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@contextmanager
def _a_database(kind: str, folder: str) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/staging.db"
        return
    with a_postgresql_server(waits_for_the_disk=True) as server:
        yield server.get_uri()


def _print_row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def _print(kind: str, deals: int, report: dict[str, Any]) -> None:
    for one in report["figures"]:
        _print_row(
            kind,
            f"{deals:,}",
            one["work"],
            f"{one['milliseconds']:.2f}",
            f"{one['cpu_milliseconds']:.2f}",
            f"{one['statements_per_1000']:.0f}",
            f"{one['start_seconds']:.1f}",
        )
    _print_row(kind, f"{deals:,}", "peak memory", f"{report['peak_megabytes']:.0f} MB", "", "", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--items", default="10000,100000,1000000")
    parser.add_argument("--here", nargs=2, metavar=("URL", "ITEMS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        _measure_here(options.here[0], int(options.here[1]))
        return
    _print_row("database", "items", "work", "ms/item", "CPU ms/item", "statements/1,000", "start s")
    _print_row(*["---"] * 3, *["---:"] * 4)
    kinds = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    for kind in kinds:
        for deals in map(int, options.items.split(",")):
            folder = tempfile.mkdtemp(prefix="migrator-")
            with _a_database(kind, folder) as url:
                _print(kind, deals, measure(url, deals))
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
