"""A source portal with everything: every system type, two SPAs in a cycle, every user-field type.

Small, but nothing in it is alike by chance: names say what an item is, so that a link that went to
the wrong place is seen without knowing any identifier.
"""

from __future__ import annotations

from typing import Any

from tests.acceptance.user_fields import prefixes, user_fields, user_values

PROJECT = 1302
TASK = 177
PROJECT_TYPE_ID = 12
TASK_TYPE_ID = 19

ADMIN, ANNA, BORIS, DISMISSED = 1, 17, 23, 31

_WEBHOOK = {"user_id": ADMIN, "secret": "sourcesecret0001"}
_SCOPES = ["crm", "user", "userfieldconfig"]


def whole_portal(*, utc_offset: str = "+03:00") -> dict[str, Any]:
    """The seed of the source; `utc_offset` is where its server stands."""
    fields = user_fields(PROJECT_TYPE_ID, TASK_TYPE_ID, PROJECT)
    deal, project = (user_values(fields, *one) for one in prefixes(PROJECT_TYPE_ID).items())
    return {
        "portal": {
            "host": "old.bitrix24.test",
            "utc_offset": utc_offset,
            "webhooks": [{**_WEBHOOK, "scopes": _SCOPES}],
        },
        "users": [
            _user(ADMIN, "Ada", "Admin", admin=True),
            _user(ANNA, "Anna", "Anders"),
            _user(BORIS, "Boris", "Berg"),
            _user(DISMISSED, "Dora", "Dismissed", active=False),
        ],
        "currencies": [_currency("EUR", base="Y"), _currency("USD")],
        "types": [
            _spa(PROJECT_TYPE_ID, PROJECT, "Project", parents=[TASK], children=[2]),
            _spa(TASK_TYPE_ID, TASK, "Job", parents=[2, PROJECT], children=[]),
        ],
        "categories": [
            {"id": 0, "entityTypeId": 2, "name": "General", "sort": 100, "isDefault": "Y"},
            {"id": 5, "entityTypeId": 2, "name": "Retail", "sort": 200, "isDefault": "N"},
            {"id": 21, "entityTypeId": PROJECT, "name": "Build", "sort": 100, "isDefault": "Y"},
            {"id": 22, "entityTypeId": PROJECT, "name": "Maintain", "sort": 200, "isDefault": "N"},
            {"id": 25, "entityTypeId": TASK, "name": "Jobs", "sort": 100, "isDefault": "Y"},
        ],
        "statuses": [
            *_stages(),
            *_directory("SOURCE", "Fair", "Call"),
            *_directory("DEAL_TYPE", "Sale", "Goods"),
            *_directory("INDUSTRY", "Steel", "Wood"),
            *_directory("COMPANY_TYPE", "Client", "Rival"),
            *_directory("CONTACT_TYPE", "Friend", "Foe"),
            *_directory("EMPLOYEES", "Few", "Many"),
            *_directory("HONORIFIC", "Mr", "Ms"),
        ],
        "userFields": fields,
        "items": {
            "4": _companies(),
            "3": _contacts(),
            "1": _leads(),
            "2": _deals(deal),
            "7": _quotes(),
            "31": _invoices(),
            str(PROJECT): _projects(project),
            str(TASK): _jobs(),
        },
    }


def _user(
    user_id: int, name: str, last_name: str, *, admin: bool = False, active: bool = True
) -> dict[str, Any]:
    return {
        "ID": str(user_id),
        "NAME": name,
        "LAST_NAME": last_name,
        "EMAIL": f"{name}@firm.test".lower(),
        "ACTIVE": active,
        "USER_TYPE": "employee",
        "UF_DEPARTMENT": [1],
        "ADMIN": admin,
        "IMPORT": True,
    }


def _currency(code: str, base: str = "N") -> dict[str, Any]:
    return {
        "CURRENCY": code,
        "AMOUNT_CNT": "1",
        "AMOUNT": "1.0000",
        "SORT": "100",
        "BASE": base,
        "FULL_NAME": code,
    }


