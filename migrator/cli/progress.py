"""Progress on stderr: bars where it is a terminal, plain log lines where it is not."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console, RenderableType
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from migrator.clock import Clock, SystemClock
from migrator.progress import Progress as ProgressPort

logger = logging.getLogger("migrator")

#: Without a terminal: seconds between two lines about the same piece of work.
_LINE_EVERY = 10.0

_STOPPING = "stopping once the request in flight has ended; Ctrl-C again ends at once"

#: Waits shorter than this are not worth a word.
_WORTH_TELLING = 1.0


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


class _Left(ProgressColumn):
    """When the stage will be done; counts down while the work stands still.

    Nothing before the first measurement: rich's own guess knows only the speed so far, and a budget
    that is about to run out does not show in it.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._clock = clock

    def render(self, task: Task) -> Text:
        expected: _Expected | None = task.fields.get("expected")
        if expected is None or task.finished:
            return Text("")
        return Text(expected.told(self._clock), style="progress.remaining")


@dataclass(frozen=True, slots=True)
class _Expected:
    """The end of a stage, on the clock that does not jump."""

    stage: str
    at: float

    def told(self, clock: Clock) -> str:
        seconds = max(0, round(self.at - clock.monotonic()))
        return f"{self.stage}: {timedelta(seconds=seconds)} left"


class Bars(Progress):
    """A line for each piece of work, and below them what is being waited for.

    In the same line it would not fit into a terminal of eighty columns.
    """

    def __init__(self, clock: Clock, console: Console, *, auto_refresh: bool = True) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            _Left(clock),
        )
        self._clock = clock
        #: What is waited for where there is no piece of work to say it of, and the end of that.
        self.pause = ("", 0.0)
        super().__init__(*columns, console=console, auto_refresh=auto_refresh)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        told, until = self.pause
        if self._clock.monotonic() < until:
            yield Text(told, style="yellow")
        for task in self.tasks:
            if task.fields.get("wait"):
                yield Text(task.fields["wait"], style="yellow")


class BarProgress:
    """A bar for each piece of work, and below them the current wait."""

    def __init__(self, bars: Bars, clock: Clock) -> None:
        self._bars = bars
        self._clock = clock
        self._task: int | None = None

    def begin(self, what: str, total: int | None) -> None:
        self._task = self._bars.add_task(what, total=total, wait="", expected=None)

    def advance(self, count: int) -> None:
        if self._task is not None:
            self._bars.update(self._bars.task_ids[-1], advance=count, wait="")

    def end(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[-1]
            self._bars.update(task.id, total=task.completed, wait="")
            self._task = None

    def waiting(self, why: str, seconds: float) -> None:
        if seconds < _WORTH_TELLING:
            return
        told = _wait(why, seconds, self._clock)
        if self._task is None:
            self._bars.pause = (told, self._clock.monotonic() + seconds)
        else:
            self._bars.update(self._bars.task_ids[-1], wait=told)

    def left(self, stage: str, seconds: float) -> None:
        if self._task is not None:
            expected = _Expected(stage, self._clock.monotonic() + seconds)
            self._bars.update(self._bars.task_ids[-1], expected=expected)

    def stopping(self) -> None:
        """Somebody has asked for the end, which may be a long request away."""
        self._bars.pause = (_STOPPING, math.inf)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Nothing is drawn, so that a question stays where it was asked."""
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()


class LineProgress:
    """A log line when work begins and ends, and now and then between."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._what = ""
        self._total: int | None = None
        self._done = 0
        self._told = 0.0
        self._expected: _Expected | None = None

    def begin(self, what: str, total: int | None) -> None:
        self._what, self._total, self._done, self._expected = what, total, 0, None
        self._told = self._clock.monotonic()
        logger.info("%s%s", what, "" if total is None else f": {total:,} items")

    def advance(self, count: int) -> None:
        self._done += count
        self._tell_now_and_then()

    def _tell_now_and_then(self) -> None:
        now = self._clock.monotonic()
        if now - self._told >= _LINE_EVERY:
            self._told = now
            of = "" if self._total is None else f" of {self._total:,}"
            left = "" if self._expected is None else f", {self._expected.told(self._clock)}"
            logger.info("%s: %s%s%s", self._what, f"{self._done:,}", of, left)

    def end(self) -> None:
        logger.info("%s: done, %s", self._what, f"{self._done:,}")

    def waiting(self, why: str, seconds: float) -> None:
        if seconds >= _WORTH_TELLING:
            logger.info("%s", _wait(why, seconds, self._clock))

    def left(self, stage: str, seconds: float) -> None:
        self._expected = _Expected(stage, self._clock.monotonic() + seconds)

    def stopping(self) -> None:
        """Past the logger and Python's buffers: a signal handler may have interrupted either."""
        if logger.isEnabledFor(logging.INFO):
            with suppress(OSError):
                os.write(2, f"{_STOPPING}\n".encode())


def _wait(why: str, seconds: float, clock: Clock) -> str:
    until = clock.now().astimezone() + timedelta(seconds=seconds)
    return f"waiting for {why}, until {until:%H:%M:%S}"


@contextmanager
def asking(progress: ProgressPort) -> Iterator[None]:
    """For a question in the middle of a command."""
    if isinstance(progress, BarProgress):
        with progress.standing_still():
            yield
    else:
        yield


@contextmanager
def shown_progress(*, quiet: bool = False) -> Iterator[BarProgress | LineProgress]:
    """Progress for one command, and log lines that do not tear the bars apart."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        with _logging(logging.StreamHandler(), quiet=quiet):
            yield LineProgress(SystemClock())
        return
    clock = SystemClock()
    with (
        Bars(clock, console) as bars,
        _logging(RichHandler(console=console, show_path=False, show_level=False), quiet=quiet),
    ):
        yield BarProgress(bars, clock)


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
