"""What taking a migration back leaves in the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, tuple_

from migrator.domain.undoing import KeepReason, KeptItem
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.staging.models import KeptItemRow
from migrator.staging.repositories.base import Repository, in_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Row


class KeptItems(Repository):
    def clear(self, *, but: Collection[KeepReason] = ()) -> None:
        """Forget what an earlier look at the target has found."""
        self._delete(KeptItemRow, KeptItemRow.reason.not_in([str(reason) for reason in but]))

    def add(self, items: Sequence[KeptItem]) -> list[KeptItem]:
        """Note items that stay; the first reason noted of an item is the one that stands.

        But a copy is noted under the source item of another, which takes its place.

        Returns: those that were not noted before, each once.
        """
        new: dict[tuple[EntityTypeId, SourceId], KeptItem] = {}
        for item in items:
            new.setdefault((item.entity_type_id, item.source_id), item)
        for entity_type_id in {entity_type_id for entity_type_id, _ in new}:
            ids = [source_id for of_type, source_id in new if of_type == entity_type_id]
            for known in self.existing(entity_type_id, ids):
                del new[entity_type_id, known]
        self._upsert(KeptItemRow, [self._row(item) for item in new.values()])
        return list(new.values())

    def existing(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]
    ) -> set[SourceId]:
        """Which of these source items have a partner in the target that stays."""
        found: set[SourceId] = set()
        for chunk in in_chunks(source_ids):
            rows = self._connection.execute(
                select(KeptItemRow.source_id).where(
                    KeptItemRow.migration_id == self._migration_id,
                    KeptItemRow.entity_type_id == entity_type_id,
                    KeptItemRow.source_id.in_(chunk),
                    KeptItemRow.reason != KeepReason.COPY,
                )
            )
            found.update(SourceId(source_id) for source_id in rows.scalars())
        return found

    def counts(self) -> dict[EntityTypeId, dict[KeepReason, int]]:
        """How many items of each entity type of the source stay, by reason."""
        columns = (KeptItemRow.entity_type_id, KeptItemRow.reason)
        rows = self._connection.execute(
            select(*columns, func.count())
            .where(KeptItemRow.migration_id == self._migration_id)
            .group_by(*columns)
            .order_by(*columns)
        )
        found: dict[EntityTypeId, dict[KeepReason, int]] = {}
        for entity_type_id, reason, count in rows:
            found.setdefault(EntityTypeId(entity_type_id), {})[KeepReason(reason)] = count
        return found

    def list(
        self,
        *,
        without: Collection[KeepReason] = (),
        limit: int | None = None,
        after: KeptItem | None = None,
    ) -> list[KeptItem]:
        """Items that stay, by entity type and source id; those that come after one of them."""
        columns = KeptItemRow
        statement = (
            select(columns.__table__)
            .where(
                columns.migration_id == self._migration_id,
                columns.reason.not_in([str(reason) for reason in without]),
            )
            .order_by(columns.entity_type_id, columns.source_id)
            .limit(limit)
        )
        if after is not None:
            place = tuple_(columns.entity_type_id, columns.source_id)
            statement = statement.where(place > (after.entity_type_id, after.source_id))
        return [_kept(row) for row in self._connection.execute(statement)]

    def _row(self, item: KeptItem) -> dict[str, Any]:
        return {
            "entity_type_id": item.entity_type_id,
            "source_id": item.source_id,
            "target_entity_type_id": item.target_entity_type_id,
            "target_id": item.target_id,
            "reason": item.reason,
            "detail": item.detail,
            "noted_at": self._now(item.noted_at),
        }


def _kept(row: Row[Any]) -> KeptItem:
    return KeptItem(
        entity_type_id=EntityTypeId(row.entity_type_id),
        source_id=SourceId(row.source_id),
        target_entity_type_id=EntityTypeId(row.target_entity_type_id),
        target_id=TargetId(row.target_id),
        reason=KeepReason(row.reason),
        detail=row.detail,
        noted_at=row.noted_at,
    )
