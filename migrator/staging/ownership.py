"""One process at a time works on a migration. The hold ends with the process, however that dies."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from migrator.staging.errors import MigrationOwned, StagingLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL, Engine

    from migrator.clock import Clock
    from migrator.domain.records import MigrationId

#: Who holds the lock: the name its session gave itself, and since when it is connected.
_HOLDER = """
SELECT a.application_name || ', since '
    || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
    AND l.classid = CAST(:lock_class AS int) AND l.objid = CAST(:migration AS int)
LIMIT 1
"""

#: Keeps these advisory locks apart from those of other programs on the same server.
_LOCK_CLASS = 0x6D6967


@contextmanager
def own(engine: Engine, migration_id: MigrationId, clock: Clock) -> Iterator[Callable[[], None]]:
    """Hold a migration. Raises: MigrationOwned if another process does, saying which.

    Yields a check to be made before each write to the target: it raises StagingLost where the hold
    was lost on the way, as with a connection that a firewall or an administrator ended.
    """
    if engine.dialect.name == "sqlite":
        with _own_by_file(engine.url, migration_id, clock):
            yield lambda: None  # a lock of the operating system ends with the process only
    else:
        with _own_by_session(engine, migration_id) as still_held:
            yield still_held


@contextmanager
def _own_by_session(engine: Engine, migration_id: MigrationId) -> Iterator[Callable[[], None]]:
    """A lock of the session, which the server releases when the connection ends."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"lock_class": _LOCK_CLASS, "migration": migration_id}
        # What the session is called is what a second process is told about the first.
        connection.execute(
            text("SELECT set_config('application_name', :name, false)"), {"name": _myself()}
        )
        lock = "pg_try_advisory_lock(CAST(:lock_class AS int), CAST(:migration AS int))"
        if not connection.execute(text(f"SELECT {lock}"), key).scalar_one():
            raise _owned(connection.execute(text(_HOLDER), key).scalar())

        def still_held() -> None:
            try:
                connection.execute(text("SELECT 1"))
            except SQLAlchemyError:
                msg = (
                    "the connection that holds this migration was lost; another process may hold it"
                )
                hint = "run the same command again; it resumes where it stopped"
                raise StagingLost(msg, hint=hint) from None

        try:
            yield still_held
        finally:
            # Returned to the pool, the connection would keep the lock; closed for good, it cannot.
            connection.invalidate()


@contextmanager
def _own_by_file(url: URL, migration_id: MigrationId, clock: Clock) -> Iterator[None]:
    """A lock of the operating system, on a file beside the database.

    Not on the database itself: closing it again would release the locks SQLite holds there.
    Source: sqlite.org/howtocorrupt.html, section 2.2
    """
    path = Path(f"{url.database}-owner-{migration_id}")
    with path.open("a+") as file:
        try:
            _lock(file.fileno())
        except OSError:
            raise _owned(path.read_text(encoding="utf-8")) from None
        file.truncate(0)
        file.write(f"{_myself()}, since {clock.now():%Y-%m-%d %H:%M:%S} UTC")
        file.flush()
        # The file stays: removing it would let two processes lock two files of the same name.
        yield


if os.name == "nt":  # pragma: no cover - this is the other operating system

    def _lock(descriptor: int) -> None:
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # Windows only

else:

    def _lock(descriptor: int) -> None:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _myself() -> str:
    """Host and process, cut to what PostgreSQL keeps of a session's name (63 bytes)."""
    return f"migrator process {os.getpid()} on {socket.gethostname()[:30]}"


def _owned(holder: str | None) -> MigrationOwned:
    who = f": {holder}" if holder else ""
    msg = f"another process is working on this migration{who}"
    return MigrationOwned(msg, hint="wait for it to end, or stop it; migrator status shows how far")
