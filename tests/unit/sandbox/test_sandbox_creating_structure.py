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


def test_codes_a_numbered_deal_pipeline_is_born_with_are_cut_with_their_prefix() -> None:
    portal = Portal.from_seed({"categories": [{"id": 10, "entityTypeId": 2, "name": "Tenth"}]})

    codes = {row["STATUS_ID"] for row in portal.statuses.of("DEAL_STAGE_10")}

    assert "C10:PREPAYMENT_INVOIC" in codes


@pytest.mark.parametrize(
    ("directory", "code", "refused"),
    [
        ("STATUS", "X" * 21, False),
        ("STATUS", "X" * 22, True),
        ("DEAL_STAGE_10", "X" * 18, False),
        ("DEAL_STAGE_10", "C10:" + "X" * 19, True),
        ("DEAL_STAGE", "NEW?", True),
        ("SOURCE", "any sign, even this one", False),
        ("SOURCE", "X" * 51, True),
    ],
)
def test_a_code_that_is_too_long_or_of_other_characters_is_refused(
    directory: str, code: str, refused: bool
) -> None:
    portal = Portal.from_seed({"categories": [{"id": 10, "entityTypeId": 2, "name": "Tenth"}]})
    fields = {"ENTITY_ID": directory, "STATUS_ID": code, "NAME": "A"}

    answer = portal.call("crm.status.add", {"fields": fields})

    assert answer.get("error") == ("ERROR_CORE" if refused else None)


def add_status(portal: Portal, **fields: Any) -> dict[str, Any]:
    answer = portal.call("crm.status.add", {"fields": {"STATUS_ID": "A", "NAME": "A", **fields}})
    row: dict[str, Any] = portal.call("crm.status.get", {"id": answer["result"]})["result"]
    return row


@pytest.mark.parametrize(
    ("directory", "sent", "stored"),
    [
        ("DYNAMIC_1302_STAGE_2", {"CATEGORY_ID": 2}, "2"),
        ("DYNAMIC_1302_STAGE_2", {}, "0"),
        ("DEAL_STAGE_10", {}, "10"),
        ("SOURCE", {}, "0"),
    ],
)
def test_a_stage_belongs_to_the_pipeline_it_was_sent_with(
    directory: str, sent: dict[str, Any], stored: str
) -> None:
    categories = [
        {"id": 10, "entityTypeId": 2, "name": "Tenth"},
        {"id": 2, "entityTypeId": 1302, "name": "Own", "isDefault": "Y"},
    ]
    portal = Portal.from_seed({"types": [SPA], "categories": categories})

    assert add_status(portal, ENTITY_ID=directory, SORT=5, **sent)["CATEGORY_ID"] == stored


def test_a_place_that_is_not_sent_or_not_positive_is_ten(portal: Portal) -> None:
    row = add_status(portal, ENTITY_ID="SOURCE", SORT=-1)
    assert row["SORT"] == "10"
    known = {"id": row["ID"]}

    portal.call("crm.status.update", known | {"fields": {"SORT": 70, "COLOR": "FFF"}})
    portal.call("crm.status.update", known | {"fields": {"NAME": "Renamed"}})

    changed = portal.call("crm.status.get", known)["result"]
    assert (changed["SORT"], changed["COLOR"], changed["NAME"]) == ("10", "#FFF", "Renamed")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (None, "Parameter 'fields' must be array."),
        ({"NAME": "A"}, "The field ENTITY_ID is required. The field STATUS_ID is required."),
        ({"ENTITY_ID": "SOURCE", "STATUS_ID": "A"}, "The field Title is required."),
    ],
)
def test_what_an_entry_lacks_is_told_in_words(portal: Portal, fields: Any, words: str) -> None:
    answer = portal.call("crm.status.add", {"fields": fields})

    assert (answer["error"], answer["error_description"]) == ("", words)


def test_directories_are_filtered_by_names_alone(portal: Portal) -> None:
    def codes(**wanted: str) -> list[str]:
        params = {"filter": {"ENTITY_ID": "DEAL_STAGE", **wanted}}
        return [row["STATUS_ID"] for row in portal.call("crm.status.list", params)["result"]]

    assert codes(SEMANTICS="F") == ["LOSE", "APOLOGY"]
    assert len(codes(**{">ID": "100000"})) == len(codes(COLOR="none")) == len(codes()) == 8


@pytest.mark.parametrize("name", [None, "", " \t", "X" * 256])
def test_the_name_of_a_pipeline_is_neither_blank_nor_too_long(
    portal: Portal, name: str | None
) -> None:
    fields = {} if name is None else {"name": name}

    assert portal.call("crm.category.add", {"entityTypeId": 2, "fields": fields})["error"] == 0
    changed = {"entityTypeId": 2, "id": 0, "fields": {"name": name}}
    assert portal.call("crm.category.update", changed)["error"] == 0


