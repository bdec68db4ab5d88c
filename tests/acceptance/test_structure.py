"""A target that has nothing of the source's structure, by the command line."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.findings import Effect, FindingKind, Phase, Severity
from migrator.export.profile import PortalNotUsable
from migrator.structure.stage import StructureConflicts, StructureNotReadable
from tests.acceptance.in_process import opened
from tests.acceptance.structured_portal import (
    empty_target,
    small_structure,
    structured_portal,
    target_of_small_structure,
)
from tests.torture.structure_lines import structure_lines

if TYPE_CHECKING:
    from migrator.sandbox import Portal
    from tests.acceptance.conftest import MakePair, Pair


def small_pair(portals: MakePair, **target: Any) -> Pair:
    seed = small_structure()
    return portals(seed, target={**target_of_small_structure(seed), **target})


def test_everything_agrees_in_a_target_that_had_nothing_of_the_structure(
    portals: MakePair,
) -> None:
    seed = structured_portal()
    pair = portals(seed, target=empty_target(seed))

    outcome = pair.migrator("run", "--with-structure", "--yes", "--json")

    assert outcome.code == 0, outcome.err
    for row in outcome.json["progress"]:
        assert row["verified"] == row["source"] > 0, row
    brought = outcome.json["structure"]
    assert len(brought["created"]) > 0 == brought["missing"]
    compared = pair.migrator("structure", "diff", "--json")
    assert compared.code == 0
    assert compared.json["same"]
    states = {line["state"] for line in compared.json["lines"]}
    assert states == {"same", "paired", "only-in-target"}
    fields = [line for line in compared.json["lines"] if line["kind"] == "field"]
    assert [line["details"] for line in fields if line["details"]] == []
    assert _brought(pair.source) == _brought(pair.target)


def _brought(portal: Portal) -> list[str]:
    """Types, relations, fields, and the stages of the pipelines the target did not have.

    A stage that may not be deleted keeps its code under the name of the source's.
    """
    ours = ("type", "user field", "status Project", "status Job", "status Deal: Retail")
    lines = (line for line in structure_lines(portal) if "MIGRATOR_SOURCE" not in line)
    return sorted(
        re.sub(r"^(status .*): \S+ ", r"\1: ", one) for one in lines if one.startswith(ours)
    )


def test_a_second_apply_sends_nothing_that_writes(portals: MakePair) -> None:
    pair = small_pair(portals)
    with opened(pair) as app:
        app.apply_structure()
    written = pair.writes()

    with opened(pair) as app:
        result = app.apply_structure()

    assert result.is_complete
    assert result.steps == ()
    assert pair.writes() == written


def test_what_the_target_has_is_neither_changed_nor_removed(portals: MakePair) -> None:
    pair = small_pair(portals)
    before = structure_lines(pair.target)

    with opened(pair) as app:
        app.apply_structure()

    size = "user field Deal: UF_CRM_SIZE enumeration"
    gone = [line for line in before if line not in structure_lines(pair.target)]
    assert gone == [f"{size} ['S']"]
    assert f"{size} ['M', 'S']" in structure_lines(pair.target)


def test_every_creation_is_on_record_with_both_identifiers(portals: MakePair) -> None:
    pair = small_pair(portals)

    with opened(pair) as app:
        app.apply_structure()
        with app.workspace.read() as repositories:
            made = repositories.creations.load()

    assert {one.state.value for one in made} == {"created", "removed"}
    assert all(one.target_key and one.settled_at for one in made)
    found = {(one.kind, one.source_key): one.target_key for one in made}
    number = found["entity_type", "1302"] or 0
    assert found["field", "UF_CRM_12_NOTE"] == "UF_CRM_1_NOTE"
    assert found["category", "22"] in {str(c["id"]) for c in pair.target.categories.of(int(number))}


def test_a_dry_run_prints_the_calls_and_sends_none_of_them(portals: MakePair) -> None:
    pair = small_pair(portals)

    foreseen = pair.migrator("structure", "apply", "--dry-run", "--json")
    sent = pair.writes()
    with opened(pair) as app:
        app.apply_structure()

    assert foreseen.code == 0
    assert sent == []
    assert [call["method"] for call in foreseen.json["calls"]] == pair.writes()


def test_without_a_yes_and_without_a_terminal_nothing_is_written(portals: MakePair) -> None:
    pair = small_pair(portals)

    outcome = pair.migrator("run", "--with-structure")

    assert outcome.code == 2
    assert "error: not-confirmed" in outcome.err
    assert "--yes" in outcome.err
    assert pair.writes() == []


def test_a_conflict_stops_everything_before_the_first_call(portals: MakePair) -> None:
    seed = small_structure()
    target = target_of_small_structure(seed)
    target["userFields"].append({**seed["userFields"][0], "userTypeId": "string", "enum": []})
    pair = portals(seed, target=target)

    with opened(pair) as app:
        with pytest.raises(StructureConflicts) as stopped:
            app.apply_structure()
        with app.workspace.read() as repositories:
            findings = repositories.findings.list(phase=Phase.STRUCTURE)

    assert "the type string, not enumeration" in stopped.value.message
    assert "fields: 2: UF_CRM_TONE" in (stopped.value.hint or "")
    assert pair.writes() == []
    assert [(one.kind, one.severity, one.field) for one in findings] == [
        (FindingKind.STRUCTURE_CONFLICT, Severity.BLOCKING, "UF_CRM_TONE")
    ]


def test_the_difference_is_shown_with_what_can_be_done_about_it(portals: MakePair) -> None:
    seed = small_structure()
    target = target_of_small_structure(seed)
    target["userFields"].append({**seed["userFields"][0], "userTypeId": "string", "enum": []})
    pair = portals(seed, target=target)

    outcome = pair.migrator("structure", "diff")

    assert outcome.code == 1
    assert "Project (1302)" in outcome.out
    assert "missing" in outcome.out
    assert "conflicting" in outcome.out


def test_a_refused_creation_is_reported_and_stops_no_other(portals: MakePair) -> None:
    seed = small_structure()
    seed["statuses"].append({**seed["statuses"][-1], "ENTITY_ID": "OF_AN_APP", "NAME": "App's own"})
    pair = portals(seed, target=target_of_small_structure(seed))

    with opened(pair) as app:
        result = app.apply_structure()

    assert [(one.step.scope, one.reason) for one in result.refused] == [
        ("OF_AN_APP", "Specified entity type is not supported.")
    ]
    assert [(one.kind, one.effect, one.value) for one in result.findings] == [
        (FindingKind.STRUCTURE_REFUSED, Effect.LOST, "UC_FAIR")
    ]
    assert not result.is_complete
    assert "status SOURCE: UC_FAIR Fair, None" in structure_lines(pair.target)
    assert "user field Deal: UF_CRM_TONE enumeration ['low']" in structure_lines(pair.target)


def test_a_webhook_without_the_scope_for_user_fields_is_refused_before_anything_is_written(
    portals: MakePair,
) -> None:
    webhook = {"user_id": 1, "secret": "targetsecret0001", "scopes": ["crm", "user"]}
    pair = small_pair(portals, portal={"host": "new.bitrix24.test", "webhooks": [webhook]})

    with opened(pair) as app, pytest.raises(StructureNotReadable, match="userfieldconfig"):
        app.apply_structure()

    assert pair.writes() == []


def test_a_webhook_of_somebody_without_rights_is_refused_before_anything_is_written(
    portals: MakePair,
) -> None:
    people = copy.deepcopy(small_structure()["users"])
    people[0]["ADMIN"] = False
    pair = small_pair(portals, users=people)

    with opened(pair) as app, pytest.raises(PortalNotUsable):
        app.apply_structure()

    assert pair.writes() == []
