"""The row that says which process works on a migration, since when, and that it lives."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from migrator.staging.models import LeaseRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from migrator.clock import Clock
    from migrator.domain.records import MigrationId

#: How long a process that gives no sign of life keeps a migration from other machines. Their
#: clocks must agree to within the half of it.
LEASE = timedelta(seconds=60)

#: Where Linux says which start of which machine this is, the same in all its containers.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that works on migrations."""

    #: Tells it from every other, whatever number it has.
    token: str
    host: str
    pid: int
    #: The running system; within one, a lock on a file tells whether its process lives.
    system: str
    since: datetime
    heartbeat_at: datetime

    @property
    def is_of_this_system(self) -> bool:
        return self.system == this_system()

    def __str__(self) -> str:
        since = f"{self.since:%Y-%m-%d %H:%M:%S} UTC"
        return f"migrator process {self.pid} on {self.host}, since {since}"


def this_process(clock: Clock) -> Holder:
    now = clock.now()
    return Holder(
        token=uuid.uuid4().hex,
        host=socket.gethostname(),
        pid=os.getpid(),
        system=this_system(),
        since=now,
        heartbeat_at=now,
    )


@cache
def this_system() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def read(connection: Connection, migration_id: MigrationId) -> Holder | None:
    table = LeaseRow.__table__
    row = connection.execute(select(table).where(table.c.migration_id == migration_id)).first()
    if row is None:
        return None
    values = dict(row._mapping)  # noqa: SLF001  # public in spite of its name (SQLAlchemy's Row)
    del values["migration_id"]
    return Holder(**values)


def take(connection: Connection, migration_ids: Sequence[MigrationId], holder: Holder) -> None:
    connection.execute(delete(LeaseRow).where(LeaseRow.migration_id.in_(migration_ids)))
    rows = [{"migration_id": migration_id, **asdict(holder)} for migration_id in migration_ids]
    if rows:
        connection.execute(insert(LeaseRow), rows)


def count(connection: Connection, token: str) -> int:
    """How many migrations the holder still has."""
    statement = select(func.count()).where(LeaseRow.token == token)
    return connection.execute(statement).scalar_one()


def renew(connection: Connection, token: str, now: datetime) -> int:
    """Leave a sign of life; returns how many migrations the holder still has."""
    statement = update(LeaseRow).where(LeaseRow.token == token).values(heartbeat_at=now)
    return connection.execute(statement).rowcount


def release(connection: Connection, token: str) -> None:
    connection.execute(delete(LeaseRow).where(LeaseRow.token == token))
