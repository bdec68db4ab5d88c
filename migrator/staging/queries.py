"""Queries by people: one statement, which can read and nothing else."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from migrator.staging.engine import BUSY_SECONDS, describe
from migrator.staging.errors import QueryRefused
from migrator.staging.json_text import dump_json
from migrator.staging.trouble import lost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import URL, Connection

_LEADING_COMMENTS = re.compile(r"(\s+|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)
#: Numbers that are longer are beyond floats, and Python refuses to write the longest as digits.
_DIGITS_OF_A_FLOAT = 308

#: How Python keeps bytes of the command line that are no text.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_READING = re.compile(r"(SELECT|WITH|VALUES|EXPLAIN|TABLE)\b", re.IGNORECASE)


class QueryResult(NamedTuple):
    """Rows as plain values that are the same from both databases: numbers, texts and None.

    What JSON has no number for, such as infinity, is text.

    JSON is text, and so are moments: `2026-01-31 12:00:00.000000`, in UTC.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def check_reads(sql: str) -> None:
    """Refuse what is no query, with a sentence that is clearer than the database's.

    Both databases are also told to refuse writes. This keeps out what they do not count as one:
    `ATTACH` and `VACUUM INTO` in SQLite, `COPY TO PROGRAM` in PostgreSQL.
    """
    comments = _LEADING_COMMENTS.match(sql)
    start = comments.end() if comments else 0
    if _UNWRITABLE.search(sql):
        msg = "the query holds bytes that are no text (UTF-8)"
        raise QueryRefused(msg, hint="type it again, or set the terminal to UTF-8")
    if not _READING.match(sql, start):
        msg = "only a query can be run here: SELECT, WITH, VALUES or EXPLAIN"
        raise QueryRefused(msg, hint="docs/staging.md explains the tables and views")


def query_sqlite(url: URL, sql: str, limit: int) -> QueryResult:
    """Run one statement on a connection of its own that is opened for reading."""
    address = f"{Path(str(url.database)).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA query_only = ON")
            cursor = connection.execute(sql)
            columns = tuple(column[0] for column in cursor.description or ())
            return QueryResult(columns, plain_rows(islice(cursor, limit)))
    except (sqlite3.Error, sqlite3.Warning) as error:
        # Until Python 3.12 a second statement is a Warning, which is no Error.
        msg = f"the query cannot be run: {error}"
        raise QueryRefused(msg) from None


def query_postgresql(connection: Connection, sql: str, limit: int) -> QueryResult:
    """Run one statement inside the read-only transaction of the given connection.

    Streaming and preparing use the extended protocol, which takes exactly one statement; with the
    simple one `COMMIT; DELETE …` would leave the transaction and its protection.
    """
    import psycopg

    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]  # the DBAPI's own class
    try:
        with driver.cursor() as cursor:
            rows = plain_rows(islice(cursor.stream(sql.encode()), limit))
            if not rows:
                # A stream without rows does not say what its columns are called.
                cursor.execute(sql.encode(), prepare=True)
            columns = tuple(column.name for column in cursor.description or ())
    except psycopg.Error as error:
        if driver.broken:
            raise lost(describe(connection.engine.url), str(error)) from None
        msg = f"the query cannot be run: {str(error).strip().splitlines()[0]}"
        raise QueryRefused(msg) from None
    return QueryResult(columns, rows)


def plain_rows(rows: Iterable[Iterable[Any]]) -> list[tuple[Any, ...]]:
    return [tuple(map(_plain, row)) for row in rows]


def _plain(value: Any) -> Any:
    match value:
        case float() if not isfinite(value):
            return str(value)
        case None | int() | float() | str():
            return value
        case datetime() if value.tzinfo is not None:
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        case Decimal() if value.is_finite() and value.adjusted() < _DIGITS_OF_A_FLOAT:
            return int(value) if value == value.to_integral_value() else float(value)
        case dict() | list():
            return dump_json(value)
        case _:
            return str(value)
