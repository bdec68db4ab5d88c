"""Seeds in, seeds out, and twins."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from migrator.sandbox import Portal, twin_structure
from migrator.sandbox.clock import FixedClock

NOW = "2024-06-01T12:00:00+03:00"
SEED: dict[str, Any] = {
    "portal": {"host": "a.bitrix24.test", "utc_offset": "+03:00"},
    "users": [
        {"ID": "1", "EMAIL": "a@x.test", "ADMIN": True},
        {"ID": "5", "EMAIL": "b@x.test", "IMPORT": [1302]},
    ],
    "types": [
        {
            "id": 7,
            "title": "Purchase",
            "entityTypeId": 1302,
            "isStagesEnabled": "Y",
            "relations": {"parent": [{"entityTypeId": 2}, {"entityTypeId": 130}]},
        },
        {"id": 9, "title": "Order", "entityTypeId": 130},
    ],
    "categories": [
        {"id": 3, "entityTypeId": 2, "name": "Second"},
        {"id": 12, "entityTypeId": 1302, "name": "Main", "isDefault": "Y"},
    ],
    "userFields": [
        {
            "id": 21,
            "entityId": "CRM_7",
            "fieldName": "UF_CRM_7_KIND",
            "userTypeId": "enumeration",
            "enum": [{"id": 31, "value": "one", "xmlId": "x1"}],
        },
        {
            "id": 22,
            "entityId": "CRM_DEAL",
            "fieldName": "UF_CRM_LINK",
            "userTypeId": "crm",
            "settings": {"DYNAMIC_1302": "Y", "COMPANY": "Y"},
        },
        {
            "id": 23,
            "entityId": "CRM_DEAL",
            "fieldName": "UF_CRM_STAGE",
            "userTypeId": "crm_status",
            "settings": {"ENTITY_TYPE": "DEAL_STAGE_3"},
        },
        {
            "id": 24,
            "entityId": "CRM_DEAL",
            "fieldName": "UF_CRM_FILE",
            "userTypeId": "file",
            "multiple": "Y",
        },
    ],
    "items": {
        "2": [
            {
                "id": 40,
                "title": "Deal",
                "categoryId": 3,
                "stageId": "C3:WON",
                "createdTime": "2024-01-01T12:00:00+05:00",
                "begindate": "2024-01-02T03:00:00+03:00",
                "companyId": 8,
                "UF_CRM_FILE": [{"name": "a.txt", "content_base64": "YQ=="}],
            }
        ],
        "4": [{"id": 8, "title": "Company", "fm": [{"typeId": "PHONE", "value": "+1"}]}],
    },
    "next_ids": {"2": 5000},
}


def a_portal(seed: dict[str, Any] = SEED) -> Portal:
    return Portal.from_seed(copy.deepcopy(seed), clock=FixedClock(NOW))


def test_seeded_times_are_kept_as_instants_and_days_as_days() -> None:
    deal = a_portal().items(2)[40]

    assert deal["createdTime"] == "2024-01-01T10:00:00+03:00"
    assert deal["begindate"] == "2024-01-02"


def test_a_seed_loses_nothing_and_checks_nothing() -> None:
    seed = {"items": {"2": [{"id": 1, "stageId": "NOPE", "companyId": 99, "assignedById": 77}]}}
    portal = a_portal(seed)

    assert portal.items(2)[1]["stageId"] == "NOPE"
    assert portal.losses == []


def test_the_first_free_id_can_be_set() -> None:
    portal = a_portal()

    answer = portal.call("crm.item.import", {"entityTypeId": 2, "fields": {"title": "x"}})

    assert answer["result"]["item"]["id"] == 5000


def test_a_dump_is_a_seed_of_the_same_portal() -> None:
    portal = a_portal()

    dump = portal.dump()

    assert a_portal(dump).dump() == dump
    assert dump["items"]["2"][0]["UF_CRM_FILE"] == [{"name": "a.txt", "content_base64": "YQ=="}]


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ({"itmes": {}}, "itmes"),
        ({"portal": {"utc_ofset": "+03:00"}}, "utc_ofset"),
        ({"portal": {"utc_offset": "3"}}, "offset"),
        ({"items": {"1302": []}}, "1302"),
        ({"items": {"2": [{"id": 1, "ufCrm_7": "x"}]}}, "ufCrm_7"),
    ],
)
def test_a_seed_with_a_typo_is_refused(seed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Portal.from_seed(seed)


def test_a_twin_is_deterministic_and_leaves_the_seed_alone() -> None:
    before = copy.deepcopy(SEED)

    assert twin_structure(SEED) == twin_structure(SEED)
    assert before == SEED


def test_a_twin_has_the_same_people_under_other_ids() -> None:
    twin = a_portal(twin_structure(SEED))

    emails = {row["EMAIL"]: row["ID"] for row in twin.call("user.get")["result"]}
    assert set(emails) == {"a@x.test", "b@x.test"}
    assert not set(emails.values()) & {"1", "5"}
    assert twin.call("profile")["result"]["ADMIN"] is True


def test_a_twin_has_the_same_types_under_other_numbers() -> None:
    twin = a_portal(twin_structure(SEED))
    types = {row["title"]: row for row in twin.call("crm.type.list")["result"]["types"]}

    purchase, order = types["Purchase"], types["Order"]
    fields = twin.call("crm.item.fields", {"entityTypeId": purchase["entityTypeId"]})
    assert not {purchase["entityTypeId"], order["entityTypeId"]} & {1302, 130}
    assert not {purchase["id"], order["id"]} & {7, 9}
    assert {"parentId2", f"parentId{order['entityTypeId']}"} <= set(fields["result"]["fields"])
    assert f"ufCrm{purchase['id']}Kind" in fields["result"]["fields"]


def test_a_twin_rewrites_what_points_at_renamed_things() -> None:
    twin = twin_structure(SEED)
    by_name = {row["fieldName"]: row for row in twin["userFields"]}
    new_type = next(row["entityTypeId"] for row in twin["types"] if row["title"] == "Purchase")
    second = next(row["id"] for row in twin["categories"] if row["name"] == "Second")
    [importer] = [row for row in twin["users"] if row["EMAIL"] == "b@x.test"]

    assert by_name["UF_CRM_LINK"]["settings"] == {f"DYNAMIC_{new_type}": "Y", "COMPANY": "Y"}
    assert by_name["UF_CRM_STAGE"]["settings"] == {"ENTITY_TYPE": f"DEAL_STAGE_{second}"}
    assert importer["IMPORT"] == [new_type]


def test_a_twin_keeps_the_stable_keys_of_options_and_changes_their_ids() -> None:
    twin = twin_structure(SEED)

    [field] = [row for row in twin["userFields"] if row["userTypeId"] == "enumeration"]
    [option] = field["enum"]
    assert (option["value"], option["xmlId"]) == ("one", "x1")
    assert option["id"] != "31"


def test_the_stages_of_a_twin_match_by_name_and_some_only_by_name() -> None:
    source, twin = a_portal(), a_portal(twin_structure(SEED))
    [second] = [row for row in twin.categories.of(2) if row["name"] == "Second"]

    before = source.statuses.of("DEAL_STAGE_3")
    after = twin.statuses.of(f"DEAL_STAGE_{second['id']}")

    assert [row["NAME"] for row in after] == [row["NAME"] for row in before]
    assert [row["SEMANTICS"] for row in after] == [row["SEMANTICS"] for row in before]
    codes = [
        (b["STATUS_ID"].split(":")[1], a["STATUS_ID"].split(":")[1])
        for b, a in zip(before, after, strict=True)
    ]
    assert any(old != new for old, new in codes)
    assert any(old == new for old, new in codes)
    assert second["id"] != 3


def test_a_twin_can_keep_all_codes() -> None:
    twin = twin_structure(SEED, rename_codes=False)

    assert not [row for row in twin["statuses"] if "UC_" in row["STATUS_ID"]]


def test_a_twin_is_empty_and_numbers_its_items_elsewhere() -> None:
    twin = a_portal(twin_structure(SEED))

    answer = twin.call("crm.item.import", {"entityTypeId": 2, "fields": {"title": "x"}})

    assert answer["result"]["item"]["id"] > 40
    assert len(twin.items(2)) == 1
    assert twin.settings.utc_offset == "-05:00"
