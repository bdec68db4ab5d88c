"""Opening the staging database: two engines, set up so that both behave alike."""

from __future__ import annotations

import logging
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from migrator.staging.errors import StagingLost, StagingUnavailable
from migrator.staging.json_text import dump_json, load_json

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

#: How long one process waits for another to finish writing, in seconds.
BUSY_SECONDS = 30

POSTGRESQL_DRIVER = "postgresql+psycopg"

_INSTALL_DRIVER = "install the PostgreSQL driver: pip install 'migrator[postgres]'"


class Purpose(StrEnum):
    """What a transaction is for, said to the engine as the execution option `purpose`."""

    READ = "read"
    WRITE = "write"
    CHANGE_SCHEMA = "change_schema"


def parse_url(url: str) -> URL:
    """Accept what people write; refuse what this program cannot keep its promises with."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is neither shown nor chained.
        msg = "the staging database's URL cannot be read"
        raise StagingUnavailable(msg, hint="for example sqlite:///migrator.db") from None
    if parsed.drivername in {"postgresql", "postgres", POSTGRESQL_DRIVER}:
        _refuse_split_password(url, parsed)
        return parsed.set(drivername=POSTGRESQL_DRIVER)
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _sqlite_file(parsed)
    msg = f"a staging database of the kind {parsed.drivername!r} is not supported"
    raise StagingUnavailable(msg, hint="use sqlite:///migrator.db or postgresql://host/database")


def _refuse_split_password(url: str, parsed: URL) -> None:
    """Of a password that holds an `@` a part is taken for the host, which is shown to people."""
    if url.partition("?")[0].count("@") > 1 or "@" in (parsed.host or ""):
        msg = "the staging database's URL cannot be read: it has more than one @"
        raise StagingUnavailable(msg, hint="in a password write %40 for @, %2F for / and %3F for ?")


def _sqlite_file(url: URL) -> URL:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        msg = "the staging database needs a file: one in memory would be gone with the process"
        raise StagingUnavailable(msg, hint="for example sqlite:///migrator.db")
    if url.query:
        msg = "options behind the name of an SQLite file (?…) are not supported"
        raise StagingUnavailable(msg, hint="write %3F for a question mark in the file's name")
    return url


def describe(url: URL) -> str:
    """Name the database to people, without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "localhost"
    return f"{url.database} at {host}"


def open_engine(url: URL, *, create: bool = True) -> Engine:
    """Connect once, so that what cannot be opened is said at once.

    Args:
        url: as returned by `parse_url`
        create: whether a missing SQLite file may be made

    Raises: StagingUnavailable, StagingLost where the disk is full
    """
    if url.get_backend_name() == "sqlite":
        _check_file(Path(str(url.database)), create=create)
    engine = _create(url)
    try:
        with engine.connect():
            pass
    except SQLAlchemyError as error:
        engine.dispose()
        reason = _reason(error)
        msg = f"the staging database {describe(url)} cannot be opened: {reason}"
        if "disk" in reason:  # "database or disk is full", "disk I/O error"
            hint = "make room on the disk or repair it, then run the same command"
            raise StagingLost(msg, hint=hint) from None
        raise StagingUnavailable(msg, hint="check the URL (MIGRATOR_STAGING_URL)") from None
    return engine


def skip_syncing(engine: Engine) -> None:
    """For an SQLite file that is thrown away in any case: commits do not wait for the disk."""

    def hurry(connection: DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.close()

    event.listen(engine, "connect", hurry)
    engine.dispose()  # what is connected already has not heard of it


def _check_file(path: Path, *, create: bool) -> None:
    if not path.parent.is_dir():
        msg = f"the staging database {path} cannot be opened: {path.parent} is no directory"
        raise StagingUnavailable(msg, hint=f"create {path.parent}, or name another file")
    if not create and not path.exists():
        msg = f"there is no staging database at {path}"
        raise StagingUnavailable(
            msg, hint="check the URL (MIGRATOR_STAGING_URL), or run migrator export"
        )


def _create(url: URL) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    # What is given here takes precedence over the URL, which may have its own.
    patience = {} if is_sqlite or "connect_timeout" in url.query else {"connect_timeout": 10}
    try:
        engine = create_engine(
            url,
            connect_args=patience,
            json_serializer=dump_json,
            json_deserializer=load_json,
            pool_pre_ping=not is_sqlite,
            hide_parameters=True,
        )
    except (ImportError, NoSuchModuleError):
        msg = f"the driver for the staging database {describe(url)} is missing"
        raise StagingUnavailable(msg, hint=_INSTALL_DRIVER) from None
    if is_sqlite:
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _set_up_postgresql)
        # What it warns of is told as an error; unheard, Python would print it on stderr as well.
        logging.getLogger("psycopg").addHandler(logging.NullHandler())
    return engine


def _set_up_postgresql(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Audit queries show moments as the session prints them; everything here is UTC.

    Said as a start-up option, it would replace those of the URL, such as a search_path.
    """
    cursor = connection.cursor()
    cursor.execute("SET TIME ZONE 'UTC'")
    cursor.close()
    connection.commit()


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Give SQLite the manners a database of record needs, on every new connection."""
    # Python's sqlite3 opens transactions by itself, but not before DDL and not before SELECT, so
    # that neither schema changes nor reads would be atomic. `_begin_sqlite` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Waiting is set first, since switching to WAL itself may have to wait for another process.
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    # A writer and any number of readers work at the same time; without it `status` and `audit`
    # would stand in the way of a running import.
    cursor.execute("PRAGMA journal_mode = WAL")
    # Each commit reaches the disk before it returns. The faster NORMAL lets a power cut take back
    # the last commits, and with them the record of a batch that was sent: it would be sent again.
    # Source: the documentation of synchronous at sqlite.org/pragma.html
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction for real, and as what its purpose needs."""
    purpose = connection.get_execution_options().get("purpose", Purpose.WRITE)
    # SQLite does not check references unless told to. While a table is copied in order to change
    # it, they have to be off, and they cannot be switched inside a transaction.
    keys = "OFF" if purpose is Purpose.CHANGE_SCHEMA else "ON"
    connection.exec_driver_sql(f"PRAGMA foreign_keys = {keys}")
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if purpose is Purpose.READ else 'OFF'}")
    # A writer takes the write lock at once: one that read first and then found the lock taken
    # would be refused without waiting, as its snapshot is out of date.
    # Source: sqlite.org/lang_transaction.html, sqlite.org/isolation.html
    connection.exec_driver_sql("BEGIN" if purpose is Purpose.READ else "BEGIN IMMEDIATE")


def _reason(error: SQLAlchemyError) -> str:
    """The driver's own first line; drivers name host and user, never the password."""
    original = getattr(error, "orig", None) or error
    with suppress(IndexError):
        return str(original).strip().splitlines()[0]
    return type(original).__name__
