"""Our answers against the ones printed in the vendor's documentation.

`tests/api_examples` holds response bodies from bitrix24/b24restdocs (MIT licence); its README
names the pages.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from migrator.sandbox import Portal

EXAMPLES = Path(__file__).parents[2] / "api_examples"
SWITCHES = (
    "isCategoriesEnabled",
    "isStagesEnabled",
    "isBeginCloseDatesEnabled",
    "isClientEnabled",
    "isLinkWithProductsEnabled",
    "isMycompanyEnabled",
    "isSourceEnabled",
    "isObserversEnabled",
)
LEAD_PARENTS = (1222, 1226, 1228, 1236, 1238, 1240, 1244, 1246, 1254, 1256)
LABEL = {"en": "List of characteristics", "de": "Liste der Merkmale"}
SEED: dict[str, Any] = {
    "portal": {
        "utc_offset": "+02:00",
        "webhooks": [
            {
                "user_id": 1,
                "secret": "sandboxsecret001",
                "scopes": ["crm", "user", "userfieldconfig", "department"],
            }
        ],
    },
    "users": [{"ID": "1", "NAME": "John", "ADMIN": True, "UF_DEPARTMENT": [1]}],
    "departments": [{"ID": "15", "NAME": "R&D", "SORT": 500, "PARENT": "1"}],
    "types": [
        {
            "id": 16,
            "title": "SPA",
            "entityTypeId": 1268,
            **dict.fromkeys(SWITCHES, "Y"),
            "relations": {
                "parent": [{"entityTypeId": etid} for etid in (1, 2, 1248)],
                "child": [{"entityTypeId": 3}],
            },
        },
        {"id": 17, "title": "Smart Process #16", "entityTypeId": 1248},
        {
            "id": 18,
            "title": "Other",
            "entityTypeId": 1220,
            "relations": {"child": [{"entityTypeId": 2}]},
        },
        *(
            {
                "id": 100 + index,
                "title": f"Parent {etid}",
                "entityTypeId": etid,
                "relations": {"child": [{"entityTypeId": 1}]},
            }
            for index, etid in enumerate(LEAD_PARENTS)
        ),
    ],
    "categories": [{"id": 9, "entityTypeId": 2, "name": "Funnel", "sort": 200}],
    "currencies": [
        {
            "CURRENCY": "USD",
            "BASE": "Y",
            "FULL_NAME": "US Dollar",
            "LANG": {
                language: {
                    "FORMAT_STRING": "$#",
                    "FULL_NAME": "US Dollar",
                    "DEC_POINT": ".",
                    "THOUSANDS_SEP": None,
                    "DECIMALS": "2",
                    "THOUSANDS_VARIANT": "C",
                    "HIDE_ZERO": "Y",
                }
                for language in ("en", "de")
            },
        }
    ],
    "userFields": [
        {
            "id": "9",
            "entityId": "CRM_DEAL",
            "fieldName": "UF_CRM_1713790573",
            "userTypeId": "crm_status",
            "sort": "50",
            "multiple": "Y",
            "settings": {"ENTITY_TYPE": "INDUSTRY"},
        },
        {
            "id": "1",
            "entityId": "CRM_DEAL",
            "fieldName": "UF_CRM_1721244707107",
            "userTypeId": "double",
        },
        {
            "id": "2",
            "entityId": "CRM_LEAD",
            "fieldName": "UF_CRM_1720019876534",
            "userTypeId": "string",
        },
        {
            "id": "7095",
            "entityId": "CRM_16",
            "fieldName": "UF_CRM_16_LIST",
            "userTypeId": "enumeration",
            "multiple": "Y",
            "editFormLabel": LABEL,
            "enum": [{"id": "3671", "value": "Characteristic 1"}],
        },
    ],
    "items": {
        "1": [
            {
                "id": 250,
                "title": "Lead #250",
                "birthdate": "2000-01-01",
                "fm": [{"typeId": "PHONE", "value": "+61"}, {"typeId": "EMAIL", "value": "a@x"}],
            }
        ],
        "4": [
            {"id": 1, "title": "Company", "fm": [{"typeId": "PHONE", "value": "+1"}]},
            {"id": 2, "title": "To be deleted"},
        ],
        "2": [
            {
                "id": 342,
                "title": "Deal",
                "contactIds": [4, 5],
                "observers": [2, 3],
                "opportunity": 999.99,
                "parentId1220": 2,
                "begindate": "2024-06-18",
            }
        ],
    },
}
LEAD = {"entityTypeId": 1, "id": 250}
LEAD_COLUMNS = [
    "id",
    "assignedById",
    "stageId",
    "opportunity",
    "sourceId",
    "title",
    "name",
    "lastName",
    "isManualOpportunity",
]
FIELD = {"moduleId": "crm", "id": 7095}
LIST_LABELLED = {
    "moduleId": "crm",
    "select": {"0": "*", "language": "de"},
    "filter": {"fieldName": "UF_CRM_16_LIST"},
    "order": {"id": "ASC"},
}
COMPANY_COLUMNS = ["TITLE", "ASSIGNED_BY_ID", "PHONE"]
IMPORT = {"entityTypeId": 2, "fields": {"title": "x"}}
IMPORT_TWO = {"entityTypeId": 2, "data": [{"title": "x"}, {"stageId": "NOPE"}]}
BATCH = {"cmd": {"get_user": "user.current", "get_department": "department.get"}}


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def portal() -> Portal:
    return Portal.from_seed(SEED)


@pytest.mark.parametrize(
    ("name", "method", "params"),
    [
        ("crm.item.add", "crm.item.get", {"entityTypeId": 2, "id": 342}),
        ("crm.item.get", "crm.item.get", LEAD),
        ("crm.item.list", "crm.item.list", {"entityTypeId": 1, "select": LEAD_COLUMNS}),
        ("crm.item.fields", "crm.item.fields", {"entityTypeId": 1268}),
        ("crm.item.import", "crm.item.import", IMPORT),
        ("crm.item.batchImport", "crm.item.batchImport", IMPORT_TWO),
        ("crm.type.get", "crm.type.get", {"id": 16}),
        ("crm.type.list", "crm.type.list", {}),
        ("crm.category.get", "crm.category.get", {"entityTypeId": 2, "id": 9}),
        ("crm.category.list", "crm.category.list", {"entityTypeId": 2}),
        ("crm.category.fields", "crm.category.fields", {"entityTypeId": 2}),
        ("crm.status.list", "crm.status.list", {"filter": {"ENTITY_ID": "DEAL_STAGE"}}),
        ("crm.status.fields", "crm.status.fields", {}),
        ("crm.status.entity.items", "crm.status.entity.items", {"entityId": "DEAL_STAGE"}),
        ("userfieldconfig.get", "userfieldconfig.get", FIELD),
        ("userfieldconfig.list", "userfieldconfig.list", LIST_LABELLED),
        ("crm.deal.userfield.list", "crm.deal.userfield.list", {"filter": {"LANG": "en"}}),
        ("crm.company.list", "crm.company.list", {"select": COMPANY_COLUMNS}),
        ("crm.currency.get", "crm.currency.get", {"id": "USD"}),
        ("crm.item.delete", "crm.item.delete", {"entityTypeId": 4, "id": 2}),
        ("crm.currency.list", "crm.currency.list", {}),
        ("crm.currency.base.get", "crm.currency.base.get", {}),
        ("crm.enum.ownertype", "crm.enum.ownertype", {}),
        ("crm.userfield.types", "crm.userfield.types", {}),
        ("profile", "profile", {}),
        ("method.get", "method.get", {"name": "user.get"}),
        ("server.time", "server.time", {}),
        ("department.get", "department.get", {}),
        ("crm.item.list-3", "crm.item.list", {"entityTypeId": 1, "filter": {"FIELD": 1}}),
        ("crm.status.get-2", "crm.status.get", {"id": 99999}),
    ],
)
def test_an_answer_has_the_documented_keys_and_types(
    portal: Portal, name: str, method: str, params: dict[str, Any]
) -> None:
    ours = json.loads(json.dumps(portal.call(method, params)))

    assert differences(example(name), ours) == []


def test_a_classic_deal_has_the_documented_keys_as_texts(portal: Portal) -> None:
    documented = example("crm.deal.get")["result"]
    ours = portal.call("crm.deal.get", {"id": 342})["result"]

    system = {key for key in documented if not key.startswith("UF_")}
    assert system - set(ours) == set()
    assert [key for key in system if not isinstance(ours[key], (str, type(None)))] == []


def test_a_batch_has_the_documented_frame(portal: Portal) -> None:
    documented = example("batch")["result"]
    ours = portal.call("batch", BATCH)["result"]

    assert list(ours) == list(documented)
    assert ours["result_error"] == documented["result_error"] == []
    assert ours["result_next"] == documented["result_next"] == []
    assert ours["result_total"] == documented["result_total"] == {"get_department": 1}


def test_a_failed_batch_has_the_documented_frame() -> None:
    portal = Portal.from_seed(
        {"portal": {"webhooks": [{"user_id": 1, "secret": "s", "scopes": ["crm"]}]}}
    )
    documented = example("batch-2")["result"]

    ours = portal.call("batch", BATCH)["result"]

    for part in ("result", "result_total", "result_next", "result_time"):
        assert ours[part] == documented[part] == []
    codes = {key: row["error"] for key, row in ours["result_error"].items()}
    assert codes == {key: row["error"] for key, row in documented["result_error"].items()}


def test_a_new_pipeline_of_a_smart_process_is_born_with_the_documented_stages() -> None:
    portal = Portal.from_seed({"types": [{"id": 1, "title": "T", "entityTypeId": 177}]})
    fields = {"name": "New"}
    added = portal.call("crm.category.add", {"entityTypeId": 177, "fields": fields})
    category = added["result"]["category"]["id"]

    stages = portal.call(
        "crm.status.list", {"filter": {"ENTITY_ID": f"DYNAMIC_177_STAGE_{category}"}}
    )

    compared = ("NAME", "SORT", "SYSTEM", "COLOR", "SEMANTICS")
    assert [{key: row[key] for key in compared} for row in stages["result"]] == [
        {key: row[key] for key in compared} for row in example("crm.status.list-2")["result"]
    ]
    assert differences(example("crm.status.list-2")["result"], stages["result"]) == []


def test_every_documented_user_key_we_print_has_the_documented_type(portal: Portal) -> None:
    documented = example("user.get")["result"][0]
    ours = portal.call("user.get")["result"][0]

    assert set(ours) <= {*documented, "SECOND_NAME", "TIME_ZONE"}
    assert [key for key in ours if type(ours[key]) is not type(documented[key])] == []


def test_every_documented_directory_we_print_is_described_alike(portal: Portal) -> None:
    documented = {row["ID"]: row for row in example("crm.status.entity.types")["result"]}
    ours = {row["ID"]: row for row in portal.call("crm.status.entity.types")["result"]}

    for shared in ("STATUS", "SOURCE", "DEAL_STAGE", "QUOTE_STATUS", "HONORIFIC"):
        assert differences(documented[shared], ours[shared]) == []
    assert differences(documented["DEAL_STAGE_1"], ours["DEAL_STAGE_9"]) == []


def differences(documented: Any, ours: Any, at: str = "") -> list[str]:
    """Keys and types that differ; null fits everything, `time` need not be complete."""
    if documented is None or ours is None:
        return []
    if isinstance(documented, dict) and isinstance(ours, dict):
        return _map_differences(documented, ours, at)
    if isinstance(documented, list) and isinstance(ours, list):
        pairs = zip(documented[:1], ours[:1], strict=False)
        return [found for left, right in pairs for found in differences(left, right, f"{at}[]")]
    if _kind(documented) != _kind(ours):
        return [f"{at}: documented {_kind(documented)}, ours {_kind(ours)}"]
    return []


def _map_differences(documented: dict[str, Any], ours: dict[str, Any], at: str) -> list[str]:
    optional = {"next", "operating", "operating_reset_at", "processing", "time"}
    if at.endswith(("item", ".fields")):
        optional |= {key for key in ours if key.startswith("uf")}
    found = [f"{at}.{key} is missing" for key in documented if key not in {*ours, *optional}]
    found += [f"{at}.{key} is extra" for key in ours if key not in {*documented, *optional}]
    shared = [key for key in documented if key in ours]
    return found + [
        line for key in shared for line in differences(documented[key], ours[key], f"{at}.{key}")
    ]


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else type(value).__name__
