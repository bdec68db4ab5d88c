"""Which source item became which target item."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from migrator.domain.records import IdPair, Origin, VerifiedState
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.staging.errors import AlreadyMapped
from migrator.staging.models import IdMapRow
from migrator.staging.repositories.base import Repository, in_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Row, Select

    from migrator.domain.records import VerifiedItem


class IdMap(Repository):
    def add(self, pairs: Sequence[IdPair]) -> None:
        """Record partners. Raises AlreadyMapped; the transaction is lost then."""
        try:
            self._insert(IdMapRow, [self._row(pair) for pair in pairs])
        except IntegrityError:
            msg = (
                "an item was about to be mapped a second time: "
                f"one of {', '.join(map(_describe, pairs[:20]))}"
            )
            raise AlreadyMapped(msg, hint="migrator audit duplicates") from None

    def lookup(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]
    ) -> dict[SourceId, tuple[EntityTypeId, TargetId]]:
        """The partners of those items that have one."""
        found: dict[SourceId, tuple[EntityTypeId, TargetId]] = {}
        for chunk in in_chunks(source_ids):
            statement = (
                self._of(entity_type_id)
                .with_only_columns(
                    IdMapRow.source_id, IdMapRow.target_entity_type_id, IdMapRow.target_id
                )
                .where(IdMapRow.source_id.in_(chunk))
            )
            for source_id, target_type, target_id in self._connection.execute(statement):
                found[SourceId(source_id)] = (EntityTypeId(target_type), TargetId(target_id))
        return found

    def agreeing(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]
    ) -> set[SourceId]:
        """Which of the items have been verified without a difference."""
        found: set[SourceId] = set()
        for chunk in in_chunks(source_ids):
            statement = (
                self._of(entity_type_id)
                .with_only_columns(IdMapRow.source_id)
                .where(
                    IdMapRow.source_id.in_(chunk),
                    IdMapRow.verified_state == VerifiedState.AGREES,
                )
            )
            found.update(map(SourceId, self._connection.execute(statement).scalars()))
        return found

    def lookup_many(
        self, wanted: Iterable[tuple[EntityTypeId, SourceId]]
    ) -> dict[tuple[EntityTypeId, SourceId], tuple[EntityTypeId, TargetId]]:
        """The same across entity types, with one round of statements per type."""
        by_type: dict[EntityTypeId, set[SourceId]] = defaultdict(set)
        for entity_type_id, source_id in wanted:
            by_type[entity_type_id].add(source_id)
        return {
            (entity_type_id, source_id): target
            for entity_type_id, ids in by_type.items()
            for source_id, target in self.lookup(entity_type_id, ids).items()
        }

    def count(self, entity_type_id: EntityTypeId) -> int:
        statement = self._of(entity_type_id).with_only_columns(func.count())
        return self._connection.execute(statement).scalar_one()

    def count_of(self, origin: Origin) -> int:
        """How many partners of all entity types came about that way."""
        statement = select(func.count()).where(
            IdMapRow.migration_id == self._migration_id, IdMapRow.origin == origin
        )
        return self._connection.execute(statement).scalar_one()

    def counts(self) -> dict[EntityTypeId, int]:
        rows = self._connection.execute(
            select(IdMapRow.entity_type_id, func.count())
            .where(IdMapRow.migration_id == self._migration_id)
            .group_by(IdMapRow.entity_type_id)
            .order_by(IdMapRow.entity_type_id)
        )
        return {EntityTypeId(entity_type_id): count for entity_type_id, count in rows}

    def target_types(self, entity_type_id: EntityTypeId) -> list[EntityTypeId]:
        """The target's types that items of a source type are mapped to: one, as a rule."""
        types = self._of(entity_type_id).with_only_columns(IdMapRow.target_entity_type_id)
        return [EntityTypeId(one) for one in self._connection.execute(types.distinct()).scalars()]

    def highest_targets(self) -> dict[EntityTypeId, TargetId]:
        """The highest target id of each entity type of the target that has mapped items."""
        rows = self._connection.execute(
            select(IdMapRow.target_entity_type_id, func.max(IdMapRow.target_id))
            .where(IdMapRow.migration_id == self._migration_id)
            .group_by(IdMapRow.target_entity_type_id)
        )
        return {EntityTypeId(number): TargetId(highest) for number, highest in rows}

    def page_to_verify(
        self,
        entity_type_id: EntityTypeId,
        after_target_id: TargetId,
        limit: int,
        *,
        into: Collection[EntityTypeId],
    ) -> list[IdPair]:
        """Mapped items of a source type by target id, verified before or not.

        Args:
            entity_type_id: of the source
            after_target_id: of the last item of the page before
            limit: how many at most
            into: what `target_types` says; it looks at every row, so it is asked only once
        """
        # Named, the target's types make the unique index serve the order. An index for this alone
        # would begin like the primary key, and PostgreSQL, before it has statistics, would take it
        # to look up source ids.
        statement = (
            self._of(entity_type_id)
            .where(
                IdMapRow.target_entity_type_id.in_(into),
                IdMapRow.target_id > after_target_id,
            )
            .order_by(IdMapRow.target_id)
            .limit(limit)
        )
        return [read_pair(row) for row in self._connection.execute(statement)]

    def mark_verified(self, entity_type_id: EntityTypeId, items: Sequence[VerifiedItem]) -> None:
        if not items:
            return
        statement = (
            update(IdMapRow.__table__)  # type: ignore[arg-type]  # a Table, though typed FromClause
            .where(
                IdMapRow.migration_id == self._migration_id,
                IdMapRow.entity_type_id == entity_type_id,
                IdMapRow.source_id == bindparam("verified_source_id"),
            )
            .values(
                verified_at=self._now(),
                verified_state=bindparam("verified_state"),
                # Inside a function a parameter does not take its type from the column.
                target_title=func.coalesce(
                    bindparam("target_title", type_=IdMapRow.target_title.type),
                    IdMapRow.target_title,
                ),
            )
        )
        self._connection.execute(
            statement,
            [
                {
                    "verified_source_id": item.source_id,
                    "verified_state": item.state,
                    "target_title": item.target_title,
                }
                for item in items
            ],
        )

    def _of(self, entity_type_id: EntityTypeId) -> Select[Any]:
        return select(IdMapRow.__table__).where(
            IdMapRow.migration_id == self._migration_id,
            IdMapRow.entity_type_id == entity_type_id,
        )

    def _row(self, pair: IdPair) -> dict[str, Any]:
        return {
            "entity_type_id": pair.entity_type_id,
            "source_id": pair.source_id,
            "target_entity_type_id": pair.target_entity_type_id,
            "target_id": pair.target_id,
            "origin": pair.origin,
            "imported_at": self._now(pair.imported_at),
            "verified_at": pair.verified_at,
            "verified_state": pair.verified_state,
        }


def read_pair(row: Row[Any]) -> IdPair:
    return IdPair(
        entity_type_id=EntityTypeId(row.entity_type_id),
        source_id=SourceId(row.source_id),
        target_entity_type_id=EntityTypeId(row.target_entity_type_id),
        target_id=TargetId(row.target_id),
        origin=Origin(row.origin),
        imported_at=row.imported_at,
        verified_at=row.verified_at,
        verified_state=VerifiedState(row.verified_state) if row.verified_state else None,
    )


def _describe(pair: IdPair) -> str:
    return f"{pair.entity_type_id}:{pair.source_id} -> {pair.target_id}"