def _spa(
    type_id: int, entity_type_id: int, title: str, parents: list[int], children: list[int]
) -> dict[str, Any]:
    flags = (
        "isCategoriesEnabled",
        "isStagesEnabled",
        "isBeginCloseDatesEnabled",
        "isClientEnabled",
        "isLinkWithProductsEnabled",
        "isMycompanyEnabled",
        "isSourceEnabled",
        "isObserversEnabled",
    )
    return {
        "id": type_id,
        "entityTypeId": entity_type_id,
        "title": title,
        "code": "",
        **dict.fromkeys(flags, "Y"),
        "relations": {"parent": _relations(parents), "child": _relations(children)},
    }


def _relations(entity_type_ids: list[int]) -> list[dict[str, Any]]:
    return [
        {"entityTypeId": one, "isChildrenListEnabled": "Y", "isPredefined": "N"}
        for one in entity_type_ids
    ]


def _stages() -> list[dict[str, Any]]:
    rows = []
    for entity_id, prefix, category in (
        ("DEAL_STAGE_5", "C5:", "5"),
        (f"DYNAMIC_{PROJECT}_STAGE_21", f"DT{PROJECT}_21:", "21"),
        (f"DYNAMIC_{PROJECT}_STAGE_22", f"DT{PROJECT}_22:", "22"),
        (f"DYNAMIC_{TASK}_STAGE_25", f"DT{TASK}_25:", "25"),
    ):
        named = (
            ("NEW", "Opened", None),
            ("UC_TALK", "In talks", None),
            ("WON", "Done", "S"),
            ("LOSE", "Lost", "F"),
        )
        for sort, (code, name, semantics) in enumerate(named, start=1):
            rows.append(
                {
                    "ENTITY_ID": entity_id,
                    "STATUS_ID": f"{prefix}{code}",
                    "NAME": name,
                    "SORT": str(sort * 10),
                    "SYSTEM": "N",
                    "CATEGORY_ID": category,
                    "SEMANTICS": semantics,
                    "COLOR": "#22B9FF",
                }
            )
    return rows


def _directory(entity_id: str, *names: str) -> list[dict[str, Any]]:
    return [
        {
            "ENTITY_ID": entity_id,
            "STATUS_ID": f"UC_{name.upper()}",
            "NAME": name,
            "SORT": str(sort * 10),
            "SYSTEM": "N",
            "CATEGORY_ID": None,
            "SEMANTICS": None,
        }
        for sort, name in enumerate(names, start=1)
    ]


def _history(day: int, created_by: int = ANNA) -> dict[str, Any]:
    return {
        "createdTime": f"2024-02-{day:02d}T23:30:00+03:00",
        "updatedTime": f"2024-03-{day:02d}T10:00:00+03:00",
        "createdBy": created_by,
        "updatedBy": BORIS,
        "assignedById": ANNA,
        "opened": "Y",
    }


def _moved(day: int) -> dict[str, Any]:
    return {**_history(day), "movedTime": f"2024-02-{day + 1:02d}T01:02:03+03:00", "movedBy": BORIS}


def _utm(name: str) -> dict[str, Any]:
    return {
        "utmSource": f"src {name}",
        "utmMedium": "CPC",
        "utmCampaign": name,
        "utmContent": "b",
        "utmTerm": "t",
    }


