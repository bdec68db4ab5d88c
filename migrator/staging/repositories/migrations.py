"""Which source-target pairs this database is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from migrator.domain.records import Migration, MigrationId
from migrator.staging.errors import MigrationMismatch
from migrator.staging.models import Base, LeaseRow, MigrationRow, RequestLogRow

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.engine import Connection

    from migrator.clock import Clock


#: What the source portal of a migration ends with while it is being copied here (`copying`).
UNFINISHED = " (copy not finished)"


class Migrations:
    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def get(self, name: str) -> Migration | None:
        statement = select(MigrationRow.__table__).where(MigrationRow.name == name)
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else _migration(row)

    def list(self) -> list[Migration]:
        rows = self._connection.execute(select(MigrationRow.__table__).order_by(MigrationRow.name))
        return [_migration(row) for row in rows]

    def get_or_create(
        self,
        name: str,
        *,
        source_portal: str,
        target_portal: str,
        source_origin: str | None = None,
        target_origin: str | None = None,
    ) -> Migration:
        """The migration of that name.

        Args:
            name: chosen by the operator
            source_portal: host name
            target_portal: host name
            source_origin: what links begin with; `https://` and the host unless given
            target_origin: likewise

        Raises: MigrationMismatch if the name stands for other portals, and anything is kept
            under it. If nothing is, it is for `claim` to change what it stands for.
        """
        known = self.get(name)
        if known is not None:
            pair = (source_portal, target_portal)
            if (known.source_portal, known.target_portal) != pair and not self._is_free(known):
                raise _mismatch(known, source_portal, target_portal)
            return known
        self._connection.execute(
            insert(MigrationRow).values(
                name=name,
                created_at=self._clock.now(),
                **_portals(source_portal, target_portal, source_origin, target_origin),
            )
        )
        created = self.get(name)
        assert created is not None  # noqa: S101  # inserted a line above, in the same transaction
        return created

    def claim(
        self,
        name: str,
        *,
        source_portal: str,
        target_portal: str,
        source_origin: str | None = None,
        target_origin: str | None = None,
    ) -> Migration:
        """The same for the process that owns the migration: a free name stands for these portals.

        A first attempt with a mistyped address must not take the name for good.

        Raises: MigrationMismatch
        """
        known = self.get_or_create(name, source_portal=source_portal, target_portal=target_portal)
        if (known.source_portal, known.target_portal) == (source_portal, target_portal):
            return known
        self._connection.execute(
            update(MigrationRow)
            .where(MigrationRow.id == known.migration_id)
            .values(**_portals(source_portal, target_portal, source_origin, target_origin))
        )
        return self.get_or_create(name, source_portal=source_portal, target_portal=target_portal)

    def _is_free(self, known: Migration) -> bool:
        """Nothing is kept under the name, but who works on it and what was asked of portals."""
        if known.source_portal.endswith(UNFINISHED):
            return False
        aside = {MigrationRow.__table__, LeaseRow.__table__, RequestLogRow.__table__}
        for table in Base.metadata.tables.values():
            if table not in aside:
                rows = select(table).where(table.c.migration_id == known.migration_id)
                if self._connection.execute(select(rows.exists())).scalar_one():
                    return False
        return True


def _portals(
    source_portal: str, target_portal: str, source_origin: str | None, target_origin: str | None
) -> dict[str, str]:
    return {
        "source_portal": source_portal,
        "target_portal": target_portal,
        "source_origin": source_origin or f"https://{source_portal}",
        "target_origin": target_origin or f"https://{target_portal}",
    }


def _mismatch(known: Migration, source_portal: str, target_portal: str) -> MigrationMismatch:
    msg = (
        f"the migration {known.name!r} is from {known.source_portal} to {known.target_portal}, "
        f"not from {source_portal} to {target_portal}"
    )
    if known.source_portal.endswith(UNFINISHED):
        hint = (
            "run `migrator db copy` again, as before, which finishes it; under another name "
            "everything imported so far would be imported a second time"
        )
        return MigrationMismatch(msg, hint=hint)
    hint = "correct the webhooks; or, to move between these portals, name another: --migration NAME"
    return MigrationMismatch(msg, hint=hint)


def _migration(row: Row[Any]) -> Migration:
    return Migration(
        migration_id=MigrationId(row.id),
        name=row.name,
        source_portal=row.source_portal,
        target_portal=row.target_portal,
        source_origin=row.source_origin,
        target_origin=row.target_origin,
        created_at=row.created_at,
    )
