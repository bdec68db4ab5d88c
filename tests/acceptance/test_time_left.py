"""What `plan` and the progress line say of the time an import or an export will take.

On a simulated clock: each portal is slow in a way of its own, so that once the request rate, once
the execution budget, and once the portal's own speed and the way to it decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.vocabulary import EntityTypeId
from migrator.sandbox import twin_structure
from tests.simulation.paced import PacedMigration, Told, Witness

if TYPE_CHECKING:
    from collections.abc import Iterable

TARIFF: dict[str, Any] = {
    "requests_per_second": 2.0,
    "burst": 50,
    "operating_limit_seconds": 480.0,
    "operating_window_seconds": 600.0,
}
COMPANY, DEAL = EntityTypeId(4), EntityTypeId(2)

#: How far a forecast may be from what really follows, once so much of the work is done.
TOLERANCE = 0.15
BEGINNING, END = 0.05, 0.9


def a_migration(
    staging_url: str,
    deals: int,
    *,
    read: float = 0.0,
    imported: float = 0.0,
    latency: float = 0.0,
    **limits: float,
) -> PacedMigration:
    seed: dict[str, Any] = {
        "portal": {},
        "items": {
            "1": [{"id": number, "title": f"Lead {number}"} for number in range(1, 61)],
            "4": [
                {"id": number, "title": f"Company {number}", "createdTime": "2023-01-01T10:00:00Z"}
                for number in range(1, 61)
            ],
            "2": [
                {
                    "id": number,
                    "title": f"Deal {number}",
                    "createdTime": "2023-02-01T10:00:00Z",
                    "companyId": 1 + number % 60,
                }
                for number in range(1, deals + 1)
            ],
        },
    }
    twin = twin_structure(seed)
    in_force = {**TARIFF, **limits}
    for portal, host in ((seed, "old.bitrix24.test"), (twin, "new.bitrix24.test")):
        portal["portal"] = {
            **portal["portal"],
            "host": host,
            "limits": in_force,
            "cost": {"seconds_per_read_item": read, "seconds_per_imported_item": imported},
        }
    return PacedMigration(seed, twin, staging_url, latency=latency, **in_force)


def worst_error(told: Iterable[Told], total: int, end: float) -> float:
    """Of the forecasts from a twentieth of the work on; the last bit of it is over in no time."""
    errors = [
        abs(one.seconds_left / (end - one.at) - 1)
        for one in told
        if BEGINNING * total <= one.done <= END * total
    ]
    assert len(errors) >= 4
    return max(errors)


@pytest.mark.parametrize(
    "portal",
    [
        pytest.param({"latency": 0.05, "burst": 5}, id="bound by the request rate"),
        pytest.param({"imported": 1.2, "latency": 0.1}, id="bound by the execution budget"),
        pytest.param({"imported": 0.05, "latency": 3.0}, id="bound by latency"),
    ],
)
def test_an_import_knows_after_a_twentieth_of_it_how_long_the_rest_will_take(
    sqlite_url: str, portal: dict[str, float]
) -> None:
    migration = a_migration(sqlite_url, deals=360, **portal)
    witness = Witness(migration.clock)
    with migration.opened() as app:
        app.check()
        app.export()
        blueprint = app.plan()

    with migration.opened(witness) as app:
        app.load(blueprint)

    assert worst_error(witness.told, 480, migration.clock.monotonic()) < TOLERANCE


@pytest.mark.parametrize(
    "portal",
    [
        pytest.param(
            {"read": 0.1, "requests_per_second": 0.02, "burst": 3}, id="bound by the request rate"
        ),
        pytest.param({"read": 0.4}, id="bound by the execution budget"),
        pytest.param({"read": 0.1, "latency": 15.0}, id="bound by latency"),
    ],
)
def test_an_export_knows_after_a_twentieth_of_it_how_long_the_rest_will_take(
    sqlite_url: str, portal: dict[str, float]
) -> None:
    migration = a_migration(sqlite_url, deals=1_380, **portal)
    witness = Witness(migration.clock)

    with migration.opened(witness) as app:
        app.export()

    told = [one for one in witness.told if one.stage == "export"]
    assert worst_error(told, 1_500, told[-1].at) < TOLERANCE


def test_a_verification_counts_each_reading_of_each_type_as_done(sqlite_url: str) -> None:
    migration = a_migration(sqlite_url, deals=140, latency=5.0)
    witness = Witness(migration.clock)
    with migration.opened() as app:
        app.check()
        app.export(frozenset({COMPANY, DEAL}))
        app.load(app.plan(frozenset({COMPANY, DEAL})))

    with migration.opened(witness) as app:
        app.verify()

    told = [one.seconds_left for one in witness.told if one.stage == "verify"]
    assert len(told) >= 4  # companies and deals, each compared and looked through for copies
    assert told[0] > 0
    assert told[-1] == pytest.approx(0)


@pytest.mark.parametrize(
    "portal",
    [
        pytest.param({"imported": 1.2, "latency": 0.1}, id="bound by the execution budget"),
        pytest.param({"imported": 0.05, "latency": 3.0}, id="bound by latency"),
    ],
)
def test_once_something_has_been_imported_the_plan_tells_how_long_the_rest_will_take(
    sqlite_url: str, portal: dict[str, float]
) -> None:
    migration = a_migration(sqlite_url, deals=360, **portal)
    with migration.opened() as app:
        app.check()
        app.export(frozenset({COMPANY, DEAL}))
        app.load(app.plan(frozenset({COMPANY})))

    with migration.opened() as app:
        blueprint = app.plan(frozenset({DEAL}))
        began = migration.clock.monotonic()
        app.load(blueprint)

    planned = blueprint.plan.estimate
    assert planned.is_measured
    assert planned.duration.total_seconds() == pytest.approx(
        migration.clock.monotonic() - began, rel=TOLERANCE
    )
