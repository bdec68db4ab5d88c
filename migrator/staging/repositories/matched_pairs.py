"""What becomes of items that the target has already: taken over as they are, or updated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    String,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from migrator.domain.findings import Phase
from migrator.domain.records import MatchCandidate, MatchState, Origin
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.staging.column_types import UtcDateTime
from migrator.staging.models import (
    DeferredLinkRow,
    FailedItemRow,
    FindingRow,
    IdMapRow,
    MatchCandidateRow,
    SampleItemRow,
)
from migrator.staging.repositories.base import Repository, in_chunks
from migrator.staging.repositories.match_candidates import (
    candidate_of,
    has_no,
    is_open,
    open_rows,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection

    from migrator.clock import Clock
    from migrator.domain.records import MigrationId

_Row = MatchCandidateRow


class MatchedPairs(Repository):
    """Of the candidates, those that are pairs; with `sampled`, of the sample's items."""

    def __init__(
        self,
        connection: Connection,
        migration_id: MigrationId,
        clock: Clock,
        *,
        sampled: bool = False,
    ) -> None:
        super().__init__(connection, migration_id, clock)
        self._sampled = sampled

    def open_count(self, entity_type_id: EntityTypeId, *, retry_failed: bool = False) -> int:
        """How many are to be taken over.

        Those whose update the target has refused count with `retry_failed` only.
        """
        statement = select(func.count()).where(
            *self._open_pairs(entity_type_id, retry_failed=retry_failed)
        )
        return self._connection.execute(statement).scalar_one()

    def take_over(self, entity_type_id: EntityTypeId, target_type_id: EntityTypeId) -> int:
        """Make partners of all open pairs, none of which is to be updated; returns how many."""
        chosen = self._open_pairs(entity_type_id, retry_failed=True)
        self._forget_attempts(entity_type_id, select(_Row.source_id).where(*chosen))
        pairs = select(
            _Row.migration_id,
            _Row.entity_type_id,
            _Row.source_id,
            literal(target_type_id, BigInteger),
            _Row.target_id,
            literal(Origin.MATCHED.value, String),
            literal(self._now(), UtcDateTime()),
            _Row.target_title,
        ).where(*chosen, ~_is_taken(target_type_id))
        columns = (
            "migration_id",
            "entity_type_id",
            "source_id",
            "target_entity_type_id",
            "target_id",
            "origin",
            "imported_at",
            "target_title",
        )
        statement = insert(IdMapRow).from_select(columns, pairs)
        # Only an UPDATE or DELETE says by itself how many rows it was.
        counting = statement.execution_options(preserve_rowcount=True)
        return self._connection.execute(counting).rowcount

    def _forget_attempts(self, entity_type_id: EntityTypeId, ids: Select[Any]) -> None:
        """What was to be told and set of these items when they were to be created."""
        for table in (FailedItemRow, DeferredLinkRow):
            self._delete(table, table.entity_type_id == entity_type_id, table.source_id.in_(ids))
        self._delete(
            FindingRow,
            FindingRow.phase == Phase.IMPORT,
            FindingRow.entity_type_id == entity_type_id,
            FindingRow.source_id.in_(ids),
        )

    def open_page(
        self,
        entity_type_id: EntityTypeId,
        limit: int,
        after: SourceId,
        *,
        retry_failed: bool = False,
    ) -> list[MatchCandidate]:
        """Open pairs by source item; those the target has refused with `retry_failed` only."""
        statement = (
            select(_Row.__table__)
            .where(
                *self._open_pairs(entity_type_id, retry_failed=retry_failed),
                _Row.source_id > after,
            )
            .order_by(_Row.source_id)
            .limit(limit)
        )
        return [candidate_of(row) for row in self._connection.execute(statement)]

    def in_flight(self, entity_type_id: EntityTypeId) -> dict[SourceId, TargetId]:
        """Pairs whose update was sent and whose outcome is not on record."""
        rows = self._connection.execute(
            select(_Row.source_id, _Row.target_id).where(
                *open_rows(self._migration_id, entity_type_id), _Row.sent_at.is_not(None)
            )
        )
        return {SourceId(source_id): TargetId(target_id) for source_id, target_id in rows}

    def mark_sent(self, one: MatchCandidate) -> None:
        """Committed before an update is sent."""
        self._set(one, sent_at=self._now())

    def mark_updated(self, one: MatchCandidate) -> None:
        self._set(one, sent_at=None, updated_at=self._now())

    def mark_refused(self, one: MatchCandidate) -> None:
        """The target has certainly ended the request."""
        self._set(one, sent_at=None)

    def forget(self, one: MatchCandidate) -> None:
        """The target's item is gone."""
        self._delete(
            _Row,
            _Row.entity_type_id == one.entity_type_id,
            _Row.source_id == one.source_id,
            _Row.target_id == one.target_id,
        )

    def updated(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]
    ) -> set[SourceId]:
        """Which of these source items have a partner that was updated with them."""
        return self._ids(entity_type_id, source_ids, _Row.updated_at.is_not(None))

    def left_alone(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId], *, keeps_pairs: bool
    ) -> set[SourceId]:
        """Which of these source items send nothing, their partner having been there before.

        Args:
            entity_type_id: of the source
            source_ids: of the items
            keeps_pairs: whether open pairs are going to be kept as they are, too
        """
        is_pair = and_(is_open(), _Row.state == MatchState.PAIR)
        is_kept = and_(~is_open(), _Row.updated_at.is_(None))
        condition = or_(is_pair, is_kept) if keeps_pairs else is_kept
        return self._ids(entity_type_id, source_ids, condition)

    def _ids(
        self,
        entity_type_id: EntityTypeId,
        source_ids: Collection[SourceId],
        condition: ColumnElement[bool],
    ) -> set[SourceId]:
        found: set[SourceId] = set()
        for chunk in in_chunks(source_ids):
            rows = self._connection.execute(
                select(_Row.source_id).where(
                    _Row.migration_id == self._migration_id,
                    _Row.entity_type_id == entity_type_id,
                    _Row.source_id.in_(chunk),
                    condition,
                )
            )
            found.update(SourceId(one) for one in rows.scalars())
        return found

    def _open_pairs(
        self, entity_type_id: EntityTypeId, *, retry_failed: bool
    ) -> list[ColumnElement[bool]]:
        conditions = [*open_rows(self._migration_id, entity_type_id), _Row.state == MatchState.PAIR]
        if not retry_failed:
            conditions.append(has_no(FailedItemRow))
        if self._sampled:
            conditions.append(~has_no(SampleItemRow))
        return conditions

    def _set(self, one: MatchCandidate, **values: Any) -> None:
        self._connection.execute(
            update(_Row)
            .where(
                _Row.migration_id == self._migration_id,
                _Row.entity_type_id == one.entity_type_id,
                _Row.source_id == one.source_id,
                _Row.target_id == one.target_id,
            )
            .values(**values)
        )


def _is_taken(target_type_id: EntityTypeId) -> ColumnElement[bool]:
    """Whether the target's item is the partner of some source item."""
    found = select(IdMapRow.source_id).where(
        IdMapRow.migration_id == _Row.migration_id,
        IdMapRow.target_entity_type_id == target_type_id,
        IdMapRow.target_id == _Row.target_id,
    )
    return found.correlate(_Row).scalar_subquery().is_not(None)
