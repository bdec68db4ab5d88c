"""What taking a migration back asks of staging, and what it makes staging forget.

Whatever importing and verifying left behind of an item goes with it in one transaction; the item
itself, as it was exported, stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from migrator.domain.findings import Phase
from migrator.domain.records import BatchState, IdPair
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.staging.models import (
    DeferredLinkRow,
    DifferenceRow,
    FailedItemRow,
    FindingRow,
    IdMapRow,
    ImportBatchItemRow,
    ImportBatchRow,
    ItemFileRow,
    KeptItemRow,
    MigrationRow,
)
from migrator.staging.repositories.base import Repository, in_chunks
from migrator.staging.repositories.id_map import read_pair

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

#: One row for each item, under the source's identifiers.
_OF_ITEMS = (IdMapRow, FailedItemRow, DeferredLinkRow, ItemFileRow, DifferenceRow)

_PHASES = (Phase.IMPORT.value, Phase.VERIFY.value)


class UndoRecords(Repository):
    def first_imported(self) -> dict[EntityTypeId, datetime]:
        """Entity types of the source with items in the target, and when the first one came."""
        rows = self._connection.execute(
            select(IdMapRow.entity_type_id, func.min(IdMapRow.imported_at))
            .where(IdMapRow.migration_id == self._migration_id)
            .group_by(IdMapRow.entity_type_id)
        )
        return {EntityTypeId(entity_type_id): moment for entity_type_id, moment in rows}

    def target_types(self, entity_type_id: EntityTypeId) -> list[EntityTypeId]:
        """Where items of a source type are: one type of the target, or several after a change."""
        rows = self._connection.execute(
            select(IdMapRow.target_entity_type_id)
            .where(
                IdMapRow.migration_id == self._migration_id,
                IdMapRow.entity_type_id == entity_type_id,
            )
            .distinct()
            .order_by(IdMapRow.target_entity_type_id)
        )
        return [EntityTypeId(one) for one in rows.scalars()]

    def newest_pairs(
        self,
        entity_type_id: EntityTypeId,
        target_type_id: EntityTypeId,
        limit: int,
        before: TargetId | None = None,
    ) -> list[IdPair]:
        """Mapped items that are not noted as staying, the newest first.

        Both types are named, so that the unique index of the target's serves the order.
        """
        stays = exists().where(
            KeptItemRow.migration_id == IdMapRow.migration_id,
            KeptItemRow.entity_type_id == IdMapRow.entity_type_id,
            KeptItemRow.source_id == IdMapRow.source_id,
            KeptItemRow.target_id == IdMapRow.target_id,
        )
        statement = (
            select(IdMapRow.__table__)
            .where(
                IdMapRow.migration_id == self._migration_id,
                IdMapRow.target_entity_type_id == target_type_id,
                IdMapRow.entity_type_id == entity_type_id,
                ~stays,
            )
            .order_by(IdMapRow.target_id.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(IdMapRow.target_id < before)
        return [read_pair(row) for row in self._connection.execute(statement)]

    def pairs_of_targets(
        self, target_type_id: EntityTypeId, target_ids: Iterable[int]
    ) -> dict[int, IdPair]:
        """The pairs of those items of the target that came from the source."""
        found: dict[int, IdPair] = {}
        for chunk in in_chunks(target_ids):
            rows = self._connection.execute(
                select(IdMapRow.__table__).where(
                    IdMapRow.migration_id == self._migration_id,
                    IdMapRow.target_entity_type_id == target_type_id,
                    IdMapRow.target_id.in_(chunk),
                )
            )
            found.update((row.target_id, read_pair(row)) for row in rows)
        return found

    def mapped_elsewhere(
        self, target_type_id: EntityTypeId, target_ids: Iterable[int]
    ) -> dict[int, str]:
        """Which of these items other migrations into the same portal have, and the name of one."""
        own = aliased(MigrationRow)
        found: dict[int, str] = {}
        for chunk in in_chunks(target_ids):
            rows = self._connection.execute(
                select(IdMapRow.target_id, MigrationRow.name)
                .join(MigrationRow, MigrationRow.id == IdMapRow.migration_id)
                .join(own, own.target_portal == MigrationRow.target_portal)
                .where(
                    own.id == self._migration_id,
                    MigrationRow.id != self._migration_id,
                    IdMapRow.target_entity_type_id == target_type_id,
                    IdMapRow.target_id.in_(chunk),
                )
            )
            found.update((target_id, name) for target_id, name in rows)
        return found

    def sent_from_here(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]
    ) -> set[SourceId]:
        """Which of these items this migration has created itself, by its record of requests."""
        found: set[SourceId] = set()
        for chunk in in_chunks(source_ids):
            rows = self._connection.execute(
                select(ImportBatchItemRow.source_id).where(
                    ImportBatchItemRow.migration_id == self._migration_id,
                    ImportBatchItemRow.entity_type_id == entity_type_id,
                    ImportBatchItemRow.source_id.in_(chunk),
                    ImportBatchItemRow.target_id.is_not(None),
                )
            )
            found.update(SourceId(source_id) for source_id in rows.scalars())
        return found

    def differences(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]
    ) -> dict[tuple[int, str], str | None]:
        """What verify has found in fields that did not agree, by source id and field."""
        found: dict[tuple[int, str], str | None] = {}
        for chunk in in_chunks(source_ids):
            rows = self._connection.execute(
                select(DifferenceRow.source_id, DifferenceRow.field, DifferenceRow.actual).where(
                    DifferenceRow.migration_id == self._migration_id,
                    DifferenceRow.entity_type_id == entity_type_id,
                    DifferenceRow.source_id.in_(chunk),
                )
            )
            found.update(((source_id, field), actual) for source_id, field, actual in rows)
        return found

    def forget_items(self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]) -> None:
        """Take back everything import and verify have recorded of these items."""
        for chunk in in_chunks(source_ids):
            for table in _OF_ITEMS:
                self._delete(
                    table, table.entity_type_id == entity_type_id, table.source_id.in_(chunk)
                )
            self._delete(
                ImportBatchItemRow,
                ImportBatchItemRow.entity_type_id == entity_type_id,
                ImportBatchItemRow.source_id.in_(chunk),
            )
            self._delete(
                FindingRow,
                FindingRow.phase.in_(_PHASES),
                FindingRow.entity_type_id == entity_type_id,
                FindingRow.source_id.in_(chunk),
            )

    def forget_rest(self, entity_type_id: EntityTypeId) -> bool:
        """Take back what is recorded of items of a type that are not in the target (any more).

        Returns: whether none of the type is.
        """
        mapped = select(IdMapRow.source_id).where(
            IdMapRow.migration_id == self._migration_id,
            IdMapRow.entity_type_id == entity_type_id,
        )
        for table in (*_OF_ITEMS, ImportBatchItemRow):
            of_type = table.entity_type_id == entity_type_id
            self._delete(table, of_type, table.source_id.not_in(mapped))
        self._delete(
            FindingRow,
            FindingRow.phase.in_(_PHASES),
            FindingRow.entity_type_id == entity_type_id,
            FindingRow.source_id.not_in(mapped),
        )
        has_items = exists().where(ImportBatchItemRow.batch_id == ImportBatchRow.id)
        self._delete(
            ImportBatchRow,
            ImportBatchRow.entity_type_id == entity_type_id,
            ImportBatchRow.state == BatchState.SETTLED,
            ~has_items,
        )
        return self._connection.execute(mapped.limit(1)).first() is None