def _companies() -> list[dict[str, Any]]:
    return [
        {
            "id": 11,
            "title": "Acme & Söhne ",
            **_history(1),
            "typeId": "UC_CLIENT",
            "industry": "UC_STEEL",
            "employees": "UC_MANY",
            "revenue": 12.5,
            "currencyId": "USD",
            "isMyCompany": "N",
            "originatorId": "ERP",
            "originId": "C-11",
            "originVersion": "7",
            "leadId": 41,
            "contactIds": [31, 32],
            "comments": "one [B]bold[/B] word",
            "observers": [],
            "fm": _fm("PHONE", "+49 30 1", "+49 30 2") + _fm("WEB", "https://acme.test/?a=1&b=2"),
            **_utm("acme"),
            "UF_CRM_PARENT": "CO_13",
        },
        {
            "id": 12,
            "title": "Mine",
            **_history(2),
            "typeId": "UC_RIVAL",
            "industry": None,
            "employees": None,
            "revenue": 0,
            "currencyId": "EUR",
            "isMyCompany": "Y",
            "contactIds": [],
            "fm": [],
            "UF_CRM_PARENT": None,
        },
        {
            "id": 13,
            "title": "Holding",
            **_history(20),
            "typeId": "UC_CLIENT",
            "industry": "UC_WOOD",
            "employees": "UC_FEW",
            "revenue": 1e6,
            "currencyId": "EUR",
            "isMyCompany": "N",
            "contactIds": [32],
            "fm": [],
            "UF_CRM_PARENT": "CO_11",
        },
    ]


def _contacts() -> list[dict[str, Any]]:
    return [
        {
            "id": 31,
            "name": "Zoë",
            "secondName": "M.",
            "lastName": "O'Neil",
            "honorific": "UC_MS",
            **_history(3),
            "birthdate": "1980-02-29",
            "typeId": "UC_FRIEND",
            "sourceId": "UC_FAIR",
            "sourceDescription": "hall 3",
            "post": "CEO",
            "export": "Y",
            "companyIds": [11],
            "leadId": 41,
            "originatorId": "ERP",
            "originId": "P-31",
            "originVersion": "1",
            "fm": _fm("EMAIL", "zoe@acme.test") + _fm("PHONE", "+1 555"),
            **_utm("zoe"),
        },
        {
            "id": 32,
            "name": "Max",
            "secondName": None,
            "lastName": None,
            "honorific": None,
            **_history(4),
            "birthdate": None,
            "typeId": "UC_FOE",
            "sourceId": None,
            "export": "N",
            "opened": "N",
            "companyIds": [13, 11],
            "fm": [],
        },
    ]


def _leads() -> list[dict[str, Any]]:
    return [
        {
            "id": 41,
            "title": "First lead",
            **_moved(5),
            "stageId": "IN_PROCESS",
            "name": "Lea",
            "lastName": "D",
            "honorific": "UC_MR",
            "birthdate": "1990-12-31",
            "companyTitle": "To be",
            "sourceId": "UC_CALL",
            "statusDescription": "warm",
            "post": "CTO",
            "currencyId": "EUR",
            "opportunity": 99.9,
            "isManualOpportunity": "Y",
            "companyId": 11,
            "contactIds": [32, 31],
            "originatorId": "SITE",
            "originId": "L-41",
            "observers": [BORIS, ADMIN],
            "fm": _fm("PHONE", "+7 1"),
            **_utm("lead"),
        },
    ]


def _deals(user_values: dict[str, Any]) -> list[dict[str, Any]]:
    common = {
        "typeId": "UC_GOODS",
        "currencyId": "USD",
        "isManualOpportunity": "Y",
        "sourceId": "UC_CALL",
        "taxValue": 0,
    }
    return [
        {
            "id": 51,
            "title": "General deal",
            **common,
            **_moved(6),
            "categoryId": 0,
            "stageId": "PREPARATION",
            "opportunity": 1234.56,
            "probability": 40,
            "companyId": 11,
            "contactIds": [31, 32],
            "leadId": 41,
            "quoteId": 71,
            "begindate": "2024-02-06",
            "closedate": "2024-12-31",
            "comments": "see [URL=https://x.test]x[/URL]",
            "additionalInfo": "more",
            "originatorId": "ERP",
            "originId": "D-51",
            "observers": [BORIS],
            **_utm("deal"),
            "UF_CRM_1700000301": [f"T{PROJECT:x}_82", "D_53"],
            **user_values,
        },
        {
            "id": 52,
            "title": "Retail deal",
            # PHP's empty() takes zero and "no" for nothing; they are values all the same.
            "UF_CRM_ONE_INTEGER": 0,
            "UF_CRM_ONE_DOUBLE": 0.0,
            "UF_CRM_ONE_BOOLEAN": "N",
            "UF_CRM_ONE_MONEY": "0|USD",
            "UF_CRM_MANY_INTEGER": [0, 5],
            **common,
            **_moved(7),
            "categoryId": 5,
            "stageId": "C5:UC_TALK",
            "opportunity": 0,
            "companyId": 13,
            "contactIds": [32],
            "begindate": "2024-02-07",
            "closedate": "2025-01-01",
            "assignedById": DISMISSED,
            f"parentId{PROJECT}": 81,
        },
        {
            "id": 53,
            "title": "Won deal",
            **common,
            **_moved(7),
            "categoryId": 5,
            "stageId": "C5:WON",
            "opportunity": 5,
            "companyId": 0,
            "contactIds": [],
            "begindate": "2024-02-07",
            "closedate": "2024-02-08",
        },
    ]


