"""A portal's structure, read from what is staged of it."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.domain.fields import FieldSet
from migrator.domain.records import StructureElement
from migrator.domain.structure import ElementKind, build_structure
from migrator.domain.vocabulary import CONTACT, DEAL, LEAD
from tests.fakes.builders import (
    SPA,
    a_category,
    a_deal,
    a_field,
    a_list_value,
    a_status,
    a_structure,
    a_type,
    a_user_field,
)


def an_element(
    kind: ElementKind, key: str, payload: Any = None, scope: str = "", name: str = ""
) -> StructureElement:
    return StructureElement(kind=kind, scope=scope, key=key, name=name, payload=payload or {})


def test_the_rows_may_come_in_any_order() -> None:
    rows = [
        an_element(ElementKind.ENTITY_TYPE, "1302", {"id": 5}, name="Projects"),
        an_element(ElementKind.FIELD, "UF_CRM_5_SIZE", {"type": "integer"}, scope="1302"),
        an_element(ElementKind.CATEGORY, "9", {"isDefault": "Y"}, scope="1302", name="Main"),
        an_element(ElementKind.STATUS, "DT1302_9:NEW", scope="DYNAMIC_1302_STAGE_9", name="New"),
    ]

    structure = build_structure(rows)

    assert build_structure(reversed(rows)) == structure
    assert structure.entity_types[SPA].user_field_prefix == "UF_CRM_5_"
    assert structure.categories[SPA][9].is_default
    assert structure.stage(SPA, 9, "DT1302_9:NEW") == a_status("DT1302_9:NEW", "New")


def test_the_user_field_configuration_supplies_what_the_field_list_leaves_out() -> None:
    rows = [
        an_element(ElementKind.ENTITY_TYPE, "2", name="Deal"),
        an_element(
            ElementKind.FIELD,
            "UF_CRM_COLOUR",
            {"type": "enumeration", "isDynamic": True, "items": [{"ID": "79", "VALUE": "Red"}]},
            scope="2",
        ),
        an_element(
            ElementKind.USER_FIELD,
            "UF_CRM_COLOUR",
            {"xmlId": "COLOUR", "enum": [{"id": "79", "value": "Red", "xmlId": "R"}]},
            scope="CRM_DEAL",
        ),
    ]

    colour = build_structure(rows).fields[DEAL].by_name["UF_CRM_COLOUR"]

    assert colour.xml_id == "COLOUR"
    assert colour.enum == (a_list_value(79, "Red", "R"),)


def test_without_the_configuration_the_field_list_has_to_do() -> None:
    rows = [
        an_element(ElementKind.ENTITY_TYPE, "2", name="Deal"),
        an_element(
            ElementKind.FIELD,
            "UF_CRM_COLOUR",
            {"type": "enumeration", "items": [{"ID": "79", "VALUE": "Red"}]},
            scope="2",
        ),
    ]

    assert build_structure(rows).fields[DEAL].by_name["UF_CRM_COLOUR"].enum == (
        a_list_value(79, "Red"),
    )


def test_a_parent_field_names_the_entity_type_in_its_settings() -> None:
    meta = {"type": "crm_entity", "settings": {"parentEntityTypeId": 1302}}
    rows = [
        an_element(ElementKind.ENTITY_TYPE, "2", name="Deal"),
        an_element(ElementKind.FIELD, "parentId1302", meta, scope="2"),
    ]

    assert build_structure(rows).fields[DEAL].by_name["parentId1302"].refers_to == SPA


def test_a_type_that_may_not_be_read_is_kept_apart() -> None:
    rows = [
        an_element(ElementKind.ENTITY_TYPE, "2", name="Deal"),
        an_element(ElementKind.ENTITY_TYPE, "1302", {"refused": "ACCESS_DENIED"}, name="Secret"),
    ]

    structure = build_structure(rows)

    assert list(structure.entity_types) == [DEAL]
    assert [t.refused for t in structure.refused_types] == ["ACCESS_DENIED"]


@pytest.mark.parametrize(
    ("printed", "is_active"), [(True, True), ("Y", True), (False, False), (None, False)]
)
def test_a_dismissed_user_is_known_as_such(printed: object, is_active: bool) -> None:
    rows = [an_element(ElementKind.USER, "7", {"EMAIL": "a@example.com", "ACTIVE": printed})]

    assert build_structure(rows).users[7].is_active is is_active


def test_a_portal_without_a_profile_has_none() -> None:
    assert build_structure([]).profile is None


def test_a_pipelines_stages_are_found_by_its_own_directory() -> None:
    structure = a_structure(
        a_type(DEAL, categories=[a_category(0, "Sales"), a_category(5, "Repairs")]), a_type(LEAD)
    )

    assert structure.stage_directories(DEAL) == {0: "DEAL_STAGE", 5: "DEAL_STAGE_5"}
    assert structure.stage_directories(LEAD) == {None: "STATUS"}
    assert structure.stage_directories(CONTACT) == {}


@pytest.mark.parametrize("printed", ["UF_CRM_MY_FIELD", "ufCrmMyField"])
def test_a_value_is_found_under_either_name_of_its_user_field(printed: str) -> None:
    fields = FieldSet.of([a_user_field("UF_CRM_MY_FIELD")])

    assert fields.value({"id": 1, printed: "x"}, "UF_CRM_MY_FIELD") == "x"


def test_a_value_the_portal_left_out_is_null() -> None:
    fields = FieldSet.of([a_field("comments")])

    assert fields.value(a_deal(), "comments") is None
    assert fields.value(a_deal(), "neverHeardOf") is None
