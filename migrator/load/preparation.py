"""Staged items into items ready to send: references looked up, identifiers translated."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrator.domain.values import Reference
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.transform.transformed import Missing, TransformedItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from migrator.domain.mapping import Mapping
    from migrator.domain.records import StagedItem
    from migrator.load.files import ItemFiles
    from migrator.load.requests import Sendable
    from migrator.staging.repositories import Repositories
    from migrator.transform.item import TypeTransform


@dataclass(slots=True, kw_only=True)
class Prepared:
    """An item ready to be sent."""

    staged: StagedItem
    item: TransformedItem
    files: ItemFiles
    sendable: Sendable


class KnownItems:
    """What is known about the items that a page of items refers to; never about all items."""

    def __init__(self, mapping: Mapping, exported: frozenset[EntityTypeId]) -> None:
        self._mapping = mapping
        self._exported = exported
        self._targets: dict[tuple[EntityTypeId, int], Reference] = {}
        self._staged: set[tuple[EntityTypeId, int]] = set()

    def look_up(self, repositories: Repositories, references: Iterable[Reference]) -> None:
        """Forget the page before and ask staging for these, one round per entity type."""
        self._targets.clear()
        self._staged.clear()
        wanted: dict[EntityTypeId, set[SourceId]] = defaultdict(set)
        for reference in references:
            if self._mapping.target_type(reference.entity_type_id) is not None:
                wanted[reference.entity_type_id].add(SourceId(reference.item_id))
        for entity_type_id, ids in wanted.items():
            for source_id, (kind, item_id) in repositories.id_map.lookup(
                entity_type_id, ids
            ).items():
                self.add(entity_type_id, source_id, Reference(kind, item_id))
            missing = [one for one in ids if (entity_type_id, one) not in self._targets]
            existing = repositories.items.existing(entity_type_id, missing) if missing else ()
            self._staged.update((entity_type_id, one) for one in existing)

    def add(self, entity_type_id: EntityTypeId, source_id: int, target: Reference) -> None:
        self._targets[entity_type_id, source_id] = target

    def resolve(self, reference: Reference) -> Reference | Missing:
        key = (reference.entity_type_id, reference.item_id)
        if key in self._targets:
            return self._targets[key]
        if key in self._staged or self._may_come(reference.entity_type_id):
            return Missing.LATER
        return Missing.NEVER

    def why_missing(self, reference: Reference) -> str:
        return self._mapping.why_missing(reference)

    def _may_come(self, entity_type_id: EntityTypeId) -> bool:
        """Whether items of this type will be staged and moved, though by a later run (`--only`)."""
        is_moved = self._mapping.target_type(entity_type_id) is not None
        return is_moved and entity_type_id not in self._exported


def references_of(
    transform: TypeTransform, items: Sequence[StagedItem]
) -> dict[SourceId, list[Reference]]:
    return {
        item.source_id: [ref for _, ref in transform.references(item.payload)] for item in items
    }


def transform_item(
    transform: TypeTransform, item: StagedItem, known: KnownItems
) -> TransformedItem:
    return transform.transform(item.source_id, item.payload, known.resolve)
