"""Phones, e-mails and their like.

Sources: b24restdocs api-reference/crm/data-types.md, .../universal/crm-item-update.md;
b24_clear: bitrix/modules/crm/lib/controller/item.php (the import keys)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import php
from migrator.sandbox.entity_types import COMPANY, CONTACT, LEAD
from migrator.sandbox.losses import LossKind

if TYPE_CHECKING:
    from migrator.sandbox.writing import Write

IMPORT_KEYS = ("PHONE", "EMAIL", "WEB", "IM", "LINK")
OWNERS = (LEAD, CONTACT, COMPANY)


def read_import(write: Write, fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Upper-case keys holding VALUE / VALUE_TYPE rows; every other shape is not read."""
    found = []
    for kind in IMPORT_KEYS:
        raw = fields.get(kind)
        if php.is_empty(raw):
            continue
        rows = php.array_values(raw)
        if not rows:
            write.lose(LossKind.MALFORMED_MULTIFIELD, kind, raw)
        for row in rows:
            value = row.get("VALUE") if isinstance(row, dict) else None
            if php.is_empty(value) or php.is_array(value):
                write.lose(LossKind.MALFORMED_MULTIFIELD, kind, row)
                continue
            value_type = str(row.get("VALUE_TYPE") or "WORK")
            found.append(_new(write, kind, value_type, str(value)))
    return found


def _new(write: Write, kind: str, value_type: str, value: str) -> dict[str, Any]:
    row_id = write.portal.next_multifield_id()
    return {"id": row_id, "valueType": value_type, "value": value, "typeId": kind}


def read_fm(write: Write, before: list[dict[str, Any]], raw: Any) -> list[dict[str, Any]]:
    """`fm` of add and update: an array only adds, an object edits by id or `n0`, `n1`.

    An unknown id adds, an empty value deletes, an element without typeId is skipped, an unknown
    typeId is stored unchecked.
    """
    if not php.is_array(raw):
        if not php.is_empty(raw):
            write.lose(LossKind.MALFORMED_MULTIFIELD, "fm", raw)
        return before
    rows = {row["id"]: dict(row) for row in before}
    for key, element in php.array_items(raw):
        if not isinstance(element, dict) or php.is_empty(element.get("typeId")):
            write.lose(LossKind.MALFORMED_MULTIFIELD, "fm", element)
            continue
        row_id = int(key) if isinstance(raw, dict) and key.isdigit() else 0
        _apply(write, rows, row_id, element)
    return list(rows.values())


def _apply(
    write: Write, rows: dict[int, dict[str, Any]], row_id: int, element: dict[str, Any]
) -> None:
    value = str(element.get("value") or "")
    if row_id in rows:
        if not value:
            del rows[row_id]
            return
        rows[row_id]["value"] = value
        rows[row_id]["valueType"] = str(element.get("valueType") or rows[row_id]["valueType"])
    elif value:
        added = _new(write, str(element["typeId"]), str(element.get("valueType") or "WORK"), value)
        rows[added["id"]] = added
