"""What the repositories are made of: statements over many rows that read alike on both engines."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import delete, insert, literal, tuple_
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection
    from sqlalchemy.orm import InstrumentedAttribute

    from migrator.clock import Clock
    from migrator.domain.records import MigrationId
    from migrator.staging.models import Base

T = TypeVar("T")

#: Ids per statement, well below what either engine takes (SQLite: 32,766 parameters).
IDS_PER_STATEMENT = 1000


class Repository:
    """Rows of one migration, inside somebody else's transaction: nothing here commits."""

    def __init__(self, connection: Connection, migration_id: MigrationId, clock: Clock) -> None:
        self._connection = connection
        self._migration_id = migration_id
        self._clock = clock

    def _now(self, known: datetime | None = None) -> datetime:
        return known if known is not None else self._clock.now()

    def _insert(self, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), [self._owned(row) for row in rows])

    def _upsert(
        self,
        table: type[Base],
        rows: Sequence[Mapping[str, Any]],
        *,
        adding: Mapping[str, ColumnElement[Any]] | None = None,
    ) -> None:
        """Insert rows or overwrite those with the same primary key.

        Args:
            table: where to
            rows: all with the same columns
            adding: columns that are computed from the row already there, instead of overwritten
        """
        if not rows:
            return
        owned = [self._owned(row) for row in rows]
        statement = self._dialect_insert(table)
        keys = [column.name for column in table.__table__.primary_key]
        changed: dict[Any, Any] = {
            name: statement.excluded[name] for name in owned[0] if name not in keys
        }
        changed.update(adding or {})
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=changed), owned
        )

    def _dialect_insert(self, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
        if self._connection.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)

    def _delete(self, table: type[Any], *conditions: ColumnElement[bool]) -> int:
        statement = delete(table).where(table.migration_id == self._migration_id, *conditions)
        return self._connection.execute(statement).rowcount

    def _owned(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {"migration_id": self._migration_id, **row}


def in_chunks(values: Iterable[T], size: int = IDS_PER_STATEMENT) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def comes_after(
    columns: Sequence[InstrumentedAttribute[Any]], values: Sequence[Any]
) -> ColumnElement[bool]:
    """Keyset paging: whether a row stands after the given one in the order of the columns.

    In a tuple a value does not take its type from the column: SQLite would compare moments by the
    digits of their own time zones.
    """
    typed = (literal(value, one.type) for one, value in zip(columns, values, strict=True))
    return tuple_(*columns) > tuple_(*typed)
