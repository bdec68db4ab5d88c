"""What every stage works with: one migration, its staging database, and the log of requests."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from migrator.clock import Clock
    from migrator.domain.records import Migration, RequestEntry
    from migrator.domain.vocabulary import EntityTypeId
    from migrator.staging import Staging
    from migrator.staging.repositories import Repositories


@dataclass(slots=True, kw_only=True)
class Workspace:
    """One migration under way.

    Requests are logged together with the next change they belong to, so logging costs no
    transaction of its own.
    """

    staging: Staging
    migration: Migration
    clock: Clock
    progress: Progress = field(default_factory=Silent)
    requests: list[RequestEntry] = field(default_factory=list)
    #: Called between two steps; raises where the process has been asked to end.
    check_stop: Callable[[], None] = lambda: None
    #: Called before each write to the target; raises where another process may own the migration.
    check_owned: Callable[[], None] = lambda: None

    @contextmanager
    def write(self) -> Iterator[Repositories]:
        """A transaction: all of it is committed at the end of the block, or nothing."""
        with self.staging.begin() as transaction:
            repositories = transaction.of(self.migration.migration_id)
            logged = len(self.requests)
            repositories.request_log.add(self.requests[:logged])
            yield repositories
        del self.requests[:logged]

    @contextmanager
    def read(self) -> Iterator[Repositories]:
        with self.staging.read() as transaction:
            yield transaction.of(self.migration.migration_id)

    def flush_requests(self) -> None:
        """Write down the requests no change has taken along yet."""
        if self.requests:
            with self.write():
                pass


#: The stage under which the export keeps its checkpoints.
EXPORT_STAGE = "export"


def exported_types(repositories: Repositories) -> frozenset[EntityTypeId]:
    """Entity types of which every item is staged."""
    checkpoints = repositories.checkpoints.all(EXPORT_STAGE)
    return frozenset(one.entity_type_id for one in checkpoints if one.done)
