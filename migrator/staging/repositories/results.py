"""What importing and verifying left behind item by item: failures, differences, files sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from migrator.domain.records import Difference, FailedItem, StagedFile
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.staging.models import DifferenceRow, FailedItemRow, ItemFileRow
from migrator.staging.repositories.base import Repository, in_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Row


class FailedItems(Repository):
    def add(self, items: Sequence[FailedItem]) -> None:
        """Record refusals; one more attempt for an item that failed before."""
        rows = [
            {
                "entity_type_id": item.entity_type_id,
                "source_id": item.source_id,
                "error": item.error,
                "error_description": item.error_description,
                "attempts": item.attempts,
                "failed_at": self._now(item.failed_at),
            }
            for item in items
        ]
        self._upsert(FailedItemRow, rows, adding={"attempts": FailedItemRow.attempts + 1})

    def clear(self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]) -> None:
        """Forget the failures of items that have been imported after all."""
        for chunk in in_chunks(source_ids):
            self._delete(
                FailedItemRow,
                FailedItemRow.entity_type_id == entity_type_id,
                FailedItemRow.source_id.in_(chunk),
            )

    def count(self, entity_type_id: EntityTypeId | None = None) -> int:
        statement = select(func.count()).where(FailedItemRow.migration_id == self._migration_id)
        if entity_type_id is not None:
            statement = statement.where(FailedItemRow.entity_type_id == entity_type_id)
        return self._connection.execute(statement).scalar_one()

    def list(self, limit: int | None = None) -> list[FailedItem]:
        """Failures by entity type and source id."""
        rows = self._connection.execute(
            select(FailedItemRow.__table__)
            .where(FailedItemRow.migration_id == self._migration_id)
            .order_by(FailedItemRow.entity_type_id, FailedItemRow.source_id)
            .limit(limit)
        )
        return [_failed(row) for row in rows]


class Differences(Repository):
    def replace_for_items(
        self,
        entity_type_id: EntityTypeId,
        source_ids: Collection[SourceId],
        differences: Sequence[Difference],
    ) -> None:
        """These are the differences of the named items now; those without any agree."""
        for chunk in in_chunks(source_ids):
            self._delete(
                DifferenceRow,
                DifferenceRow.entity_type_id == entity_type_id,
                DifferenceRow.source_id.in_(chunk),
            )
        self.add(differences)

    def add(self, differences: Sequence[Difference]) -> None:
        """More differences of items; one of the same field is overwritten."""
        rows = [
            {
                "entity_type_id": difference.entity_type_id,
                "source_id": difference.source_id,
                "field": difference.field,
                "expected": difference.expected,
                "actual": difference.actual,
                "found_at": self._now(difference.found_at),
            }
            for difference in differences
        ]
        self._upsert(DifferenceRow, rows)

    def count(self, entity_type_id: EntityTypeId | None = None) -> int:
        """How many fields differ; an item may have several."""
        statement = select(func.count()).where(DifferenceRow.migration_id == self._migration_id)
        if entity_type_id is not None:
            statement = statement.where(DifferenceRow.entity_type_id == entity_type_id)
        return self._connection.execute(statement).scalar_one()

    def list(self, limit: int | None = None) -> list[Difference]:
        """Differences by entity type, source id and field."""
        columns = DifferenceRow
        rows = self._connection.execute(
            select(columns.__table__)
            .where(columns.migration_id == self._migration_id)
            .order_by(columns.entity_type_id, columns.source_id, columns.field)
            .limit(limit)
        )
        return [_difference(row) for row in rows]


class ItemFiles(Repository):
    def replace_for_items(
        self,
        entity_type_id: EntityTypeId,
        source_ids: Collection[SourceId],
        files: Sequence[StagedFile],
    ) -> None:
        """These are the files that were sent with the named items, the last time they were."""
        for chunk in in_chunks(source_ids):
            self._delete(
                ItemFileRow,
                ItemFileRow.entity_type_id == entity_type_id,
                ItemFileRow.source_id.in_(chunk),
            )
        rows = [
            {
                "entity_type_id": file.entity_type_id,
                "source_id": file.source_id,
                "field": file.field,
                "position": file.position,
                "source_file_id": file.source_file_id,
                "name": file.name,
                "size": file.size,
                "sha256": file.sha256,
                "recorded_at": self._now(file.recorded_at),
            }
            for file in files
        ]
        self._insert(ItemFileRow, rows)

    def for_items(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]
    ) -> list[StagedFile]:
        """Files by item, field and position."""
        columns = ItemFileRow
        found: list[StagedFile] = []
        for chunk in in_chunks(sorted(source_ids)):
            rows = self._connection.execute(
                select(columns.__table__)
                .where(
                    columns.migration_id == self._migration_id,
                    columns.entity_type_id == entity_type_id,
                    columns.source_id.in_(chunk),
                )
                .order_by(columns.source_id, columns.field, columns.position)
            )
            found.extend(map(_file, rows))
        return found


def _failed(row: Row[Any]) -> FailedItem:
    return FailedItem(
        entity_type_id=EntityTypeId(row.entity_type_id),
        source_id=SourceId(row.source_id),
        error=row.error,
        error_description=row.error_description,
        attempts=row.attempts,
        failed_at=row.failed_at,
    )


def _difference(row: Row[Any]) -> Difference:
    return Difference(
        entity_type_id=EntityTypeId(row.entity_type_id),
        source_id=SourceId(row.source_id),
        field=row.field,
        expected=row.expected,
        actual=row.actual,
        found_at=row.found_at,
    )


def _file(row: Row[Any]) -> StagedFile:
    return StagedFile(
        entity_type_id=EntityTypeId(row.entity_type_id),
        source_id=SourceId(row.source_id),
        field=row.field,
        position=row.position,
        source_file_id=row.source_file_id,
        name=row.name,
        size=row.size,
        sha256=row.sha256,
        recorded_at=row.recorded_at,
    )
