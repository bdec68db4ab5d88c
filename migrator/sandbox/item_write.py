"""Creating and changing items: the common path of import, batchImport, add and update.

Sources: b24restdocs api-reference/crm/universal/crm-item-add.md, crm-item-update.md,
import/crm-item-import.md; core-corp and b24_clear files named where a rule comes from them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from migrator.sandbox import multifields, php, reading, stages
from migrator.sandbox.entity_types import COMPANY, CONTACT, DEAL, INVOICE, LEAD, QUOTE
from migrator.sandbox.errors import PortalError
from migrator.sandbox.fields import BINDING_ROWS, HISTORY, Field, FieldSet
from migrator.sandbox.history import read_history
from migrator.sandbox.losses import LossKind
from migrator.sandbox.values import UNSET, read_value

if TYPE_CHECKING:
    from migrator.sandbox.store import Row
    from migrator.sandbox.writing import Write

_PARENT = re.compile(r"^(parentId|PARENT_ID_)\d+$")
_FIRST_OF_LIST = ("sourceId", "typeId", "industry", "employees")
_WEEK = 7
#: An update returns the old value without an error, whatever crm.item.fields says of it
#: (b24restdocs .../crm-item-update.md).
_KEPT = frozenset({"webformId"})


def create(write: Write, raw: dict[str, Any], *, importing: bool) -> Row:
    """Store a new item and return it.

    Raises: PortalError with the first thing that is wrong; nothing is stored then.
    """
    fields = write.portal.fields(write.entity_type_id)
    values, history = _read_new(write, fields, raw, importing=importing)
    category_id = stages.settle_category(write, fields, values)
    stages.settle_stage(write, fields, values, category_id)
    if "currencyId" in fields:
        stages.check_currency(write, values)
    _check_required(write, fields, values)
    past = read_history(write, history) if importing else {}
    fm = _read_new_multifields(write, raw, importing=importing)
    _fill_defaults(write, fields, values)
    row = _assemble(write, fields, values, past, importing=importing)
    if write.entity_type_id in multifields.OWNERS:
        row["fm"] = fm
    _name_it(write, row, raw)
    _save(write, row, values, importing=importing)
    return row


def _read_new(
    write: Write, fields: FieldSet, raw: dict[str, Any], *, importing: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values and history fields that were sent, by stored name."""
    values: dict[str, Any] = {}
    history: dict[str, Any] = {}
    for key, sent in raw.items():
        if _is_multifield_key(write, key, importing=importing):
            continue
        field = writable(write, fields, key, sent, history=importing, new=True)
        if field is None:
            continue
        if field.stored in HISTORY:
            history[field.stored] = sent
            continue
        value = read_value(write, field, key, sent)
        if value is not UNSET:
            values[field.stored] = value
    settle_bindings(write, values)
    return values, history


def _is_multifield_key(write: Write, key: str, *, importing: bool) -> bool:
    if write.entity_type_id not in multifields.OWNERS:
        return False
    return key == "fm" or (importing and key in multifields.IMPORT_KEYS)


def writable(
    write: Write, fields: FieldSet, key: str, sent: Any, *, history: bool, new: bool
) -> Field | None:
    """The field behind a key, or None with a loss: such keys are ignored without an error."""
    field = fields.find(key, original=write.call.original_names)
    if field is not None and field.stored in HISTORY and history:
        return field
    kind = _refusal(field, key, new=new)
    if kind is None:
        return field
    if not php.is_empty(sent):
        write.lose(kind, key, sent)
    return None


def _refusal(field: Field | None, key: str, *, new: bool) -> LossKind | None:
    if field is None:
        # A parent of a type that is not linked (b24_clear: Service/Factory.php).
        return LossKind.UNLINKED_PARENT if _PARENT.match(key) else LossKind.UNKNOWN_FIELD
    if field.stored in HISTORY:
        # add and update reset them silently (core-corp: modules/crm/lib/Field.php).
        return LossKind.HISTORY_ON_WRITE
    if field.read_only or field.stored in BINDING_ROWS or (field.stored in _KEPT and not new):
        return LossKind.READ_ONLY_FIELD
    return None


def settle_bindings(write: Write, values: dict[str, Any]) -> None:
    """Plural wins over singular, duplicates are dropped, the first is primary.

    Source: core-corp: modules/crm/lib/item/fieldimplementation/binding.php
    """
    plural = "companyIds" if write.entity_type_id == CONTACT else "contactIds"
    singular = plural.removesuffix("s")
    if write.entity_type_id != COMPANY and singular in values:
        one = values.pop(singular)
        values.setdefault(plural, [one] if one else [])
    if plural in values:
        unique = list(dict.fromkeys(values[plural]))
        if len(unique) < len(values[plural]):
            write.lose(LossKind.DUPLICATE_BINDING, plural, values[plural])
        values[plural] = unique


