"""Progress on stderr: bars where it is a terminal, plain log lines where it is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from migrator.clock import Clock, SystemClock
from migrator.progress import Progress as ProgressPort

logger = logging.getLogger("migrator")

#: Without a terminal: seconds between two lines about the same piece of work.
_LINE_EVERY = 10.0

#: Waits shorter than this are not worth a word.
_WORTH_TELLING = 1.0


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


class BarProgress:
    """A bar for each piece of work; the current wait stands beside the running one."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: int | None = None

    def begin(self, what: str, total: int | None) -> None:
        self._task = self._bars.add_task(what, total=total, wait="")

    def advance(self, count: int) -> None:
        if self._task is not None:
            self._bars.update(self._bars.task_ids[-1], advance=count, wait="")

    def end(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[-1]
            self._bars.update(task.id, total=task.completed, wait="")
            self._task = None

    def waiting(self, why: str, seconds: float) -> None:
        if seconds >= _WORTH_TELLING and self._task is not None:
            self._bars.update(self._bars.task_ids[-1], wait=_wait(why, seconds))


class LineProgress:
    """A log line when work begins and ends, and now and then between."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._what = ""
        self._total: int | None = None
        self._done = 0
        self._told = 0.0

    def begin(self, what: str, total: int | None) -> None:
        self._what, self._total, self._done = what, total, 0
        self._told = self._clock.monotonic()
        logger.info("%s%s", what, "" if total is None else f": {total:,} items")

    def advance(self, count: int) -> None:
        self._done += count
        now = self._clock.monotonic()
        if now - self._told >= _LINE_EVERY:
            self._told = now
            of = "" if self._total is None else f" of {self._total:,}"
            logger.info("%s: %s%s", self._what, f"{self._done:,}", of)

    def end(self) -> None:
        logger.info("%s: done, %s", self._what, f"{self._done:,}")

    def waiting(self, why: str, seconds: float) -> None:
        if seconds >= _WORTH_TELLING:
            logger.info("%s", _wait(why, seconds))


def _wait(why: str, seconds: float) -> str:
    until = datetime.now(UTC).astimezone() + timedelta(seconds=seconds)  # noqa: TID251 - shown only
    return f"waiting for {why}, until {until:%H:%M:%S}"


@contextmanager
def shown_progress(*, quiet: bool = False) -> Iterator[ProgressPort]:
    """Progress for one command, and log lines that do not tear the bars apart."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        with _logging(logging.StreamHandler(), quiet=quiet):
            yield LineProgress(SystemClock())
        return
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("[yellow]{task.fields[wait]}"),
    ]
    with (
        Progress(*columns, console=console) as bars,
        _logging(RichHandler(console=console, show_path=False, show_level=False), quiet=quiet),
    ):
        yield BarProgress(bars)


@contextmanager
def _logging(handler: logging.Handler, *, quiet: bool) -> Iterator[None]:
    """Our own lines only: a library's might hold an address with a secret in it."""
    if not isinstance(handler, RichHandler):
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
