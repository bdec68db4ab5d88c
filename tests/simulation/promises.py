"""What must be true of any migration of any portal, whatever befell it; each complaint is a bug."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from migrator.domain.values import Reference
from migrator.domain.vocabulary import EntityTypeId
from migrator.sandbox import LossKind
from migrator.staging import Staging
from migrator.staging.json_text import load_json
from migrator.transform.item import build_transforms
from migrator.transform.transformed import Missing
from tests.simulation.fault_strategies import LONGEST_LATE_SECONDS
from tests.simulation.migration import Migration
from tests.torture.canonical import Canonical, canonical, links_of
from tests.torture.comparison import GIVEN_UP, compare, writes_since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from migrator.plan.plan import Blueprint, Plan
    from migrator.sandbox import Portal, SilentLoss
    from tests.simulation.fault_strategies import Trouble
    from tests.simulation.portal_strategies import PortalPair

#: A contact names its companies: (entity type, field).
_SET_FROM_THE_OTHER_END = (4, "contactIds")
#: A name the portal makes up where there is none is not swallowed: `verify` has a finding.
_SPOKEN_OF = {LossKind.GENERATED_NAME}


@dataclass(frozen=True, slots=True)
class Straight:
    """A migration that nobody disturbed, and what it made."""

    migration: Migration
    blueprint: Blueprint
    made: Canonical
    points: int

    @property
    def plan(self) -> Plan:
        return self.blueprint.plan


class Databases:
    """New staging databases with the schema in place; only the newest is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._template = folder / "template.db"
        with Staging.open(f"sqlite:///{self._template}") as staging:
            staging.upgrade()

    def new(self) -> str:
        number = next(self._numbers)
        # The two of one comparison are wanted side by side.
        shutil.rmtree(self._folder / str(number - 2), ignore_errors=True)
        folder = self._folder / str(number)
        folder.mkdir()
        shutil.copyfile(self._template, folder / "staging.db")
        return f"sqlite:///{folder / 'staging.db'}"


def move_straight(databases: Databases, pair: PortalPair) -> Straight:
    migration = Migration(pair.source, pair.target, databases.new())
    ending = migration.live()
    if ending.error is not None:
        raise AssertionError(f"undisturbed, it stopped: {ending.error.message}")
    assert migration.blueprint is not None
    made = canonical(migration.target)
    return Straight(migration, migration.blueprint, made, len(ending.points))


def complaints_about_straight(straight: Straight) -> list[str]:
    """What an undisturbed migration owes: every item, nothing swallowed, and `verify` agrees."""
    migration = straight.migration
    there = {
        f"{etid}: {len(migration.source.items(etid))}"
        for etid in migration.source.entity_type_ids()
    }
    mapped = {
        f"{row['entity_type_id']}: {row['n']}"
        for row in migration.ask("SELECT entity_type_id, count(*) AS n FROM id_map GROUP BY 1")
    }
    missing = {one for one in there - mapped if not one.endswith(": 0")}
    return [
        *(f"not all moved, entity type {one}" for one in sorted(missing)),
        *_complaints_of_staging(migration),
        *_complaints_of_target(migration),
        *complaints_about_another_run(migration),
    ]


def complaints_about_plan(straight: Straight) -> list[str]:
    """The plan is a topological order of all that it does not defer, and defers nothing else."""
    migration, plan = straight.migration, straight.plan
    place = {int(etid): number for number, etid in enumerate(plan.order)}
    deferred = {(one.entity_type_id, one.field, one.refers_to) for one in plan.deferred}
    forward = {link for link in _links(migration.source) if place[link[2]] > place[link[0]]}
    backward = {link for link in deferred if place[link[2]] < place[link[0]]}
    late = {
        (row["entity_type_id"], row["field"], row["refers_to_entity_type_id"])
        for row in migration.ask("SELECT * FROM deferred_link WHERE state <> 'unresolvable'")
        if (row["entity_type_id"], row["field"]) != _SET_FROM_THE_OTHER_END
    }
    return [
        *(f"points forward, but is not deferred: {link}" for link in sorted(forward - deferred)),
        *(f"points backward, but is deferred: {link}" for link in sorted(backward)),
        *(f"deferred, but not by the plan: {link}" for link in sorted(late - deferred)),
    ]