def _check_required(write: Write, fields: FieldSet, values: dict[str, Any]) -> None:
    """Off unless the portal option is on (core-corp: modules/crm/lib/settings/restsettings.php)."""
    if not write.portal.settings.enforce_required_fields:
        return
    for field in fields.fields:
        if field.dynamic and field.required and php.is_empty(values.get(field.stored)):
            raise PortalError("CRM_FIELD_ERROR_REQUIRED", f'The "{field.title}" field is required')


def _read_new_multifields(
    write: Write, raw: dict[str, Any], *, importing: bool
) -> list[dict[str, Any]]:
    if write.entity_type_id not in multifields.OWNERS:
        return []
    if not importing:
        return multifields.read_fm(write, [], raw.get("fm"))
    if not php.is_empty(raw.get("fm")):
        # Import reads PHONE, EMAIL, WEB, IM, LINK only (b24_clear: .../controller/item.php).
        write.lose(LossKind.FM_ON_IMPORT, "fm", raw["fm"])
    return multifields.read_import(write, raw)


def _fill_defaults(write: Write, fields: FieldSet, values: dict[str, Any]) -> None:
    """For ABSENT keys only: an explicit empty stays empty (crm-item-add.md)."""
    portal = write.portal
    # Empty counts as absent here: the caller (core-corp: modules/crm/lib/Field/Assigned.php).
    values["assignedById"] = values.get("assignedById") or write.call.user.user_id
    defaults: dict[str, Any] = {"opened": "Y", "export": "Y", "isManualOpportunity": "N"}
    defaults |= {"isRecurring": "N", "isMyCompany": "N"}
    defaults["begindate"] = portal.today()
    defaults["closedate"] = defaults["actualDate"] = portal.today(days=_WEEK)
    if "mycompanyId" in fields and "mycompanyId" not in values:
        defaults["mycompanyId"] = portal.first_own_company()
    for name in _FIRST_OF_LIST:
        if name in fields:
            defaults[name] = portal.statuses.first(fields.by_stored[name].status_type)
    for name, default in defaults.items():
        if name in fields:
            values.setdefault(name, default)


def _assemble(
    write: Write, fields: FieldSet, values: dict[str, Any], past: dict[str, Any], *, importing: bool
) -> Row:
    now, user_id = write.portal.now(), write.call.user.user_id
    row: Row = {"id": 0, "createdTime": now, "updatedTime": now}
    row |= {"createdBy": user_id, "updatedBy": user_id}
    if "movedTime" in fields:
        row |= {"movedTime": now, "movedBy": user_id}
    row |= values
    row |= {name: value for name, value in past.items() if name in fields}
    # Whatever createdTime says (core-corp: modules/crm/lib/Field/LastActivityTime.php).
    row |= {"lastActivityTime": now, "lastActivityBy": user_id}
    if importing:
        _close(write, row)
    return row


def _close(write: Write, row: Row) -> None:
    """Import straight into a final stage overwrites the date of closing.

    Source: core-corp: modules/crm/lib/Field/CloseDate.php
    """
    etid = write.entity_type_id
    if etid == QUOTE or write.portal.semantics(etid, row) == "P":
        return
    option = write.portal.settings.close_date_on_final_stage
    if etid == LEAD:
        row["dateClosed"] = write.portal.now()
    elif option["deal" if etid == DEAL else "others"] and "closedate" in row:
        row["closedate"] = write.portal.today()


def _name_it(write: Write, row: Row, raw: dict[str, Any]) -> None:
    """An empty title is written in a second save (core-corp: modules/crm/lib/Field/Title.php)."""
    etid = write.entity_type_id
    item_id = write.portal.table(etid).next_id
    keys = ("name", "lastName") if etid == CONTACT else ("title",)
    if any(row.get(key) for key in keys):
        return
    row[keys[0]] = reading.item_title(write.portal, etid, item_id)
    sent = [key for key in raw if key in keys or key.lower() in keys]
    if sent:
        write.lose(LossKind.GENERATED_NAME, sent[0], raw[sent[0]], row[keys[0]])


def _save(write: Write, row: Row, values: dict[str, Any], *, importing: bool) -> None:
    portal, etid = write.portal, write.entity_type_id
    row["id"] = portal.table(etid).allocate()
    if etid == INVOICE:
        row["accountNumber"] = str(row["id"])
    if etid == QUOTE:
        row["quoteNumber"] = str(row["id"])
    portal.table(etid).insert(row)
    save_bindings(write, row, values)
    if not importing:
        # Import starts no automation rules (b24restdocs .../import/index.md).
        portal.automation_runs.append((write.call.method, etid, row["id"]))
    write.commit(row["id"])


def save_bindings(write: Write, row: Row, values: dict[str, Any]) -> None:
    """Contacts and companies share one relation, so it is not kept in the row."""
    if write.entity_type_id == CONTACT and "companyIds" in values:
        write.portal.bindings.set_companies(row["id"], row.pop("companyIds"))
    if write.entity_type_id == COMPANY and "contactIds" in values:
        write.portal.bindings.set_contacts(row["id"], row.pop("contactIds"))
