"""One side of a copy: a staging database as rows of any table, in an order both databases share.

Nobody must work on half a copy: items without their ID map would be imported a second time. So the
migrations of a target are entered first, under a source portal that no webhook has, which makes
every command that opens them refuse. They get their real one when every table has been compared.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    bindparam,
    collate,
    delete,
    func,
    insert,
    inspect,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from migrator.domain.errors import UsageError
from migrator.domain.records import MigrationId
from migrator.staging.column_types import PortableText
from migrator.staging.database import Staging
from migrator.staging.engine import Purpose
from migrator.staging.models import Base, LeaseRow, MigrationRow
from migrator.staging.repositories.migrations import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import ExitStack

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.engine import Connection

logger = logging.getLogger(__name__)

#: Rows per transaction. Some kilobytes each: small in memory, and worth a commit.
PAGE = 500

MIGRATION = Base.metadata.tables[MigrationRow.__tablename__]
#: Who works on a migration here and now, which is nobody in the copy.
_LEASE = Base.metadata.tables[LeaseRow.__tablename__]
#: What belongs to the migrations, each table after those it refers to.
TABLES = [table for table in Base.metadata.sorted_tables if table not in (MIGRATION, _LEASE)]

Values = dict[str, Any]


class CopyRefused(UsageError):
    """The two databases are not such that one can become a copy of the other."""

    reference = "copy-refused"


class CopySide(Staging):
    """A staging database as rows of any table, of the migrations that are held."""

    #: The highest number of a migration that is held.
    _newest = 0
    #: Raises where another process may have taken over.
    still_held: Callable[[], None] = lambda: None

    def own_migrations(self, held: ExitStack) -> list[Values]:
        """All migrations of a source, held until the end.

        Raises: CopyRefused, MigrationOwned
        """
        with self._connect(Purpose.READ) as connection:
            is_ours = inspect(connection).has_table("alembic_version")
        if is_ours:
            self.upgrade(log=logger.info)
        migrations = self.hold(held) if is_ours else []
        if not migrations:
            msg = f"{self.name} holds no migration: there is nothing to copy"
            raise CopyRefused(msg, hint="the source is named first, then the target")
        if any(map(_is_unfinished, migrations)):
            msg = f"{self.name} is itself a copy that is not finished"
            raise CopyRefused(msg, hint="run the command again that made it")
        return migrations

    def hold(self, held: ExitStack) -> list[Values]:
        """Own every migration, as the process that would import it. Raises: MigrationOwned."""
        with self._connect(Purpose.READ) as connection:
            found = _read_migrations(connection)
        ids = [MigrationId(row["id"]) for row in found]
        self.still_held = held.enter_context(self.own(*ids))
        # Only what is read while they are held stays as it is.
        self._newest = max(ids, default=0)
        with self.pages(MIGRATION) as pages:
            return [row for rows in pages for row in rows]

    def announce(self, migrations: Sequence[Values], source_name: str) -> bool:
        """Enter the migrations as unfinished copies, unless they are there.

        Returns: whether they are there and finished.
        Raises: CopyRefused if there is anything else.
        """
        with self._connect(Purpose.WRITE) as connection:
            if connection.dialect.name == "postgresql":
                # SQLite's writers take turns anyway.
                connection.execute(text("LOCK TABLE migration IN SHARE ROW EXCLUSIVE MODE"))
            present = _read_migrations(connection)
            self._refuse_others(connection, present, migrations, source_name)
            known = {row["id"] for row in present}
            missing = [_unfinished(row) for row in migrations if row["id"] not in known]
            if present and not any(map(_is_unfinished, present)):
                if missing:
                    msg = f"{self.name} is a finished copy, and {source_name} has migrations since"
                    raise CopyRefused(msg, hint="copy to an empty database")
                return True
            if missing:
                connection.execute(insert(MIGRATION), missing)
        return False

    def _refuse_others(
        self,
        connection: Connection,
        present: Sequence[Values],
        migrations: Sequence[Values],
        source_name: str,
    ) -> None:
        others = [row["name"] for row in present if finished(row) not in migrations]
        if others:
            msg = f"{self.name} holds a migration {others[0]!r} that is not that of {source_name}"
            raise CopyRefused(msg, hint="copy to an empty database")
        if not present and any(
            connection.execute(select(literal(1)).select_from(table).limit(1)).first()
            for table in TABLES
        ):
            msg = f"{self.name} is not empty"
            raise CopyRefused(msg, hint="copy to an empty database")

    def finish(self) -> None:
        """Give the migrations free for work, with new rows numbered behind those copied."""
        with self._connect(Purpose.WRITE) as connection:
            if connection.dialect.name == "postgresql":
                for table in Base.metadata.sorted_tables:
                    _number_on(connection, table)
                    # What its planner would find out by itself only a minute later.
                    connection.execute(text(f"ANALYZE {table.name}"))
            statement = (
                update(MIGRATION)
                .where(MIGRATION.c.id == bindparam("of_id"))
                .values(source_portal=bindparam("portal"))
            )
            rows = [finished(row) for row in _read_migrations(connection)]
            connection.execute(
                statement, [{"of_id": row["id"], "portal": row["source_portal"]} for row in rows]
            )

    def empty(self) -> None:
        """Take an unfinished copy back, except for its migrations."""
        for table in reversed(TABLES):
            with self._connect(Purpose.WRITE) as connection:
                connection.execute(delete(table).where(self._is_held(table)))

    def count(self, table: Table) -> int:
        with self._connect(Purpose.READ) as connection:
            statement = select(func.count()).select_from(table).where(self._is_held(table))
            return connection.execute(statement).scalar_one()

    @contextmanager
    def pages(self, table: Table) -> Iterator[Iterator[list[Values]]]:
        """All rows in the order of their keys, streamed: one state, and one page in memory.

        Asking for each page by its first key would be quadratic: with keys that hold texts,
        PostgreSQL's planner, once it has statistics, sorts the whole table for every page.
        """
        with self._connect(Purpose.READ) as connection:
            statement = select(table).where(self._is_held(table))
            ordered = statement.order_by(*_key_order(connection, table))
            with connection.execution_options(yield_per=PAGE).execute(ordered) as rows:
                yield ([dict(row) for row in page] for page in rows.mappings().partitions())

    def add_missing(self, table: Table, rows: Sequence[Values]) -> None:
        """Add those that are not there, in one transaction; what is there stays as it is."""
        with self._connect(Purpose.WRITE) as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            statement = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
            connection.execute(statement.on_conflict_do_nothing(), rows)

    def _is_held(self, table: Table) -> ColumnElement[bool]:
        """Leaves out migrations that were begun since; their numbers are higher."""
        if table is MIGRATION:
            return table.c.id <= self._newest
        of = table.c.migration_id
        return or_(of.is_(None), of <= self._newest) if of.nullable else of <= self._newest


def _read_migrations(connection: Connection) -> list[Values]:
    rows = connection.execute(select(MIGRATION).order_by(MIGRATION.c.id))
    return [dict(row) for row in rows.mappings()]


def _is_unfinished(migration: Values) -> bool:
    return str(migration["source_portal"]).endswith(UNFINISHED)


def _unfinished(migration: Values) -> Values:
    return migration | {"source_portal": f"{migration['source_portal']}{UNFINISHED}"}


def finished(row: Values) -> Values:
    """A migration as it will be; rows of other tables have no source portal."""
    if "source_portal" not in row:
        return row
    return row | {"source_portal": str(row["source_portal"]).removesuffix(UNFINISHED)}


def _key_order(connection: Connection, table: Table) -> list[ColumnElement[Any]]:
    """The primary key, in an order both databases share: that of bytes, not of a language."""
    columns: list[ColumnElement[Any]] = list(table.primary_key)
    if connection.dialect.name == "sqlite":
        return columns
    return [collate(c, "C") if isinstance(c.type, PortableText) else c for c in columns]


def canonical(row: Values) -> str:
    """A row as text that is the same whichever database it was read from."""
    return json.dumps(row, sort_keys=True, separators=(",", ":"), default=_moment) + "\n"


def _moment(value: object) -> str:
    assert isinstance(value, datetime)  # noqa: S101  # no other column type is foreign to JSON
    return value.astimezone(UTC).isoformat()


def _number_on(connection: Connection, table: Table) -> None:
    """Rows that come with their numbers leave PostgreSQL's own count behind."""
    column = table.autoincrement_column
    if column is None:
        return
    highest = func.max(column)
    sequence = func.pg_get_serial_sequence(table.name, column.name)
    connection.execute(
        select(func.setval(sequence, func.coalesce(highest, 1), highest.is_not(None)))
    )
