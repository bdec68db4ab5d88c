"""The write-ahead record of the structure that is made in the target."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from migrator.domain.records import CreationState, StructureCreation
from migrator.staging.models import StructureCreationRow
from migrator.staging.repositories.base import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Row


class StructureCreations(Repository):
    def begin(self, creations: Iterable[StructureCreation]) -> None:
        """Record the intent, in the order given; committed before the first request is sent."""
        now = self._now()
        moments = (now + timedelta(microseconds=n) for n in count())
        ordered = (replace(one, sent_at=at) for one, at in zip(creations, moments, strict=False))
        self._upsert(StructureCreationRow, [self._row(one) for one in ordered])

    def settle(
        self,
        creation: StructureCreation,
        state: CreationState,
        *,
        target_key: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Record what became of it; a target key that is known already is kept.

        While that is unknown, `detail` goes on saying what it can be found by.
        """
        settled: dict[str, Any] = {"state": state}
        if state is not CreationState.UNKNOWN:
            settled |= {"detail": detail, "settled_at": self._now()}
        if target_key is not None:
            settled["target_key"] = target_key
        self._connection.execute(
            update(StructureCreationRow)
            .where(StructureCreationRow.migration_id == self._migration_id, *_is(creation))
            .values(**settled)
        )

    def forget(self, creation: StructureCreation) -> None:
        """The target was asked and has nothing of it."""
        self._delete(StructureCreationRow, *_is(creation))

    def load(self) -> list[StructureCreation]:
        """All of them, in the order they were recorded."""
        columns = StructureCreationRow
        rows = self._connection.execute(
            select(columns.__table__)
            .where(columns.migration_id == self._migration_id)
            .order_by(columns.sent_at, columns.kind, columns.scope, columns.source_key)
        )
        return [_creation(row) for row in rows]

    def _row(self, creation: StructureCreation) -> dict[str, Any]:
        return {
            "kind": creation.kind,
            "scope": creation.scope,
            "source_key": creation.source_key,
            "name": creation.name,
            "target_scope": creation.target_scope,
            "target_key": creation.target_key,
            "method": creation.method,
            "params": dict(creation.params),
            "state": creation.state,
            "detail": creation.detail,
            "sent_at": self._now(creation.sent_at),
            "settled_at": creation.settled_at,
        }


def _is(creation: StructureCreation) -> tuple[ColumnElement[bool], ...]:
    return (
        StructureCreationRow.kind == creation.kind,
        StructureCreationRow.scope == creation.scope,
        StructureCreationRow.source_key == creation.source_key,
    )


def _creation(row: Row[Any]) -> StructureCreation:
    return StructureCreation(
        kind=row.kind,
        scope=row.scope,
        source_key=row.source_key,
        name=row.name,
        method=row.method,
        params=row.params,
        target_scope=row.target_scope,
        target_key=row.target_key,
        state=CreationState(row.state),
        detail=row.detail,
        sent_at=row.sent_at,
        settled_at=row.settled_at,
    )
