"""Which items are in the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from migrator.domain.records import MatchState, SampleReason
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.staging.models import IdMapRow, ItemRow, MatchCandidateRow, SampleItemRow
from migrator.staging.repositories.base import Repository, comes_after, in_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

#: Ids looked at in one statement.
_PAGE = 5000


class Sample(Repository):
    def add(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId], reason: SampleReason
    ) -> list[SourceId]:
        """Take items into the sample. Returns: those that were not in it, ascending."""
        known: set[int] = set()
        for chunk in in_chunks(source_ids):
            statement = select(SampleItemRow.source_id).where(
                SampleItemRow.migration_id == self._migration_id,
                SampleItemRow.entity_type_id == entity_type_id,
                SampleItemRow.source_id.in_(chunk),
            )
            known.update(self._connection.execute(statement).scalars())
        new = sorted(set(source_ids) - known)
        rows = [
            {"entity_type_id": entity_type_id, "source_id": source_id, "reason": reason}
            for source_id in new
        ]
        self._insert(SampleItemRow, rows)
        return new

    def counts(self) -> dict[EntityTypeId, dict[SampleReason, int]]:
        """How many items of each entity type are in it, by the reason."""
        columns = (SampleItemRow.entity_type_id, SampleItemRow.reason)
        rows = self._connection.execute(
            select(*columns, func.count())
            .where(SampleItemRow.migration_id == self._migration_id)
            .group_by(*columns)
            .order_by(*columns)
        )
        found: dict[EntityTypeId, dict[SampleReason, int]] = {}
        for entity_type_id, reason, count in rows:
            found.setdefault(EntityTypeId(entity_type_id), {})[SampleReason(reason)] = count
        return found

    def clear(self) -> None:
        self._delete(SampleItemRow)

    def oldest(self, entity_type_id: EntityTypeId, count: int) -> Iterator[list[SourceId]]:
        """The ids of the oldest `count` staged items, page by page."""
        order = (ItemRow.created_time, ItemRow.source_id)
        after: tuple[datetime, int] | None = None
        while count > 0:
            statement = select(*order).where(
                ItemRow.migration_id == self._migration_id,
                ItemRow.entity_type_id == entity_type_id,
            )
            if after is not None:
                statement = statement.where(comes_after(order, after))
            page = statement.order_by(*order).limit(min(count, _PAGE))
            rows = self._connection.execute(page).all()
            if not rows:
                return
            yield [SourceId(row.source_id) for row in rows]
            after = (rows[-1].created_time, rows[-1].source_id)
            count -= len(rows)

    def strata(
        self, entity_type_id: EntityTypeId
    ) -> Iterator[list[tuple[SourceId, tuple[str | None, str | None]]]]:
        """The ids of all staged items, each with its pipeline and stage, page by page."""
        category, stage = (ItemRow.payload[key].as_string() for key in ("categoryId", "stageId"))
        after = 0
        while True:
            rows = self._connection.execute(
                select(ItemRow.source_id, category.label("category"), stage.label("stage"))
                .where(
                    ItemRow.migration_id == self._migration_id,
                    ItemRow.entity_type_id == entity_type_id,
                    ItemRow.source_id > after,
                )
                .order_by(ItemRow.source_id)
                .limit(_PAGE)
            ).all()
            if not rows:
                return
            yield [(SourceId(row.source_id), (row.category, row.stage)) for row in rows]
            after = rows[-1].source_id

    def left_behind(self, entity_type_id: EntityTypeId) -> int:
        """How many items that are not in the target are older than the sample's newest, not in it.

        Once the sample is imported, the target refuses their dates.
        """
        other = aliased(ItemRow)
        newest = (
            select(func.max(other.created_time))
            .join(
                SampleItemRow,
                (SampleItemRow.migration_id == other.migration_id)
                & (SampleItemRow.entity_type_id == other.entity_type_id)
                & (SampleItemRow.source_id == other.source_id),
            )
            .where(
                other.migration_id == self._migration_id,
                other.entity_type_id == entity_type_id,
            )
            .scalar_subquery()
        )
        absent = [
            select(table.source_id)
            .where(
                table.migration_id == ItemRow.migration_id,
                table.entity_type_id == ItemRow.entity_type_id,
                table.source_id == ItemRow.source_id,
            )
            .correlate(ItemRow)
            .scalar_subquery()
            .is_(None)
            for table in (SampleItemRow, IdMapRow)
        ]
        pair = select(MatchCandidateRow.source_id).where(
            MatchCandidateRow.migration_id == ItemRow.migration_id,
            MatchCandidateRow.entity_type_id == ItemRow.entity_type_id,
            MatchCandidateRow.source_id == ItemRow.source_id,
            MatchCandidateRow.state == MatchState.PAIR,
        )
        absent.append(pair.limit(1).correlate(ItemRow).scalar_subquery().is_(None))
        statement = select(func.count()).where(
            ItemRow.migration_id == self._migration_id,
            ItemRow.entity_type_id == entity_type_id,
            ItemRow.created_time < newest,
            *absent,
        )
        return self._connection.execute(statement).scalar_one()
