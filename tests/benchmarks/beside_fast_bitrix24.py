"""Our export beside `get_all` of fast_bitrix24, each on a fresh portal made from the same seed.

In real time, because fast_bitrix24 takes its time from the machine; only our own waits for a budget
that is used up are skipped, and counted. Both are told the limits, which the portal enforces; the
portal waits in earnest for what its work costs.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fast_bitrix24 import BitrixAsync
from fast_bitrix24.server_response import ErrorInServerResponseException
from pydantic import SecretStr

from migrator.domain.vocabulary import EntityTypeId
from migrator.opening import open_app
from migrator.sandbox import Portal, PortalServer
from migrator.settings import PortalSettings, Settings
from tests.benchmarks.deals import two_portals
from tests.benchmarks.skipping_clock import SkippingClock
from tests.simulation.paced import PacedMigration, refusals

if TYPE_CHECKING:
    from collections.abc import Callable

DEAL = EntityTypeId(2)
_LIST = "crm.item.list"
#: The portal forgets after ten minutes; what each request was charged stands in the log.
_OPERATING = "SELECT operating_s FROM request_log WHERE method LIKE '%crm.item.list'"
_TARIFF: dict[str, Any] = {
    "requests_per_second": 2.0,
    "burst": 50,
    "operating_window_seconds": 600.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a client brought, and what it asked of the portal for it."""

    client: str
    items: int
    requests: int
    #: of these, requests that list items
    listing: int
    wall: float
    operating: float
    refused: int
    outcome: str = "whole"


def measure(deals: int, *, read_seconds: float, budget: float = 480.0) -> list[Reading]:
    """With the documented budget both are done long before it is used up."""
    source, target = _seeds(deals, read_seconds, budget)
    return [
        _on(source, "migrator", lambda url: _our_export(url, target, budget)),
        _on(source, "fast_bitrix24", lambda url: _get_all(url, budget)),
    ]


def measure_beyond_the_budget(deals: int, *, read_seconds: float, budget: float) -> list[Reading]:
    """With a budget so small that it is used up within a minute."""
    source, target = _seeds(deals, read_seconds, budget)
    return [
        _skipping(source, target, budget),
        _on(source, "fast_bitrix24", lambda url: _get_all(url, budget)),
    ]


def _seeds(deals: int, read_seconds: float, budget: float) -> tuple[dict[str, Any], dict[str, Any]]:
    return two_portals(
        deals,
        limits={**_TARIFF, "operating_limit_seconds": budget},
        cost={"seconds_per_read_item": read_seconds},
    )


def _skipping(source: dict[str, Any], target: dict[str, Any], budget: float) -> Reading:
    clock = SkippingClock()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'staging.db'}"
        tariff = {**_TARIFF, "operating_limit_seconds": budget}
        migration = PacedMigration(source, target, url, clock=clock, **tariff)
        began = clock.monotonic()
        with migration.opened() as app:
            items = app.export(frozenset({DEAL})).new
        wall = clock.monotonic() - began
        operating = sum(migration.ask(_OPERATING))
    return _reading("migrator", migration.source, items, "whole", wall, operating)


def _on(seed: dict[str, Any], client: str, read: Callable[[str], tuple[int, str]]) -> Reading:
    portal = Portal.from_seed(seed)
    with PortalServer(portal) as server:
        began = time.monotonic()
        items, outcome = read(server.webhook_url())
        wall = time.monotonic() - began
    operating = portal._budget.operating(_LIST, portal.clock.time())
    return _reading(client, portal, items, outcome, wall, operating)


def _reading(
    client: str, portal: Portal, items: int, outcome: str, wall: float, operating: float
) -> Reading:
    refused = refusals(portal)
    return Reading(
        client=client,
        items=items,
        requests=len(portal.requests),
        listing=sum(_lists(r.method, r.commands) for r in portal.requests),
        wall=wall,
        operating=operating,
        refused=refused["OPERATION_TIME_LIMIT"] + refused["QUERY_LIMIT_EXCEEDED"],
        outcome=outcome,
    )


def _lists(method: str, commands: list[tuple[str, str | None]]) -> bool:
    return _LIST in (method, *(name for name, _ in commands))


def _our_export(url: str, target: dict[str, Any], budget: float) -> tuple[int, str]:
    """`migrator export --only deal`, reading both portals' structure included."""
    tariff = {**_TARIFF, "operating_limit_seconds": budget}
    with (
        PortalServer(Portal.from_seed(target)) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        settings = Settings(
            source=PortalSettings(webhook_url=SecretStr(url), **tariff),
            target=PortalSettings(webhook_url=SecretStr(server.webhook_url()), **tariff),
            staging_url=SecretStr(f"sqlite:///{Path(folder) / 'staging.db'}"),
            mapping=None,
        )
        with open_app(settings, "benchmark") as app:
            return app.export(frozenset({DEAL})).new, "whole"


def _get_all(url: str, budget: float) -> tuple[int, str]:
    client = BitrixAsync(url, verbose=False, operating_time_limit=int(budget))
    params = {"entityTypeId": DEAL, "select": ["*"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return len(asyncio.run(client.get_all(_LIST, params))), "whole"
        except ErrorInServerResponseException as error:
            code = "OPERATION_TIME_LIMIT" if "OPERATION_TIME_LIMIT" in str(error) else "an error"
            return 0, f"ends with {code}"
