"""Open a migration for a command: progress shown, signals heard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from migrator.app import App
from migrator.cli.progress import shown_progress
from migrator.interrupt import StopRequest
from migrator.opening import open_app
from migrator.settings import Settings


@contextmanager
def opened(
    settings: Settings, migration: str, *, quiet: bool, only_reads_target: bool = False
) -> Iterator[App]:
    """One migration with progress shown and signals heard."""
    with shown_progress(quiet=quiet) as progress:
        stop = StopRequest(progress.stopping)
        stop.listen()
        with open_app(
            settings,
            migration,
            progress=progress,
            stop=stop,
            only_reads_target=only_reads_target,
        ) as app:
            yield app
