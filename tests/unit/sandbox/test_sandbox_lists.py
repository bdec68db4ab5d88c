"""Section 7 of the server's rules: crm.item.list."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.sandbox import Portal

FIELDS = [
    {"entityId": "CRM_DEAL", "fieldName": "UF_CRM_FLAG", "userTypeId": "boolean"},
    {"entityId": "CRM_DEAL", "fieldName": "UF_CRM_TAGS", "userTypeId": "string", "multiple": "Y"},
]


def a_deal(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": f"Deal {number}",
        "createdTime": f"2024-01-{number % 28 + 1:02d}T10:00:00+03:00",
        "opportunity": number * 10,
        **more,
    }


def a_portal(count: int = 0, *items: dict[str, Any], **portal: Any) -> Portal:
    rows = list(items) or [a_deal(number) for number in range(1, count + 1)]
    return Portal.from_seed({"portal": portal, "userFields": FIELDS, "items": {"2": rows}})


def list_deals(portal: Portal, **params: Any) -> dict[str, Any]:
    return portal.call("crm.item.list", {"entityTypeId": 2, **params})


def ids(answer: dict[str, Any]) -> list[int]:
    return [item["id"] for item in answer["result"]["items"]]


def matching(portal: Portal, **filters: Any) -> list[int]:
    return sorted(ids(list_deals(portal, filter=filters, select=["id"])))


def test_a_page_holds_fifty_and_names_the_next() -> None:
    answer = list_deals(a_portal(120), order={"id": "ASC"})

    assert ids(answer) == list(range(1, 51))
    assert (answer["total"], answer["next"]) == (120, 50)


def test_the_last_page_names_no_next() -> None:
    answer = list_deals(a_portal(120), order={"id": "ASC"}, start=100)

    assert ids(answer) == list(range(101, 121))
    assert "next" not in answer


def test_start_is_rounded_down_to_a_whole_page() -> None:
    assert ids(list_deals(a_portal(120), order={"id": "ASC"}, start=99))[0] == 51


def test_start_minus_one_counts_nothing() -> None:
    answer = list_deals(a_portal(120), order={"id": "ASC"}, filter={">id": 60}, start=-1)

    assert ids(answer) == list(range(61, 111))
    assert "total" not in answer
    assert "next" not in answer


def test_without_an_order_nobody_may_rely_on_ascending_ids() -> None:
    assert ids(list_deals(a_portal(3))) != [1, 2, 3]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"id": 2}, [2]),
        ({"=id": "2"}, [2]),
        ({"@id": [1, 3, 99]}, [1, 3]),
        ({"!@id": [1, 3]}, [2, 4]),
        ({"!id": 1}, [2, 3, 4]),
        ({">id": 1, "<id": 4}, [2, 3]),
        ({">=id": 2, "<=id": 3}, [2, 3]),
        ({">id": 1, "@id": [1, 2]}, [2]),
        ({"title": "deal 3"}, [3]),
        ({"%title": "EAL 3"}, [3]),
        ({"=%title": "Deal%"}, [1, 2, 3, 4]),
        ({"%=title": "%3"}, [3]),
        ({"!%title": "3"}, [1, 2, 4]),
        ({">opportunity": 20}, [3, 4]),
        ({"ID": 2}, [2]),
        ({"0": {"logic": "OR", "0": {"id": 1}, "1": {"title": "Deal 4"}}}, [1, 4]),
        ({">=createdTime": "2024-01-04T09:00:00+02:00"}, [3, 4]),
        ({"<createdTime": "2024-01-03T10:00:00+03:00"}, [1]),
        ({"stageId": "NEW"}, [1, 2, 3, 4]),
        ({"stageSemanticId": "S"}, []),
        ({"companyId": 0}, [1, 2, 3, 4]),
    ],
)
def test_a_filter_finds(filters: dict[str, Any], found: list[int]) -> None:
    assert matching(a_portal(4), **filters) == found


def test_bindings_are_filtered_by_any_of_their_values() -> None:
    portal = a_portal(0, a_deal(1, contactIds=[5, 6]), a_deal(2, contactIds=[7]))

    assert matching(portal, contactIds=6) == [1]
    assert matching(portal, **{"@contactIds": [5, 7]}) == [1, 2]


@pytest.mark.parametrize(("sent", "found"), [(1, [1]), (0, [2]), ("1", [1]), ("Y", [2])])
def test_boolean_user_fields_are_filtered_with_one_and_zero(sent: Any, found: list[int]) -> None:
    portal = a_portal(0, a_deal(1, UF_CRM_FLAG="Y"), a_deal(2, UF_CRM_FLAG="N"))

    assert matching(portal, ufCrmFlag=sent) == found


def test_system_booleans_are_filtered_with_their_letters() -> None:
    portal = a_portal(0, a_deal(1, opened="Y"), a_deal(2, opened="N"))

    assert matching(portal, opened="Y") == [1]


@pytest.mark.parametrize("key", ["nope", ">ID", "=STAGE_ID", "><id", "fm", "contacts"])
def test_an_unknown_field_in_a_filter_is_an_error(key: str) -> None:
    answer = list_deals(a_portal(1), filter={key: 1})

    assert answer["error"] == "INVALID_ARG_VALUE"
    assert answer["error_description"] == (
        f"Invalid filter: field '{key}' is not allowed in filter"
    )


def test_an_array_behind_an_order_operator_is_an_invalid_value() -> None:
    answer = list_deals(a_portal(1), filter={">id": {"items": []}})

    assert answer["error_description"] == "Invalid filter: field '>ID' has invalid value"


@pytest.mark.parametrize("order", [{"nope": "ASC"}, {"id": "UP"}])
def test_an_unknown_order_is_an_error(order: dict[str, str]) -> None:
    assert list_deals(a_portal(1), order=order)["error"] == "INVALID_ARG_VALUE"


def test_rows_are_sorted_by_several_fields() -> None:
    portal = a_portal(0, a_deal(1, title="b"), a_deal(2, title="a"), a_deal(3, title="b"))

    assert ids(list_deals(portal, order={"title": "ASC", "id": "DESC"})) == [2, 3, 1]


def test_only_selected_names_come_and_unknown_ones_are_dropped() -> None:
    answer = list_deals(a_portal(1), select=["title", "nope"])

    assert answer["result"]["items"] == [{"title": "Deal 1"}]


def test_a_star_leaves_out_what_has_to_be_named() -> None:
    portal = a_portal(1)

    star = list_deals(portal, select=["*"])["result"]["items"][0]
    named = list_deals(portal, select=["*", "contactIds", "observers"])["result"]["items"][0]

    assert {"ufCrmFlag", "utmSource", "entityTypeId"} <= set(star)
    assert set(named) - set(star) == {"contactIds", "observers"}


def test_nothing_selected_means_everything_a_star_brings() -> None:
    portal = a_portal(1)

    assert list_deals(portal)["result"] == list_deals(portal, select=["*"])["result"]


def test_the_portal_may_be_told_to_bring_multifields_with_the_star() -> None:
    seed = {"portal": {"select_star_includes_fm": True}, "items": {"3": [{"id": 1, "name": "A"}]}}
    portal = Portal.from_seed(seed)

    item = portal.call("crm.item.list", {"entityTypeId": 3})["result"]["items"][0]

    assert item["fm"] == []


def test_stored_names_serve_in_filter_and_select_when_switched_on() -> None:
    portal = a_portal(0, a_deal(1, UF_CRM_TAGS=["x"]), a_deal(2, UF_CRM_TAGS=["y"]))

    answer = list_deals(
        portal, useOriginalUfNames="Y", filter={"=UF_CRM_TAGS": "y"}, select=["UF_CRM_TAGS"]
    )

    assert answer["result"]["items"] == [{"UF_CRM_TAGS": ["y"]}]


@pytest.mark.parametrize(
    ("entity_type_id", "code"), [(5, "ENTITY_TYPE_NOT_SUPPORTED"), (999, "NOT_FOUND")]
)
def test_an_entity_type_that_is_not_served_is_an_error(entity_type_id: int, code: str) -> None:
    assert a_portal().call("crm.item.list", {"entityTypeId": entity_type_id})["error"] == code
