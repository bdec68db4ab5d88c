"""What was asked of the portals."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from migrator.domain.records import RequestEntry
from migrator.domain.vocabulary import Role
from migrator.staging.models import RequestLogRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from migrator.domain.records import MigrationId


class RequestLog:
    """The requests of a migration, or (`None`) those made before there is one."""

    def __init__(self, connection: Connection, migration_id: MigrationId | None) -> None:
        self._connection = connection
        self._migration_id = migration_id

    def add(self, entries: Sequence[RequestEntry]) -> None:
        if not entries:
            return
        rows = [
            {
                "migration_id": self._migration_id,
                "portal_role": entry.portal_role,
                "portal": entry.portal,
                "method": entry.method,
                "sent_at": entry.sent_at,
                "duration_s": entry.duration_s,
                "operating_s": entry.operating_s,
                "status": entry.status,
                "error": entry.error,
                "items": entry.items,
                "commands": entry.commands,
            }
            for entry in entries
        ]
        self._connection.execute(insert(RequestLogRow), rows)

    def latest(self, portal: str, limit: int) -> list[RequestEntry]:
        """The last requests to a portal, newest first, whichever migration they were for."""
        columns = RequestLogRow.__table__.c
        statement = (
            select(*(columns[field.name] for field in fields(RequestEntry)))
            .where(RequestLogRow.portal == portal)
            .order_by(RequestLogRow.id.desc())
            .limit(limit)
        )
        rows = self._connection.execute(statement).mappings()
        return [RequestEntry(**{**row, "portal_role": Role(row["portal_role"])}) for row in rows]

    def operating_per_item(self, role: Role, method: str) -> float | None:
        """Execution seconds for each item, over all answered requests; None where there is none."""
        spent, items = self._connection.execute(
            select(func.sum(RequestLogRow.operating_s), func.sum(RequestLogRow.items)).where(
                RequestLogRow.migration_id.is_not_distinct_from(self._migration_id),
                RequestLogRow.portal_role == role,
                RequestLogRow.method == method,
                RequestLogRow.error.is_(None),
            )
        ).one()
        return float(spent or 0.0) / int(items) if items else None

    def count(self) -> int:
        statement = select(func.count()).where(
            RequestLogRow.migration_id.is_not_distinct_from(self._migration_id)
        )
        return self._connection.execute(statement).scalar_one()
