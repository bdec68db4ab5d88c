"""Loading a portal from a seed document and writing one back.

Seeds are trusted: nothing is checked, nothing is recorded as lost.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from migrator.sandbox import company_lists, entity_types, php, user_fields, users
from migrator.sandbox.currencies import Currencies
from migrator.sandbox.entity_types import COMPANY, CONTACT, DEAL, INVOICE
from migrator.sandbox.fields import BINDING_ROWS
from migrator.sandbox.settings import Settings, read_settings
from migrator.sandbox.values import plain_number

if TYPE_CHECKING:
    from migrator.sandbox.fields import Field
    from migrator.sandbox.portal import Portal
    from migrator.sandbox.store import Row

_PARTS = {
    "portal",
    "users",
    "departments",
    "lists",
    "currencies",
    "types",
    "categories",
    "statuses",
    "userFields",
    "items",
    "next_ids",
}
_LINKS = {"crm_company", "crm_contact", "crm_lead", "crm_deal", "crm_quote", "crm_entity"}
_NUMBERS = _LINKS | {"integer", "user", "employee", "enumeration", "crm_category"}


def settings_of(seed: dict[str, Any]) -> Settings:
    unknown = set(seed) - _PARTS
    if unknown:
        raise ValueError(f"unknown parts in the seed: {', '.join(sorted(unknown))}")
    return read_settings(seed.get("portal") or {})


def load(portal: Portal, seed: dict[str, Any]) -> None:
    _load_structure(portal, seed)
    items = {int(key): rows for key, rows in (seed.get("items") or {}).items()}
    for entity_type_id, rows in items.items():
        _load_items(portal, entity_type_id, rows)
    for key, first in (seed.get("next_ids") or {}).items():
        portal.table(int(key)).start_ids_at(int(first))


def _load_structure(portal: Portal, seed: dict[str, Any]) -> None:
    _load_users(portal, seed.get("users") or [])
    portal.departments = [dict(row) for row in seed.get("departments") or []]
    portal.lists = company_lists.read_lists(seed.get("lists") or {})
    portal.currencies = Currencies(seed.get("currencies") or [], portal.now())
    for raw in seed.get("types") or []:
        portal.types.add(raw, portal.now(), min(portal.users))
    for raw in seed.get("categories") or []:
        portal.categories.load(raw)
    portal.categories.ensure_default(DEAL, "General")
    portal.categories.ensure_default(CONTACT, "Contacts")
    portal.categories.ensure_default(COMPANY, "Companies")
    portal.categories.ensure_default(INVOICE, "Invoices")
    portal.statuses.load(seed.get("statuses") or [])
    portal.statuses.add_defaults()
    for entity_type_id in (DEAL, INVOICE, *portal.types.by_entity_type_id):
        portal.open_type(entity_type_id)
    portal.user_fields.load_all(seed.get("userFields") or [])
    portal.structure_changed()


def _load_users(portal: Portal, rows: list[dict[str, Any]]) -> None:
    default = {"ID": "1", "NAME": "Admin", "EMAIL": "admin@portal.test", "ADMIN": True}
    for raw in rows or [default]:
        user = users.read_user(raw)
        portal.users[user.user_id] = user
    if not any(user.admin for user in portal.users.values()):
        # A portal always has an administrator.
        first = min(portal.users)
        row = users.dump_user(portal.users[first]) | {"ADMIN": True, "IMPORT": True}
        portal.users[first] = users.read_user(row)


def _load_items(portal: Portal, entity_type_id: int, rows: list[Row]) -> None:
    if not portal.has_type(entity_type_id):
        raise ValueError(f"the seed has items of an unknown entity type: {entity_type_id}")
    portal.table(entity_type_id).load(_read_rows(portal, entity_type_id, rows))


def add_printed(portal: Portal, entity_type_id: int, rows: Iterable[Row]) -> None:
    """Take items as a portal of the same structure has printed them, under stored names.

    Files stay behind: a portal prints links to them, not their contents.
    """
    files = {one.stored for one in portal.fields(entity_type_id).fields if one.type == "file"}
    known = portal.fields(entity_type_id).by_stored.keys() - files - BINDING_ROWS
    kept = [{key: value for key, value in row.items() if key in known} for row in rows]
    table = portal.table(entity_type_id)
    for row in _read_rows(portal, entity_type_id, kept):
        if row["id"] in table.rows:
            table.rows[row["id"]] = row
            table.note_texts(row)
        else:
            table.insert(row)


def _read_rows(portal: Portal, entity_type_id: int, rows: list[Row]) -> list[Row]:
    readers = _readers(portal, entity_type_id)
    defaults = _row_defaults(portal, entity_type_id)
    fields = portal.fields(entity_type_id)
    table = portal.table(entity_type_id)
    known = {*fields.by_stored, "entityTypeId"}
    loaded = []
    for raw in rows:
        if not known.issuperset(raw):
            _refuse_unknown(entity_type_id, raw, known)
        row = defaults | {
            key: readers[key](value) if key in readers and value is not None else value
            for key, value in raw.items()
        }
        row["id"] = int(row["id"]) if row.get("id") else table.allocate()
        _take_bindings(portal, entity_type_id, row)
        if "fm" in row:
            row["fm"] = [_multifield(portal, one) for one in row["fm"] or ()]
        if row.get("stageId") is None and "stageId" in fields:
            row["stageId"] = _first_stage(portal, entity_type_id, row)
        row["updatedTime"] = row["updatedTime"] or row["createdTime"]
        if "movedTime" in row:
            row["movedTime"] = row["movedTime"] or row["createdTime"]
        row["lastActivityTime"] = row["lastActivityTime"] or row["updatedTime"]
        loaded.append(row)
    return loaded


def _refuse_unknown(entity_type_id: int, raw: Row, known: set[str]) -> None:
    """A seed is trusted, but a typo in it would be a loss nobody sees."""
    unknown = sorted(key for key in raw if key not in known and raw[key] not in (None, [], ""))
    if unknown:
        raise ValueError(
            f"item {raw.get('id')} of entity type {entity_type_id} in the seed has unknown fields: "
            f"{', '.join(unknown)} (user fields stand under their stored names, UF_...)"
        )


def _first_stage(portal: Portal, entity_type_id: int, row: Row) -> str | None:
    stages = entity_types.stage_entity_id(entity_type_id, row.get("categoryId") or 0)
    return portal.statuses.first(stages)


def _row_defaults(portal: Portal, entity_type_id: int) -> Row:
    """What a seeded item has when it says nothing."""
    first_user = min(portal.users)
    fields = portal.fields(entity_type_id)
    row: Row = {"id": None, "createdTime": portal.now(), "updatedTime": None}
    row |= dict.fromkeys(("createdBy", "updatedBy", "assignedById", "lastActivityBy"), first_user)
    row["lastActivityTime"] = None
    if "movedTime" in fields:
        row |= {"movedTime": None, "movedBy": first_user}
    if "categoryId" in fields:
        row["categoryId"] = portal.categories.default_id(entity_type_id)
    if "currencyId" in fields:
        row["currencyId"] = portal.currencies.base
    return row


def _take_bindings(portal: Portal, entity_type_id: int, row: Row) -> None:
    plural = "companyIds" if entity_type_id == CONTACT else "contactIds"
    singular = plural.removesuffix("s")
    one = row.pop(singular, None) if entity_type_id != COMPANY else None
    bound = list(row.get(plural) or ([one] if one else []))
    if entity_type_id == CONTACT:
        row.pop(plural, None)
        portal.bindings.set_companies(row["id"], _merged(bound, row["id"], portal, CONTACT))
    elif entity_type_id == COMPANY:
        row.pop(plural, None)
        portal.bindings.set_contacts(row["id"], _merged(bound, row["id"], portal, COMPANY))
    elif bound:
        row[plural] = bound


def _merged(bound: list[int], item_id: int, portal: Portal, entity_type_id: int) -> list[int]:
    """The other end may have been loaded first; either end may name the pair."""
    read = (
        portal.bindings.companies_of if entity_type_id == CONTACT else portal.bindings.contacts_of
    )
    return list(dict.fromkeys([*bound, *read(item_id)]))


def _multifield(portal: Portal, raw: dict[str, Any]) -> dict[str, Any]:
    row_id = int(raw.get("id") or portal.next_multifield_id())
    portal.note_multifield_id(row_id)
    return {
        "id": row_id,
        "valueType": raw.get("valueType") or "WORK",
        "value": str(raw["value"]),
        "typeId": raw["typeId"],
    }


_Reader = Callable[[Any], Any]


def _readers(portal: Portal, entity_type_id: int) -> dict[str, _Reader]:
    found = {}
    for field in portal.fields(entity_type_id).fields:
        reader = _reader(portal, field)
        if reader is not None:
            found[field.stored] = _for_each(reader) if field.multiple else reader
    return found


def _for_each(reader: _Reader) -> _Reader:
    return lambda values: [reader(value) for value in php.array_values(values)]


def _reader(portal: Portal, field: Field) -> _Reader | None:
    moments = portal.moments
    if field.type == "datetime":
        return lambda value: moments.read_datetime(value) if value else None
    if field.type == "date":
        # A date printed by a portal is midnight UTC: the day is that of UTC.
        return lambda value: _seeded_day(portal, value)
    if field.type == "file":
        return lambda value: _seeded_file(portal, value)
    if field.type == "double":
        return lambda value: plain_number(php.to_float(value))
    if field.type in _NUMBERS:
        links = field.type in _LINKS
        return lambda value: (php.to_int(value) or None) if links else php.to_int(value)
    return None


def _seeded_day(portal: Portal, value: Any) -> str | None:
    if not value:
        return None
    text = str(value)
    if len(text) == 10:
        return text
    moment = portal.moments.read_datetime(text)
    if moment is None:
        raise ValueError(f"not a date in the seed: {text}")
    return portal.moments.day_in_utc(moment)


def _seeded_file(portal: Portal, value: Any) -> dict[str, Any] | None:
    if not value:
        return None
    content = base64.b64decode(value["content_base64"])
    return {"id": portal.files.add(value["name"], content)}


def dump(portal: Portal) -> dict[str, Any]:
    return {
        "portal": _dump_settings(portal.settings),
        "users": [users.dump_user(user) for user in portal.users.values()],
        "departments": [dict(row) for row in portal.departments],
        "lists": {name: [dict(row) for row in rows] for name, rows in portal.lists.items()},
        "currencies": portal.currencies.rows(),
        "types": [portal.types.describe(o) for o in portal.types.by_entity_type_id.values()],
        "categories": [dict(row) for row in portal.categories.rows()],
        "statuses": [dict(row) for row in portal.statuses.rows()],
        "userFields": [user_fields.dump(one) for one in portal.user_fields.all()],
        "items": {
            str(etid): [_dump_item(portal, etid, row) for row in portal.items(etid).values()]
            for etid in portal.entity_type_ids()
            if portal.table(etid).ids
        },
        "next_ids": {str(etid): portal.table(etid).next_id for etid in portal.entity_type_ids()},
    }


def _dump_settings(settings: Settings) -> dict[str, Any]:
    raw = asdict(settings)
    raw["refused_types"] = {str(key): code for key, code in settings.refused_types.items()}
    raw["webhooks"] = [{**hook, "scopes": list(hook["scopes"])} for hook in raw["webhooks"]]
    return raw


def _dump_item(portal: Portal, entity_type_id: int, row: Row) -> Row:
    for field in portal.fields(entity_type_id).fields:
        if field.type == "file" and row.get(field.stored):
            value = row[field.stored]
            many = isinstance(value, list)
            shown = [_dump_file(portal, one) for one in (value if many else [value])]
            row[field.stored] = shown if many else shown[0]
    return row


def _dump_file(portal: Portal, value: dict[str, Any]) -> dict[str, Any]:
    found = portal.files.get(value["id"])
    if found is None:
        return {"name": "", "content_base64": ""}
    return {"name": found.name, "content_base64": base64.b64encode(found.content).decode()}