def _links(portal: Portal) -> Iterator[tuple[int, str, int]]:
    """Links between existing items; those of a company to its contacts are set by the contacts."""
    for etid in portal.entity_type_ids():
        for row in portal.items(etid).values():
            for name, target, item_id in links_of(portal, etid, row):
                if (etid, name) != _SET_FROM_THE_OTHER_END and portal.exists(target, item_id):
                    yield etid, name, target


def complaints_about_transform(straight: Straight) -> list[str]:
    """An item becomes the same, however its fields are ordered and whatever came before it."""
    blueprint = straight.blueprint
    staged = [
        (EntityTypeId(row["entity_type_id"]), row["source_id"], load_json(row["payload"]))
        for row in straight.migration.ask("SELECT * FROM item ORDER BY 1, 2")
    ]
    structures = (blueprint.source, blueprint.target, blueprint.mapping)
    first, second = build_transforms(*structures), build_transforms(*structures)
    before = [first[etid].transform(one, payload, _resolve) for etid, one, payload in staged]
    after = [
        second[etid].transform(one, _turned_round(payload), _resolve)
        for etid, one, payload in reversed(staged)
    ]
    return [
        f"transformed twice: {one} / {two}"
        for one, two in zip(before, reversed(after), strict=True)
        if one != two
    ]


def _resolve(reference: Reference) -> Reference | Missing:
    """Somewhere, later or never; the same for the same."""
    match (reference.entity_type_id + reference.item_id) % 3:
        case 0:
            return Missing.LATER
        case 1:
            return Missing.NEVER
        case _:
            return Reference(reference.entity_type_id, reference.item_id + 1000)


def _turned_round(value: Any) -> Any:
    """The same JSON with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: _turned_round(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [_turned_round(one) for one in value]
    return value


def move_through(
    databases: Databases, pair: PortalPair, straight: Straight, trouble: Trouble
) -> Migration:
    """The same migration, but cut off, killed, refused and begun again."""
    migration = Migration(
        pair.source,
        pair.target,
        databases.new(),
        source_rules=trouble.source,
        target_rules=trouble.target,
    )
    migration.live_to_the_end([1 + one % straight.points for one in trouble.deaths])
    return migration


def complaints_about_resumed(migration: Migration, straight: Straight) -> list[str]:
    """What it owes is all that the straight one made, and nothing beside it."""
    given_up = sum(migration.ask(sql)[0]["n"] for sql in GIVEN_UP)
    migration.leave_in_peace()
    # What a portal still works on is done by then.
    migration.clock.sleep(LONGEST_LATE_SECONDS)
    ending = migration.live(retry_failed=bool(given_up))
    if not ending.is_through:
        return [f"it does not come to an end: {ending.error}"]
    found = compare(canonical(migration.target), straight.made, came_late=bool(given_up))
    return [
        *found.complaints,
        *_complaints_of_staging(migration),
        *_complaints_of_target(migration),
        *complaints_about_another_run(migration),
    ]


def complaints_about_another_run(migration: Migration) -> list[str]:
    """Running again changes nothing."""
    before = len(migration.target.requests)
    ending = migration.live()
    written = writes_since(migration.target, before)
    return [
        *([f"a further run stopped: {ending.error}"] if not ending.is_through else []),
        *([f"a further run wrote: {', '.join(written)}"] if written else []),
    ]


def _complaints_of_staging(migration: Migration) -> list[str]:
    failed = migration.ask("SELECT * FROM failed_item")
    differing = migration.ask("SELECT * FROM difference")
    open_links = migration.ask("SELECT * FROM deferred_link WHERE state IN ('pending', 'failed')")
    in_flight = migration.ask("SELECT * FROM import_batch WHERE state <> 'settled'")
    unverified = migration.ask("SELECT * FROM id_map WHERE verified_at IS NULL")
    return [
        *(f"failed: {row}" for row in failed),
        *(f"verify found: {row}" for row in differing),
        *(f"open link: {row}" for row in open_links),
        *(f"in flight: {row}" for row in in_flight),
        *(f"not verified: {row}" for row in unverified),
    ]


def _complaints_of_target(migration: Migration) -> list[str]:
    swallowed: list[SilentLoss] = [
        loss for loss in migration.target.losses if loss.kind not in _SPOKEN_OF
    ]
    gone = [
        pair
        for pair in migration.ask("SELECT target_entity_type_id AS etid, target_id FROM id_map")
        if not migration.target.exists(pair["etid"], pair["target_id"])
    ]
    return [
        *(f"swallowed by the portal: {loss.as_dict()}" for loss in swallowed),
        *(f"the ID map names an item that is not there: {pair}" for pair in gone),
    ]
