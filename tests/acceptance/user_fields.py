"""Every type of user field, single and multiple, with values that are easily lost."""

from __future__ import annotations

import base64
from typing import Any

ANNA, BORIS = 17, 23

#: type -> settings, single value, values of the multiple twin; None where a type has no twin.
_TYPES: dict[str, tuple[dict[str, Any], Any, list[Any] | None]] = {
    "string": ({}, 'say "hi" & <go> 50%', ["a", "b, c"]),
    "integer": ({}, 42, [1, -2]),
    "double": ({"PRECISION": 2}, 2.5, [0.25, -1.5]),
    "boolean": ({}, "Y", None),
    "date": ({}, "2024-02-29", ["2023-12-31", "2024-01-01"]),
    "datetime": ({}, "2024-02-29T23:59:58+03:00", ["2023-12-31T23:00:00+03:00"]),
    "money": ({}, "300.50|USD", ["1|EUR", "0.99|USD"]),
    "url": ({}, "https://x.test/?a=1&b=%20", ["https://y.test"]),
    "address": ({}, "Main St 1|55.7;37.6", ["Side St 2|1.0;2.0"]),
    "employee": ({}, ANNA, [BORIS, ANNA]),
    "crm_status": ({"ENTITY_TYPE": "SOURCE"}, "UC_FAIR", ["UC_CALL", "UC_FAIR"]),
    "enumeration": ({}, 1, [2, 0]),
    "file": ({}, None, []),
    "crm": ({"COMPANY": "Y", "CONTACT": "Y", "DEAL": "N", "LEAD": "Y"}, "CO_11", ["C_32", "L_41"]),
}


def user_fields(project_type_id: int, job_type_id: int, project: int) -> list[dict[str, Any]]:
    """The configuration of all user fields; ids are unique over all of them."""
    rows = []
    for entity_id, prefix in prefixes(project_type_id).items():
        for kind, (settings, _, many) in _TYPES.items():
            rows.append(_field(entity_id, f"{prefix}ONE_{kind.upper()}", kind, settings, "N"))
            if many is not None:
                rows.append(_field(entity_id, f"{prefix}MANY_{kind.upper()}", kind, settings, "Y"))
    companies = {"COMPANY": "Y"}
    rows.append(_field("CRM_COMPANY", "UF_CRM_PARENT", "crm", companies, "N"))
    projects = {f"DYNAMIC_{project}": "Y", "DEAL": "Y"}
    rows.append(_field("CRM_DEAL", "UF_CRM_1700000301", "crm", projects, "Y"))
    rows.append(_field(f"CRM_{job_type_id}", f"UF_CRM_{job_type_id}_NOTE", "string", {}, "N"))
    for number, row in enumerate(rows, start=700):
        row["id"] = str(number)
        for position, value in enumerate(row["enum"]):
            value["id"] = str(_enum_id(number, position))
    return rows


def prefixes(project_type_id: int) -> dict[str, str]:
    return {"CRM_DEAL": "UF_CRM_", f"CRM_{project_type_id}": f"UF_CRM_{project_type_id}_"}


def _enum_id(field_number: int, position: int) -> int:
    return field_number * 10 + position


def _field(
    entity_id: str, name: str, kind: str, settings: dict[str, Any], multiple: str
) -> dict[str, Any]:
    texts = ("Red", "Green", "Blue") if kind == "enumeration" else ()
    return {
        "entityId": entity_id,
        "fieldName": name,
        "userTypeId": kind,
        "multiple": multiple,
        "mandatory": "N",
        "xmlId": None,
        "settings": settings,
        "editFormLabel": {"en": f"{kind} {multiple}"},
        "enum": [
            {"value": text, "def": "N", "sort": str(100 * n), "xmlId": f"x{n}"}
            for n, text in enumerate(texts, start=1)
        ],
    }


def user_values(fields: list[dict[str, Any]], entity_id: str, prefix: str) -> dict[str, Any]:
    """A value for every user field of one entity type; list values by position."""
    ids = {
        row["fieldName"]: [int(value["id"]) for value in row["enum"]]
        for row in fields
        if row["entityId"] == entity_id
    }
    values: dict[str, Any] = {}
    for kind, (_, one, many) in _TYPES.items():
        for name, value in (
            (f"{prefix}ONE_{kind.upper()}", one),
            (f"{prefix}MANY_{kind.upper()}", many),
        ):
            if name not in ids or value is None:
                continue
            values[name] = _by_position(ids[name], value) if kind == "enumeration" else value
    values[f"{prefix}ONE_FILE"] = a_file("contract é.txt", b"signed\x00\xff" * 7)
    values[f"{prefix}MANY_FILE"] = [a_file("a.csv", b"1;2\n"), a_file("b.bin", bytes(range(256)))]
    return values


def _by_position(ids: list[int], value: Any) -> Any:
    return [ids[one] for one in value] if isinstance(value, list) else ids[value]


def a_file(name: str, body: bytes) -> dict[str, str]:
    return {"name": name, "content_base64": base64.b64encode(body).decode()}
