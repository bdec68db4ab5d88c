"""Which items of the target may be the same as items of the source, and which of them are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    and_,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from migrator.domain.records import MatchCandidate, MatchState, SharedValue
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.staging.models import (
    FailedItemRow,
    IdMapRow,
    MatchCandidateRow,
    SampleItemRow,
)
from migrator.staging.repositories.base import Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Row

    from migrator.domain.records import MigrationId

_Row = MatchCandidateRow


class MatchCandidates(Repository):
    """A row is open until its source item has a partner; then it tells how that was found."""

    def forget_open(self, entity_type_id: EntityTypeId) -> None:
        """Nothing is known any more of the source items of a type that have no partner yet.

        But for those whose update was sent: the target's item holds their values, perhaps.
        """
        self._delete(_Row, _Row.entity_type_id == entity_type_id, _is_undecided())

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
        self._delete(_Row, of_type, of_source, _Row.target_id != (chosen or 0), is_open())
        if partner is not None:
            others = _Row.source_id != source_id
            self._delete(_Row, of_type, _Row.target_id == chosen, others, is_open())
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
                *open_rows(self._migration_id, entity_type_id),
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
            .where(_Row.migration_id == self._migration_id, is_open())
            .order_by(_Row.state, _Row.entity_type_id, _Row.source_id, _Row.target_id)
            .limit(limit)
        )
        return [candidate_of(row) for row in self._connection.execute(statement)]

    def ambiguous(self, entity_type_id: EntityTypeId, limit: int) -> list[MatchCandidate]:
        """The candidates that wait for an answer, by source item."""
        statement = (
            select(_Row.__table__)
            .where(
                *open_rows(self._migration_id, entity_type_id), _Row.state == MatchState.AMBIGUOUS
            )
            .order_by(_Row.source_id, _Row.target_id)
            .limit(limit)
        )
        return [candidate_of(row) for row in self._connection.execute(statement)]

    def ambiguous_count(self, entity_type_id: EntityTypeId) -> int:
        """How many source items wait for an answer."""
        statement = select(func.count(_Row.source_id.distinct())).where(
            *open_rows(self._migration_id, entity_type_id), _Row.state == MatchState.AMBIGUOUS
        )
        return self._connection.execute(statement).scalar_one()

    def most_shared(self, entity_type_id: EntityTypeId, limit: int) -> list[SharedValue]:
        """Values that keep several source items ambiguous, those of the most items first."""
        sources = func.count(_Row.source_id.distinct())
        statement = (
            select(_Row.field, _Row.value, sources, func.count(_Row.target_id.distinct()))
            .where(
                *open_rows(self._migration_id, entity_type_id), _Row.state == MatchState.AMBIGUOUS
            )
            .group_by(_Row.field, _Row.value)
            .having(sources > 1)
            .order_by(sources.desc(), _Row.field, _Row.value)
            .limit(limit)
        )
        return [
            SharedValue(field=field, value=value, source_items=ours, target_items=theirs)
            for field, value, ours, theirs in self._connection.execute(statement)
        ]


def open_rows(migration_id: MigrationId, entity_type_id: EntityTypeId) -> list[ColumnElement[bool]]:
    """The candidates of source items without a partner."""
    return [
        _Row.migration_id == migration_id,
        _Row.entity_type_id == entity_type_id,
        is_open(),
    ]


def _is_undecided() -> ColumnElement[bool]:
    return and_(is_open(), _Row.sent_at.is_(None))


def is_open() -> ColumnElement[bool]:
    return has_no(IdMapRow)


def has_no(table: type[IdMapRow | FailedItemRow | SampleItemRow]) -> ColumnElement[bool]:
    """Whether the row's source item has no row there."""
    found = select(table.source_id).where(
        table.migration_id == _Row.migration_id,
        table.entity_type_id == _Row.entity_type_id,
        table.source_id == _Row.source_id,
    )
    return found.correlate(_Row).scalar_subquery().is_(None)


def candidate_of(row: Row[Any]) -> MatchCandidate:
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
