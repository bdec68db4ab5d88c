"""The text of every view, one file per view and revision in which it changed.

A view is replaced whole. Its earlier text stays, so that a downgrade can bring it back. Where the
two databases need different text, the file's name ends with the dialect.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterable
_FOLDER = Path(__file__).parent


def create_views(names: Iterable[str], revision: str) -> None:
    dialect = op.get_bind().dialect.name
    for name in names:
        op.execute(f"CREATE VIEW {name} AS\n{_text_of(name, revision, dialect)}")


def drop_views(names: Iterable[str]) -> None:
    for name in names:
        op.execute(f"DROP VIEW {name}")


def _text_of(name: str, revision: str, dialect: str) -> str:
    own = _FOLDER / f"{name}_{revision}.{dialect}.sql"
    shared = _FOLDER / f"{name}_{revision}.sql"
    # A colon would mark a parameter for SQLAlchemy.
    return (own if own.exists() else shared).read_text(encoding="utf-8").replace(":", r"\:")
