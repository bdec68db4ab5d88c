"""Copying a whole staging database into another one, of either kind."""

from __future__ import annotations

import hashlib
import logging
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.progress import Silent
from migrator.staging.copy_side import MIGRATION, TABLES, CopyRefused, CopySide, canonical, finished
from migrator.staging.engine import parse_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import URL

    from migrator.clock import Clock
    from migrator.progress import Progress
    from migrator.staging.copy_side import Values

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableComparison:
    """Both sides of a table; the digests are SHA-256 over all rows in the order of their keys."""

    table: str
    source_rows: int
    target_rows: int
    source_digest: str
    target_digest: str

    @property
    def agrees(self) -> bool:
        return (self.source_rows, self.source_digest) == (self.target_rows, self.target_digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """What a copy came to; databases are named without user and password."""

    source: str
    target: str
    tables: tuple[TableComparison, ...]
    #: The copy was finished by an earlier command: this one has compared and changed nothing.
    was_finished: bool

    @property
    def agrees(self) -> bool:
        return all(table.agrees for table in self.tables)


def copy_database(
    source_url: str,
    target_url: str,
    *,
    clock: Clock | None = None,
    progress: Progress | None = None,
    check_stop: Callable[[], None] = lambda: None,
) -> CopyResult:
    """Copy every migration and compare the two databases; resumes an unfinished copy.

    Args:
        source_url: of a staging database on which nobody works meanwhile
        target_url: of an empty database, or of one this source was being copied to
        clock: where the owner's "since" comes from
        progress: who is told
        check_stop: called between two pages; raises where the process has been asked to end

    Raises: CopyRefused, MigrationOwned, StagingUnavailable, StagingTooNew
    """
    _refuse_one_database(parse_url(source_url), parse_url(target_url))
    with ExitStack() as held:
        source = held.enter_context(CopySide.open(source_url, clock=clock, create=False))
        migrations = source.own_migrations(held)
        target = held.enter_context(CopySide.open(target_url, clock=clock))
        target.upgrade(log=logger.info)
        was_finished = target.announce(migrations, source.name)
        target.hold(held)
        copy = _Copy(source, target, progress or Silent(), check_stop)
        tables = copy.compare() if was_finished else copy.fill_and_compare()
        result = CopyResult(
            source=source.name, target=target.name, tables=tables, was_finished=was_finished
        )
        # What was compared must still be what is there.
        source.still_held()
        if result.agrees and not was_finished:
            target.finish()
    return result


class _Copy:
    """The two databases, and who is told."""

    def __init__(
        self, source: CopySide, target: CopySide, progress: Progress, check_stop: Callable[[], None]
    ) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self._check_stop = check_stop

    def fill_and_compare(self) -> tuple[TableComparison, ...]:
        """Add what is missing. Where the source has changed since, the copy is begun anew."""
        self._fill()
        tables = self.compare()
        if all(table.agrees for table in tables):
            return tables
        logger.info("the source has changed since the copy was begun: it is begun anew")
        self._target.empty()
        self._fill()
        return self.compare()

    def _fill(self) -> None:
        self._progress.begin("Copying", sum(map(self._source.count, TABLES)))
        for table in TABLES:
            with self._source.pages(table) as pages:
                for rows in pages:
                    self._target.add_missing(table, rows)
                    self._step(rows)
        self._progress.end()

    def compare(self) -> tuple[TableComparison, ...]:
        """Read both sides once more, from beginning to end."""
        tables = [MIGRATION, *TABLES]
        total = sum(side.count(table) for side in (self._source, self._target) for table in tables)
        self._progress.begin("Comparing", total)
        compared = tuple(map(self._compare, tables))
        self._progress.end()
        return compared

    def _compare(self, table: Table) -> TableComparison:
        source_rows, source_digest = self._digest(self._source, table)
        target_rows, target_digest = self._digest(self._target, table)
        return TableComparison(
            table=table.name,
            source_rows=source_rows,
            target_rows=target_rows,
            source_digest=source_digest,
            target_digest=target_digest,
        )

    def _digest(self, side: CopySide, table: Table) -> tuple[int, str]:
        count, digest = 0, hashlib.sha256()
        with side.pages(table) as pages:
            for rows in pages:
                for row in rows:
                    digest.update(canonical(finished(row)).encode())
                count += len(rows)
                self._step(rows)
        return count, digest.hexdigest()

    def _step(self, rows: Sequence[Values]) -> None:
        self._progress.advance(len(rows))
        self._check_stop()


def _refuse_one_database(source: URL, target: URL) -> None:
    if _place(source) == _place(target):
        msg = "the source and the target of the copy are the same database"
        raise CopyRefused(msg, hint="name another one as the target")


def _place(url: URL) -> tuple[object, ...]:
    """Where a database is, whoever signs in."""
    if url.get_backend_name() == "sqlite":
        return (Path(str(url.database)).resolve(),)
    return url.host, url.port, url.database, url.query
