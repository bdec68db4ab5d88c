"""One process at a time works on a migration, and a dead one keeps nobody waiting.

Who works on it stands in `lease`. Whether that process lives is told

- in PostgreSQL by a lock of its session, which the server releases with the connection;
- beside an SQLite file by a lock on a file of its own, which the system releases with the process;
- where a file says nothing, as that process ran on another system, by its heartbeat in `lease`.

A process that was suspended for longer than its heartbeat counts may have been replaced. So each
transaction that writes looks first whether `lease` still names this process: from the moment it was
replaced it can record nothing, and without a record on file nothing is sent.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from migrator.domain.errors import MigratorError
from migrator.staging import lease
from migrator.staging.engine import Purpose, describe
from migrator.staging.errors import MigrationOwned, StagingLost
from migrator.staging.lock_file import is_locked, locked_file
from migrator.staging.models import MigrationRow
from migrator.staging.trouble import named_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection, Engine

    from migrator.clock import Clock
    from migrator.domain.records import MigrationId
    from migrator.staging.lease import Holder

    Connect = Callable[[Purpose], AbstractContextManager[Connection]]

#: Between two signs of life, in seconds.
HEARTBEAT_SECONDS = 10.0

#: A machine that vanishes would otherwise leave its session, and the lock, for hours; and a
#: firewall would end a connection on which nothing is said.
#: Source: postgresql.org/docs/current/runtime-config-connection.html
_KEEPALIVES = {"tcp_keepalives_idle": 20, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 4}

_WAIT = "wait for it to end, or stop it; migrator status shows how far"


class Hold:
    """Migrations that belong to this process until the hold ends, or is lost."""

    def __init__(
        self, connect: Connect, migration_ids: Sequence[MigrationId], clock: Clock
    ) -> None:
        self.migration_ids = migration_ids
        #: Whether `lease` names this process, for all that is known.
        self.may_be_named = False
        #: The connection whose loss would be that of the hold; a locked file cannot be lost.
        self.session: Connection | None = None
        self._connect = connect
        self._clock = clock
        self._me = lease.this_process(clock)
        self._renewed_at = self._me.heartbeat_at

    @property
    def token(self) -> str:
        return self._me.token

    @property
    def session_name(self) -> str:
        return f"migrator process {self._me.pid} on {self._me.host[:30]}"

    def take(self, is_alive: Callable[[Holder], bool]) -> list[Holder]:
        """Become the holder in the place of dead ones, which are returned.

        Raises: MigrationOwned
        """
        self.may_be_named = True
        with self._connect(Purpose.WRITE) as connection:
            dead = []
            for migration_id in self.migration_ids:
                holder = lease.read(connection, migration_id)
                if holder is not None and is_alive(holder):
                    self.may_be_named = False
                    raise _owned(connection, migration_id)
                dead += [holder] if holder is not None else []
            lease.take(connection, self.migration_ids, self._me)
        return dead

    def has_fresh_heartbeat(self, other: Holder) -> bool:
        return self._clock.now() < other.heartbeat_at + lease.LEASE

    def confirm(self, connection: Connection) -> None:
        """Inside a transaction that writes: nobody has taken over, nor can before it ends.

        A sign of life that is due goes with it.
        Raises: MigrationOwned
        """
        now = self._clock.now()
        if (now - self._renewed_at).total_seconds() < HEARTBEAT_SECONDS:
            self._look(connection)
        elif lease.renew(connection, self.token, now) == len(self.migration_ids):
            self._renewed_at = now
        else:
            raise self._lost(connection)

    def still_held(self) -> None:
        """To be called before each write to the target. Raises: MigrationOwned, StagingLost."""
        # What is read is true for the rest of the lease, of which enough must be left.
        if self._clock.now() - self._renewed_at > lease.LEASE / 2:
            self.renew()
        if self.session is None:
            with self._connect(Purpose.READ) as connection:
                self._look(connection)
        else:
            with _named_loss():
                self._look(self.session)

    def renew(self) -> None:
        with self._connect(Purpose.WRITE) as connection:
            self.confirm(connection)

    def release(self) -> None:
        with self._connect(Purpose.WRITE) as connection:
            lease.release(connection, self.token)
        self.may_be_named = False

    def _look(self, connection: Connection) -> None:
        if lease.count(connection, self.token) != len(self.migration_ids):
            raise self._lost(connection)

    def _lost(self, connection: Connection) -> MigrationOwned:
        holders = [lease.read(connection, one) for one in self.migration_ids]
        other = next((h for h in holders if h is not None and h.token != self.token), None)
        msg = (
            "this process gave no sign of life for so long that it was replaced by "
            f"{other or 'another one, which has ended'}"
        )
        return MigrationOwned(msg, hint=_WAIT)


@contextmanager
def own(
    engine: Engine, connect: Connect, migration_ids: Sequence[MigrationId], clock: Clock
) -> Iterator[Hold]:
    """Hold migrations until the end: all of them or, where one is not to be had, none.

    Args:
        engine: of the database
        connect: begins a transaction of the database
        migration_ids: what to hold
        clock: where "since" and the heartbeat come from

    Raises: MigrationOwned if another process works on one, saying which.
    """
    is_sqlite = engine.dialect.name == "sqlite"
    owning = _own_by_file if is_sqlite else _own_by_session
    with owning(engine, Hold(connect, migration_ids, clock)) as hold, _heartbeat(hold):
        try:
            yield hold
        finally:
            # Where this fails, the row is that of a dead process as soon as this one ends.
            with suppress(MigratorError, SQLAlchemyError):
                hold.release()


@contextmanager
def _own_by_session(engine: Engine, hold: Hold) -> Iterator[Hold]:
    """Locks of the session, which the server releases when the connection ends."""
    connection = _connect_for_good(engine, hold)
    try:
        with _named_loss():
            for migration_id in hold.migration_ids:
                if not _lock_session(connection, migration_id):
                    raise _owned(connection, migration_id)
        # Whoever is named there has lost the lock, and with it the migration.
        hold.take(is_alive=lambda _: False)
        hold.session = connection
        yield hold
    finally:
        # The server notices the end of a connection a moment later only.
        with suppress(SQLAlchemyError):
            connection.execute(text("SELECT pg_advisory_unlock_all()"))
        # Returned to the pool, a connection that lives would keep the lock.
        connection.invalidate()
        connection.close()


def _connect_for_good(engine: Engine, hold: Hold) -> Connection:
    """A connection that lasts as long as this process, and goes soon after its machine."""
    with named_errors(describe(engine.url), Purpose.WRITE):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        # The name is for people who look at the server's sessions; it keeps 63 bytes of it.
        for name, value in {**_KEEPALIVES, "application_name": hold.session_name}.items():
            values = {"name": name, "value": str(value)}
            connection.execute(text("SELECT set_config(:name, :value, false)"), values)
    return connection


@contextmanager
def _named_loss() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError:
        msg = "the connection that holds this migration was lost; another process may hold it"
        hint = "run the same command again; it resumes where it stopped"
        raise StagingLost(msg, hint=hint) from None


def _lock_session(connection: Connection, migration_id: MigrationId) -> bool:
    # Each schema of a database may hold a staging database, each with a migration 1.
    lock = "pg_try_advisory_lock((CAST('lease'::regclass AS bigint) << 32) | :migration)"
    return bool(
        connection.execute(text(f"SELECT {lock}"), {"migration": migration_id}).scalar_one()
    )


@contextmanager
def _own_by_file(engine: Engine, hold: Hold) -> Iterator[Hold]:
    """A file of this process alone, locked as long as it lives, with its name in `lease`."""
    database = Path(str(engine.url.database)).resolve()

    def file_of(token: str) -> Path:
        return database.with_name(f"{database.name}-owner-{token}")

    def is_alive(holder: Holder) -> bool:
        found = is_locked(file_of(holder.token)) if holder.is_of_this_system else None
        return hold.has_fresh_heartbeat(holder) if found is None else found

    def tidy_up() -> None:
        """A file that `lease` names says that its process is dead: it goes with the row only."""
        if not hold.may_be_named:
            file_of(hold.token).unlink(missing_ok=True)

    with ExitStack() as stack:
        stack.callback(tidy_up)
        try:
            stack.enter_context(locked_file(file_of(hold.token)))
        except OSError as error:
            msg = f"the staging database {database} failed: {error.strerror}"
            raise StagingLost(msg, hint="see to it, then run the same command") from None
        for dead in hold.take(is_alive):
            file_of(dead.token).unlink(missing_ok=True)
        yield hold


@contextmanager
def _heartbeat(hold: Hold) -> Iterator[None]:
    """Signs of life while nothing is written, as in a long wait for the portal."""
    ended = Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            # Whatever the trouble is, the work itself meets it, at its next write at the latest.
            with suppress(MigratorError, SQLAlchemyError):
                hold.renew()

    thread = Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _owned(connection: Connection, migration_id: MigrationId) -> MigrationOwned:
    name = connection.execute(select(MigrationRow.name).where(MigrationRow.id == migration_id))
    holder = lease.read(connection, migration_id)
    who = f": {holder}" if holder else ""
    msg = f"another process is working on migration {name.scalar()!r}{who}"
    if holder is None or holder.is_of_this_system:
        return MigrationOwned(msg, hint=_WAIT)
    seen, lasts = f"{holder.heartbeat_at:%H:%M:%S} UTC", int(lease.LEASE.total_seconds())
    hint = f"{_WAIT}; if it died, run this again {lasts} s after its last sign of life, {seen}"
    return MigrationOwned(msg, hint=hint)
