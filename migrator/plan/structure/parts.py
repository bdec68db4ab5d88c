"""A portal's structure with what the portal said of each part of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from migrator.domain.mapping import PairKind
from migrator.domain.references import CORRELATION_SUFFIX
from migrator.domain.structure import ElementKind, Structure, build_structure
from migrator.domain.vocabulary import FIRST_SPA, EntityTypeId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migrator.domain.mapping import Pair
    from migrator.domain.records import StructureElement


class PartKind(StrEnum):
    """The kinds of structure that can be brought along; all but `relation` are kinds of pairs."""

    ENTITY_TYPE = "entity_type"
    #: scope is the entityTypeId of the child, key that of the parent
    RELATION = "relation"
    CATEGORY = "category"
    STAGE = "stage"
    STATUS = "status"
    FIELD = "field"
    ENUMERATION = "enumeration"
    CURRENCY = "currency"
    #: a stage the portal made by itself with a new pipeline, which has to make room
    DEFAULT_STAGE = "default_stage"


@dataclass(frozen=True, slots=True)
class Relation:
    """Items of `child` have a field `parentId<parent>`."""

    parent: int
    child: int


class Parts:
    """One portal: its structure, and the payload of each part."""

    def __init__(self, elements: Iterable[StructureElement]) -> None:
        self.elements = list(elements)
        self.structure: Structure = build_structure(self.elements)
        self._payloads = {(e.kind, e.scope, e.key): e.payload for e in self.elements}
        self.relations = dict(self._read_relations())

    def payload(self, kind: ElementKind, scope: str, key: str) -> Mapping[str, Any]:
        """What the portal said, or nothing."""
        found = self._payloads.get((kind, scope, key))
        return found if isinstance(found, dict) else {}

    def entity_type(self, entity_type_id: int) -> Mapping[str, Any]:
        return self.payload(ElementKind.ENTITY_TYPE, "", str(entity_type_id))

    def category(self, entity_type_id: int, category_id: int) -> Mapping[str, Any]:
        return self.payload(ElementKind.CATEGORY, str(entity_type_id), str(category_id))

    def status(self, directory: str, status_id: str) -> Mapping[str, Any]:
        return self.payload(ElementKind.STATUS, directory, status_id)

    def currency(self, code: str) -> Mapping[str, Any]:
        return self.payload(ElementKind.CURRENCY, "", code)

    def user_field(self, entity_type_id: int, stored_name: str) -> Mapping[str, Any]:
        known = self.structure.entity_types.get(EntityTypeId(entity_type_id))
        if known is None:
            return {}
        return self.payload(ElementKind.USER_FIELD, known.user_field_entity_id, stored_name)

    def user_fields(self, entity_type_id: int) -> dict[str, Mapping[str, Any]]:
        """Name -> configuration of an entity type's user fields, the migrator's own left out."""
        known = self.structure.entity_types.get(EntityTypeId(entity_type_id))
        owner = known.user_field_entity_id if known else ""
        return {
            e.key: e.payload
            for e in self.elements
            if e.kind == ElementKind.USER_FIELD
            and e.scope == owner
            and not e.key.endswith(CORRELATION_SUFFIX)
        }

    @property
    def base_currency(self) -> str | None:
        codes = self.structure.currencies
        return next((code for code in codes if self.currency(code).get("BASE") == "Y"), None)

    def _read_relations(self) -> Iterator[tuple[Relation, bool]]:
        """Each relation is told by both of its ends; predefined ones come with isClientEnabled."""
        for entity_type_id in self.structure.entity_types:
            told = self.entity_type(entity_type_id).get("relations")
            for side, rows in told.items() if isinstance(told, dict) else ():
                for row in rows or ():
                    if row.get("isPredefined") == "Y":
                        continue
                    ends = (int(row["entityTypeId"]), int(entity_type_id))
                    parent, child = ends if side == "parent" else ends[::-1]
                    yield Relation(parent, child), row.get("isChildrenListEnabled") == "Y"


class Correspondence:
    """Which part of the target stands for which part of the source, where both exist."""

    def __init__(self, pairs: Iterable[Pair], target: Structure) -> None:
        self.pairs = list(pairs)
        known = [p for p in self.pairs if p.target_key is not None]
        self._keys = {(p.kind, p.scope, p.source_key): p.target_key or "" for p in known}
        self.directories = {
            p.scope: p.target_scope
            for p in self.pairs
            if p.kind in {PairKind.STAGE, PairKind.STATUS} and p.target_scope
        }
        self._target = target

    def entity_type(self, entity_type_id: int) -> int | None:
        """System types have the same number everywhere."""
        if entity_type_id < FIRST_SPA:
            return entity_type_id
        found = self._keys.get((PairKind.ENTITY_TYPE, "", str(entity_type_id)))
        number = int(found) if found and found.isdecimal() else None
        return number if number in self._target.entity_types else None

    def key(self, kind: PairKind, scope: str, source_key: str) -> str | None:
        return self._keys.get((kind, scope, source_key))
