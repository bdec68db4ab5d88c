"""Definitions of user fields."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from migrator.sandbox.errors import PortalError

TYPES = (
    "string",
    "integer",
    "double",
    "boolean",
    "enumeration",
    "datetime",
    "date",
    "money",
    "url",
    "address",
    "file",
    "employee",
    "crm_status",
    "iblock_section",
    "iblock_element",
    "crm",
    "resourcebooking",
)
#: The prefix included.
_LONGEST_NAME = 50
_NAME = re.compile(r"[A-Z0-9_]+")
_SWITCHES = {
    "showFilter": "N",
    "showInList": "Y",
    "editInList": "Y",
    "isSearchable": "N",
}
LABELS = ("editFormLabel", "listColumnLabel", "listFilterLabel", "errorMessage", "helpMessage")
_DEFAULT_SETTINGS: dict[str, dict[str, Any]] = {
    "string": {"SIZE": 20, "ROWS": 1, "REGEXP": "", "MIN_LENGTH": 0, "MAX_LENGTH": 0},
    "double": {"PRECISION": 2, "SIZE": 20, "MIN_VALUE": 0, "MAX_VALUE": 0},
    "integer": {"SIZE": 20, "MIN_VALUE": 0, "MAX_VALUE": 0},
    "boolean": {"DEFAULT_VALUE": 0, "DISPLAY": "CHECKBOX"},
    "enumeration": {
        "DISPLAY": "LIST",
        "LIST_HEIGHT": 1,
        "CAPTION_NO_VALUE": "",
        "SHOW_NO_VALUE": "Y",
    },
}


@dataclass(slots=True, kw_only=True)
class UserField:
    id: int
    entity_id: str
    field_name: str
    user_type_id: str
    multiple: bool
    mandatory: bool
    xml_id: str | None
    sort: int
    settings: dict[str, Any]
    switches: dict[str, str]
    #: label name -> language -> text
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    enum: list[dict[str, Any]] = field(default_factory=list)

    def title(self, language: str) -> str:
        labels = self.labels.get("editFormLabel") or {}
        return str(labels.get(language) or next(iter(labels.values()), None) or self.field_name)


class UserFields:
    def __init__(self) -> None:
        self._fields: dict[int, UserField] = {}
        self._next_id = 1
        self._next_option_id = 1

    def load_all(self, rows: list[dict[str, Any]]) -> None:
        # Given ids are taken before any is made up.
        self._next_id = max((int(row.get("id") or 0) for row in rows), default=0) + 1
        options = (option for row in rows for option in row.get("enum") or ())
        self._next_option_id = max((int(one.get("id") or 0) for one in options), default=0) + 1
        for row in rows:
            self.load(row)

    def load(self, raw: dict[str, Any]) -> UserField:
        kind = raw["userTypeId"]
        field_id = int(raw.get("id") or self._next_id)
        self._next_id = max(self._next_id, field_id + 1)
        found = UserField(
            id=field_id,
            entity_id=raw["entityId"],
            field_name=raw["fieldName"],
            user_type_id=kind,
            # A boolean is never multiple (b24restdocs .../userfieldconfig-add.md).
            multiple=raw.get("multiple") == "Y" and kind != "boolean",
            mandatory=raw.get("mandatory") == "Y",
            xml_id=raw.get("xmlId"),
            sort=int(raw.get("sort") or 100),
            settings=_DEFAULT_SETTINGS.get(kind, {}) | (raw.get("settings") or {}),
            switches={key: raw.get(key) or default for key, default in _SWITCHES.items()},
            labels={name: read_label(raw.get(name)) for name in LABELS},
        )
        self._fields[field_id] = found
        self.set_options(found, raw.get("enum") or [])
        return found

    def set_options(self, found: UserField, rows: list[dict[str, Any]]) -> None:
        """Update by id, add without, remove with `del: "Y"`, drop empty values."""
        kept = {int(option["id"]): option for option in found.enum}
        for raw in rows:
            option_id = int(raw.get("id") or 0)
            if raw.get("del") == "Y":
                kept.pop(option_id, None)
            elif option_id in kept:
                known: dict[str, Any] = {
                    k: str(raw[k]) for k in ("value", "def", "sort", "xmlId") if k in raw
                }
                kept[option_id] |= known
            elif raw.get("value"):
                option = self._option(found, raw, option_id)
                kept[int(option["id"])] = option
        found.enum = list(kept.values())

    def _option(self, found: UserField, raw: dict[str, Any], option_id: int) -> dict[str, Any]:
        option_id = option_id or self._next_option_id
        self._next_option_id = max(self._next_option_id, option_id + 1)
        # A missing XML_ID is generated, 32 hexadecimal digits (userfieldconfig-add.md).
        generated = hashlib.md5(f"{found.id}:{option_id}".encode(), usedforsecurity=False)
        return {
            "id": str(option_id),
            "userFieldId": str(found.id),
            "value": str(raw["value"]),
            "def": raw.get("def") or "N",
            "sort": str(raw.get("sort") or 500),
            "xmlId": str(raw.get("xmlId") or generated.hexdigest()),
        }

    def of_entity(self, entity_id: str) -> list[UserField]:
        return [one for one in self._fields.values() if one.entity_id == entity_id]

    def find(self, entity_id: str, name: str) -> UserField | None:
        return next((o for o in self.of_entity(entity_id) if o.field_name == name), None)

    def get(self, field_id: int) -> UserField | None:
        return self._fields.get(field_id)

    def all(self) -> list[UserField]:
        return list(self._fields.values())

    def remove(self, found: UserField) -> None:
        del self._fields[found.id]


def check_name(name: str, code: str) -> None:
    """Source: b24restdocs api-reference/crm/deals/user-defined-fields/crm-deal-userfield-add.md."""
    if len(name) > _LONGEST_NAME:
        text = f"Field name is too long (more than {_LONGEST_NAME} characters)."
        raise PortalError(code, text)
    if not _NAME.fullmatch(name):
        text = "Field name contains invalid characters. Allowed characters are: A-Z, 0-9 and _."
        raise PortalError(code, text)


def read_label(raw: Any) -> dict[str, Any]:
    if isinstance(raw, dict):
        return dict(raw)
    return {"en": raw} if raw else {}


def dump(found: UserField) -> dict[str, Any]:
    """The shape of userfieldconfig.get, ids and sort as texts."""
    languages = list(found.labels.get("editFormLabel") or {"en": None})
    row: dict[str, Any] = {
        "id": str(found.id),
        "entityId": found.entity_id,
        "fieldName": found.field_name,
        "userTypeId": found.user_type_id,
        "xmlId": found.xml_id,
        "sort": str(found.sort),
        "multiple": "Y" if found.multiple else "N",
        "mandatory": "Y" if found.mandatory else "N",
        **found.switches,
        "settings": dict(found.settings) or [],
        "languageId": {language: language for language in languages},
    }
    for name in LABELS:
        given = found.labels.get(name) or {}
        row[name] = {language: given.get(language) for language in languages}
    if found.user_type_id == "enumeration":
        row["enum"] = [dict(option) for option in found.enum]
    return row
