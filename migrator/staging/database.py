"""The staging database as the stages see it: open, upgrade, and transactions."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from migrator.clock import SystemClock
from migrator.staging import ownership, queries, schema
from migrator.staging.audit import Audit
from migrator.staging.engine import Purpose, describe, open_engine, parse_url, skip_syncing
from migrator.staging.repositories import Migrations, Repositories, RequestLog
from migrator.staging.trouble import named_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from sqlalchemy.engine import Connection, Engine

    from migrator.clock import Clock
    from migrator.domain.records import MigrationId
    from migrator.staging.ownership import Hold
    from migrator.staging.queries import QueryResult


class Transaction:
    """A unit of work: all of it is committed at the end of the `with` block, or nothing is."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self.migrations = Migrations(connection, clock)
        #: requests that belong to no migration
        self.request_log = RequestLog(connection, None)

    def of(self, migration_id: MigrationId, *, sampled: bool = False) -> Repositories:
        """With `sampled`, only the sample's items are counted, streamed and imported."""
        return Repositories(self._connection, migration_id, self._clock, sampled=sampled)


class Staging:
    """An open staging database. Close it, or use it as a context manager."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        #: What every transaction that writes depends on.
        self._holds: list[Hold] = []

    @classmethod
    def open(cls, url: str, *, clock: Clock | None = None, create: bool = True) -> Self:
        """Connect; the schema is left as it is.

        Args:
            url: a SQLAlchemy URL of an SQLite file or a PostgreSQL database
            clock: where `exported_at` and its like come from
            create: whether an SQLite file that does not exist may be made

        Raises: StagingUnavailable
        """
        return cls(open_engine(parse_url(url), create=create), clock or SystemClock())

    @classmethod
    def open_scratch(cls, path: Path, *, clock: Clock) -> Self:
        """An SQLite file that is thrown away in the end, and need not outlive a power cut."""
        engine = open_engine(parse_url(f"sqlite:///{path}"))
        skip_syncing(engine)
        return cls(engine, clock)

    @property
    def name(self) -> str:
        """The database for people to read, without user and password."""
        return describe(self._engine.url)

    @property
    def file(self) -> Path | None:
        """Where the database lies; None for one on a server."""
        url = self._engine.url
        is_file = url.get_backend_name() == "sqlite"
        return Path(str(url.database)).absolute() if is_file else None

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def pending_revisions(self) -> list[str]:
        """Schema changes still to be made, oldest first. Raises: StagingTooNew."""
        with self._connect(Purpose.READ) as connection:
            return schema.pending_revisions(connection)

    def upgrade(self, log: Callable[[str], Any] = lambda _: None) -> list[str]:
        """Bring the schema up to date, in one transaction.

        Returns: the revisions applied, each as `0001 what it does`.
        Raises: StagingTooNew, StagingBusy
        """
        with self._connect(Purpose.CHANGE_SCHEMA) as connection:
            return schema.upgrade(connection, self.name, log)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Write. In SQLite one writer works at a time; another waits, then gets StagingBusy."""
        with self._connect(Purpose.WRITE) as connection:
            yield Transaction(connection, self._clock)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Read one consistent state, without standing in a writer's way."""
        with self._connect(Purpose.READ) as connection:
            yield Transaction(connection, self._clock)

    @contextmanager
    def own(self, *migration_ids: MigrationId) -> Iterator[Callable[[], None]]:
        """Keep other processes from working on migrations; reading stays possible.

        Yields a check to be made before each write to the target: it raises MigrationOwned or
        StagingLost where the hold was lost on the way. From then on nothing can be written here.
        Raises: MigrationOwned
        """
        with ownership.own(self._engine, self._connect, migration_ids, self._clock) as hold:
            self._holds.append(hold)
            try:
                yield hold.still_held
            finally:
                self._holds.remove(hold)

    @property
    def audit(self) -> Audit:
        return Audit(lambda: self._connect(Purpose.READ))

    def query_read_only(self, sql: str, limit: int = 1000) -> QueryResult:
        """Run somebody's own query, which can read and nothing else.

        Raises: QueryRefused
        """
        queries.check_reads(sql)
        if self._engine.dialect.name == "sqlite":
            return queries.query_sqlite(self._engine.url, sql, limit)
        with self._connect(Purpose.READ) as connection:
            return queries.query_postgresql(connection, sql, limit)

    @contextmanager
    def _connect(self, purpose: Purpose) -> Iterator[Connection]:
        engine = self._engine.execution_options(**_options(self._engine, purpose))
        with named_errors(self.name, purpose), engine.connect() as connection, connection.begin():
            if purpose is Purpose.WRITE:
                for hold in self._holds:
                    hold.confirm(connection)
            yield connection


def _options(engine: Engine, purpose: Purpose) -> dict[str, Any]:
    if engine.dialect.name == "sqlite" or purpose is not Purpose.READ:
        return {"purpose": purpose}
    # Reads of one transaction see one state, as in SQLite; only that makes pages add up.
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
