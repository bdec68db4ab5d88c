"""What a comparison of two portals' structure says of each part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from migrator.domain.mapping import PairKey, PairKind
from migrator.domain.records import CreationState, StructureCreation
from migrator.plan.structure.lines import Line, LineState
from migrator.plan.structure.parts import PartKind
from migrator.plan.structure.phases import PHASES
from tests.unit.plan.structure.elements import PortalElements, situation

if TYPE_CHECKING:
    from migrator.plan.structure.phases import Situation


def a_portal() -> PortalElements:
    return PortalElements()


def line(now: Situation, kind: PartKind, name: str) -> Line:
    """The one line about a part of the source."""
    known = (one for one in now.diff.lines if one.key is not None)
    found = [one for one in known if one.kind is kind and one.name == name]
    assert len(found) == 1, found
    return found[0]


def test_a_portal_is_the_same_as_itself() -> None:
    portal = a_portal().smart_process(1302, 12, "Project").user_field("UF_CRM_NOTE").currency("EUR")

    now = situation(portal, portal)

    assert now.diff.is_same
    assert {one.state for one in now.diff.lines} == {LineState.SAME}


def test_what_the_target_lacks_is_missing_with_all_that_belongs_to_it() -> None:
    source = a_portal().smart_process(1302, 12, "Project")
    source.category(1302, 21, "Build", default=True, stages=["NEW", "OK:S"])
    source.user_field("UF_CRM_12_NOTE", entity_type=1302, owner="CRM_12", label="Note")

    now = situation(source, a_portal())

    missing = [(one.kind.value, one.name) for one in now.diff.missing]
    assert missing == [
        ("entity_type", "Project"),
        ("category", "Build"),
        ("stage", "New"),
        ("stage", "Ok"),
        ("field", "Note"),
    ]
    assert not now.diff.is_same


def test_the_same_part_under_another_identifier_is_paired() -> None:
    source = a_portal().category(2, 5, "Retail").smart_process(1302, 12, "Project")
    target = a_portal().category(2, 9, "Retail").smart_process(1046, 3, "Project")

    now = situation(source, target)

    assert line(now, PartKind.CATEGORY, "Retail").state is LineState.PAIRED
    assert line(now, PartKind.ENTITY_TYPE, "Project").state is LineState.PAIRED
    assert now.diff.is_same


def test_user_fields_of_a_smart_process_are_the_same_although_their_prefix_differs() -> None:
    source = a_portal().smart_process(1302, 12, "Project")
    source.user_field("UF_CRM_12_NOTE", entity_type=1302, owner="CRM_12")
    target = a_portal().smart_process(1046, 3, "Project")
    target.user_field("UF_CRM_3_NOTE", entity_type=1046, owner="CRM_3")

    now = situation(source, target)

    assert line(now, PartKind.FIELD, "UF_CRM_12_NOTE").state is LineState.SAME


def test_a_pair_that_looks_different_is_no_difference_but_says_in_what() -> None:
    source = a_portal().status("SOURCE", "FAIR", "Fair", sort=10, colour="#FF0000")
    target = a_portal().status("SOURCE", "FAIR", "Fair", sort=40, colour="#ff0000")

    now = situation(source, target)

    assert line(now, PartKind.STATUS, "Fair").details == ("order '10', in the target '40'",)
    assert [one.name for one in now.diff.differing] == ["Fair"]
    assert now.diff.is_same


def test_labels_are_compared_in_every_language_of_the_source() -> None:
    labels = {"en": "Note", "de": "Notiz"}
    source = a_portal().user_field("UF_CRM_NOTE", editFormLabel=labels)
    target = a_portal().user_field("UF_CRM_NOTE", editFormLabel={"en": "Note", "fr": "Avis"})

    now = situation(source, target)

    told = line(now, PartKind.FIELD, "UF_CRM_NOTE").details
    assert told == ("label (de) 'Notiz', in the target none",)


def test_settings_that_name_a_smart_process_are_compared_by_what_they_mean() -> None:
    def linked(number: int, type_id: int) -> PortalElements:
        settings = {"DEAL": "Y", f"DYNAMIC_{number}": "Y"}
        portal = a_portal().smart_process(number, type_id, "Project")
        return portal.user_field("UF_CRM_LINK", "crm", settings=settings)

    now = situation(linked(1302, 12), linked(1046, 3))

    assert line(now, PartKind.FIELD, "UF_CRM_LINK").details == ()


@pytest.mark.parametrize(
    ("there", "what"),
    [
        ({"kind": "integer"}, "has the same code but the type integer, not string"),
        ({"multiple": "Y"}, "has the same code but is multiple, not single"),
    ],
)
def test_the_same_code_with_another_type_is_a_conflict(there: dict[str, str], what: str) -> None:
    source = a_portal().user_field("UF_CRM_NOTE")
    target = a_portal().user_field("UF_CRM_NOTE", **there)  # type: ignore[arg-type]  # mixed

    conflict = line(situation(source, target), PartKind.FIELD, "UF_CRM_NOTE")

    assert conflict.state is LineState.CONFLICTING
    assert conflict.conflict is not None
    assert what in conflict.conflict
    assert conflict.choices is not None
    assert "fields: 2: UF_CRM_NOTE" in conflict.choices
    assert "drop" in conflict.choices


def test_the_same_label_with_another_type_is_a_conflict() -> None:
    source = a_portal().user_field("UF_CRM_1", label="Budget")
    target = a_portal().user_field("UF_CRM_2", "money", label="budget")

    conflict = line(situation(source, target), PartKind.FIELD, "Budget")

    assert conflict.conflict is not None
    assert "has the same label but the type money" in conflict.conflict


def test_a_target_field_that_stands_for_another_one_is_in_nobodys_way() -> None:
    source = a_portal().user_field("UF_CRM_1", label="Note").user_field("UF_CRM_2", "date")
    source.user_field("UF_CRM_3", "integer", label="Note")
    target = a_portal().user_field("UF_CRM_1", label="Note")

    now = situation(source, target)

    states = {one.key: one.state for one in now.diff.lines if one.kind is PartKind.FIELD}
    assert states["UF_CRM_3"] is LineState.MISSING


def test_a_stage_of_the_same_name_with_another_meaning_is_a_conflict() -> None:
    source = a_portal().status("DEAL_STAGE", "UC_1", "Stopped", semantics="F", sort=50)
    target = a_portal().status("DEAL_STAGE", "UC_2", "Stopped", sort=5)

    conflict = line(situation(source, target), PartKind.STAGE, "Stopped")

    assert conflict.conflict == "'Stopped' means in progress in the target, failure in the source"


def test_a_second_successful_stage_is_a_conflict() -> None:
    source, target = PortalElements(), PortalElements()
    source.category(2, 5, "Retail", stages=["OPEN", "PAID1:S"])
    target.category(2, 7, "Retail", stages=["OPEN", "BOUGHT1:S"])

    conflict = line(situation(source, target), PartKind.STAGE, "Paid1")

    assert conflict.conflict == "a pipeline has one successful stage, here 'Bought1'"
    assert "drop" not in (conflict.choices or "")


def test_two_pipelines_that_fit_equally_well_are_a_conflict() -> None:
    source = a_portal().category(2, 5, "Retail")
    target = a_portal().category(2, 7, "Retail").category(2, 8, "Retail")

    conflict = line(situation(source, target), PartKind.CATEGORY, "Retail")

    assert conflict.conflict is not None
    assert "more than one would fit" in conflict.conflict


def test_a_smart_process_the_target_hides_is_not_made_a_second_time() -> None:
    source = a_portal().smart_process(1302, 12, "Project")
    target = a_portal().smart_process(1040, 3, "project", refused="ACCESS_DENIED")

    conflict = line(situation(source, target), PartKind.ENTITY_TYPE, "Project")

    assert conflict.conflict is not None
    assert "refuses to show it (ACCESS_DENIED)" in conflict.conflict


def test_two_pipelines_of_one_name_that_the_target_lacks_are_both_missing() -> None:
    source = a_portal().category(2, 5, "Retail").category(2, 6, "Retail")

    now = situation(source, a_portal())

    assert [one.key for one in now.diff.missing] == ["5", "6"]


def test_what_the_mapping_file_drops_is_not_missing() -> None:
    source = a_portal().user_field("UF_CRM_NOTE").smart_process(1302, 12, "Project")
    overrides: dict[PairKey, str | None] = {
        PairKey(PairKind.FIELD, "2", "UF_CRM_NOTE"): None,
        PairKey(PairKind.ENTITY_TYPE, "", "1302"): None,
    }

    now = situation(source, a_portal(), overrides=overrides)

    assert now.diff.is_same
    assert line(now, PartKind.FIELD, "UF_CRM_NOTE").state is LineState.DROPPED


def test_what_only_the_target_has_is_listed_and_no_difference() -> None:
    target = a_portal().category(2, 7, "Theirs", stages=["NEW"]).user_field("UF_CRM_OWN")
    target.smart_process(1046, 3, "Their process").currency("CHF")

    now = situation(a_portal(), target)

    only = [(one.kind.value, one.name) for one in now.diff.of(LineState.ONLY_IN_TARGET)]
    assert only == [
        ("entity_type", "Their process"),
        ("category", "Theirs"),
        ("field", "UF_CRM_OWN"),
        ("currency", "CHF"),
    ]
    assert now.diff.is_same


def test_the_fields_that_migrations_leave_behind_are_no_difference() -> None:
    source = a_portal().user_field("UF_CRM_MIGRATOR_SOURCE")

    assert situation(source, a_portal()).diff.is_same
    assert situation(a_portal(), source).diff.of(LineState.ONLY_IN_TARGET) == []


def test_a_relation_that_the_target_lacks_is_missing() -> None:
    source = a_portal().smart_process(1302, 12, "Project", parents=(2,))
    target = a_portal().smart_process(1046, 3, "Project")

    now = situation(source, target)

    assert line(now, PartKind.RELATION, "Deal > Project").state is LineState.MISSING


def test_a_value_that_a_list_of_the_target_lacks_is_missing() -> None:
    source = a_portal().user_field("UF_CRM_TONE", "enumeration", values=("low", "high"))
    target = a_portal().user_field("UF_CRM_TONE", "enumeration", values=("low",))

    now = situation(source, target)

    assert [(one.kind, one.name) for one in now.diff.missing] == [(PartKind.ENUMERATION, "high")]


def test_what_was_created_for_a_part_is_its_partner_whatever_it_is_called_now() -> None:
    source = a_portal().category(2, 5, "Retail")
    target = a_portal().category(2, 7, "Renamed").category(2, 8, "Retail")
    made = StructureCreation(
        kind="category",
        scope="2",
        source_key="5",
        name="Retail",
        method="crm.category.add",
        params={},
        target_scope="2",
        target_key="7",
        state=CreationState.CREATED,
    )

    paired = line(situation(source, target, creations=(made,)), PartKind.CATEGORY, "Retail")

    assert (paired.target_key, paired.state) == ("7", LineState.PAIRED)


def test_a_pipeline_of_the_portals_own_is_missing_and_is_not_created() -> None:
    source = a_portal().category(2, 5, "Suppliers", portals_own=True)

    now = situation(source, a_portal())

    assert "switch the feature on" in line(now, PartKind.CATEGORY, "Suppliers").details[0]
    assert all(phase(now) == [] for phase in PHASES)


def test_a_system_type_the_target_lacks_is_missing_and_is_not_created() -> None:
    source = a_portal().smart_process(7, 0, "Quote")
    source.user_field("UF_CRM_NOTE", entity_type=7, owner="CRM_QUOTE", label="Note")

    now = situation(source, a_portal())

    assert "switch it on in the target" in line(now, PartKind.ENTITY_TYPE, "Quote").details[0]
    assert line(now, PartKind.FIELD, "Note").state is LineState.MISSING
    assert all(phase(now) == [] for phase in PHASES)


def test_a_system_type_the_target_refuses_to_show_is_no_conflict() -> None:
    source = a_portal().smart_process(7, 0, "Quote")
    target = a_portal().smart_process(7, 0, "Quote", refused="ENTITY_TYPE_NOT_SUPPORTED")

    now = situation(source, target)

    assert line(now, PartKind.ENTITY_TYPE, "Quote").state is LineState.MISSING


def test_a_system_type_that_is_left_out_is_not_missing() -> None:
    source = a_portal().smart_process(7, 0, "Quote")
    left_out: dict[PairKey, str | None] = {PairKey(PairKind.ENTITY_TYPE, "", "7"): None}

    assert situation(source, a_portal(), overrides=left_out).diff.is_same
