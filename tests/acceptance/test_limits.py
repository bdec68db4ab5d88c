"""Whole migrations under a cloud portal's documented limits, on a simulated clock.

The figures are those of b24restdocs limits.md: a bucket of 50 that drains by 2 a second, 480
seconds of execution in 600 for each method, requests of at most 60 seconds. The portals enforce
them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.vocabulary import Role
from migrator.sandbox import Portal, twin_structure
from tests.simulation.paced import PacedMigration, Witness, refusals

if TYPE_CHECKING:
    from tests.simulation.world import SimulatedClock

TARIFF: dict[str, Any] = {
    "requests_per_second": 2,
    "burst": 50,
    "operating_limit_seconds": 480,
    "operating_window_seconds": 600,
}
#: What b24restdocs prints for a page of crm.item.list and for an item of crm.item.batchImport.
DOCUMENTED_COST = {"seconds_per_read_item": 0.005, "seconds_per_imported_item": 1.2}
LIMIT_ERRORS = {"QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT"}

MakeMigration = Callable[..., PacedMigration]


def a_seed(companies: int, deals: int, files: int = 0) -> dict[str, Any]:
    """Deals with files that belong to companies, some of which belong to the last of them."""
    return {
        "portal": {},
        "userFields": [
            _user_field(701, "CRM_COMPANY", "UF_CRM_HOLDING", "crm", "N", COMPANY="Y"),
            _user_field(702, "CRM_DEAL", "UF_CRM_PAPERS", "file", "Y"),
        ],
        "items": {
            "4": [_company(number, companies) for number in range(1, companies + 1)],
            "2": [
                {
                    "id": number,
                    "title": f"Deal {number}",
                    "createdTime": f"2023-02-{1 + number * 27 // (deals + 1):02d}T10:00:00+03:00",
                    "updatedTime": "2023-07-10T10:00:00+03:00",
                    "companyId": 1 + number % companies,
                    "UF_CRM_PAPERS": [_file(number, place) for place in range(files)],
                }
                for number in range(1, deals + 1)
            ],
        },
    }


def _user_field(
    number: int, entity_id: str, name: str, kind: str, multiple: str, **settings: str
) -> dict[str, Any]:
    return {
        "id": str(number),
        "entityId": entity_id,
        "fieldName": name,
        "userTypeId": kind,
        "multiple": multiple,
        "settings": settings,
    }


def _company(number: int, last: int) -> dict[str, Any]:
    return {
        "id": number,
        "title": f"Company {number}",
        "createdTime": "2023-01-10T10:00:00+03:00",
        "updatedTime": "2023-06-10T10:00:00+03:00",
        "UF_CRM_HOLDING": f"CO_{last}" if number % 20 == 1 else None,
    }


def _file(number: int, place: int) -> dict[str, str]:
    content = base64.b64encode(f"page {place} of deal {number}".encode()).decode()
    return {"name": f"{number}-{place}.txt", "content_base64": content}


@pytest.fixture
def a_migration(sqlite_url: str) -> MakeMigration:
    def make(
        seed: dict[str, Any],
        *,
        cost: dict[str, float] = DOCUMENTED_COST,
        limits: dict[str, Any] = TARIFF,
        latency: float = 0.1,
        clock: SimulatedClock | None = None,
    ) -> PacedMigration:
        twin = twin_structure(seed)
        for portal, host in ((seed, "old.bitrix24.test"), (twin, "new.bitrix24.test")):
            portal["portal"] = {**portal["portal"], "host": host, "cost": cost, "limits": limits}
        return PacedMigration(seed, twin, sqlite_url, latency=latency, clock=clock, **limits)

    return make


def limit_errors(*portals: Portal) -> dict[str, int]:
    found = {code: count for portal in portals for code, count in refusals(portal).items()}
    return {code: count for code, count in found.items() if code in LIMIT_ERRORS}


def cut_off(migration: PacedMigration) -> int:
    """Requests that took the portal more than its sixty seconds."""
    return len(migration.ask("SELECT id FROM request_log WHERE status = 504"))


def test_a_migration_that_is_alone_hits_no_limit_while_both_of_them_bind(
    a_migration: MakeMigration,
) -> None:
    # 480 items of 1.2 seconds are more than a window's budget, 240 files more than a bucket.
    migration = a_migration(a_seed(companies=440, deals=40, files=6))
    witness = Witness(migration.clock)

    differ = migration.move(witness)

    assert limit_errors(migration.source, migration.target) == {}
    assert cut_off(migration) == 0
    assert {why.split(" of ")[0] for why, _ in witness.waits} == {
        "the request rate",
        "the execution budget",
    }
    assert (len(migration.target.items(4)), len(migration.target.items(2))) == (440, 40)
    assert differ == 0


class OtherClient:
    """Somebody else's integration on the same webhook and address, without any pacing.

    Each minute it sends more requests than the bucket holds, and imports leads until it is refused,
    so both limits are used up again and again; after half an hour it is gone.
    """

    def __init__(self, migration: PacedMigration) -> None:
        self._clock = migration.clock
        self._portal = migration.target
        self._clock.later(30.0, self._work)

    def _work(self) -> None:
        leads = {"entityTypeId": 1, "data": [{"title": "from a form"}] * 20}
        for _ in range(3):
            self._portal.call("crm.item.batchImport", leads)
        for _ in range(60):
            self._portal.call("profile")
        if self._clock.monotonic() < 1800:
            self._clock.later(60.0, self._work)


def test_a_migration_beside_another_client_backs_off_and_finishes(
    a_migration: MakeMigration,
) -> None:
    migration = a_migration(a_seed(companies=300, deals=20))
    other = OtherClient(migration)
    witness = Witness(migration.clock)

    differ = migration.move(witness)

    assert set(limit_errors(migration.target)) == LIMIT_ERRORS
    refused = {why.split(" of ")[0] for why, _ in witness.waits}
    assert "the execution budget" in refused
    assert (len(migration.target.items(4)), len(migration.target.items(2))) == (300, 20)
    assert differ == 0
    del other


def test_a_process_that_goes_on_after_another_knows_what_that_one_has_used(
    a_migration: MakeMigration,
) -> None:
    migration = a_migration(a_seed(companies=420, deals=0))

    # The first process all but uses up the budget; each of the next begins with a request.
    for stop_after in (385, 390, 395, 400, 405):
        with migration.opened() as app:
            app.check()
            app.export()
            blueprint = app.plan()
            app.workspace.check_stop = _stops_at(migration.target, stop_after)
            with suppress(_Stopped):
                app.load(blueprint)

    assert len(migration.target.items(4)) >= 405
    assert limit_errors(migration.target) == {}


class _Stopped(Exception):
    pass


def _stops_at(portal: Portal, items: int) -> Callable[[], None]:
    def check() -> None:
        if len(portal.table(4).rows) >= items:
            raise _Stopped

    return check


def test_an_export_that_exhausts_the_source_leaves_the_targets_limits_alone(
    a_migration: MakeMigration,
) -> None:
    cost = {"seconds_per_read_item": 0.02, "seconds_per_imported_item": 1.2}
    tight = {**TARIFF, "operating_limit_seconds": 60}
    migration = a_migration(a_seed(companies=3_500, deals=0), cost=cost, limits=tight)
    witness = Witness(migration.clock)

    with migration.opened(witness) as app:
        app.check()
        app.export()
        target = app.client(Role.TARGET).allowance()

    assert {why for why, _ in witness.waits} == {
        "the execution budget of crm.item.list on old.bitrix24.test"
    }
    assert "crm.item.list" not in target.used
    assert target.free_requests == target.burst


@pytest.mark.parametrize(("seconds", "items"), [(0.2, 20), (1.2, 16), (8.0, 2)])
def test_a_request_holds_as_many_items_as_the_portal_does_in_twenty_seconds(
    a_migration: MakeMigration, seconds: float, items: int
) -> None:
    slow = {"seconds_per_read_item": 0.0, "seconds_per_imported_item": seconds}
    migration = a_migration(a_seed(companies=60, deals=0), cost=slow)

    with migration.opened() as app:
        app.check()
        app.export()
        app.load(app.plan())

    first, *others = migration.ask(
        "SELECT items FROM request_log WHERE method = 'crm.item.batchImport' ORDER BY id"
    )
    assert first == 5
    assert max(others) == items
    assert cut_off(migration) == 0


def test_a_request_holds_as_many_pages_of_a_far_portal_as_of_a_near_one(
    a_migration: MakeMigration,
) -> None:
    # The portal's cut at sixty seconds does not count the way: 2.5 s a page are 8 pages in 20 s.
    cost = {"seconds_per_read_item": 0.05, "seconds_per_imported_item": 1.2}
    migration = a_migration(a_seed(companies=1_500, deals=100), cost=cost, latency=15.0)

    with migration.opened() as app:
        app.export()

    sizes = migration.ask("SELECT items FROM request_log WHERE method = 'batch:crm.item.list'")
    assert sizes[-3:] == [400, 400, 100]
