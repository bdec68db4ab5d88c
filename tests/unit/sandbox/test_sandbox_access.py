"""Who may call what."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.sandbox import Portal, twin_structure

USERS = [
    {"ID": "1", "EMAIL": "admin@x.test", "ADMIN": True},
    {"ID": "2", "EMAIL": "importer@x.test", "IMPORT": [2]},
    {"ID": "3", "EMAIL": "guest@x.test", "USER_TYPE": "extranet"},
    {"ID": "4", "EMAIL": "outsider@x.test", "CRM": False},
]


def a_portal(*scopes: str) -> Portal:
    hooks = [
        {"user_id": number, "secret": f"secret{number}", "scopes": list(scopes or ("crm", "user"))}
        for number in (1, 2, 3, 4)
    ]
    return Portal.from_seed({"portal": {"webhooks": hooks}, "users": USERS})


def import_deal(portal: Portal, user_id: int, entity_type_id: int) -> dict[str, Any]:
    params = {"entityTypeId": entity_type_id, "fields": {"title": "x"}}
    return portal.call("crm.item.import", params, user_id=user_id)


@pytest.mark.parametrize(("user_id", "secret"), [(1, "wrong"), (2, "secret1"), (9, "secret1")])
def test_a_wrong_secret_is_refused(user_id: int, secret: str) -> None:
    reply = a_portal().handle("profile", {}, user_id, secret)

    assert (reply.http_status, reply.body["error"]) == (401, "INVALID_CREDENTIALS")


def test_a_missing_scope_is_refused() -> None:
    portal = a_portal("user")

    answer = portal.call("crm.item.list", {"entityTypeId": 2})

    assert answer["error"] == "insufficient_scope"
    assert portal.requests[-1].http_status == 403


def test_basic_methods_need_no_scope() -> None:
    assert a_portal("department").call("profile")["result"]["ADMIN"] is True


def test_an_extranet_user_is_refused() -> None:
    portal = a_portal()

    assert portal.call("profile", user_id=3)["error"] == "allowed_only_intranet_user"
    assert portal.requests[-1].http_status == 403


@pytest.mark.parametrize("code", ["NOT_FOUND", "ACCESS_DENIED"])
def test_a_type_that_the_portal_lacks_or_hides_is_refused_and_no_other(code: str) -> None:
    portal = Portal.from_seed({"portal": {"refused_types": {"31": code}}})
    again = Portal.from_seed(portal.dump())

    for one in (portal, again):
        for method in ("crm.item.fields", "crm.item.list", "crm.category.list"):
            assert one.call(method, {"entityTypeId": 31})["error"] == code
            assert "result" in one.call(method, {"entityTypeId": 2})


def test_the_twin_refuses_a_smart_process_under_its_own_number() -> None:
    spa = {"id": 7, "title": "Purchase", "entityTypeId": 1302}
    seed = {"portal": {"refused_types": {"1302": "ACCESS_DENIED"}}, "types": [spa]}
    twin = twin_structure(seed)
    number = twin["types"][0]["entityTypeId"]

    answer = Portal.from_seed(twin).call("crm.item.list", {"entityTypeId": number})

    assert number != 1302
    assert answer["error"] == "ACCESS_DENIED"


def test_the_right_to_import_is_given_per_entity_type() -> None:
    portal = a_portal()

    assert "result" in import_deal(portal, 2, 2)
    assert import_deal(portal, 2, 4)["error"] == "ACCESS_DENIED"


def test_the_right_to_add_is_not_the_right_to_import() -> None:
    params = {"entityTypeId": 4, "fields": {"title": "x"}}

    assert "result" in a_portal().call("crm.item.add", params, user_id=2)


def test_a_user_without_crm_gets_nothing_of_it() -> None:
    portal = a_portal()

    assert portal.call("crm.item.list", {"entityTypeId": 2}, user_id=4)["error"] == "ACCESS_DENIED"


@pytest.mark.parametrize("method", ["crm.type.list", "crm.type.add", "crm.category.add"])
def test_structure_belongs_to_the_administrator(method: str) -> None:
    answer = a_portal().call(method, {"entityTypeId": 2, "fields": {"name": "x"}}, user_id=2)

    assert answer["error"] == "ACCESS_DENIED"


def test_a_brief_view_of_users_hides_the_addresses() -> None:
    brief = a_portal("user_brief").call("user.get")["result"][0]
    full = a_portal("user").call("user.get")["result"][0]

    assert "EMAIL" not in brief
    assert full["EMAIL"] == "admin@x.test"


def test_users_are_found_by_filter_and_by_page() -> None:
    users = [{"ID": str(n), "EMAIL": f"u{n}@x.test", "ADMIN": n == 1} for n in range(1, 61)]
    portal = Portal.from_seed({"users": users})

    answer = portal.call("user.get", {"start": 55})
    found = portal.call("user.get", {"FILTER": {"EMAIL": "U7@x.test"}})["result"]

    assert [row["ID"] for row in answer["result"]] == [str(n) for n in range(51, 61)]
    assert (answer["total"], [row["ID"] for row in found]) == (60, ["7"])


def test_a_method_is_known_or_not() -> None:
    portal = a_portal("user")

    known = portal.call("method.get", {"name": "crm.item.list"})["result"]
    unknown = portal.call("method.get", {"name": "crm.nope"})["result"]

    assert known == {"isExisting": True, "isAvailable": False}
    assert unknown == {"isExisting": False, "isAvailable": False}
