"""Which requests bring along what is missing, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.findings import FindingKind
from migrator.domain.records import CreationState, StructureCreation
from migrator.plan.pairing import Pairing
from migrator.plan.structure.fields import LONGEST_FIELD_NAME
from migrator.plan.structure.parts import Parts
from migrator.plan.structure.phases import (
    PHASES,
    Situation,
    created_pairs,
    currency_losses,
    setting_losses,
)
from migrator.plan.structure.pipelines import default_category_steps
from migrator.plan.structure.prediction import Prediction
from tests.unit.plan.structure.elements import PortalElements, situation

if TYPE_CHECKING:
    from collections.abc import Iterator

DEAL_STAGES = [
    "NEW",
    "PREPARATION",
    "PREPAYMENT_INVOICE",
    "EXECUTING",
    "FINAL_INVOICE",
    "WON:S",
    "LOSE:F",
    "APOLOGY:F",
]
SYSTEM = ("NEW", "WON", "LOSE")


def a_portal() -> PortalElements:
    return PortalElements()


def steps(source: PortalElements, target: PortalElements) -> list[StructureCreation]:
    """All steps of all phases, each phase taken in thought before the next is asked."""
    return list(_steps(situation(source, target)))


def _steps(now: Situation) -> Iterator[StructureCreation]:
    prediction = Prediction(now.target.elements)
    creations = list(now.creations)
    for phase in PHASES:
        for batch in phase(now):
            creations += [prediction.take(step) for step in batch]
            yield from creations[-len(batch) :]
        target = Parts(prediction.elements)
        pairing = Pairing(
            now.source.structure, target.structure, {}, created=created_pairs(creations)
        )
        now = Situation(now.source, target, pairing.pairs(), creations)


def calls(source: PortalElements, target: PortalElements) -> list[tuple[str, dict[str, Any]]]:
    return [(one.method, dict(one.params)) for one in steps(source, target)]


def test_where_nothing_is_missing_there_is_nothing_to_do() -> None:
    portal = a_portal().smart_process(1302, 12, "Project", parents=(2,)).currency("EUR")

    assert steps(portal, portal) == []


def test_smart_processes_come_with_their_settings_and_relations_once_all_exist() -> None:
    source = a_portal()
    source.smart_process(1302, 12, "Project", parents=(177,), isStagesEnabled="Y")
    source.smart_process(177, 19, "Job", parents=(1302, 2), isClientEnabled="N")

    made = calls(source, a_portal())

    kinds = [method for method, _ in made if method.startswith("crm.type")]
    assert kinds == ["crm.type.add", "crm.type.add", "crm.type.update", "crm.type.update"]
    assert made[0] == ("crm.type.add", {"fields": {"title": "Project", "isStagesEnabled": "Y"}})
    project, job = 1030, 1032
    relations = [params["fields"]["relations"] for method, params in made if "update" in method]
    listed = {"isChildrenListEnabled": "true"}
    assert relations == [
        {
            "parent": [{"entityTypeId": job, **listed}],
            "child": [{"entityTypeId": job, **listed}],
        },
        {
            "parent": [{"entityTypeId": project, **listed}, {"entityTypeId": 2, **listed}],
            "child": [{"entityTypeId": project, **listed}],
        },
    ]


def test_a_relation_is_added_to_those_that_are_there() -> None:
    source = a_portal().smart_process(1302, 12, "Project", parents=(2, 3))
    target = a_portal().smart_process(1302, 12, "Project", parents=(2, 4))

    ((method, params),) = calls(source, target)

    parents = [row["entityTypeId"] for row in params["fields"]["relations"]["parent"]]
    assert (method, parents) == ("crm.type.update", [2, 4, 3])


def test_the_pipeline_a_smart_process_is_born_with_becomes_its_default_one() -> None:
    source = a_portal().smart_process(1302, 12, "Project")
    # Alike in name to the pipeline the portal makes: names must not decide here.
    source.category(1302, 21, "Project").category(1302, 22, "Build", default=True)

    made = [one for one in steps(source, a_portal()) if one.kind == "category"]

    assert [(one.method, one.source_key, one.name) for one in made] == [
        ("crm.category.update", "22", "Build"),
        ("crm.category.add", "21", "Project"),
    ]


def test_the_stages_of_a_new_pipeline_take_the_place_of_those_it_was_born_with() -> None:
    source = a_portal().category(
        2, 5, "Retail", stages=["NEW", "UC_TALK", "UC_PAID:S", "UC_GONE:F"]
    )

    made = [one for one in steps(source, a_portal()) if one.kind != "category"]

    assert [(one.method, one.source_key, one.target_key) for one in made] == [
        ("crm.status.update", "C5:UC_PAID", "C1:WON"),
        ("crm.status.update", "C5:NEW", "C1:NEW"),
        ("crm.status.add", "C5:UC_TALK", "C1:UC_TALK"),
        ("crm.status.update", "C5:UC_GONE", "C1:LOSE"),
        ("crm.status.delete", "C1:PREPARATION", "C1:PREPARATION"),
        ("crm.status.delete", "C1:PREPAYMENT_INVOICE", "C1:PREPAYMENT_INVOICE"),
        ("crm.status.delete", "C1:EXECUTING", "C1:EXECUTING"),
        ("crm.status.delete", "C1:FINAL_INVOICE", "C1:FINAL_INVOICE"),
        ("crm.status.delete", "C1:APOLOGY", "C1:APOLOGY"),
    ]


def test_the_code_of_a_stage_gets_the_characters_that_deals_allow() -> None:
    source = a_portal().category(2, 5, "Retail", stages=["NEW", "A (1)", "WON:S", "LOSE:F"])

    added = [one for one in steps(source, a_portal()) if one.method == "crm.status.add"]

    assert [one.params["fields"]["STATUS_ID"] for one in added] == ["C1:A__1_"]


@pytest.mark.parametrize("entity_type", [2, 1302])
def test_a_stage_that_is_added_names_its_pipeline(entity_type: int) -> None:
    source = a_portal().smart_process(1302, 12, "Project")
    target = a_portal().smart_process(1302, 12, "Project")
    source.category(entity_type, 5, "Retail", stages=["NEW", "UC_TALK", "WON:S", "LOSE:F"])

    added = [one for one in steps(source, target) if one.method == "crm.status.add"]

    assert [one.params["fields"]["CATEGORY_ID"] for one in added] == [1]


def test_a_stage_gives_up_its_place_where_one_that_cannot_go_needs_it() -> None:
    """The only open stage has the code of one that may go; the first one must stay and be used."""
    source = a_portal().category(2, 5, "Retail", stages=["PREPARATION", "WON:S", "LOSE:F"])

    made = [one for one in steps(source, a_portal()) if one.kind == "stage"]

    assert ("C5:PREPARATION", "C1:NEW") in [(one.source_key, one.target_key) for one in made]
    assert all(one.method == "crm.status.update" for one in made)


def test_stages_whose_order_would_be_refused_are_numbered_anew() -> None:
    source = a_portal().category(2, 5, "Retail", stages=["WON:S", "NEW", "LOSE:F"])

    made = [one for one in steps(source, a_portal()) if one.kind == "stage"]

    order = {one.source_key: one.params["fields"]["SORT"] for one in made}
    assert order == {"C5:NEW": 10, "C5:WON": 20, "C5:LOSE": 30}


def test_a_stage_for_a_pipeline_of_the_target_is_put_where_it_moves_nothing() -> None:
    source = a_portal().status("DEAL_STAGE", "UC_1", "Waiting", sort=500)
    source.status("DEAL_STAGE", "UC_2", "Never", semantics="F", sort=1)

    made = {one.name: one.params["fields"] for one in steps(source, a_portal())}

    assert made["Waiting"]["SORT"] == 19
    assert made["Never"] == {
        "ENTITY_ID": "DEAL_STAGE",
        "STATUS_ID": "UC_2",
        "NAME": "Never",
        "SORT": 21,
        "SEMANTICS": "F",
    }


def test_a_code_that_is_taken_in_the_target_is_not_used_again() -> None:
    source = a_portal().status("SOURCE", "1", "Fair").status("SOURCE", "2", "Call")
    target = a_portal().status("SOURCE", "1", "Call")

    (made,) = steps(source, target)

    assert made.name == "Fair"
    assert made.target_key != "1"
    assert made.target_key == made.params["fields"]["STATUS_ID"]


@pytest.mark.parametrize(("directory", "longest"), [("DEAL_STAGE", 22), ("SOURCE", 50)])
def test_a_code_is_as_long_as_its_directory_permits(directory: str, longest: int) -> None:
    source = a_portal()
    for number in (1, 2):
        source.status(directory, "A" * 60 + str(number), f"Name {number}", sort=11)

    codes = [one.params["fields"]["STATUS_ID"] for one in steps(source, a_portal())]

    assert [len(code) for code in codes] == [longest, longest]
    assert len(set(codes)) == 2


def test_the_field_of_a_system_type_is_created_with_labels_and_values_in_order() -> None:
    labels = {"en": "Tone", "de": "Ton"}
    source = a_portal().user_field(
        "UF_CRM_TONE", "enumeration", editFormLabel=labels, multiple="Y", mandatory="Y", sort="70"
    )
    field = source.parts().user_field(2, "UF_CRM_TONE")
    values = [
        {"id": "9", "value": "high", "sort": "20", "def": "Y", "xmlId": "h"},
        {"id": "3", "value": "low", "sort": "10", "def": "N", "xmlId": "l"},
    ]
    field["enum"].extend(values)

    ((method, params),) = calls(source, a_portal())

    assert method == "crm.deal.userfield.add"
    assert params["fields"] == {
        "FIELD_NAME": "UF_CRM_TONE",
        "USER_TYPE_ID": "enumeration",
        "SORT": "70",
        "MULTIPLE": "Y",
        "MANDATORY": "Y",
        "EDIT_FORM_LABEL": labels,
        "LIST": [
            {"VALUE": "low", "DEF": "N", "SORT": "10", "XML_ID": "l"},
            {"VALUE": "high", "DEF": "Y", "SORT": "20", "XML_ID": "h"},
        ],
    }


def test_the_field_of_a_smart_process_carries_the_number_it_has_in_the_target() -> None:
    source = a_portal().smart_process(1302, 12, "Project")
    source.user_field("UF_CRM_12_NOTE", entity_type=1302, owner="CRM_12", label="Note")

    method, params = calls(source, a_portal())[-1]

    assert method == "userfieldconfig.add"
    field = params["field"]
    assert (field["entityId"], field["fieldName"]) == ("CRM_1", "UF_CRM_1_NOTE")


def test_the_field_of_an_invoice_carries_its_owner_as_the_method_demands() -> None:
    source = a_portal().invoices()
    for name in ("UF_CRM_SMART_INVOICE_NOTE", "UF_CRM_OLD"):
        source.user_field(name, entity_type=31, owner="CRM_SMART_INVOICE", label=name)

    fields = [params["field"] for _, params in calls(source, a_portal().invoices())]

    assert [one["entityId"] for one in fields] == ["CRM_SMART_INVOICE"] * 2
    names = sorted(one["fieldName"] for one in fields)
    assert names == ["UF_CRM_SMART_INVOICE_NOTE", "UF_CRM_SMART_INVOICE_OLD"]


def test_names_too_long_for_the_targets_prefix_are_shortened_and_stay_unique() -> None:
    code = "X" * 41
    source = a_portal().smart_process(1302, 1, "Project")
    for letter in "AB":
        name = f"UF_CRM_1_{code[:-1]}{letter}"
        source.user_field(name, entity_type=1302, owner="CRM_1")
    target = a_portal().smart_process(1046, 12345, "Project")

    names = [params["field"]["fieldName"] for _, params in calls(source, target)]

    assert len(set(names)) == 2
    assert all(len(name) <= LONGEST_FIELD_NAME for name in names)
    assert all(name.startswith("UF_CRM_12345_X") for name in names)


def test_settings_name_the_smart_processes_and_directories_of_the_target() -> None:
    source = a_portal().smart_process(1302, 12, "Project").category(2, 5, "Retail", stages=["NEW"])
    source.user_field("UF_CRM_LINK", "crm", settings={"DEAL": "Y", "DYNAMIC_1302": "Y"})
    source.user_field("UF_CRM_STEP", "crm_status", settings={"ENTITY_TYPE": "DEAL_STAGE_5"})
    target = a_portal().smart_process(1046, 3, "Project").category(2, 9, "Retail", stages=["NEW"])

    made = {p["fields"]["FIELD_NAME"]: p["fields"]["SETTINGS"] for _, p in calls(source, target)}

    assert made == {
        "UF_CRM_LINK": {"DEAL": "Y", "DYNAMIC_1046": "Y"},
        "UF_CRM_STEP": {"ENTITY_TYPE": "DEAL_STAGE_9"},
    }


def test_a_setting_that_names_something_of_the_source_is_left_out_with_a_finding() -> None:
    settings = {"IBLOCK_ID": "17", "DISPLAY": "LIST"}
    source = a_portal().user_field("UF_CRM_GOODS", "iblock_element", settings=settings)

    ((_, params),) = calls(source, a_portal())
    (finding,) = setting_losses(situation(source, a_portal()))

    assert params["fields"]["SETTINGS"] == {"DISPLAY": "LIST"}
    assert (finding.field, finding.value) == ("UF_CRM_GOODS", "IBLOCK_ID")


def test_values_that_a_list_lacks_are_added_beside_those_that_are_there() -> None:
    source = a_portal().user_field("UF_CRM_TONE", "enumeration", values=("low", "mid", "high"))
    target = a_portal().user_field("UF_CRM_TONE", "enumeration", values=("mid",))

    made = steps(source, target)

    assert [one.name for one in made] == ["low", "high"]
    assert made[0].params == made[1].params
    sent = made[0].params["field"]["enum"]
    assert [(row.get("id") is not None, row["value"]) for row in sent] == [
        (True, "mid"),
        (False, "low"),
        (False, "high"),
    ]


def test_a_smart_process_made_anew_gives_its_first_pipeline_to_the_sources_default_again() -> None:
    """The first one was deleted in the target; its number and its pipelines are gone with it."""
    source = a_portal().smart_process(1302, 12, "Project")
    source.category(1302, 21, "Build", default=True)
    target = a_portal().smart_process(1046, 3, "Project")
    target.category(1046, 9, "Common", default=True)
    made = StructureCreation(
        kind="entity_type",
        scope="",
        source_key="1302",
        name="Project",
        method="crm.type.add",
        params={},
        target_key="1046",
        state=CreationState.CREATED,
    )
    renamed = replace(
        made, kind="category", scope="1302", source_key="21", target_scope="1044", target_key="8"
    )

    now = situation(source, target, creations=(made, renamed))

    (step,) = default_category_steps(now.source, now.target, now.creations)
    assert (step.method, step.target_scope, step.target_key) == ("crm.category.update", "1046", "9")


def test_a_value_added_to_a_list_does_not_become_its_default() -> None:
    source = a_portal().user_field("UF_CRM_TONE", "enumeration", values=("low",))
    for row in source.parts().user_field(2, "UF_CRM_TONE")["enum"]:
        row["def"] = "Y"
    target = a_portal().user_field("UF_CRM_TONE", "enumeration", values=("mid",))

    (made,) = steps(source, target)

    assert {row["value"]: row["def"] for row in made.params["field"]["enum"]} == {
        "mid": "N",
        "low": "N",
    }


def test_the_rate_of_a_currency_is_told_in_the_targets_base_currency() -> None:
    source = a_portal().currency("EUR", base="Y").currency("USD", amount="0.8")
    source.currency("CHF", amount="1.2")
    target = a_portal().currency("USD", base="Y")

    made = {
        params["fields"]["CURRENCY"]: params["fields"]["AMOUNT"]
        for _, params in calls(source, target)
    }

    assert made == {"EUR": "1.2500", "CHF": "1.5000"}


def test_a_currency_worth_little_keeps_its_rate_by_counting_more_units() -> None:
    source = a_portal().currency("RUB", base="Y").currency("USD", amount="90")
    source.currency("VND", amount="0.0036")
    target = a_portal().currency("USD", base="Y")

    made = {params["fields"]["CURRENCY"]: params["fields"] for _, params in calls(source, target)}

    assert (made["RUB"]["AMOUNT_CNT"], made["RUB"]["AMOUNT"]) == ("100", "1.1111")
    assert (made["VND"]["AMOUNT_CNT"], made["VND"]["AMOUNT"]) == ("100000", "4.0000")


def test_a_rate_in_a_base_currency_the_target_does_not_have_is_a_finding() -> None:
    source = a_portal().currency("EUR", base="Y").currency("CHF", amount="1.2")
    unknown = situation(source, a_portal().currency("USD", base="Y"))
    known = situation(source, a_portal().currency("EUR", base="Y"))

    found = currency_losses(unknown)

    assert {one.value for one in found} == {"EUR", "CHF"}
    assert all(one.kind is FindingKind.STRUCTURE_SETTING_LOST for one in found)
    assert currency_losses(known) == []


def test_stages_that_were_begun_are_not_replaced_a_second_time() -> None:
    """Whoever works in the target since then may have added stages of their own."""
    source = a_portal().category(2, 5, "Retail", stages=["NEW", "WON:S", "LOSE:F"])
    target = a_portal().category(2, 7, "Retail", stages=DEAL_STAGES, system=SYSTEM)
    category = StructureCreation(
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
    stage = replace(category, kind="stage", scope="DEAL_STAGE_5", source_key="C5:NEW")
    begun = replace(stage, target_scope="DEAL_STAGE_7", target_key="C7:NEW")

    undone = replace(begun, state=CreationState.REMOVED)

    untouched = list(_steps(situation(source, target, creations=(category,))))
    taken = list(_steps(situation(source, target, creations=(category, begun))))
    anew = list(_steps(situation(source, target, creations=(category, undone))))

    assert len([one for one in untouched if one.method == "crm.status.delete"]) == 5
    assert taken == []
    assert anew == untouched
