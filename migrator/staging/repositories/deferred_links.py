"""References that are set once both ends exist in the target."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, exists, func, or_, select, update

from migrator.domain.records import DeferredLink, LinkState
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.staging.models import DeferredLinkRow, IdMapRow
from migrator.staging.repositories.base import Repository, comes_after, in_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Row

_KEY = (
    "entity_type_id",
    "source_id",
    "field",
    "refers_to_entity_type_id",
    "refers_to_source_id",
)


class DeferredLinks(Repository):
    def replace_for_items(
        self,
        entity_type_id: EntityTypeId,
        source_ids: Collection[SourceId],
        links: Sequence[DeferredLink],
    ) -> None:
        """These are the links of the named items from now on; a link may occur once."""
        for chunk in in_chunks(source_ids):
            self._delete(
                DeferredLinkRow,
                DeferredLinkRow.entity_type_id == entity_type_id,
                DeferredLinkRow.source_id.in_(chunk),
            )
        self._insert(DeferredLinkRow, [self._row(link) for link in links])

    def save(self, links: Sequence[DeferredLink]) -> None:
        """Add links; those that are known take the state given here."""
        unique = {tuple(getattr(link, name) for name in _KEY): link for link in links}
        self._upsert(DeferredLinkRow, [self._row(link) for link in unique.values()])

    def pending(
        self, limit: int, after: tuple[EntityTypeId, SourceId] | None = None
    ) -> list[DeferredLink]:
        """The pending links of the next `limit` items.

        An item's links always come together, so that one update can set them all.

        Args:
            limit: how many items at most
            after: (entity_type_id, source_id) of the last link of the page before
        """
        item = (DeferredLinkRow.entity_type_id, DeferredLinkRow.source_id)
        is_pending = (
            DeferredLinkRow.migration_id == self._migration_id,
            DeferredLinkRow.state == LinkState.PENDING,
        )
        items = select(*item).distinct().where(*is_pending).order_by(*item).limit(limit)
        if after is not None:
            items = items.where(comes_after(item, after))
        # Two steps, as a join with so few items makes SQLite read every link of the migration.
        by_type: dict[EntityTypeId, list[SourceId]] = defaultdict(list)
        for entity_type_id, source_id in self._connection.execute(items):
            by_type[EntityTypeId(entity_type_id)].append(SourceId(source_id))
        return [
            link
            for entity_type_id, source_ids in by_type.items()
            for link in self.for_items(entity_type_id, source_ids)
            if link.state is LinkState.PENDING
        ]

    def for_items(
        self, entity_type_id: EntityTypeId, source_ids: Collection[SourceId]
    ) -> list[DeferredLink]:
        """All links of the named items, whatever their state."""
        found: list[DeferredLink] = []
        for chunk in in_chunks(sorted(source_ids)):
            rows = self._connection.execute(
                select(DeferredLinkRow.__table__)
                .where(
                    DeferredLinkRow.migration_id == self._migration_id,
                    DeferredLinkRow.entity_type_id == entity_type_id,
                    DeferredLinkRow.source_id.in_(chunk),
                )
                .order_by(*(getattr(DeferredLinkRow, name) for name in _KEY))
            )
            found.extend(map(_link, rows))
        return found

    def set_state(
        self, links: Sequence[DeferredLink], state: LinkState, detail: str | None = None
    ) -> None:
        """Record what became of links; `detail` says why one failed or cannot be resolved."""
        if not links:
            return
        statement = (
            update(DeferredLinkRow.__table__)  # type: ignore[arg-type]  # a Table in fact
            .where(
                DeferredLinkRow.migration_id == self._migration_id,
                *(getattr(DeferredLinkRow, name) == bindparam(f"key_{name}") for name in _KEY),
            )
            .values(state=state, detail=detail, updated_at=self._now())
        )
        keys = [{f"key_{name}": getattr(link, name) for name in _KEY} for link in links]
        self._connection.execute(statement, keys)

    def reopen(self, *, refused: bool) -> None:
        """Make links pending again whose item is in the target now; with `refused`, failed ones."""
        in_target = exists().where(
            IdMapRow.migration_id == DeferredLinkRow.migration_id,
            IdMapRow.entity_type_id == DeferredLinkRow.refers_to_entity_type_id,
            IdMapRow.source_id == DeferredLinkRow.refers_to_source_id,
        )
        given_up = and_(DeferredLinkRow.state == LinkState.UNRESOLVABLE, in_target)
        failed = DeferredLinkRow.state == LinkState.FAILED
        self._connection.execute(
            update(DeferredLinkRow)
            .where(
                DeferredLinkRow.migration_id == self._migration_id,
                or_(given_up, failed) if refused else given_up,
            )
            .values(state=LinkState.PENDING, detail=None, updated_at=self._now())
        )

    def counts(self, entity_type_ids: Collection[EntityTypeId] = ()) -> dict[LinkState, int]:
        """How many links are in each state; states without links are left out.

        Args:
            entity_type_ids: only links of these types' items; none given means of all
        """
        of_types = (DeferredLinkRow.entity_type_id.in_(entity_type_ids),) if entity_type_ids else ()
        rows = self._connection.execute(
            select(DeferredLinkRow.state, func.count())
            .where(DeferredLinkRow.migration_id == self._migration_id, *of_types)
            .group_by(DeferredLinkRow.state)
            .order_by(DeferredLinkRow.state)
        )
        return {LinkState(state): count for state, count in rows}

    def _row(self, link: DeferredLink) -> dict[str, Any]:
        return {
            **{name: getattr(link, name) for name in _KEY},
            "state": link.state,
            "detail": link.detail,
            "updated_at": self._now(link.updated_at),
        }


def _link(row: Row[Any]) -> DeferredLink:
    return DeferredLink(
        entity_type_id=EntityTypeId(row.entity_type_id),
        source_id=SourceId(row.source_id),
        field=row.field,
        refers_to_entity_type_id=EntityTypeId(row.refers_to_entity_type_id),
        refers_to_source_id=SourceId(row.refers_to_source_id),
        state=LinkState(row.state),
        detail=row.detail,
        updated_at=row.updated_at,
    )
