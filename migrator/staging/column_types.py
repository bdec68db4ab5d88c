"""Column types that mean the same in SQLite and in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, BigInteger, DateTime, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from migrator.staging.json_text import escape_text, unescape_text

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

#: How values are written and read is set on the engine: see `json_text`.
PortableJSON = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

#: SQLite numbers rows by itself only in a column declared INTEGER; it holds 64 bits all the same.
AutoId = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Naive values are refused; UTC comes back from both databases.

    SQLite keeps text of a fixed width in UTC, so that comparing texts compares moments.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"a moment without a time zone cannot be stored: {value.isoformat()}"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PortableText(TypeDecorator[str]):
    """Text as Bitrix24 sends it, including the characters PostgreSQL cannot store."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else escape_text(str(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else unescape_text(value)
