"""What can go wrong with the staging database.

UsageError
 ├─ StagingUnavailable   it cannot be opened, or is no database of ours
 ├─ StagingTooNew        a newer program has upgraded it
 ├─ MigrationMismatch    the migration's name stands for other portals
 └─ QueryRefused         a query that does not read, cannot run, or cannot be narrowed so
RetriableError
 ├─ StagingBusy          another process held it for too long
 ├─ MigrationOwned       another process works on the migration
 └─ StagingLost          it stopped answering, or its disk is full
TerminalError
 └─ AlreadyMapped        an item was about to be in the ID map twice
"""

from __future__ import annotations

from migrator.domain.errors import RetriableError, TerminalError, UsageError


class StagingUnavailable(UsageError):
    reference = "staging-unavailable"


class StagingTooNew(UsageError):
    reference = "staging-too-new"


class MigrationMismatch(UsageError):
    reference = "migration-mismatch"


class QueryRefused(UsageError):
    reference = "query-refused"


class StagingBusy(RetriableError):
    reference = "staging-busy"


class MigrationOwned(RetriableError):
    reference = "migration-owned"


class StagingLost(RetriableError):
    reference = "staging-lost"


class AlreadyMapped(TerminalError):
    """Raised instead of a constraint violation: the promise "nothing twice" was about to break."""

    reference = "already-mapped"
