"""The portal with everything, and more structure; and a target that has nothing of it."""

from __future__ import annotations

import copy
from typing import Any

from tests.acceptance.whole_portal import whole_portal

_SCOPES = ["crm", "user", "userfieldconfig"]


def structured_portal() -> dict[str, Any]:
    """Three deal pipelines, own entries in every directory, labels in two languages."""
    seed = whole_portal()
    seed["categories"].append(
        {"id": 8, "entityTypeId": 2, "name": "General", "sort": 300, "isDefault": "N"}
    )
    seed["statuses"] += [
        _stage("NEW", "Heard of", 1),
        _stage("UC_1", "Asked", 2),
        _stage("PREPARATION", "Offered", 3),
        _stage("UC_PAID", "Paid", 4, "S"),
        _stage("UC_GONE", "Gone", 5, "F"),
        _stage("LOSE", "Never was", 6, "F"),
        _entry("CALL_LIST", "UC_LATER", "Call later"),
        _entry("EVENT_TYPE", "UC_VISIT", "Visit"),
        *({**row, "ENTITY_ID": "DEAL_STAGE"} for row in _built_in_stages()),
    ]
    for field in seed["userFields"]:
        label = next(iter(field["editFormLabel"].values()))
        field["editFormLabel"] = {"en": label, "de": f"{label} (de)"}
        field["mandatory"] = "N"
    seed["userFields"][0]["settings"] = {"DEFAULT_VALUE": "none yet", "ROWS": 3}
    seed["items"]["2"].append(
        {**seed["items"]["2"][-1], "id": 99, "title": "In the third pipeline"}
        | {"categoryId": 8, "stageId": "C8:UC_PAID"}
    )
    return seed


def _stage(code: str, name: str, place: int, semantics: str | None = None) -> dict[str, Any]:
    return {
        "ENTITY_ID": "DEAL_STAGE_8",
        "STATUS_ID": f"C8:{code}",
        "NAME": name,
        "SORT": str(place * 10),
        "SYSTEM": "N",
        "CATEGORY_ID": "8",
        "SEMANTICS": semantics,
        "COLOR": f"#00000{place}",
    }


def _built_in_stages() -> list[dict[str, Any]]:
    named = (
        ("NEW", "New", None),
        ("PREPARATION", "Preparing", None),
        ("UC_OWN", "Our own", None),
        ("WON", "Won", "S"),
    )
    rows = [
        {"STATUS_ID": code, "NAME": name, "SORT": str(10 * n), "SEMANTICS": semantics}
        for n, (code, name, semantics) in enumerate((*named, ("LOSE", "Lost", "F")), start=1)
    ]
    own = ("UC_OWN", "PREPARATION")
    return [{**row, "SYSTEM": "N" if row["STATUS_ID"] in own else "Y"} for row in rows]


def _entry(entity_id: str, status_id: str, name: str) -> dict[str, Any]:
    row = {"ENTITY_ID": entity_id, "STATUS_ID": status_id, "NAME": name, "SORT": "70"}
    return row | {"SYSTEM": "N", "CATEGORY_ID": None, "SEMANTICS": None}


def empty_target(seed: dict[str, Any], **portal: Any) -> dict[str, Any]:
    """A portal as it is on its first day, with the same people."""
    scopes = [*_SCOPES, "catalog"]
    webhook = {"user_id": 1, "secret": "targetsecret0001", "scopes": scopes}
    return {
        "portal": {"host": "new.bitrix24.test", "webhooks": [webhook], **portal},
        "users": copy.deepcopy(seed["users"]),
        "currencies": [
            {"CURRENCY": "USD", "BASE": "Y", "FULL_NAME": "US Dollar"}
            | {"AMOUNT": "1.0000", "AMOUNT_CNT": "1"}
        ],
    }


def small_structure() -> dict[str, Any]:
    """One of each kind: what every request can die at."""
    field: dict[str, Any] = {"multiple": "N", "mandatory": "N", "xmlId": None, "settings": {}}
    return {
        "portal": {"host": "old.bitrix24.test"},
        "users": [{"ID": "1", "NAME": "Ada", "EMAIL": "ada@firm.test", "ADMIN": True}],
        "currencies": [{"CURRENCY": "USD", "BASE": "Y"}, {"CURRENCY": "CHF"}],
        "types": [
            {
                "id": 12,
                "entityTypeId": 1302,
                "title": "Project",
                "isStagesEnabled": "Y",
                "relations": {"parent": [{"entityTypeId": 2}], "child": []},
            }
        ],
        "categories": [
            {"id": 5, "entityTypeId": 2, "name": "Retail", "sort": 200, "isDefault": "N"},
            {"id": 21, "entityTypeId": 1302, "name": "Build", "sort": 100, "isDefault": "Y"},
            {"id": 22, "entityTypeId": 1302, "name": "Keep", "sort": 200, "isDefault": "N"},
        ],
        "statuses": [
            {**row, "ENTITY_ID": "DEAL_STAGE_5", "STATUS_ID": f"C5:{row['STATUS_ID']}"}
            for row in _built_in_stages()
        ]
        + [_entry("SOURCE", "UC_FAIR", "Fair")],
        "userFields": [
            {**field, "id": "701", "entityId": "CRM_DEAL", "fieldName": "UF_CRM_TONE"}
            | {"userTypeId": "enumeration", "enum": [{"id": "1", "value": "low", "xmlId": "l"}]},
            {**field, "id": "702", "entityId": "CRM_12", "fieldName": "UF_CRM_12_NOTE"}
            | {"userTypeId": "string"},
            {**field, "id": "703", "entityId": "CRM_DEAL", "fieldName": "UF_CRM_SIZE"}
            | {"userTypeId": "enumeration"}
            | {"enum": [{"id": "2", "value": "S", "xmlId": "s"}, {"id": "3", "value": "M"}]},
        ],
        "items": {},
    }


def target_of_small_structure(seed: dict[str, Any]) -> dict[str, Any]:
    """It has a list of the source without one of its values."""
    known = {**seed["userFields"][2], "enum": [{"id": "8", "value": "S", "xmlId": "s"}]}
    return {**empty_target(seed), "userFields": [known]}
