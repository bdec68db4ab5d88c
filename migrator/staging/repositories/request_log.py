"""What was asked of the portals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from migrator.staging.models import RequestLogRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from migrator.domain.records import MigrationId, RequestEntry


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

    def latest(self, portal: str, limit: int) -> list[datetime]:
        """When the last requests went to a portal, whichever migration they were for."""
        statement = (
            select(RequestLogRow.sent_at)
            .where(RequestLogRow.portal == portal)
            .order_by(RequestLogRow.id.desc())
            .limit(limit)
        )
        return list(self._connection.execute(statement).scalars())

    def count(self) -> int:
        statement = select(func.count()).where(
            RequestLogRow.migration_id.is_not_distinct_from(self._migration_id)
        )
        return self._connection.execute(statement).scalar_one()
