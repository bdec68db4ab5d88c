"""What the database says when it fails, as an error of this program: a sentence and a remedy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from migrator.staging.engine import Purpose
from migrator.staging.errors import StagingBusy, StagingLost, StagingUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.domain.errors import MigratorError

#: SQLite's words for a full or failing disk and a damaged file
#: (sqlite.org/rescode.html: FULL, IOERR, CANTOPEN, CORRUPT, NOTADB).
_UNUSABLE = ("disk", "unable to open", "malformed", "not a database")

#: Classes of SQLSTATE that say that the server, and not a statement of ours, is the trouble:
#: connection, authorization, no such database, rollback, resources, a lock held for too long, the
#: operator's intervention and time-outs, the server's system, its own faults.
#: Source: postgresql.org/docs/current/errcodes-appendix.html
_TROUBLED = frozenset({"08", "28", "3D", "40", "53", "55", "57", "58", "XX"})
_READ_ONLY = "25006"
#: What keeps a schema from being made or changed, and what to do about it.
_NOT_ALLOWED = {
    "42501": "its role has to read the tables, and to own them and their schema to upgrade them",
    "3F000": "create the first schema of search_path, or name another",
    "2BP01": "drop views of your own that read ours, and make them again afterwards",
}


@contextmanager
def named_errors(name: str, purpose: Purpose) -> Iterator[None]:
    """Around what is done with the database of that name."""
    try:
        yield
    except DBAPIError as error:
        named = _named(error, name, purpose)
        if named is None:
            raise
        raise named from None


def lost(name: str, reason: str) -> StagingLost:
    msg = f"the staging database {name} failed: {_first_line(reason)}"
    return StagingLost(msg, hint="see to it, then run the same command")


def _first_line(reason: str) -> str:
    return (reason.strip().splitlines() or ["no reason given"])[0]


def _named(error: DBAPIError, name: str, purpose: Purpose) -> MigratorError | None:
    reason = str(error.orig)
    if "database is locked" in reason:
        msg = f"another process has been writing to the staging database {name} for too long"
        return StagingBusy(msg, hint="wait for it to end, then run the same command")
    hint = _NOT_ALLOWED.get(_sqlstate(error.orig))
    if hint is not None and purpose is Purpose.CHANGE_SCHEMA:
        msg = f"the staging database {name} cannot be set up: {_first_line(reason)}"
        return StagingUnavailable(msg, hint=hint)
    # Writing while only reading was meant is a fault of this program, not of the database.
    is_refused = _is_read_only(error, reason) and purpose is not Purpose.READ
    return lost(name, reason) if is_refused or _has_failed(error, reason) else None


def _is_read_only(error: DBAPIError, reason: str) -> bool:
    return "readonly" in reason or _sqlstate(error.orig) == _READ_ONLY


def _has_failed(error: DBAPIError, reason: str) -> bool:
    if error.connection_invalidated or _sqlstate(error.orig) in _NOT_ALLOWED:
        return True
    if type(error.orig).__module__.startswith("sqlite3"):
        return any(word in reason for word in _UNUSABLE)
    state = _sqlstate(error.orig)
    # A server that could not be reached has said no code.
    return state[:2] in _TROUBLED if state else type(error.orig).__name__ == "OperationalError"


def _sqlstate(error: BaseException | None) -> str:
    return getattr(error, "sqlstate", None) or ""
