"""Changing an item: crm.item.update.

Source: b24restdocs api-reference/crm/universal/crm-item-update.md;
core-corp: modules/crm/lib/Field/UpdatedTime.php, b24_clear: Service/Operation.php
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import item_write, multifields, php, reading, stages
from migrator.sandbox.entity_types import CONTACT
from migrator.sandbox.errors import PortalError, invalid_field
from migrator.sandbox.losses import LossKind
from migrator.sandbox.values import UNSET, read_value

if TYPE_CHECKING:
    from migrator.sandbox.fields import FieldSet
    from migrator.sandbox.store import Row
    from migrator.sandbox.writing import Write


def update(write: Write, row: Row, raw: dict[str, Any]) -> None:
    """Change what differs; an update that changes nothing leaves updatedTime alone."""
    fields = write.portal.fields(write.entity_type_id)
    values = _read_changed(write, fields, row, raw)
    item_write.settle_bindings(write, values)
    if "stageId" in values or "categoryId" in values:
        stages.settle_moved_stage(write, row, values)
    if "currencyId" in values:
        stages.check_currency(write, values)
    _keep_a_name(write, row, values)
    if "fm" in raw and write.entity_type_id in multifields.OWNERS:
        values["fm"] = multifields.read_fm(write, row.get("fm") or [], raw["fm"])
    changed = {
        key: value for key, value in values.items() if _differs(value, _current(write, row, key))
    }
    if changed:
        _apply(write, fields, row, changed)
    write.commit(row["id"])


def _differs(new: Any, old: Any) -> bool:
    """Every kind of empty is the same emptiness."""
    return (new or None) != (old or None)


def _read_changed(write: Write, fields: FieldSet, row: Row, raw: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, sent in raw.items():
        if key == "fm" and write.entity_type_id in multifields.OWNERS:
            continue
        field = item_write.writable(write, fields, key, sent, history=False, new=False)
        if field is None:
            continue
        universal = write.call.method.lower() == "crm.item.update"
        if universal and field.stored == "photo" and not php.is_empty(sent):
            # Neither a pair nor fileData (b24restdocs tutorials/crm/how-to-edit-crm-objects/
            # how-to-make-contact-edit-card.md).
            raise invalid_field("photo")
        value = read_value(write, field, key, sent)
        if value is UNSET:
            continue
        if field.multiple and field.type == "enumeration" and value == [] and row.get(field.stored):
            # Keeps its old values without an error (crm-item-update.md).
            write.lose(LossKind.NOT_CLEARED, key, sent)
            continue
        values[field.stored] = value
    return values


def _keep_a_name(write: Write, row: Row, values: dict[str, Any]) -> None:
    if write.entity_type_id == CONTACT:
        if not any(values.get(key, row.get(key)) for key in ("name", "lastName")):
            raise PortalError("CRM_FIELD_ERROR_REQUIRED", 'The "Name" field is required')
    elif "title" in values and not values["title"]:
        values["title"] = reading.item_title(write.portal, write.entity_type_id, row["id"])
        write.lose(LossKind.GENERATED_NAME, "title", "", values["title"])


def _current(write: Write, row: Row, key: str) -> Any:
    plural, ids = reading.bound_ids(write.portal, write.entity_type_id)
    if key == plural:
        return ids(row)
    return row.get(key)


def _apply(write: Write, fields: FieldSet, row: Row, changed: dict[str, Any]) -> None:
    portal, user_id = write.portal, write.call.user.user_id
    now = portal.now()
    if "stageId" in changed:
        row["previousStageId"] = row.get("stageId")
        if "movedTime" in fields:
            row |= {"movedTime": now, "movedBy": user_id}
    row |= changed
    row |= {"updatedTime": now, "updatedBy": user_id}
    item_write.save_bindings(write, row, changed)
    portal.table(write.entity_type_id).note_texts(row)
    portal.automation_runs.append((write.call.method, write.entity_type_id, row["id"]))
