"""Section 5 of the server's rules: adding, changing, deleting."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.sandbox import Portal
from migrator.sandbox.clock import FixedClock

NOW = "2024-06-01T12:00:00+03:00"
THEN = "2024-01-01T00:00:00+03:00"


def a_portal(**parts: Any) -> Portal:
    users = [{"ID": "1", "ADMIN": True}, {"ID": "2"}]
    deal = {"id": 1, "title": "deal", "createdTime": THEN, "createdBy": 2, "updatedBy": 2}
    items = {"2": [deal], "3": [{"id": 1, "name": "Ann", "fm": [_phone(5, "+1")]}]}
    seed = {"users": users, "items": items, "next_ids": {"2": 10}, **parts}
    return Portal.from_seed(seed, clock=FixedClock(NOW))


def _phone(row_id: int, value: str) -> dict[str, Any]:
    return {"id": row_id, "typeId": "PHONE", "valueType": "WORK", "value": value}


def update(portal: Portal, entity_type_id: int = 2, /, **fields: Any) -> dict[str, Any]:
    params = {"entityTypeId": entity_type_id, "id": 1, "fields": fields}
    return portal.call("crm.item.update", params)


def test_a_real_change_stamps_the_item_and_starts_automation() -> None:
    portal = a_portal()

    update(portal, title="renamed")

    item = portal.items(2)[1]
    assert (item["title"], item["updatedTime"], item["updatedBy"]) == ("renamed", NOW, 1)
    assert portal.automation_runs == [("crm.item.update", 2, 1)]


def test_an_update_that_changes_nothing_leaves_the_item_alone() -> None:
    portal = a_portal()

    update(portal, title="deal")

    assert portal.items(2)[1]["updatedTime"] == THEN
    assert portal.automation_runs == []


@pytest.mark.parametrize(
    ("key", "empty"), [("observers", []), ("sourceId", ""), ("opportunity", 0)]
)
def test_emptying_what_is_empty_changes_nothing(key: str, empty: Any) -> None:
    portal = a_portal()

    update(portal, **{key: empty})

    assert portal.items(2)[1]["updatedTime"] == THEN


def test_import_starts_no_automation_and_add_does() -> None:
    portal = a_portal()

    for method in ("crm.item.import", "crm.item.add"):
        portal.call(method, {"entityTypeId": 2, "fields": {"title": method}})

    assert portal.automation_runs == [("crm.item.add", 2, 11)]


def test_a_move_is_stamped_too() -> None:
    portal = a_portal()

    update(portal, stageId="WON")

    item = portal.items(2)[1]
    assert (item["movedTime"], item["movedBy"], item["previousStageId"]) == (NOW, 1, "NEW")


def test_a_foreign_stage_is_refused() -> None:
    assert update(a_portal(), stageId="C4:NEW")["error"] == "CRM_FIELD_ERROR_VALUE_NOT_VALID"


def test_a_change_of_pipeline_alone_keeps_the_meaning_of_the_stage() -> None:
    portal = a_portal(categories=[{"id": 4, "entityTypeId": 2, "name": "Second"}])
    update(portal, stageId="LOSE")

    update(portal, categoryId=4)

    assert portal.items(2)[1]["stageId"] == "C4:LOSE"


def test_a_read_only_field_is_ignored_and_recorded() -> None:
    portal = a_portal()

    update(portal, createdBy=1, webformId=5)

    assert portal.items(2)[1]["createdBy"] == 2
    assert [(loss.kind, loss.field) for loss in portal.losses] == [
        ("history-on-write", "createdBy"),
        ("read-only-field", "webformId"),
    ]


def test_a_reference_set_later_is_no_loss() -> None:
    portal = a_portal()

    update(portal, contactIds=[1])

    assert portal.items(2)[1]["contactIds"] == [1]
    assert portal.losses == []


@pytest.mark.parametrize(
    ("fm", "values"),
    [
        ({"n0": {"typeId": "PHONE", "valueType": "HOME", "value": "+2"}}, ["+1", "+2"]),
        ({"5": {"typeId": "PHONE", "value": "+9"}}, ["+9"]),
        ({"5": {"typeId": "PHONE", "value": ""}}, []),
        ({"77": {"typeId": "PHONE", "value": "+2"}}, ["+1", "+2"]),
        ([{"typeId": "PHONE", "value": "+2"}], ["+1", "+2"]),
        ({"5": {"value": ""}}, ["+1"]),
    ],
    ids=["add", "change", "delete", "unknown id adds", "array adds", "without type skipped"],
)
def test_multifields_are_edited_by_key(fm: Any, values: list[str]) -> None:
    portal = a_portal()

    update(portal, 3, fm=fm)

    assert [row["value"] for row in portal.items(3)[1]["fm"]] == values


def test_a_multiple_list_field_is_not_cleared_by_an_empty_array() -> None:
    field = {
        "entityId": "CRM_DEAL",
        "fieldName": "UF_CRM_X",
        "userTypeId": "enumeration",
        "multiple": "Y",
        "enum": [{"id": 7, "value": "seven"}],
    }
    portal = a_portal(userFields=[field])
    update(portal, ufCrmX=[7])

    update(portal, ufCrmX=[])

    assert portal.items(2)[1]["UF_CRM_X"] == [7]
    assert [loss.kind for loss in portal.losses] == ["not-cleared"]


def test_a_contact_cannot_lose_both_names() -> None:
    assert update(a_portal(), 3, name="")["error"] == "CRM_FIELD_ERROR_REQUIRED"


def test_a_deleted_item_is_gone() -> None:
    portal = a_portal()

    answer = portal.call("crm.item.delete", {"entityTypeId": 2, "id": 1})

    assert answer["result"] == []
    assert portal.call("crm.item.get", {"entityTypeId": 2, "id": 1})["error"] == "NOT_FOUND"


def test_the_photo_of_a_contact_is_not_taken() -> None:
    portal = Portal.from_seed({"items": {"3": [{"id": 1, "name": "Ann"}]}})

    answer = update(portal, 3, photo=["a.png", "YQ=="])

    assert answer["error"] == "CRM_FIELD_ERROR_VALUE_NOT_VALID"
    assert "result" in update(portal, 3, photo="")