def test_a_pipeline_cannot_stand_before_the_first_place(portal: Portal) -> None:
    fields = {"name": "Retail", "sort": -5}

    answer = portal.call("crm.category.add", {"entityTypeId": 2, "fields": fields})

    assert answer["result"]["category"]["sort"] == 0


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        (
            "add",
            {"entityTypeId": 1302, "fields": {"name": "A", "isSystem": "Y"}},
            "ADDING_DISABLED",
        ),
        ("add", {"entityTypeId": 3, "fields": {"name": "A", "isDefault": "Y"}}, 0),
        ("update", {"entityTypeId": 4, "id": 0, "fields": {"name": "A"}}, 0),
        ("delete", {"entityTypeId": 4, "id": 0}, "REMOVING_DISABLED"),
    ],
)
def test_the_portals_own_categories_are_its_own(
    portal: Portal, method: str, params: dict[str, Any], code: Any
) -> None:
    assert portal.call(f"crm.category.{method}", params)["error"] == code


def test_the_number_of_a_deleted_type_is_not_given_again(portal: Portal) -> None:
    first = portal.call("crm.type.add", {"fields": {"title": "A"}})["result"]["type"]
    portal.call("crm.type.delete", {"id": first["id"]})

    second = portal.call("crm.type.add", {"fields": {"title": "B"}})["result"]["type"]

    assert second["entityTypeId"] == first["entityTypeId"] + 2


def test_currencies_come_in_pages_that_do_not_tell_of_each_other() -> None:
    rows = [{"CURRENCY": f"X{number:02}"} for number in range(51)]
    portal = Portal.from_seed({"currencies": rows})

    first = portal.call("crm.currency.list")
    second = portal.call("crm.currency.list", {"start": 50})

    assert (len(first["result"]), first["total"], "next" in first) == (50, 0, False)
    assert [row["CURRENCY"] for row in second["result"]] == ["X50"]


@pytest.mark.parametrize(
    ("entity_id", "name"),
    [
        ("CRM_DEAL", "UF_CRM_NOTE"),
        ("CRM_SMART_INVOICE", "UF_CRM_NOTE"),
        ("CRM_DEAL", "uf_crm_deal_note"),
        ("CRM_DEAL", "UF_CRM_DEAL_Note"),
    ],
)
def test_the_newer_method_wants_the_owner_in_the_name(
    portal: Portal, entity_id: str, name: str
) -> None:
    def add(field_name: str) -> dict[str, Any]:
        field = {"entityId": entity_id, "fieldName": field_name, "userTypeId": "string"}
        return portal.call("userfieldconfig.add", {"moduleId": "crm", "field": field})

    assert add(name)["error"] == ""
    assert "result" in add(f"UF_{entity_id}_NOTE")


def test_an_update_of_a_list_removes_the_values_it_does_not_name(portal: Portal) -> None:
    field = {"entityId": "CRM_12", "fieldName": "UF_CRM_12_A", "userTypeId": "enumeration"}
    field |= {"enum": [{"value": "a"}, {"value": "b"}]}  # type: ignore[dict-item] # a list beside texts
    made = portal.call("userfieldconfig.add", {"moduleId": "crm", "field": field})["result"]
    first = made["field"]["enum"][0]

    changed = {"userTypeId": "enumeration", "enum": [first, {"value": "c"}]}
    params = {"moduleId": "crm", "id": made["field"]["id"], "field": changed}
    left = portal.call("userfieldconfig.update", params)["result"]["field"]["enum"]

    assert [one["value"] for one in left] == ["a", "c"]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("note", "UF_CRM_NOTE"),
        ("UF_NOTE", "UF_CRM_NOTE"),
        ("UF_CRM_UF_NOTE", "UF_CRM_UF_NOTE"),
        ("CRM_NOTE", "UF_CRM_CRM_NOTE"),
    ],
)
def test_the_older_method_completes_the_name(portal: Portal, sent: str, stored: str) -> None:
    fields = {"FIELD_NAME": sent, "USER_TYPE_ID": "string"}
    known = {"id": portal.call("crm.deal.userfield.add", {"fields": fields})["result"]}

    assert portal.call("crm.deal.userfield.get", known)["result"]["FIELD_NAME"] == stored


def test_the_older_method_overwrites_only_the_settings_it_is_sent(portal: Portal) -> None:
    settings = {"ROWS": 3, "SIZE": 40}
    fields = {"FIELD_NAME": "NOTE", "USER_TYPE_ID": "string", "SETTINGS": settings}
    known = {"id": portal.call("crm.deal.userfield.add", {"fields": fields})["result"]}

    portal.call("crm.deal.userfield.update", known | {"fields": {"SETTINGS": {"SIZE": 50}}})

    stored = portal.call("crm.deal.userfield.get", known)["result"]["SETTINGS"]
    assert (stored["ROWS"], stored["SIZE"]) == (3, 50)


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
