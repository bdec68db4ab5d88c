"""Which items of the target are the same as items of the source, and which of them are pairs."""

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
from sqlalchemy.orm import aliased

from migrator.domain.findings import Phase
from migrator.domain.records import MatchCandidate, MatchCounts, MatchState, Origin, SharedValue
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

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.engine import Connection

    from migrator.clock import Clock
    from migrator.domain.records import MigrationId

_Row = MatchCandidateRow


class MatchCandidates(Repository):
    """A row is open until its source item has a partner; then it tells how that was found.

    With `sampled`, pairs are those of the sample's items.
    """

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

    def forget_open(self, entity_type_id: EntityTypeId) -> None:
        """Nothing is known any more of the source items of a type that have no partner yet.

        But for those whose update was sent: the target's item holds their values, perhaps.
        """
        self._delete(_Row, _Row.entity_type_id == entity_type_id, _is_undecided())

    def in_flight(self, entity_type_id: EntityTypeId) -> dict[SourceId, TargetId]:
        """Pairs whose update was sent and whose outcome is not on record."""
        rows = self._connection.execute(
            select(_Row.source_id, _Row.target_id).where(
                *self._open(entity_type_id), _Row.sent_at.is_not(None)
            )
        )
        return {SourceId(source_id): TargetId(target_id) for source_id, target_id in rows}

    def save(self, candidates: Sequence[MatchCandidate]) -> None:
        self._upsert(
            _Row,
            [
                {
                    "entity_type_id": one.entity_type_id,
                    "source_id": one.source_id,
                    "target_id": one.target_id,
                    "field": one.field,
                    "value": one.value,
                    "state": one.state,
                    "target_title": one.target_title,
                    "found_at": self._now(one.found_at),
                }
                for one in candidates
            ],
        )

    def keep_best(self, entity_type_id: EntityTypeId, fields: Sequence[str]) -> None:
        """Of each source item keep the candidates found by the first of the fields that found any.

        Args:
            entity_type_id: of the source
            fields: as the mapping file names them, in its order
        """
        for place, name in enumerate(fields[:-1]):
            better = aliased(_Row)
            found = select(better.source_id).where(
                better.migration_id == self._migration_id,
                better.entity_type_id == entity_type_id,
                better.field == name,
            )
            self._delete(
                _Row,
                _Row.entity_type_id == entity_type_id,
                _Row.field.in_(fields[place + 1 :]),
                _Row.source_id.in_(found),
                _is_undecided(),
            )

    def answer(
        self,
        entity_type_id: EntityTypeId,
        source_id: SourceId,
        partner: MatchCandidate | None,
    ) -> None:
        """The operator's word on a source item without a partner: this one, or none."""
        of_type = _Row.entity_type_id == entity_type_id
        of_source, chosen = _Row.source_id == source_id, partner.target_id if partner else None
        # What is on record of an update of the same partner stays.
        self._delete(_Row, of_type, of_source, _Row.target_id != (chosen or 0), _is_open())
        if partner is not None:
            others = _Row.source_id != source_id
            self._delete(_Row, of_type, _Row.target_id == chosen, others, _is_open())
            self.save([partner])

    def decide(self, entity_type_id: EntityTypeId) -> None:
        """A pair is where both have no other candidate; everything else is ambiguous.

        What an update was sent for stays a pair, and no candidate of others.
        """
        theirs = (
            _Row.migration_id == self._migration_id,
            _Row.entity_type_id == entity_type_id,
            _is_undecided(),
        )
        single_sources = (
            select(_Row.source_id).where(*theirs).group_by(_Row.source_id).having(func.count() == 1)
        )
        single_targets = (
            select(_Row.target_id).where(*theirs).group_by(_Row.target_id).having(func.count() == 1)
        )
        self._connection.execute(
            update(_Row).where(*theirs).values(state=MatchState.AMBIGUOUS),
        )
        self._connection.execute(
            update(_Row)
            .where(
                *self._open(entity_type_id),
                or_(
                    _Row.sent_at.is_not(None),
                    and_(
                        _Row.source_id.in_(single_sources),
                        _Row.target_id.in_(single_targets),
                    ),
                ),
            )
            .values(state=MatchState.PAIR)
            .execution_options(synchronize_session=False)
        )

    def open_counts(
        self, entity_type_id: EntityTypeId, *, retry_failed: bool = False
    ) -> MatchCounts:
        """How many source items have a pair that is to be taken over, and how many are ambiguous.

        Pairs whose update the target has refused count with `retry_failed` only.
        """
        pairs = select(func.count()).where(
            *self._open_pairs(entity_type_id, retry_failed=retry_failed)
        )
        ambiguous = select(func.count(_Row.source_id.distinct())).where(
            *self._open(entity_type_id), _Row.state == MatchState.AMBIGUOUS
        )
        return MatchCounts(
            pairs=self._connection.execute(pairs).scalar_one(),
            ambiguous=self._connection.execute(ambiguous).scalar_one(),
        )

    def types(self) -> set[EntityTypeId]:
        """Entity types with candidates, open or not."""
        rows = self._connection.execute(
            select(_Row.entity_type_id).where(_Row.migration_id == self._migration_id).distinct()
        )
        return {EntityTypeId(one) for one in rows.scalars()}

    def first(self, limit: int) -> list[MatchCandidate]:
        """Open candidates, ambiguous ones first."""
        statement = (
            select(_Row.__table__)
            .where(_Row.migration_id == self._migration_id, _is_open())
            .order_by(_Row.state, _Row.entity_type_id, _Row.source_id, _Row.target_id)
            .limit(limit)
        )
        return [_candidate(row) for row in self._connection.execute(statement)]

    def ambiguous(self, entity_type_id: EntityTypeId, limit: int) -> list[MatchCandidate]:
        """The candidates that wait for an answer, by source item."""
        statement = (
            select(_Row.__table__)
            .where(*self._open(entity_type_id), _Row.state == MatchState.AMBIGUOUS)
            .order_by(_Row.source_id, _Row.target_id)
            .limit(limit)
        )
        return [_candidate(row) for row in self._connection.execute(statement)]

    def most_shared(self, entity_type_id: EntityTypeId, limit: int) -> list[SharedValue]:
        """Values that keep several source items ambiguous, those of the most items first."""
        sources = func.count(_Row.source_id.distinct())
        statement = (
            select(_Row.field, _Row.value, sources, func.count(_Row.target_id.distinct()))
            .where(*self._open(entity_type_id), _Row.state == MatchState.AMBIGUOUS)
            .group_by(_Row.field, _Row.value)
            .having(sources > 1)
            .order_by(sources.desc(), _Row.field, _Row.value)
            .limit(limit)
        )
        return [
            SharedValue(field=field, value=value, source_items=ours, target_items=theirs)
            for field, value, ours, theirs in self._connection.execute(statement)
        ]

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

    def to_update(
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
        return [_candidate(row) for row in self._connection.execute(statement)]

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
        is_pair = and_(_is_open(), _Row.state == MatchState.PAIR)
        is_kept = and_(~_is_open(), _Row.updated_at.is_(None))
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

    def _open(self, entity_type_id: EntityTypeId) -> list[ColumnElement[bool]]:
        return [
            _Row.migration_id == self._migration_id,
            _Row.entity_type_id == entity_type_id,
            _is_open(),
        ]

    def _open_pairs(
        self, entity_type_id: EntityTypeId, *, retry_failed: bool
    ) -> list[ColumnElement[bool]]:
        conditions = [*self._open(entity_type_id), _Row.state == MatchState.PAIR]
        if not retry_failed:
            conditions.append(_has_no(FailedItemRow))
        if self._sampled:
            conditions.append(~_has_no(SampleItemRow))
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


def _has_no(table: type[IdMapRow | FailedItemRow | SampleItemRow]) -> ColumnElement[bool]:
    """Whether the row's source item has no row there."""
    found = select(table.source_id).where(
        table.migration_id == _Row.migration_id,
        table.entity_type_id == _Row.entity_type_id,
        table.source_id == _Row.source_id,
    )
    return found.correlate(_Row).scalar_subquery().is_(None)


def _is_open() -> ColumnElement[bool]:
    return _has_no(IdMapRow)


def _is_undecided() -> ColumnElement[bool]:
    return and_(_is_open(), _Row.sent_at.is_(None))


def _is_taken(target_type_id: EntityTypeId) -> ColumnElement[bool]:
    """Whether the target's item is the partner of some source item."""
    found = select(IdMapRow.source_id).where(
        IdMapRow.migration_id == _Row.migration_id,
        IdMapRow.target_entity_type_id == target_type_id,
        IdMapRow.target_id == _Row.target_id,
    )
    return found.correlate(_Row).scalar_subquery().is_not(None)


def _candidate(row: Row[Any]) -> MatchCandidate:
    return MatchCandidate(
        entity_type_id=EntityTypeId(row.entity_type_id),
        source_id=SourceId(row.source_id),
        target_id=TargetId(row.target_id),
        field=row.field,
        value=row.value,
        state=MatchState(row.state),
        target_title=row.target_title,
        found_at=row.found_at,
        sent_at=row.sent_at,
    )