def _quotes() -> list[dict[str, Any]]:
    return [
        {
            "id": 71,
            "title": "Offer",
            **_history(8),
            "stageId": "SENT",
            "currencyId": "EUR",
            "opportunity": 10,
            "isManualOpportunity": "Y",
            "content": "what",
            "terms": "how",
            "comments": "why",
            "dealId": 51,
            "leadId": 41,
            "companyId": 11,
            "contactIds": [31],
            "mycompanyId": 12,
            "begindate": "2024-02-08",
            "closedate": "2024-02-28",
            "actualDate": "2024-03-01",
            **_utm("quote"),
        }
    ]


def _invoices() -> list[dict[str, Any]]:
    return [
        {
            "id": 91,
            "title": "Bill",
            **_moved(9),
            "xmlId": "B-91",
            "currencyId": "EUR",
            "opportunity": 10,
            "isManualOpportunity": "Y",
            "companyId": 11,
            "contactIds": [31],
            "mycompanyId": 12,
            "begindate": "2024-02-09",
            "closedate": "2024-03-09",
            "sourceId": "UC_FAIR",
            "comments": "pay",
            "observers": [ANNA],
            "parentId2": 51,
            "parentId7": 71,
        }
    ]


def _projects(user_values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": 81,
            "title": "Project one",
            **_moved(10),
            "xmlId": "P-81",
            "categoryId": 21,
            "stageId": f"DT{PROJECT}_21:UC_TALK",
            "companyId": 11,
            "contactIds": [32, 31],
            "mycompanyId": 12,
            "currencyId": "USD",
            "opportunity": 7,
            "isManualOpportunity": "Y",
            "sourceId": "UC_FAIR",
            "observers": [ANNA, BORIS],
            "begindate": "2024-02-10",
            "closedate": "2024-08-01",
            f"parentId{TASK}": 86,
            **user_values,
        },
        {
            "id": 82,
            "title": "Project two",
            **_moved(11),
            "xmlId": None,
            "categoryId": 22,
            "stageId": f"DT{PROJECT}_22:NEW",
            "begindate": "2024-02-11",
            "closedate": None,
            "companyId": 0,
            "contactIds": [],
        },
    ]


def _jobs() -> list[dict[str, Any]]:
    return [
        {
            "id": 86,
            "title": "Job one",
            **_moved(12),
            "categoryId": 25,
            "stageId": f"DT{TASK}_25:NEW",
            f"parentId{PROJECT}": 81,
            "begindate": "2024-02-12",
            "closedate": "2024-02-14",
            f"UF_CRM_{TASK_TYPE_ID}_NOTE": "read me",
        },
        {
            "id": 87,
            "title": "Job two",
            **_moved(13),
            "categoryId": 25,
            "stageId": f"DT{TASK}_25:UC_TALK",
            f"parentId{PROJECT}": 82,
            "parentId2": 52,
            "begindate": "2024-02-12",
            "closedate": None,
            f"UF_CRM_{TASK_TYPE_ID}_NOTE": None,
        },
    ]


def _fm(type_id: str, *values: str) -> list[dict[str, Any]]:
    return [{"typeId": type_id, "valueType": "WORK", "value": value} for value in values]
