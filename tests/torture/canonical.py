"""What a portal holds, told without any identifier that the portal gave itself.

Two portals that were filled by different ways are equal when their canonical forms are. An item is
named by its correlation value, a link by that of the item it leads to, a file by name and bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.sandbox.entity_types import SYSTEM_CODES, short_code

if TYPE_CHECKING:
    from migrator.sandbox import Portal
    from migrator.sandbox.fields import Field

_CORRELATION = "MIGRATOR_SOURCE"
_LINK_TYPES = {"crm_company": 4, "crm_contact": 3, "crm_lead": 1, "crm_deal": 2, "crm_quote": 7}
_BINDING = re.compile(r"(T[0-9a-f]+|[A-Z]+)_(\d+)")
#: Identity, and what the portal stamps at the moment of import whatever is sent.
_OMITTED = {"id", "entityTypeId", "lastActivityTime", "lastActivityBy", "contacts", "companies"}
#: Everything in the source is older; later times are those of the run.
_FIRST_MOMENT_OF_THE_RUN = "2025"

Item = dict[str, Any]


@dataclass(slots=True)
class Canonical:
    """`items` by correlation value; what has none, or one that exists already, is counted."""

    items: dict[str, Item] = field(default_factory=dict)
    strangers: int = 0
    duplicates: Counter[str] = field(default_factory=Counter)

    def differences(self, other: Canonical) -> list[str]:
        """Each field in which an item differs, and each item that only one side has."""
        told = []
        for name in sorted(self.items.keys() | other.items.keys()):
            one, two = self.items.get(name), other.items.get(name)
            if one is None or two is None:
                told.append(f"{name}: only in the {'first' if two is None else 'second'}")
                continue
            told += [
                f"{name}.{key}: {one.get(key)!r} / {two.get(key)!r}"
                for key in sorted(one.keys() | two.keys())
                if one.get(key) != two.get(key)
            ]
        return told


def canonical(portal: Portal) -> Canonical:
    """Read a target portal after a migration."""
    return _Reader(portal).read()


class _Reader:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        #: (entity type, item) -> correlation value
        self._names: dict[tuple[int, int], str] = {}
        self._codes = {
            short_code(etid): etid for etid in (*SYSTEM_CODES, *portal.entity_type_ids())
        }

    def read(self) -> Canonical:
        found = Canonical()
        types = self._portal.entity_type_ids()
        rows = {etid: self._portal.items(etid) for etid in types}
        for etid, items in rows.items():
            for item_id, row in items.items():
                self._name(found, etid, item_id, row)
        for etid, items in rows.items():
            fields = [f for f in self._portal.fields(etid).fields if f.stored not in _OMITTED]
            for item_id, row in items.items():
                name = self._names.get((etid, item_id))
                if name is not None:
                    found.items[name] = self._item(fields, etid, row)
        return found

    def _name(self, found: Canonical, etid: int, item_id: int, row: Item) -> None:
        values = [value for key, value in row.items() if key.endswith(_CORRELATION) and value]
        if not values:
            found.strangers += 1
            return
        # The host before it holds the port of this run's source.
        name = str(values[0]).rsplit("/", 1)[1]
        if name in self._names.values():
            found.duplicates[name] += 1
        self._names[etid, item_id] = name

    def _item(self, fields: list[Field], etid: int, row: Item) -> Item:
        told: Item = {
            one.stored: self._value(one, row.get(one.stored))
            for one in fields
            if one.stored in row and not one.stored.endswith(_CORRELATION)
        }
        return told | {"entity type": etid}

    def _value(self, one: Field, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(one, each) for each in value]
        if value in (None, "", 0):
            return value
        if one.type == "file":
            return self._file(value)
        if one.type == "datetime":
            return value if str(value) < _FIRST_MOMENT_OF_THE_RUN else "time of the run"
        if one.type == "crm_multifield":
            return {key: part for key, part in value.items() if key != "id"}
        return self._link(one, value)

    def _file(self, value: Any) -> str:
        stored = self._portal.files.get(value["id"])
        if stored is None:
            return "no file"
        return f"{stored.name} {hashlib.sha256(stored.content).hexdigest()}"

    def _link(self, one: Field, value: Any) -> Any:
        etid = one.parent_entity_type_id or _LINK_TYPES.get(one.type)
        if one.type == "crm_entity" and one.parent_entity_type_id is None:
            etid = None
        if etid is not None:
            return self._target(etid, int(value))
        if one.type == "crm":
            return self._binding(one, str(value))
        return value

    def _binding(self, one: Field, value: str) -> str:
        match = _BINDING.fullmatch(value)
        if match:
            return self._target(self._codes[match[1]], int(match[2]))
        (only,) = [key for key, state in one.settings.items() if state == "Y"]
        names = {code.code: etid for etid, code in SYSTEM_CODES.items()}
        etid = names.get(only) or int(only.removeprefix("DYNAMIC_"))
        return self._target(etid, int(value))

    def _target(self, etid: int, item_id: int) -> str:
        return self._names.get((etid, item_id), f"nothing ({short_code(etid)}_{item_id})")
