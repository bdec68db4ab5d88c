"""The methods crm.item.*.

Source: b24restdocs api-reference/crm/universal/*.md and import/*.md;
b24_clear: bitrix/modules/crm/lib/controller/item.php
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import entity_types, files, item_list, item_update, item_write, php
from migrator.sandbox.errors import PortalError, access_denied, not_found
from migrator.sandbox.fields import BINDING_ROWS
from migrator.sandbox.registry import Answer, Call, method
from migrator.sandbox.writing import Write

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal
    from migrator.sandbox.store import Row

#: Most elements of one crm.item.batchImport (b24restdocs .../crm-item-batch-import.md).
_IMPORT_BATCH = 20
#: The code of Bitrix\Main\ArgumentException.
_THROWN = 100


def _entity_type(portal: Portal, call: Call) -> int:
    etid = php.to_int(call.get("entityTypeId"))
    if etid == entity_types.OLD_INVOICE:
        raise PortalError("ENTITY_TYPE_NOT_SUPPORTED", "The entity type is not supported")
    if not portal.has_type(etid):
        raise not_found("Smart process not found")
    portal.require_served(etid)
    return etid


def _row(portal: Portal, call: Call, entity_type_id: int) -> Row:
    row = portal.table(entity_type_id).rows.get(php.to_int(call.get("id")))
    if row is None:
        raise not_found()
    return row


def print_item(portal: Portal, call: Call, entity_type_id: int, row: Row) -> dict[str, Any]:
    """Every field of one item, as get, add and update answer it."""
    shown = [one for one in portal.fields(entity_type_id).fields if one.stored not in BINDING_ROWS]
    columns = portal.columns(entity_type_id, call, shown)
    return {name: show(row) for name, show in columns} | {"entityTypeId": entity_type_id}


def _fields(call: Call) -> dict[str, Any]:
    raw = call.get("fields")
    if not php.is_array(raw):
        raise PortalError(100, "Could not find value for parameter {fields}")
    return dict(php.array_items(raw))


@method("crm.item.fields")
def describe(portal: Portal, call: Call) -> Answer:
    etid = _entity_type(portal, call)
    fields = portal.fields(etid).fields
    original = call.original_names
    return Answer({"fields": {one.wire(original=original): one.describe() for one in fields}})


@method("crm.item.list")
def list_items(portal: Portal, call: Call) -> Answer:
    return item_list.list_items(portal, call, _entity_type(portal, call))


@method("crm.item.get")
def get(portal: Portal, call: Call) -> Answer:
    etid = _entity_type(portal, call)
    row = _row(portal, call, etid)
    portal.charge_reads(1)
    return Answer({"item": print_item(portal, call, etid, row)})


@method("crm.item.add")
def add(portal: Portal, call: Call) -> Answer:
    etid = _entity_type(portal, call)
    row = item_write.create(Write(portal, call, etid), _fields(call), importing=False)
    portal.charge_imports(1)
    return Answer({"item": print_item(portal, call, etid, row)})


@method("crm.item.update")
def update(portal: Portal, call: Call) -> Answer:
    etid = _entity_type(portal, call)
    row = _row(portal, call, etid)
    item_update.update(Write(portal, call, etid), row, _fields(call))
    portal.charge_imports(1)
    return Answer({"item": print_item(portal, call, etid, row)})


@method("crm.item.delete")
def delete(portal: Portal, call: Call) -> Answer:
    """For users with the right to delete; an item that is not there is an error like any other.

    References to it stay as they are, but for the contact-company relation. Where the recycle bin
    is switched on a portal keeps the item there (core-corp: modules/crm/lib/recycling); a bin
    cannot be asked over REST, so there is none here.
    """
    etid = _entity_type(portal, call)
    row = portal.table(etid).rows.get(php.to_int(call.get("id")))
    if row is None:
        raise not_found("Item not found")
    if not call.user.deletes:
        raise access_denied("Access denied")
    portal.forget_item(etid, row["id"])
    portal.charge_imports(1)
    return Answer([])


def _importable_type(portal: Portal, call: Call) -> int:
    """Needs the right to import, not the right to add (.../import/index.md)."""
    etid = _entity_type(portal, call)
    if not call.user.may_import(etid):
        raise access_denied()
    return etid


@method("crm.item.import")
def import_item(portal: Portal, call: Call) -> Answer:
    etid = _importable_type(portal, call)
    row = item_write.create(Write(portal, call, etid), _fields(call), importing=True)
    portal.charge_imports(1)
    return Answer({"item": {"id": row["id"]}})


@method("crm.item.batchImport")
def batch_import(portal: Portal, call: Call) -> Answer:
    """Entries run in order, a failed one stops nothing, `items` keeps the keys of `data`.

    What is thrown, the 100 of a value that cannot be read, is caught by nobody: it ends the call,
    and the entries before it stay (b24_clear: controller/item.php, batchImportAction;
    crm-item-batch-import.md has it among the errors of the whole call).
    """
    etid = _importable_type(portal, call)
    data = call.get("data")
    if not php.is_array(data):
        raise PortalError(100, "Could not find value for parameter {data}")
    entries = php.array_items(data)
    if len(entries) > _IMPORT_BATCH:
        raise PortalError(
            "MAX_IMPORT_BATCH_SIZE_EXCEEDED", f"Maximum import batch size is {_IMPORT_BATCH}"
        )
    outcomes = {key: _import_entry(portal, call, etid, entry) for key, entry in entries}
    return Answer({"items": php.as_array(outcomes)})


def _import_entry(portal: Portal, call: Call, etid: int, entry: Any) -> dict[str, Any]:
    portal.charge_imports(1)
    try:
        # What is no array counts as an empty one (b24_clear: controller/item.php).
        raw = dict(php.array_items(entry))
        row = item_write.create(Write(portal, call, etid), raw, importing=True)
    except PortalError as error:
        if error.code == _THROWN:
            raise
        # Only the first error of an entry is told.
        return error.body()
    return {"item": {"id": row["id"]}}


@method(files.DOWNLOAD)
def download(portal: Portal, call: Call) -> Answer:
    """The server sends the content itself; this answer never becomes JSON."""
    return Answer(files.find_by_token(portal, call.get("token")))
