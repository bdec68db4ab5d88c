"""The items of the source portal, as they were exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select, text

from migrator.domain.records import BatchState, MatchState, SaveCounts, StagedItem
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.staging.json_text import hash_of
from migrator.staging.models import (
    DeferredLinkRow,
    FailedItemRow,
    FindingRow,
    IdMapRow,
    ImportBatchItemRow,
    ImportBatchRow,
    ItemFileRow,
    ItemRow,
    MatchCandidateRow,
    SampleItemRow,
)
from migrator.staging.repositories.base import Repository, comes_after, in_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.engine import Connection

    from migrator.clock import Clock
    from migrator.domain.records import MigrationId

_COLUMNS = (
    ItemRow.entity_type_id,
    ItemRow.source_id,
    ItemRow.title,
    ItemRow.created_time,
    ItemRow.updated_time,
    ItemRow.payload,
    ItemRow.exported_at,
)


class Items(Repository):
    """With `sampled`, what is counted, streamed and imported are the items of the sample.

    Items asked for by their id are found either way.
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

    def save(self, page: Sequence[StagedItem]) -> SaveCounts:
        """Add new items and overwrite changed ones; an item that is the same stays untouched.

        Within a page each item may occur once.
        """
        hashes = {(i.entity_type_id, i.source_id): hash_of(i.payload) for i in page}
        known = self._known_hashes(hashes)
        unsaved = [
            item
            for item in page
            if known.get((item.entity_type_id, item.source_id))
            != hashes[item.entity_type_id, item.source_id]
        ]
        self._upsert(
            ItemRow, [self._row(i, hashes[i.entity_type_id, i.source_id]) for i in unsaved]
        )
        new = len(hashes.keys() - known.keys())
        return SaveCounts(new=new, changed=len(unsaved) - new, same=len(page) - len(unsaved))

    def refresh_statistics(self) -> None:
        """Tell PostgreSQL's planner what is here, which it finds out by itself a minute later.

        Until then it takes a type to be a few rows, and looks up ids in the index by created_time,
        that is, reads the whole type there.
        """
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text(f"ANALYZE {ItemRow.__tablename__}"))

    def count(self, entity_type_id: EntityTypeId) -> int:
        return self._count(self._chosen(entity_type_id))

    def mapped_count(self, entity_type_id: EntityTypeId) -> int:
        """How many of them are in the target."""
        statement = self._chosen(entity_type_id).where(~_has_no(IdMapRow))
        return self._count(statement)

    def counts(self) -> dict[EntityTypeId, int]:
        """Entity types with items, ascending, and how many."""
        rows = self._connection.execute(
            select(ItemRow.entity_type_id, func.count())
            .where(ItemRow.migration_id == self._migration_id, *self._restriction())
            .group_by(ItemRow.entity_type_id)
            .order_by(ItemRow.entity_type_id)
        )
        return {EntityTypeId(entity_type_id): count for entity_type_id, count in rows}

    def stream(self, entity_type_id: EntityTypeId, size: int = 500) -> Iterator[list[StagedItem]]:
        """All items by source id, `size` at a time; each page is a statement of its own."""
        after = SourceId(0)
        while page := self._read(
            self._chosen(entity_type_id)
            .where(ItemRow.source_id > after)
            .order_by(ItemRow.source_id)
            .limit(size)
        ):
            yield page
            after = page[-1].source_id

    def get(self, entity_type_id: EntityTypeId, ids: Collection[SourceId]) -> list[StagedItem]:
        """Those of the named items that are staged, by source id."""
        found: list[StagedItem] = []
        for chunk in in_chunks(sorted(ids)):
            statement = self._of(entity_type_id).where(ItemRow.source_id.in_(chunk))
            found.extend(self._read(statement.order_by(ItemRow.source_id)))
        return found

    def existing(self, entity_type_id: EntityTypeId, ids: Collection[SourceId]) -> set[SourceId]:
        return set(self.created_times(entity_type_id, ids))

    def created_times(
        self, entity_type_id: EntityTypeId, ids: Collection[SourceId]
    ) -> dict[SourceId, datetime]:
        found: dict[SourceId, datetime] = {}
        for chunk in in_chunks(ids):
            # The hash is wanted by nobody; but without it the index by created_time holds all that
            # is, and SQLite would rather read the whole type there than look up the ids.
            statement = (
                self._of(entity_type_id)
                .with_only_columns(ItemRow.source_id, ItemRow.created_time, ItemRow.payload_hash)
                .where(ItemRow.source_id.in_(chunk))
            )
            found.update((SourceId(i), at) for i, at, _ in self._connection.execute(statement))
        return found

    def next_to_import(
        self,
        entity_type_id: EntityTypeId,
        limit: int,
        after: tuple[datetime, SourceId] | None = None,
        *,
        retry_failed: bool = False,
    ) -> list[StagedItem]:
        """Items without a partner in the target, oldest first, as the target demands.

        Args:
            entity_type_id: of the source
            limit: how many at most
            after: (created_time, source_id) of the last item of the page before
            retry_failed: whether to offer items again that the target has refused
        """
        order = (ItemRow.created_time, ItemRow.source_id)
        statement = self._of(entity_type_id).order_by(*order)
        if after is not None:
            statement = statement.where(comes_after(order, after))
        wanted = self._wanted(retry_failed=retry_failed)
        if self._connection.dialect.name == "sqlite":
            return self._read(statement.where(*wanted).limit(limit))
        return self._read(_filtered_in_order(statement, wanted).limit(limit))

    def to_import_count(self, entity_type_id: EntityTypeId, *, retry_failed: bool = False) -> int:
        return self._count(self._to_import(entity_type_id, retry_failed=retry_failed))

    def count_older_than(
        self,
        entity_type_id: EntityTypeId,
        when: datetime,
        *,
        not_imported: bool = True,
        refused: bool = True,
    ) -> int:
        """How many items the target would refuse if its newest row were from `when`.

        Args:
            entity_type_id: of the source
            when: the time of that row
            not_imported: whether to leave out items that have partners in the target
            refused: whether to count items that the target has refused for another reason
        """
        statement = self._chosen(entity_type_id).where(ItemRow.created_time < when)
        if not_imported:
            statement = statement.where(_has_no(IdMapRow), _has_no_pair())
        if not refused:
            statement = statement.where(_has_no(FailedItemRow))
        return self._count(statement)

    def whole_count(self, entity_type_id: EntityTypeId) -> int:
        """How many are staged, in the sample or not."""
        return self._count(self._of(entity_type_id))

    def take_out(self, entity_type_id: EntityTypeId) -> int:
        """Forget the items of a type that are not in the target, and were not sent there either.

        What is on record of attempts to import them goes with them: what the target refused, links
        that were to be set, findings. Returns how many items that were.
        """
        in_doubt = (
            select(ImportBatchItemRow.source_id)
            .join(ImportBatchRow, ImportBatchRow.id == ImportBatchItemRow.batch_id)
            .where(
                ImportBatchItemRow.migration_id == self._migration_id,
                ImportBatchItemRow.entity_type_id == entity_type_id,
                ImportBatchRow.state != BatchState.SETTLED,
            )
        )
        being_updated = select(MatchCandidateRow.source_id).where(
            MatchCandidateRow.migration_id == self._migration_id,
            MatchCandidateRow.entity_type_id == entity_type_id,
            MatchCandidateRow.sent_at.is_not(None),
        )
        removed = self._delete(
            ItemRow,
            ItemRow.entity_type_id == entity_type_id,
            _has_no(IdMapRow),
            ItemRow.source_id.not_in(in_doubt),
            ItemRow.source_id.not_in(being_updated),
        )
        staged = select(ItemRow.source_id).where(
            ItemRow.migration_id == self._migration_id, ItemRow.entity_type_id == entity_type_id
        )
        for table in (FailedItemRow, DeferredLinkRow, ItemFileRow, FindingRow):
            self._delete(
                table,
                table.entity_type_id == entity_type_id,
                table.source_id.not_in(staged),
            )
        return removed

    def oldest(
        self, entity_type_id: EntityTypeId, *, not_imported: bool = False
    ) -> datetime | None:
        statement = self._of(entity_type_id).with_only_columns(ItemRow.created_time)
        if not_imported:
            statement = statement.where(_has_no(IdMapRow))
        ordered = statement.order_by(ItemRow.created_time).limit(1)
        oldest: datetime | None = self._connection.execute(ordered).scalar()
        return oldest

    def newest_to_import(
        self, entity_type_id: EntityTypeId, *, retry_failed: bool = False
    ) -> datetime | None:
        statement = self._to_import(entity_type_id, retry_failed=retry_failed)
        ordered = statement.with_only_columns(ItemRow.created_time).order_by(
            ItemRow.created_time.desc()
        )
        newest: datetime | None = self._connection.execute(ordered.limit(1)).scalar()
        return newest

    def _to_import(self, entity_type_id: EntityTypeId, *, retry_failed: bool) -> Select[Any]:
        return self._of(entity_type_id).where(*self._wanted(retry_failed=retry_failed))

    def _wanted(self, *, retry_failed: bool) -> tuple[ColumnElement[bool], ...]:
        refused = () if retry_failed else (_has_no(FailedItemRow),)
        return (*self._restriction(), _has_no(IdMapRow), _has_no_pair(), *refused)

    def _chosen(self, entity_type_id: EntityTypeId) -> Select[Any]:
        return self._of(entity_type_id).where(*self._restriction())

    def _restriction(self) -> tuple[ColumnElement[bool], ...]:
        return (~_has_no(SampleItemRow),) if self._sampled else ()

    def _of(self, entity_type_id: EntityTypeId) -> Select[Any]:
        return select(*_COLUMNS).where(
            ItemRow.migration_id == self._migration_id, ItemRow.entity_type_id == entity_type_id
        )

    def _read(self, statement: Select[Any]) -> list[StagedItem]:
        return [_item(row) for row in self._connection.execute(statement)]

    def _count(self, statement: Select[Any]) -> int:
        counted = statement.with_only_columns(func.count(), maintain_column_froms=True)
        return self._connection.execute(counted).scalar_one()

    def _known_hashes(
        self, wanted: Collection[tuple[EntityTypeId, SourceId]]
    ) -> dict[tuple[EntityTypeId, SourceId], str]:
        known: dict[tuple[EntityTypeId, SourceId], str] = {}
        for entity_type_id in {entity_type_id for entity_type_id, _ in wanted}:
            ids = [source_id for of_type, source_id in wanted if of_type == entity_type_id]
            for chunk in in_chunks(ids):
                statement = (
                    self._of(entity_type_id)
                    .with_only_columns(ItemRow.source_id, ItemRow.payload_hash)
                    .where(ItemRow.source_id.in_(chunk))
                )
                rows = self._connection.execute(statement)
                known.update(((entity_type_id, SourceId(i)), digest) for i, digest in rows)
        return known

    def _row(self, item: StagedItem, digest: str) -> dict[str, Any]:
        return {
            "entity_type_id": item.entity_type_id,
            "source_id": item.source_id,
            "title": item.title,
            "created_time": item.created_time,
            "updated_time": item.updated_time,
            "payload": item.payload,
            "payload_hash": digest,
            "exported_at": self._now(item.exported_at),
        }


