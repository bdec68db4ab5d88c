"""What the staged items really use: which fields, structure and references, and how often.

Only what occurs can be lost, so only what occurs can block.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.domain.references import (
    MIRRORED_FIELDS,
    implied_by_list,
    is_ignored,
    place_of,
    references,
    structural_key,
)
from migrator.domain.values import Reference, UnreadableValueError, decode, scalars
from migrator.plan.order import Edge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from migrator.domain.fields import Field
    from migrator.domain.mapping import PairKey
    from migrator.domain.structure import Structure
    from migrator.domain.vocabulary import EntityTypeId


@dataclass(slots=True)
class Usage:
    """Counts of items (not of values), gathered page by page; memory does not grow with items."""

    items: Counter[EntityTypeId] = field(default_factory=Counter)
    #: (entity type, field) -> items in which it is filled
    filled: Counter[tuple[EntityTypeId, str]] = field(default_factory=Counter)
    #: (entity type, key of the mapping) -> items that need it
    needed: Counter[tuple[EntityTypeId, PairKey]] = field(default_factory=Counter)
    #: (entity type, field, entity type referred to) -> items
    edges: Counter[tuple[EntityTypeId, str, EntityTypeId]] = field(default_factory=Counter)
    #: (entity type, field, entity type referred to) -> items that refer to one not staged
    dangling: Counter[tuple[EntityTypeId, str, EntityTypeId]] = field(default_factory=Counter)
    #: (entity type, field) -> items that refer to a later item of their own type
    forward: Counter[tuple[EntityTypeId, str]] = field(default_factory=Counter)
    #: (entity type, field) -> items whose value cannot be read
    unreadable: Counter[tuple[EntityTypeId, str]] = field(default_factory=Counter)

    def ordering_edges(self) -> list[Edge]:
        """The edges that decide the order: a relation seen from both ends is set from one."""
        return [
            Edge(entity_type_id=start, field=name, refers_to=end, items=count)
            for (start, name, end), count in sorted(self.edges.items())
            if MIRRORED_FIELDS.get((start, name), (None, None))[0] != end
        ]


class UsageCounter:
    """Counts the items of one entity type."""

    def __init__(self, usage: Usage, structure: Structure, entity_type_id: EntityTypeId) -> None:
        self._usage = usage
        self._structure = structure
        self._type = entity_type_id
        self._fields = structure.fields[entity_type_id]
        self._counted = [f for f in self._fields if self._counts(f)]

    def _counts(self, one: Field) -> bool:
        if is_ignored(one):
            return False
        implied = implied_by_list(self._type, one.name)
        return implied is None or implied not in self._fields

    def add(self, payload: Mapping[str, Any]) -> list[tuple[str, Reference]]:
        """Count one item and return what it refers to, by field."""
        usage, place = self._usage, place_of(self._structure, self._type, self._fields, payload)
        usage.items[self._type] += 1
        needed: set[PairKey] = set()
        refers: list[tuple[str, Reference]] = []
        for one in self._counted:
            try:
                value = decode(one, self._fields.value(payload, one.name))
            except UnreadableValueError:
                usage.unreadable[self._type, one.name] += 1
                continue
            if not value and not (value == 0 and one.type == "crm_category"):
                continue  # empty, "no" and zero are what an unset field reads as, too
            usage.filled[self._type, one.name] += 1
            if not one.is_read_only:
                refers += ((one.name, reference) for reference in references(value))
            if not one.is_read_only or one.is_history or one.type == "crm_category":
                keys = (structural_key(one, single, place) for single in scalars(value))
                needed.update(key for key in keys if key is not None)
        for key in needed:
            usage.needed[self._type, key] += 1
        for name, end in {(name, reference.entity_type_id) for name, reference in refers}:
            usage.edges[self._type, name, end] += 1
        return refers

    def leave(self, items: int) -> None:
        """Count items of which nothing is sent, so that it does not matter what they hold."""
        self._usage.items[self._type] += items

    def note_dangling(self, refers: Iterable[tuple[str, Reference]]) -> None:
        for name, end in {(name, reference.entity_type_id) for name, reference in refers}:
            self._usage.dangling[self._type, name, end] += 1

    def note_forward(self, names: Iterable[str]) -> None:
        for name in set(names):
            self._usage.forward[self._type, name] += 1
