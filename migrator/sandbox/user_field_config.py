"""The methods userfieldconfig.*: user fields of every entity type.

Sources: b24restdocs api-reference/crm/universal/userfieldconfig/*.md,
tutorials/crm/how-to-add-crm-objects/how-to-add-precision-to-user-field.md;
the module main: lib/controller/userfieldconfig.php
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import php, user_fields
from migrator.sandbox.errors import PortalError
from migrator.sandbox.registry import Answer, Call, method, page
from migrator.sandbox.user_fields import LABELS, UserField

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

_SCOPE = "userfieldconfig"


def _module(call: Call) -> None:
    if call.get("moduleId") is None:
        raise PortalError(100, "Could not find value for parameter {moduleId}")
    if "crm" not in call.webhook.scopes:
        # The scope of the module is needed beside userfieldconfig.
        raise PortalError("", "The current method required more scopes. (crm)")


def _settings_right(call: Call, description: str) -> None:
    if not call.user.crm_admin:
        raise PortalError("", description)


@method("userfieldconfig.list", scope=_SCOPE)
def list_fields(portal: Portal, call: Call) -> Answer:
    """`enum` is absent here: it takes a `get` per enumeration field."""
    _module(call)
    wanted = call.array("filter")
    select = call.get("select")
    language = select.get("language") if isinstance(select, dict) else None
    rows = [_listed(one, language) for one in portal.user_fields.all()]
    rows = [row for row in rows if all(_passes(row, key, wanted[key]) for key in wanted)]
    for key, direction in reversed((call.array("order") or _BY_SORT).items()):
        backwards = str(direction).upper() == "DESC"
        rows.sort(key=lambda row: _sort_key(row.get(key)), reverse=backwards)
    rows, total, following = page(rows, call.get("start") or 0)
    return Answer({"fields": rows}, total, following)


_BY_SORT = {"sort": "ASC", "id": "ASC"}


def _sort_key(value: Any) -> tuple[int, str]:
    return (php.to_int(value), "") if php.is_number(value) else (0, str(value or ""))


def _passes(row: dict[str, Any], key: str, value: Any) -> bool:
    name = key.lstrip("=!@%<>")
    wanted = [str(one) for one in (php.array_values(value) if php.is_array(value) else [value])]
    actual = str(row.get(name))
    if key.startswith(">"):
        return php.to_int(actual) > php.to_int(value)
    if key.startswith("%"):
        return any(one in actual for one in wanted)
    return (actual in wanted) != key.startswith("!")


def _listed(found: UserField, language: str | None) -> dict[str, Any]:
    row = user_fields.dump(found)
    row.pop("enum", None)
    if language is None:
        for name in ("languageId", *LABELS):
            row.pop(name)
        return row
    row["languageId"] = {language: language}
    for name in LABELS:
        text = (found.labels.get(name) or {}).get(language)
        row[name] = {language: text} if text is not None else None
    return row


@method("userfieldconfig.get", scope=_SCOPE)
def get(portal: Portal, call: Call) -> Answer:
    _module(call)
    found = portal.user_fields.get(php.to_int(call.get("id")))
    return Answer({"field": user_fields.dump(found) if found else None})


@method("userfieldconfig.getTypes", scope=_SCOPE)
def get_types(portal: Portal, call: Call) -> Answer:
    del portal
    _module(call)
    types = {kind: {"userTypeId": kind, "description": kind} for kind in user_fields.TYPES}
    return Answer({"types": types})


@method("userfieldconfig.add", scope=_SCOPE)
def add(portal: Portal, call: Call) -> Answer:
    _module(call)
    _settings_right(call, "You cannot create custom fields")
    raw = call.array("field")
    entity_id = str(raw.get("entityId") or "")
    name = str(raw.get("fieldName") or "")
    if entity_id not in portal.uf_entities():
        raise PortalError("", "You cannot create custom fields")
    _check_name(entity_id, name)
    if raw.get("userTypeId") not in user_fields.TYPES:
        raise PortalError("", "The 'USER_TYPE_ID' field is not found.")
    if portal.user_fields.find(entity_id, name):
        raise PortalError("", f"The field {name} for {entity_id} already exists.")
    # Accepted and not looked at (userfieldconfig-add.md).
    unheard = ("showInList", "listColumnLabel", "listFilterLabel", "errorMessage")
    heard = {key: value for key, value in raw.items() if key not in unheard}
    found = portal.user_fields.load({**heard, **_read(raw), "id": None})
    portal.structure_changed()
    return Answer({"field": user_fields.dump(found)})


def _check_name(entity_id: str, name: str) -> None:
    """`UF_{entityId}_..` of every entity, system types included; upper case only."""
    if not name:
        raise PortalError("", "The 'FIELD_NAME' field is not found.")
    prefix = f"UF_{entity_id}_"
    if not name.startswith(prefix) or name == prefix:
        raise PortalError("", "You cannot create custom fields")
    user_fields.check_name(name, "")


def _read(raw: dict[str, Any]) -> dict[str, Any]:
    """`Y` for a filter means the mask (lib/controller/userfieldconfig.php, prepareFields)."""
    return {"showFilter": "E"} if raw.get("showFilter") == "Y" else {}


#: What an update looks at (userfieldconfig-update.md).
_CHANGEABLE = (
    "xmlId",
    "sort",
    "mandatory",
    "showFilter",
    "isSearchable",
    "editFormLabel",
    "helpMessage",
    "settings",
    "enum",
    "userTypeId",
)


@method("userfieldconfig.update", scope=_SCOPE)
def update(portal: Portal, call: Call) -> Answer:
    """Settings and each label map replace the stored ones; the identity never changes.

    `enum` is the whole list: a value it does not name is removed, with or without `del`
    (lib/controller/userfieldconfig.php, prepareEnums).
    """
    _module(call)
    _settings_right(call, "You cannot change the settings of the user field")
    found = portal.user_fields.get(php.to_int(call.get("id")))
    if found is None:
        raise PortalError("", "You cannot change the settings of the user field")
    raw = call.array("field")
    known = {key: raw[key] for key in _CHANGEABLE if key in raw} | _read(raw)
    if "enum" in known:
        named = {php.to_int(one.get("id")) for one in php.array_values(known["enum"])}
        gone = [one for one in found.enum if int(one["id"]) not in named]
        dropped = [{"id": one["id"], "del": "Y"} for one in gone]
        known["enum"] = [*php.array_values(known["enum"]), *dropped]
    apply(portal, found, known)
    return Answer({"field": user_fields.dump(found)})


def apply(portal: Portal, found: UserField, raw: dict[str, Any]) -> None:
    if "mandatory" in raw:
        found.mandatory = raw["mandatory"] == "Y"
    if "sort" in raw:
        found.sort = php.to_int(raw["sort"])
    if "xmlId" in raw:
        found.xml_id = raw["xmlId"]
    if isinstance(raw.get("settings"), dict):
        found.settings = raw["settings"]
    for name in LABELS:
        if name in raw:
            found.labels[name] = user_fields.read_label(raw[name])
    found.switches |= {key: raw[key] for key in found.switches if key in raw}
    if "enum" in raw and raw.get("userTypeId") == "enumeration":
        portal.user_fields.set_options(found, php.array_values(raw["enum"]))
    portal.structure_changed()


@method("userfieldconfig.delete", scope=_SCOPE)
def delete(portal: Portal, call: Call) -> Answer:
    _module(call)
    _settings_right(call, "You cannot delete the user field")
    found = portal.user_fields.get(php.to_int(call.get("id")))
    if found is None:
        # The same error as for somebody without the right (userfieldconfig-delete.md).
        raise PortalError("", "You cannot delete the user field")
    forget(portal, found)
    return Answer(None)


def forget(portal: Portal, found: UserField) -> None:
    """The field's values in items go with it."""
    portal.user_fields.remove(found)
    for entity_type_id in portal.entity_type_ids():
        if portal.types.uf_entity(entity_type_id) == found.entity_id:
            for row in portal.table(entity_type_id).rows.values():
                row.pop(found.field_name, None)
    portal.structure_changed()
