"""Types, pipelines, directories, user fields and what they do to crm.item.fields."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.sandbox import Portal

PURCHASE = {
    "id": 7,
    "title": "Purchase",
    "entityTypeId": 1046,
    "isStagesEnabled": "Y",
    "isClientEnabled": "Y",
    "relations": {"parent": [{"entityTypeId": 2}], "child": [{"entityTypeId": 3}]},
}


def a_portal(**parts: Any) -> Portal:
    return Portal.from_seed({"types": [PURCHASE], **parts})


def fields_of(portal: Portal, entity_type_id: int, **params: Any) -> dict[str, Any]:
    answer = portal.call("crm.item.fields", {"entityTypeId": entity_type_id, **params})
    return dict(answer["result"]["fields"])


def result(portal: Portal, method: str, **params: Any) -> Any:
    answer = portal.call(method, params)
    return answer.get("result", answer)


def test_an_empty_seed_is_a_working_portal() -> None:
    portal = Portal.from_seed({})

    assert result(portal, "profile")["ADMIN"] is True
    assert result(portal, "crm.currency.base.get") == "USD"
    assert [
        row["id"] for row in result(portal, "crm.category.list", entityTypeId=2)["categories"]
    ] == [0]
    assert len(result(portal, "crm.category.list", entityTypeId=31)["categories"]) == 1
    assert result(portal, "crm.status.entity.items", entityId="STATUS")[0]["STATUS_ID"] == "NEW"


def test_a_relation_gives_the_child_a_parent_field() -> None:
    portal = a_portal()

    assert fields_of(portal, 1046)["parentId2"]["settings"] == {"parentEntityTypeId": 2}
    assert "parentId1046" in fields_of(portal, 3)
    assert "parentId1046" not in fields_of(portal, 2)


def test_clients_of_a_type_are_no_parent_fields() -> None:
    names = set(fields_of(a_portal(), 1046))

    assert {"companyId", "contactIds"} <= names
    assert not {"parentId3", "parentId4"} & names


def test_an_invoice_knows_its_deal_and_quote() -> None:
    assert {"parentId2", "parentId7"} <= set(fields_of(a_portal(), 31))


def test_switches_of_a_type_bring_and_hide_fields() -> None:
    plain = Portal.from_seed({"types": [{"id": 1, "title": "Plain", "entityTypeId": 130}]})

    assert not {"stageId", "movedTime", "companyId", "opportunity", "observers", "closedate"} & set(
        fields_of(plain, 130)
    )


def test_relations_read_as_letters_and_are_written_as_words() -> None:
    portal = a_portal()
    parents = [{"entityTypeId": 31, "isChildrenListEnabled": "true"}]

    result(portal, "crm.type.update", id=7, fields={"relations": {"parent": parents}})

    described = result(portal, "crm.type.get", id=7)["type"]["relations"]
    own = [row for row in described["parent"] if row["isPredefined"] == "N"]
    assert own == [{"entityTypeId": 31, "isChildrenListEnabled": "Y", "isPredefined": "N"}]
    assert [row["entityTypeId"] for row in described["child"]] == [3]


def test_two_types_of_a_seed_may_name_their_relation_from_either_end() -> None:
    one = {
        "id": 1,
        "title": "One",
        "entityTypeId": 130,
        "relations": {"parent": [{"entityTypeId": 132}]},
    }
    two = {
        "id": 2,
        "title": "Two",
        "entityTypeId": 132,
        "relations": {"parent": [{"entityTypeId": 130}], "child": []},
    }
    portal = Portal.from_seed({"types": [one, two]})

    assert "parentId132" in fields_of(portal, 130)
    assert "parentId130" in fields_of(portal, 132)


def test_the_list_of_types_tells_no_relations() -> None:
    [row] = result(a_portal(), "crm.type.list")["types"]

    assert "relations" not in row
    assert result(a_portal(), "crm.type.getByEntityTypeId", entityTypeId=1046)["type"]["id"] == 7


def test_a_new_type_is_ready_for_items() -> None:
    portal = a_portal()
    added = result(portal, "crm.type.add", fields={"title": "New", "isStagesEnabled": "Y"})["type"]

    imported = portal.call(
        "crm.item.import", {"entityTypeId": added["entityTypeId"], "fields": {"title": "x"}}
    )

    assert imported["result"] == {"item": {"id": 1}}


@pytest.mark.parametrize("entity_type_id", [127, 193, 1031, 1046])
def test_a_new_type_must_have_a_free_number_in_range(entity_type_id: int) -> None:
    fields = {"title": "New", "entityTypeId": entity_type_id}

    assert result(a_portal(), "crm.type.add", fields=fields)["error"] == "INVALID_ARG_VALUE"


def test_a_type_that_is_missing_has_the_number_zero_for_a_code() -> None:
    assert result(a_portal(), "crm.type.get", id=99)["error"] == 0


@pytest.mark.parametrize("entity_type_id", [1, 7])
def test_leads_and_quotes_have_no_pipelines(entity_type_id: int) -> None:
    answer = result(a_portal(), "crm.category.list", entityTypeId=entity_type_id)

    assert answer["error"] == "ENTITY_TYPE_NOT_SUPPORTED"


def test_stage_codes_carry_the_prefix_of_their_pipeline() -> None:
    portal = a_portal(categories=[{"id": 4, "entityTypeId": 2, "name": "Second"}])
    fields = {"ENTITY_ID": "DEAL_STAGE_4", "STATUS_ID": "EXTRA", "NAME": "Extra", "SORT": 45}

    added = result(portal, "crm.status.add", fields=fields)

    row = result(portal, "crm.status.get", id=added)
    assert (row["STATUS_ID"], row["SYSTEM"], row["CATEGORY_ID"]) == ("C4:EXTRA", "N", "4")
    assert result(portal, "crm.status.add", fields=fields)["error"] == "ERROR_CORE"


def test_a_stage_in_use_cannot_be_deleted() -> None:
    portal = a_portal(items={"2": [{"id": 1, "stageId": "EXECUTING"}]})
    row = portal.statuses.find("DEAL_STAGE", "EXECUTING")
    assert row is not None

    assert "error" in result(portal, "crm.status.delete", id=row["ID"])


def test_a_seeded_directory_replaces_the_default_one() -> None:
    rows = [{"ENTITY_ID": "SOURCE", "STATUS_ID": "FAIR", "NAME": "Fair"}]
    portal = a_portal(statuses=rows)

    sources = result(portal, "crm.status.list", filter={"ENTITY_ID": "SOURCE"})

    assert [row["STATUS_ID"] for row in sources] == ["FAIR"]


def test_an_unknown_directory_is_an_empty_list() -> None:
    assert result(a_portal(), "crm.status.list", filter={"ENTITY_ID": "NOPE"}) == []


def test_directories_are_paged_by_fifty() -> None:
    rows = [{"ENTITY_ID": "SOURCE", "STATUS_ID": f"S{n}", "NAME": f"S{n}"} for n in range(60)]
    portal = a_portal(statuses=rows)

    answer = portal.call("crm.status.list", {"filter": {"ENTITY_ID": "SOURCE"}, "start": 50})

    assert (len(answer["result"]), answer["total"]) == (10, 60)


def an_enumeration(**more: Any) -> dict[str, Any]:
    return {
        "id": "5",
        "entityId": "CRM_7",
        "fieldName": "UF_CRM_7_COLOUR",
        "userTypeId": "enumeration",
        "enum": [{"id": 11, "value": "red", "xmlId": "r"}, {"id": 12, "value": "blue"}],
        "editFormLabel": {"en": "Colour"},
        **more,
    }


def test_an_enumeration_lists_its_items_without_stable_keys() -> None:
    field = fields_of(a_portal(userFields=[an_enumeration()]), 1046)["ufCrm7Colour"]

    assert field["items"] == [{"ID": "11", "VALUE": "red"}, {"ID": "12", "VALUE": "blue"}]
    assert (field["isDynamic"], field["title"], field["upperName"]) == (
        True,
        "Colour",
        "UF_CRM_7_COLOUR",
    )


def test_stable_keys_of_options_come_with_get_and_not_with_list() -> None:
    portal = a_portal(userFields=[an_enumeration()])

    [listed] = result(portal, "userfieldconfig.list", moduleId="crm")["fields"]
    got = result(portal, "userfieldconfig.get", moduleId="crm", id=5)["field"]

    assert "enum" not in listed
    assert got["enum"][0]["xmlId"] == "r"
    assert len(got["enum"][1]["xmlId"]) == 32


def test_fields_can_be_asked_for_under_their_stored_names() -> None:
    portal = a_portal(userFields=[an_enumeration()])

    assert "UF_CRM_7_COLOUR" in fields_of(portal, 1046, useOriginalUfNames="Y")


def test_a_field_can_be_created_and_written() -> None:
    portal = a_portal()
    field = {"entityId": "CRM_7", "fieldName": "UF_CRM_7_NOTE", "userTypeId": "string"}

    result(portal, "userfieldconfig.add", moduleId="crm", field=field)
    fields = {"title": "x", "ufCrm7Note": "kept"}
    portal.call("crm.item.import", {"entityTypeId": 1046, "fields": fields})

    assert portal.items(1046)[1]["UF_CRM_7_NOTE"] == "kept"


@pytest.mark.parametrize(
    "field",
    [
        {"entityId": "CRM_7", "fieldName": "UF_CRM_X", "userTypeId": "string"},
        {"entityId": "CRM_99", "fieldName": "UF_CRM_99_X", "userTypeId": "string"},
        {"entityId": "CRM_7", "fieldName": "UF_CRM_7_X", "userTypeId": "nope"},
    ],
)
def test_a_field_of_a_wrong_name_or_type_is_refused(field: dict[str, Any]) -> None:
    assert result(a_portal(), "userfieldconfig.add", moduleId="crm", field=field)["error"] == ""


def test_user_field_settings_need_the_module() -> None:
    assert result(a_portal(), "userfieldconfig.list")["error"] == 100


def test_classic_user_fields_get_their_prefix() -> None:
    portal = a_portal()
    fields = {"FIELD_NAME": "note", "USER_TYPE_ID": "string", "LABEL": "Note"}

    field_id = result(portal, "crm.deal.userfield.add", fields=fields)

    row = result(portal, "crm.deal.userfield.get", id=field_id)
    assert (row["FIELD_NAME"], row["EDIT_FORM_LABEL"]) == ("UF_CRM_NOTE", {"en": "Note"})
    assert fields_of(portal, 2)["ufCrmNote"]["type"] == "string"


def test_classic_lists_tell_labels_only_in_a_named_language() -> None:
    portal = a_portal()
    fields = {"FIELD_NAME": "note", "USER_TYPE_ID": "string", "LABEL": "Note"}
    result(portal, "crm.deal.userfield.add", fields=fields)

    [bare] = result(portal, "crm.deal.userfield.list")
    [labelled] = result(portal, "crm.deal.userfield.list", filter={"LANG": "en"})

    assert "EDIT_FORM_LABEL" not in bare
    assert labelled["EDIT_FORM_LABEL"] == "Note"


def test_the_total_of_currencies_is_always_zero() -> None:
    answer = a_portal().call("crm.currency.list")

    assert (len(answer["result"]), answer["total"]) == (1, 0)


def test_a_currency_can_be_added_and_used() -> None:
    portal = a_portal()
    fields = {"CURRENCY": "CNY", "AMOUNT_CNT": 1, "AMOUNT": 10}

    assert result(portal, "crm.currency.add", fields=fields) == "CNY"

    deal = {"title": "x", "currencyId": "CNY"}
    assert "result" in portal.call("crm.item.import", {"entityTypeId": 2, "fields": deal})


def test_owner_types_tell_the_short_codes() -> None:
    rows = {row["ID"]: row for row in result(a_portal(), "crm.enum.ownertype")}

    assert rows[1046]["SYMBOL_CODE"] == "DYNAMIC_1046"
    assert rows[1046]["SYMBOL_CODE_SHORT"] == "T416"
    assert rows[31]["SYMBOL_CODE_SHORT"] == "SI"
