"""The older crm.{lead,deal,contact,company}.* as far as common client libraries use them.

Upper-case names, every scalar a text, multifields under PHONE, EMAIL and so on.
Source: b24restdocs api-reference/crm/{leads,deals,contacts,companies}/*.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import item_list, item_update, item_write, multifields, naming, php
from migrator.sandbox.entity_types import COMPANY, CONTACT, DEAL, LEAD
from migrator.sandbox.errors import PortalError
from migrator.sandbox.fields import NAMED_ONLY, Field
from migrator.sandbox.registry import Answer, Call, method
from migrator.sandbox.writing import Write

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal
    from migrator.sandbox.store import Row

_TYPES = {"lead": LEAD, "deal": DEAL, "contact": CONTACT, "company": COMPANY}
_OPERATORS = "<>=!@%"
_NAMES = {
    "createdTime": "DATE_CREATE",
    "updatedTime": "DATE_MODIFY",
    "createdBy": "CREATED_BY_ID",
    "updatedBy": "MODIFY_BY_ID",
    "movedBy": "MOVED_BY_ID",
}
_NAMES_BY_TYPE = {
    LEAD: {"stageId": "STATUS_ID", "stageSemanticId": "STATUS_SEMANTIC_ID"},
    COMPANY: {"typeId": "COMPANY_TYPE"},
}


def _names(action: str) -> list[str]:
    return [f"crm.{name}.{action}" for name in _TYPES]


def _type(call: Call) -> int:
    return _TYPES[call.method.lower().split(".")[1]]


def _name(entity_type_id: int, field: Field) -> str:
    if field.dynamic:
        return field.stored
    special = _NAMES | _NAMES_BY_TYPE.get(entity_type_id, {})
    return special.get(field.stored) or naming.upper_name(field.stored)


def _fields(portal: Portal, entity_type_id: int) -> dict[str, Field]:
    """Classic name -> field; what is switched off or bound elsewhere is not part of it."""
    return {
        _name(entity_type_id, one): one
        for one in portal.fields(entity_type_id).fields
        if not one.disabled and one.stored not in NAMED_ONLY
    }


def _universal(call: Call, params: dict[str, Any]) -> Call:
    """The same call in the words of crm.item.*, user fields under their stored names."""
    return Call(call.method, params | {"useOriginalUfNames": "Y"}, call.user, call.webhook)


def _translate(portal: Portal, entity_type_id: int, raw: Any) -> dict[str, Any]:
    """Keys of a filter, an order or a set of fields; unknown ones are ignored."""
    known = _fields(portal, entity_type_id)
    found = {}
    for key, value in php.array_items(raw):
        name = key.lstrip(_OPERATORS)
        if name in known:
            found[key[: len(key) - len(name)] + known[name].wire(original=True)] = value
    return found


@method(*_names("list"))
def list_items(portal: Portal, call: Call) -> Answer:
    etid = _type(call)
    wanted = [str(one) for one in php.array_values(call.get("select", "SELECT"))]
    params = {
        "filter": _translate(portal, etid, call.get("filter", "FILTER")),
        "order": _translate(portal, etid, call.get("order", "ORDER")) or {"id": "ASC"},
        "start": call.get("start", "START") or 0,
        "select": ["id"],
    }
    inner = _universal(call, params)
    answer = item_list.list_items(portal, inner, etid)
    rows = [portal.table(etid).rows[item["id"]] for item in answer.result["items"]]
    printed = [_print(portal, inner, etid, row, wanted) for row in rows]
    return Answer(printed, answer.total, answer.next)


def _print(
    portal: Portal, call: Call, entity_type_id: int, row: Row, wanted: list[str]
) -> dict[str, Any]:
    known = _fields(portal, entity_type_id)
    everything = not wanted or "*" in wanted
    names = [
        name
        for name, one in known.items()
        if name in wanted or (everything and not one.dynamic) or ("UF_*" in wanted and one.dynamic)
    ]
    names = names if "ID" in names or everything else ["ID", *names]
    columns = portal.columns(entity_type_id, call, [known[name] for name in names])
    item = {
        name: _text(known[name], show(row)) for name, (_, show) in zip(names, columns, strict=True)
    }
    return item | _multifields(row, wanted)


def _multifields(row: Row, wanted: list[str]) -> dict[str, Any]:
    """Named in select, and absent where there is no value."""
    found: dict[str, Any] = {}
    for one in row.get("fm") or ():
        if one["typeId"] in wanted:
            found.setdefault(one["typeId"], []).append(
                {
                    "ID": str(one["id"]),
                    "VALUE_TYPE": one["valueType"],
                    "VALUE": one["value"],
                    "TYPE_ID": one["typeId"],
                }
            )
    return found


def _text(field: Field, value: Any) -> Any:
    if isinstance(value, list):
        return [_text(field, one) for one in value]
    if value is None or isinstance(value, (str, dict)):
        return value
    return f"{value:.2f}" if field.type == "double" and not field.dynamic else str(value)


def _row(portal: Portal, call: Call) -> Row:
    row = portal.table(_type(call)).rows.get(php.to_int(call.get("id", "ID")))
    if row is None:
        # The older methods have no code here (b24restdocs .../crm-deal-get.md).
        raise PortalError("", "Not found")
    return row


@method(*_names("get"))
def get(portal: Portal, call: Call) -> Answer:
    wanted = ["*", "UF_*", *multifields.IMPORT_KEYS]
    inner = _universal(call, {})
    return Answer(_print(portal, inner, _type(call), _row(portal, call), wanted))


def _read(portal: Portal, call: Call) -> dict[str, Any]:
    raw = call.array("fields", "FIELDS")
    fields = _translate(portal, _type(call), raw)
    elements = {}
    for kind in multifields.IMPORT_KEYS:
        for index, row in enumerate(php.array_values(raw.get(kind))):
            deleted = row.get("DELETE") == "Y"
            elements[str(row.get("ID") or f"n{kind}{index}")] = {
                "typeId": kind,
                "valueType": row.get("VALUE_TYPE"),
                "value": "" if deleted else row.get("VALUE"),
            }
    return fields | ({"fm": elements} if elements else {})


@method(*_names("add"))
def add(portal: Portal, call: Call) -> Answer:
    fields = _read(portal, call)
    write = Write(portal, _universal(call, {}), _type(call))
    row = item_write.create(write, fields, importing=False)
    portal.charge_imports(1)
    return Answer(row["id"])


@method(*_names("update"))
def update(portal: Portal, call: Call) -> Answer:
    row = _row(portal, call)
    fields = _read(portal, call)
    write = Write(portal, _universal(call, {}), _type(call))
    item_update.update(write, row, fields)
    portal.charge_imports(1)
    return Answer(True)  # noqa: FBT003 - the documented result


@method(*_names("delete"))
def delete(portal: Portal, call: Call) -> Answer:
    portal.forget_item(_type(call), _row(portal, call)["id"])
    return Answer(True)  # noqa: FBT003 - the documented result


@method(*_names("fields"))
def describe(portal: Portal, call: Call) -> Answer:
    known = _fields(portal, _type(call))
    described = {}
    for name, one in known.items():
        meta = one.describe()
        meta.pop("upperName")
        described[name] = meta
    return Answer(described)
