"""What a portal refuses to delete, and what goes with what is deleted."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.sandbox import Portal

SPA = 1302


def _portal(**more: Any) -> Portal:
    seed: dict[str, Any] = {
        "types": [{"id": 5, "entityTypeId": SPA, "title": "Project"}],
        "items": {"2": [{"id": 1, "title": "Deal"}]},
        **more,
    }
    return Portal.from_seed(seed)


def _made(portal: Portal, method: str, **params: Any) -> Any:
    answer = portal.call(method, params)
    assert "result" in answer, answer
    return answer["result"]


def _refused(portal: Portal, method: str, **params: Any) -> tuple[Any, str]:
    answer = portal.call(method, params)
    return answer["error"], answer["error_description"]


def test_an_item_that_is_not_there_cannot_be_deleted() -> None:
    portal = _portal()

    _made(portal, "crm.item.delete", entityTypeId=2, id=1)

    again = _refused(portal, "crm.item.delete", entityTypeId=2, id=1)
    assert again == ("NOT_FOUND", "Item not found")


def test_without_the_right_to_delete_an_item_stays() -> None:
    user = {"ID": "1", "ADMIN": True, "DELETE": False}
    portal = _portal(users=[user])

    answer = _refused(portal, "crm.item.delete", entityTypeId=2, id=1)

    assert answer[0] == "ACCESS_DENIED"
    assert list(portal.items(2)) == [1]


def test_a_smart_process_with_items_stays() -> None:
    portal = _portal(items={str(SPA): [{"id": 1, "title": "One"}]})

    answer = _refused(portal, "crm.type.delete", id=5)

    assert answer == ("BX_ERROR", "You cannot delete an entity type that has elements")


def test_pipelines_and_stages_go_with_a_smart_process_and_user_fields_stay() -> None:
    field = {"id": 9, "entityId": "CRM_5", "fieldName": "UF_CRM_5_A", "userTypeId": "string"}
    portal = _portal(userFields=[field])

    _made(portal, "crm.type.delete", id=5)

    left = portal.dump()
    assert [row for row in left["categories"] if row["entityTypeId"] == SPA] == []
    assert [row for row in left["statuses"] if f"DYNAMIC_{SPA}" in row["ENTITY_ID"]] == []
    assert [row["fieldName"] for row in left["userFields"]] == ["UF_CRM_5_A"]


@pytest.mark.parametrize(
    ("entity_type_id", "error"),
    [
        (2, (0, "Default deal category cannot be deleted")),
        (SPA, ("BX_ERROR", "This funnel is the default funnel")),
    ],
)
def test_the_default_pipeline_stays(entity_type_id: int, error: tuple[Any, str]) -> None:
    portal = _portal()
    default = portal.categories.default_id(entity_type_id)

    answer = _refused(portal, "crm.category.delete", entityTypeId=entity_type_id, id=default)

    assert answer == error


@pytest.mark.parametrize(
    ("entity_type_id", "error"),
    [
        (2, (0, "Deals related to the funnel Retail found")),
        (SPA, ("BX_ERROR", "Elements related to the funnel found")),
    ],
)
def test_a_pipeline_with_items_stays(entity_type_id: int, error: tuple[Any, str]) -> None:
    portal = _portal(
        types=[{"id": 5, "entityTypeId": SPA, "title": "Project", "isCategoriesEnabled": "Y"}]
    )
    made = _made(portal, "crm.category.add", entityTypeId=entity_type_id, fields={"name": "Retail"})
    known = {"entityTypeId": entity_type_id, "id": made["category"]["id"]}
    fields = {"title": "One", "categoryId": known["id"]}
    _made(portal, "crm.item.add", entityTypeId=entity_type_id, fields=fields)

    assert _refused(portal, "crm.category.delete", **known) == error


def test_a_system_entry_is_deleted_by_force_only_and_a_stage_in_use_not_at_all() -> None:
    portal = _portal(items={"1": [{"id": 1, "title": "Lead", "stageId": "NEW"}]})
    rows = portal.call("crm.status.list", {"filter": {"ENTITY_ID": "STATUS"}})["result"]
    new = next(row["ID"] for row in rows if row["STATUS_ID"] == "NEW")

    unforced = _refused(portal, "crm.status.delete", id=new)
    forced = _refused(portal, "crm.status.delete", id=new, params={"FORCED": "Y"})

    assert str(unforced[0]).startswith("CRM System Status can be deleted only if")
    assert forced[0] == "There are active items in this status."


def test_the_values_of_a_user_field_go_with_it() -> None:
    field = {"id": 9, "entityId": "CRM_DEAL", "fieldName": "UF_CRM_A", "userTypeId": "string"}
    portal = _portal(
        userFields=[field], items={"2": [{"id": 1, "title": "Deal", "UF_CRM_A": "kept"}]}
    )

    _made(portal, "userfieldconfig.delete", moduleId="crm", id=9)

    assert "UF_CRM_A" not in portal.items(2)[1]


def test_a_user_field_that_is_gone_is_refused_in_the_words_of_a_missing_right() -> None:
    answer = _refused(_portal(), "userfieldconfig.delete", moduleId="crm", id=9)

    assert answer == ("", "You cannot delete the user field")


def test_the_prices_of_products_go_with_their_currency() -> None:
    prices = [{"id": n, "price": 5, "currency": code} for n, code in ((1, "EUR"), (2, "USD"))]
    portal = _portal(
        portal={"webhooks": [{"user_id": 1, "secret": "prices01", "scopes": ["crm", "catalog"]}]},
        currencies=[{"CURRENCY": "USD", "BASE": "Y"}, {"CURRENCY": "EUR"}],
        lists={"catalog.price.list": prices},
    )
    named = {"select": ["id"], "filter": {"currency": "EUR"}}

    before = _made(portal, "catalog.price.list", **named)
    _made(portal, "crm.currency.delete", id="EUR")

    assert before == {"prices": [{"id": 1}]}
    assert _made(portal, "catalog.price.list") == {"prices": [prices[1]]}


def test_the_base_currency_stays() -> None:
    portal = _portal(currencies=[{"CURRENCY": "USD", "BASE": "Y"}, {"CURRENCY": "EUR"}])

    _made(portal, "crm.currency.delete", id="EUR")

    assert _refused(portal, "crm.currency.delete", id="USD")[1] == "Cannot delete base currency."
    assert [row["CURRENCY"] for row in portal.dump()["currencies"]] == ["USD"]


def test_the_last_stage_of_a_group_stays_even_when_forced() -> None:
    portal = Portal.from_seed({})

    def delete(code: str) -> dict[str, Any]:
        row = portal.statuses.find("STATUS", code)
        assert row is not None
        return portal.call("crm.status.delete", {"id": row["ID"], "params": {"FORCED": "Y"}})

    assert delete("JUNK")["error"] == "Error on deleting status."
    assert delete("PROCESSED")["result"] is True
