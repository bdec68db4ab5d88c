"""What a portal holds, told without any identifier that the portal gave itself.

Two portals that were filled by different ways are equal when their canonical forms are. An item is
named by its correlation value, a link by that of the item it leads to, a file by name and bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.sandbox.entity_types import short_code
from migrator.sandbox.values import binding_target
from tests.torture.structure_lines import structure_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.sandbox import Portal
    from migrator.sandbox.fields import Field

_CORRELATION = "MIGRATOR_SOURCE"
_COMPANY = 4
_LINK_TYPES = {"crm_company": 4, "crm_contact": 3, "crm_lead": 1, "crm_deal": 2, "crm_quote": 7}
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
    #: a line for each part of the structure, as often as it is there
    structure: Counter[str] = field(default_factory=Counter)

    def without_order_of_arrival(self) -> Canonical:
        """The same with the contacts of each company sorted: nothing sends their order."""
        items = {
            name: item | {"contactIds": sorted(item["contactIds"])}
            if item["entity type"] == _COMPANY
            else item
            for name, item in self.items.items()
        }
        return Canonical(items, self.strangers, self.duplicates, self.structure)

    def differences(self, other: Canonical) -> list[str]:
        """Each field in which an item differs, and each item that only one side has."""
        told = [
            f"structure: {line}: {self.structure[line]} times / {other.structure[line]} times"
            for line in sorted(self.structure.keys() | other.structure.keys())
            if self.structure[line] != other.structure[line]
        ]
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


def links_of(portal: Portal, etid: int, row: Item) -> Iterator[tuple[str, int, int]]:
    """Every item that one points at: the field, the other's entity type and its id."""
    for one in portal.fields(etid).fields:
        if one.stored in _OMITTED or not row.get(one.stored):
            continue
        value = row[one.stored]
        for each in value if isinstance(value, list) else [value]:
            target = _linked_type(one)
            if target is not None and each:
                yield one.stored, target, int(each)
            elif one.type == "crm" and (found := binding_target(str(each), one.settings)):
                yield one.stored, *found


def _linked_type(one: Field) -> int | None:
    return one.parent_entity_type_id or _LINK_TYPES.get(one.type)


class _Reader:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        #: (entity type, item) -> correlation value
        self._names: dict[tuple[int, int], str] = {}

    def read(self) -> Canonical:
        found = Canonical(structure=Counter(structure_lines(self._portal)))
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
        if str(told.get("title")).endswith(f" #{row['id']}"):
            # Made by the portal for an item without one.
            told["title"] = "title with its own number"
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
        etid = _linked_type(one)
        if etid is not None:
            return self._target(etid, int(value))
        if one.type == "crm":
            found = binding_target(str(value), one.settings)
            return self._target(*found) if found else value
        return value

    def _target(self, etid: int, item_id: int) -> str:
        return self._names.get((etid, item_id), f"nothing ({short_code(etid)}_{item_id})")
