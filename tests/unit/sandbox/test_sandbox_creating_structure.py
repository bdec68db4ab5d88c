"""What a portal refuses, and passes over, when structure is created."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.sandbox import Portal

SPA = {"id": 12, "entityTypeId": 1302, "title": "Project"}


@pytest.fixture
def portal() -> Portal:
    return Portal.from_seed({"types": [SPA]})


def stage(portal: Portal, code: str, sort: int, semantics: str = "") -> Any:
    fields = {"ENTITY_ID": "DEAL_STAGE", "STATUS_ID": code, "NAME": code, "SORT": sort}
    return portal.call("crm.status.add", {"fields": fields | {"SEMANTICS": semantics}})


def test_a_directory_that_does_not_exist_is_refused(portal: Portal) -> None:
    fields = {"ENTITY_ID": "NONE_SUCH", "STATUS_ID": "A", "NAME": "A"}

    answer = portal.call("crm.status.add", {"fields": fields})

    assert answer["error_description"] == "Specified entity type is not supported."


def test_a_stage_in_progress_behind_the_successful_one_is_refused(portal: Portal) -> None:
    assert "Cannot create more stages" in stage(portal, "LATE", 65)["error_description"]
    assert "result" in stage(portal, "EARLY", 55)


def test_a_failed_stage_before_the_successful_one_is_refused(portal: Portal) -> None:
    assert "sort order" in stage(portal, "GONE", 55, "F")["error_description"]
    assert "result" in stage(portal, "GONE", 75, "F")


def test_codes_of_a_numbered_deal_pipeline_are_cut_with_their_prefix() -> None:
    portal = Portal.from_seed({"categories": [{"id": 10, "entityTypeId": 2, "name": "Tenth"}]})
    fields = {"ENTITY_ID": "DEAL_STAGE_10", "STATUS_ID": "UC_ALL_OF_23_CHARACTERS", "NAME": "A"}

    portal.call("crm.status.add", {"fields": fields})

    codes = {row["STATUS_ID"] for row in portal.statuses.of("DEAL_STAGE_10")}
    assert {"C10:PREPAYMENT_INVOIC", "C10:UC_ALL_OF_23_CHAR"} < codes


def test_y_and_n_do_not_work_in_relations(portal: Portal) -> None:
    ends = [
        {"entityTypeId": 2, "isChildrenListEnabled": "Y"},
        {"entityTypeId": 3, "isChildrenListEnabled": "true"},
    ]

    answer = portal.call("crm.type.update", {"id": 12, "fields": {"relations": {"parent": ends}}})

    parents = answer["result"]["type"]["relations"]["parent"]
    assert [row["isChildrenListEnabled"] for row in parents] == ["N", "Y"]


def test_a_process_is_shown_in_fields_only_where_it_may_be_used_in_them(portal: Portal) -> None:
    linked = {"TASKS_TASK|UF_CRM_TASK": "true"}

    off = portal.call("crm.type.add", {"fields": {"title": "A", "linkedUserFields": linked}})
    on = portal.call(
        "crm.type.add",
        {"fields": {"title": "B", "linkedUserFields": linked, "isUseInUserfieldEnabled": "Y"}},
    )

    shown = [
        one["result"]["type"]["linkedUserFields"]["TASKS_TASK|UF_CRM_TASK"] for one in (off, on)
    ]
    assert shown == ["N", "Y"]


@pytest.mark.parametrize("name", ["X" * 44, "NO-DASH"])
def test_a_name_that_is_too_long_or_of_other_characters_is_refused(
    portal: Portal, name: str
) -> None:
    fields = {"FIELD_NAME": name, "USER_TYPE_ID": "string"}

    assert portal.call("crm.deal.userfield.add", {"fields": fields})["error"] == "ERROR_CORE"


def test_two_values_of_a_list_with_one_xml_id_are_refused(portal: Portal) -> None:
    values = [{"VALUE": text, "XML_ID": "same"} for text in ("a", "b")]
    fields = {"FIELD_NAME": "TONE", "USER_TYPE_ID": "enumeration", "LIST": values}

    answer = portal.call("crm.deal.userfield.add", {"fields": fields})

    assert answer["error_description"] == "List item with value XML_ID=same already exists."


def test_labels_of_columns_and_filters_are_passed_over_by_the_newer_method(portal: Portal) -> None:
    field = {"entityId": "CRM_12", "fieldName": "UF_CRM_12_A", "userTypeId": "string"}
    labels = {"editFormLabel": {"en": "A"}, "listColumnLabel": {"en": "B"}}

    answer = portal.call("userfieldconfig.add", {"moduleId": "crm", "field": field | labels})

    made = answer["result"]["field"]
    assert made["editFormLabel"] == {"en": "A"}
    assert made["listColumnLabel"] == {"en": None}
