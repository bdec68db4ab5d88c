"""The methods crm.{lead,deal,contact,company,quote}.userfield.*.

Source: b24restdocs api-reference/crm/deals/user-defined-fields/*.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import php, user_field_config, user_fields
from migrator.sandbox.errors import PortalError
from migrator.sandbox.registry import Answer, Call, method, page

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal
    from migrator.sandbox.user_fields import UserField

_PREFIX = "UF_CRM_"
_ENTITIES = ("lead", "deal", "contact", "company", "quote")
_KEYS = {
    "ID": "id",
    "ENTITY_ID": "entityId",
    "FIELD_NAME": "fieldName",
    "USER_TYPE_ID": "userTypeId",
    "XML_ID": "xmlId",
    "SORT": "sort",
    "MULTIPLE": "multiple",
    "MANDATORY": "mandatory",
    "SHOW_FILTER": "showFilter",
    "SHOW_IN_LIST": "showInList",
    "EDIT_IN_LIST": "editInList",
    "IS_SEARCHABLE": "isSearchable",
    "SETTINGS": "settings",
}
_LABELS = {
    "EDIT_FORM_LABEL": "editFormLabel",
    "LIST_COLUMN_LABEL": "listColumnLabel",
    "LIST_FILTER_LABEL": "listFilterLabel",
    "ERROR_MESSAGE": "errorMessage",
    "HELP_MESSAGE": "helpMessage",
}
_OPTION = {"ID": "id", "SORT": "sort", "VALUE": "value", "DEF": "def", "XML_ID": "xmlId"}


def _names(action: str) -> list[str]:
    return [f"crm.{entity}.userfield.{action}" for entity in _ENTITIES]


def _entity(call: Call) -> str:
    return "CRM_" + call.method.split(".")[1].upper()


def _printed(found: UserField) -> dict[str, Any]:
    row = user_fields.dump(found)
    printed = {classic: row[key] for classic, key in _KEYS.items()}
    if found.user_type_id == "enumeration":
        printed["LIST"] = [{c: option[k] for c, k in _OPTION.items()} for option in found.enum]
    return printed


def _find(portal: Portal, call: Call) -> UserField:
    found = portal.user_fields.get(php.to_int(call.get("id", "ID")))
    if found is None or found.entity_id != _entity(call):
        raise PortalError("ERROR_NOT_FOUND", "The entity with ID is not found.")
    return found


@method(*_names("list"))
def list_fields(portal: Portal, call: Call) -> Answer:
    """Labels appear only with `filter[LANG]`."""
    wanted = call.array("filter", "FILTER")
    language = wanted.pop("LANG", None)
    rows = []
    # By SORT, then by ID (crm-deal-userfield-list.md).
    for found in sorted(portal.user_fields.of_entity(_entity(call)), key=_place):
        row = _printed(found)
        if all(str(row.get(key)) == str(value) for key, value in wanted.items()):
            options = {"LIST": row.pop("LIST")} if "LIST" in row else {}
            rows.append(row | _labels_in(found, language) | options)
    rows, total, following = page(rows, call.get("start") or 0)
    return Answer(rows, total, following)


def _place(found: UserField) -> tuple[int, int]:
    return (found.sort, found.id)


def _labels_in(found: UserField, language: str | None) -> dict[str, Any]:
    if language is None:
        return {}
    return {c: (found.labels.get(key) or {}).get(language) for c, key in _LABELS.items()}


@method(*_names("get"))
def get(portal: Portal, call: Call) -> Answer:
    found = _find(portal, call)
    labels: dict[str, Any] = {
        classic: found.labels.get(key) or [] for classic, key in _LABELS.items()
    }
    return Answer(_printed(found) | labels)


@method(*_names("add"))
def add(portal: Portal, call: Call) -> Answer:
    """UF_CRM_ takes the place of UF_ or stands before, lower case is raised.

    Two values of a list cannot have one XML_ID (b24restdocs .../crm-deal-userfield-add.md).
    """
    call.require_administrator()
    raw = call.array("fields", "FIELDS")
    name = str(raw.get("FIELD_NAME") or "").upper()
    if not name:
        raise PortalError("", "The 'FIELD_NAME' field is not found.")
    if not raw.get("USER_TYPE_ID"):
        raise PortalError("", "The 'USER_TYPE_ID' field is not found.")
    if raw["USER_TYPE_ID"] not in user_fields.TYPES:
        raise PortalError("ERROR_CORE", "Incorrect custom type specified.")
    stored = name if name.startswith(_PREFIX) else _PREFIX + name.removeprefix("UF_")
    user_fields.check_name(stored, "ERROR_CORE")
    if portal.user_fields.find(_entity(call), stored):
        raise PortalError("ERROR_CORE", f"The field {stored} already exists.")
    _check_list(raw)
    definition = _definition(raw) | {"fieldName": stored, "entityId": _entity(call), "id": None}
    found = portal.user_fields.load(definition)
    portal.structure_changed()
    return Answer(found.id)


def _check_list(raw: dict[str, Any]) -> None:
    seen: set[str] = set()
    for option in php.array_values(raw.get("LIST")):
        xml_id = str(dict(php.array_items(option)).get("XML_ID") or "")
        if xml_id and xml_id in seen:
            text = f"List item with value XML_ID={xml_id} already exists."
            raise PortalError("ERROR_CORE", text)
        seen.add(xml_id)


def _definition(raw: dict[str, Any]) -> dict[str, Any]:
    row = {key: raw[classic] for classic, key in (_KEYS | _LABELS).items() if classic in raw}
    if "LABEL" in raw:
        # For every label that is not sent (crm-deal-userfield-add.md).
        row = dict.fromkeys(_LABELS.values(), raw["LABEL"]) | row
    if "LIST" in raw:
        options = [dict(php.array_items(one)) for one in php.array_values(raw["LIST"])]
        row["enum"] = [_read_option(one) for one in options]
    return row


def _read_option(raw: dict[str, Any]) -> dict[str, Any]:
    option = {key: raw[classic] for classic, key in _OPTION.items() if classic in raw}
    return option | ({"del": "Y"} if raw.get("DEL") == "Y" else {})


@method(*_names("update"))
def update(portal: Portal, call: Call) -> Answer:
    call.require_administrator()
    found = _find(portal, call)
    raw = _definition(call.array("fields", "FIELDS"))
    if isinstance(raw.get("settings"), dict):
        # Only what is sent is overwritten (crm-deal-userfield-update.md).
        raw["settings"] = found.settings | raw["settings"]
    user_field_config.apply(portal, found, raw | {"userTypeId": found.user_type_id})
    return Answer(True)  # noqa: FBT003 - the documented result


@method(*_names("delete"))
def delete(portal: Portal, call: Call) -> Answer:
    call.require_administrator()
    user_field_config.forget(portal, _find(portal, call))
    return Answer(True)  # noqa: FBT003 - the documented result


@method("crm.userfield.types")
def types(portal: Portal, call: Call) -> Answer:
    del portal, call
    return Answer([{"ID": kind, "title": kind} for kind in user_fields.TYPES[:-1]])


@method("crm.userfield.fields")
def fields(portal: Portal, call: Call) -> Answer:
    del portal, call
    names = (*_KEYS, *_LABELS, "LABEL", "LIST")
    return Answer({name: {"type": "string", "title": name} for name in names})
