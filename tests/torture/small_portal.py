"""A small source portal in which much refers to much.

Three companies, six contacts, twelve deals and two smart processes that are each other's parent;
links of every shape, one chain inside a type, and files. Small enough to be moved in a moment,
intricate enough that every part of the write path is taken: several requests per type, deferred
links, files, correlation fields of every kind.

Many items of a type were created at the same moment: the target refuses an item that is older than
its newest row, and that rule would keep many a doubled one from showing.
"""

from __future__ import annotations

import base64
from typing import Any

PROJECT, TASK = 1302, 177
PROJECT_TYPE_ID, TASK_TYPE_ID = 12, 19
_ANNA = 17


def small_portal() -> dict[str, Any]:
    """The seed of the source."""
    return {
        "portal": {
            "host": "old.bitrix24.test",
            "webhooks": [{"user_id": 1, "secret": "sourcesecret0001"}],
        },
        "users": [
            {"ID": "1", "NAME": "Ada", "EMAIL": "ada@firm.test", "ADMIN": True, "IMPORT": True},
            {"ID": str(_ANNA), "NAME": "Anna", "EMAIL": "anna@firm.test"},
        ],
        "types": [
            _smart_process(PROJECT_TYPE_ID, PROJECT, "Project", parent=TASK),
            _smart_process(TASK_TYPE_ID, TASK, "Job", parent=PROJECT),
        ],
        "userFields": [
            _link_field(701, "CRM_COMPANY", "UF_CRM_HOLDING", "N", {"COMPANY": "Y"}),
            _link_field(
                702,
                "CRM_DEAL",
                "UF_CRM_INVOLVED",
                "Y",
                {"COMPANY": "Y", "CONTACT": "Y", "DEAL": "Y", f"DYNAMIC_{PROJECT}": "Y"},
            ),
            _field(703, f"CRM_{PROJECT_TYPE_ID}", f"UF_CRM_{PROJECT_TYPE_ID}_PAPERS", "file", "Y"),
        ],
        "items": {
            "4": [_company(number) for number in (1, 2, 3)],
            "3": [_contact(number) for number in range(1, 7)],
            "2": [_deal(number) for number in range(1, 13)],
            str(PROJECT): [_project(number) for number in (1, 2, 3)],
            str(TASK): [_job(number) for number in (1, 2, 3)],
        },
    }


def _smart_process(type_id: int, entity_type_id: int, title: str, parent: int) -> dict[str, Any]:
    return {
        "id": type_id,
        "entityTypeId": entity_type_id,
        "title": title,
        "isStagesEnabled": "Y",
        "isClientEnabled": "Y",
        "relations": {"parent": [{"entityTypeId": parent}, {"entityTypeId": 2}], "child": []},
    }


def _field(
    number: int, entity_id: str, name: str, kind: str, multiple: str, **settings: Any
) -> dict[str, Any]:
    return {
        "id": str(number),
        "entityId": entity_id,
        "fieldName": name,
        "userTypeId": kind,
        "multiple": multiple,
        "settings": settings,
    }


def _link_field(
    number: int, entity_id: str, name: str, multiple: str, types: dict[str, str]
) -> dict[str, Any]:
    return _field(number, entity_id, name, "crm", multiple, **types)


def _history(month: int, number: int) -> dict[str, Any]:
    return {
        "createdTime": f"2024-{month:02d}-{1 + number // 7:02d}T10:00:00+03:00",
        "updatedTime": f"2024-09-{number:02d}T11:30:00+03:00",
        "createdBy": _ANNA,
        "updatedBy": 1,
        "assignedById": _ANNA,
    }


def _moved(month: int, number: int) -> dict[str, Any]:
    moved = f"2024-08-{number:02d}T09:00:00+03:00"
    return {**_history(month, number), "movedTime": moved, "movedBy": _ANNA}


def _company(number: int) -> dict[str, Any]:
    return {
        "id": 10 + number,
        "title": f"Company {number}",
        **_history(1, number),
        "fm": [{"typeId": "PHONE", "valueType": "WORK", "value": f"+49 30 {number}"}],
        # The first belongs to the last, which does not exist yet when the first is imported.
        "UF_CRM_HOLDING": {1: "CO_13", 2: "CO_11", 3: None}[number],
    }


def _contact(number: int) -> dict[str, Any]:
    return {
        "id": 30 + number,
        "name": f"Contact {number}",
        **_history(2, number),
        "companyIds": [11 + number % 3, 11 + (number + 1) % 3][: 1 + number % 2],
        "fm": [{"typeId": "EMAIL", "valueType": "WORK", "value": f"c{number}@firm.test"}],
    }


def _deal(number: int) -> dict[str, Any]:
    involved = [f"CO_{11 + number % 3}", f"C_{31 + number % 6}"]
    if number % 4 == 0:
        involved.append(f"T{PROJECT:x}_{81 + number % 3}")
    if number == 9:
        involved.append("D_51")
    return {
        "id": 50 + number,
        "title": f"Deal {number}",
        **_moved(3, number),
        "stageId": "PREPARATION" if number % 2 else "NEW",
        "opportunity": 100 * number,
        "isManualOpportunity": "Y",
        "companyId": 11 + number % 3,
        "contactIds": [31 + number % 6, 31 + (number + 1) % 6],
        "UF_CRM_INVOLVED": involved,
    }


def _project(number: int) -> dict[str, Any]:
    papers = [f"{name} {number}".encode() * 9 for name in ("offer", "contract")][:number]
    return {
        "id": 80 + number,
        "title": f"Project {number}",
        **_moved(4, number),
        "xmlId": f"P-{number}",
        "companyId": 11,
        "contactIds": [31, 30 + number],
        f"parentId{TASK}": 90 + number,
        "parentId2": 50 + number,
        f"UF_CRM_{PROJECT_TYPE_ID}_PAPERS": [
            {"name": f"p{number}-{place}.txt", "content_base64": base64.b64encode(body).decode()}
            for place, body in enumerate(papers)
        ],
    }


def _job(number: int) -> dict[str, Any]:
    return {
        "id": 90 + number,
        "title": f"Job {number}",
        **_moved(5, number),
        f"parentId{PROJECT}": 81 + number % 3,
    }