def _filtered_in_order(
    statement: Select[Any], wanted: Iterable[ColumnElement[bool]]
) -> Select[Any]:
    """Go along the index, and look only then who is wanted.

    PostgreSQL takes the wanted items to be one in thousands, and would rather sort the whole type
    for every page than go so far in the index. The offset of nothing keeps the two steps apart;
    SQLite would sort all the same.
    """
    is_wanted = and_(*wanted).label("is_wanted")
    found = statement.add_columns(is_wanted).offset(0).subquery().c
    page = select(*(found[column.key] for column in _COLUMNS)).where(found.is_wanted)
    return page.order_by(found.created_time, found.source_id)


def _item(row: Row[Any]) -> StagedItem:
    return StagedItem(
        entity_type_id=EntityTypeId(row.entity_type_id),
        source_id=SourceId(row.source_id),
        title=row.title,
        created_time=row.created_time,
        updated_time=row.updated_time,
        payload=row.payload,
        exported_at=row.exported_at,
    )


def _has_no(table: type[IdMapRow | FailedItemRow | SampleItemRow]) -> ColumnElement[bool]:
    """Whether an item has no row there, by a look-up of the primary key for each item.

    NOT EXISTS would say the same, but PostgreSQL makes a join of it and, before it has statistics
    of a table that is being filled, compares every row with every row.
    """
    found = select(table.source_id).where(
        table.migration_id == ItemRow.migration_id,
        table.entity_type_id == ItemRow.entity_type_id,
        table.source_id == ItemRow.source_id,
    )
    return found.correlate(ItemRow).scalar_subquery().is_(None)


def _has_no_pair() -> ColumnElement[bool]:
    """Whether no item of the target was found that is the same; where one was, none is created."""
    found = select(MatchCandidateRow.target_id).where(
        MatchCandidateRow.migration_id == ItemRow.migration_id,
        MatchCandidateRow.entity_type_id == ItemRow.entity_type_id,
        MatchCandidateRow.source_id == ItemRow.source_id,
        MatchCandidateRow.state == MatchState.PAIR,
    )
    return found.limit(1).correlate(ItemRow).scalar_subquery().is_(None)
