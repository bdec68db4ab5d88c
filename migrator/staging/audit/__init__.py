"""The ready-made questions: one commented SQL file each, which also runs in sqlite3 and psql."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from migrator.staging.errors import QueryRefused
from migrator.staging.queries import QueryResult, plain_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    name: str
    #: the first comment line of the file
    description: str
    sql: str


def audit_queries() -> dict[str, AuditQuery]:
    """All ready-made queries by name."""
    return {path.stem: _read(path) for path in sorted(_FOLDER.glob("*.sql"))}


class Audit:
    """Runs ready-made queries on an open staging database."""

    def __init__(self, connect: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._connect = connect

    def run(
        self,
        name: str,
        *,
        migration: str | None = None,
        entity_type_id: int | None = None,
        source_id: int | None = None,
        limit: int | None = None,
    ) -> QueryResult:
        """Answer a question, for all migrations or narrowed to what is named.

        Raises: QueryRefused for an unknown name, or one whose rows are not about what is named.
        """
        query = _find(name)
        wanted = {
            "migration": migration,
            "entity_type_id": entity_type_id,
            "source_id": source_id,
        }
        filters = {column: value for column, value in wanted.items() if value is not None}
        with self._connect() as connection:
            columns = tuple(connection.execute(text(_narrowed(query, {}, limit=0))).keys())
            _check_columns(query, columns, filters)
            rows = connection.execute(text(_narrowed(query, filters, limit)), filters)
            return QueryResult(columns, plain_rows(rows))


def _read(path: Path) -> AuditQuery:
    sql = path.read_text(encoding="utf-8")
    return AuditQuery(
        name=path.stem, description=sql.splitlines()[0].removeprefix("--").strip(), sql=sql
    )


def _find(name: str) -> AuditQuery:
    queries = audit_queries()
    if name not in queries:
        msg = f"there is no audit query {name!r}; there are {', '.join(queries)}"
        raise QueryRefused(msg, hint="migrator audit")
    return queries[name]


def _check_columns(query: AuditQuery, columns: tuple[str, ...], filters: dict[str, Any]) -> None:
    missing = [column for column in filters if column not in columns]
    if missing:
        msg = f"{query.name} cannot be narrowed by {', '.join(missing)}: it has no such column"
        raise QueryRefused(msg, hint=f"its columns are {', '.join(columns)}")


def _narrowed(query: AuditQuery, filters: dict[str, Any], limit: int | None) -> str:
    """Wrap the file's statement; the filters' values travel as parameters."""
    # A colon would mark a parameter for SQLAlchemy.
    inner = query.sql.strip().removesuffix(";").replace(":", r"\:")
    conditions = " AND ".join(f"{column} = :{column}" for column in filters)
    where = f"\nWHERE {conditions}" if conditions else ""
    limited = "" if limit is None else f"\nLIMIT {limit:d}"
    return f"SELECT * FROM (\n{inner}\n) AS answer{where}{limited}"  # noqa: S608  # columns of our own
