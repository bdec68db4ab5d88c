"""The structure of both portals, and which part of one is which part of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from migrator.domain.mapping import Decision, Pair, PairKind
from migrator.domain.records import StructureElement
from migrator.staging.models import StructureElementRow, StructurePairRow
from migrator.staging.repositories.base import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from migrator.domain.mapping import PairKey
    from migrator.domain.vocabulary import Role


class PortalStructure(Repository):
    def save(self, role: Role, elements: Iterable[StructureElement]) -> None:
        """What was read now takes the place of everything read of this portal before."""
        self._delete(StructureElementRow, StructureElementRow.portal_role == role)
        self._insert(
            StructureElementRow,
            [
                {
                    "portal_role": role,
                    "kind": element.kind,
                    "scope": element.scope,
                    "key": element.key,
                    "name": element.name,
                    "payload": element.payload,
                    "read_at": self._now(element.read_at),
                }
                for element in elements
            ],
        )

    def load(self, role: Role, kind: str | None = None) -> list[StructureElement]:
        """All elements of a portal, or those of one kind, by kind, scope and key."""
        columns = StructureElementRow
        statement = (
            select(columns.__table__)
            .where(columns.migration_id == self._migration_id, columns.portal_role == role)
            .order_by(columns.kind, columns.scope, columns.key)
        )
        if kind is not None:
            statement = statement.where(columns.kind == kind)
        return [
            StructureElement(
                kind=row.kind,
                scope=row.scope,
                key=row.key,
                name=row.name,
                payload=row.payload,
                read_at=row.read_at,
            )
            for row in self._connection.execute(statement)
        ]


class StructurePairs(Repository):
    def replace(
        self, pairs: Iterable[Pair], items_affected: Mapping[PairKey, int] | None = None
    ) -> None:
        """These are the pairs from now on, each with the number of items that need it."""
        counted = items_affected or {}
        self._delete(StructurePairRow)
        self._insert(StructurePairRow, [_row(pair, counted) for pair in pairs])

    def load(self) -> list[Pair]:
        columns = StructurePairRow
        rows = self._connection.execute(
            select(columns.__table__)
            .where(columns.migration_id == self._migration_id)
            .order_by(columns.kind, columns.scope, columns.source_key)
        )
        return [
            Pair(
                kind=PairKind(row.kind),
                scope=row.scope,
                source_key=row.source_key,
                source_name=row.source_name,
                decision=Decision(row.decision),
                target_key=row.target_key,
                target_name=row.target_name,
                target_scope=row.target_scope,
            )
            for row in rows
        ]


def _row(pair: Pair, items_affected: Mapping[PairKey, int]) -> dict[str, object]:
    return {
        "kind": pair.kind,
        "scope": pair.scope,
        "source_key": pair.source_key,
        "target_key": pair.target_key,
        "source_name": pair.source_name,
        "target_name": pair.target_name,
        "target_scope": pair.target_scope,
        "decision": pair.decision,
        "items_affected": items_affected.get(pair.pair_key, 0),
    }
