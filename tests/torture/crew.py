"""Many attacks, shared out among processes of which none outlives the others."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import sys
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TextIO

from migrator.clock import SystemClock
from tests.fork_server import die_with_parent
from tests.torture.attacks import Order, ready
from tests.torture.trial import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.context import SpawnProcess
    from pathlib import Path

    from migrator.clock import Clock

_TOLD_EVERY_SECONDS = 30.0
#: How often the crew is looked after.
_LOOK_EVERY_SECONDS = 1.0


def attack_all(order: Order, numbers: Sequence[int], folder: Path, jobs: int) -> Verdict:
    """Carry out every attack; complaints are told at once, and how far it is now and then.

    Args:
        order: the attack and what is attacked
        numbers: which attacks, each of them once
        folder: for all that the crew writes; the caller removes it, as the crew may be killed
        jobs: how many processes share the work
    """
    # Forked, a process would share the threads of this one.
    context = multiprocessing.get_context("spawn")
    waiting: Any = context.Queue()
    done: Any = context.Queue()
    for number in [*numbers, *[None] * jobs]:
        waiting.put(number)
    # Where the crew is killed, nobody reads the rest, and the end would wait for that.
    waiting.cancel_join_thread()
    folders = [folder / f"job-{job}" for job in range(jobs)]
    workers = [context.Process(target=_work, args=(order, own, waiting, done)) for own in folders]
    total, progress = Verdict(migrations=0), Progress(len(numbers), SystemClock(), sys.stderr)
    with _crew(workers):
        for _ in numbers:
            verdict = _next(done, workers)
            total.add(verdict)
            progress.tell(verdict)
        # What they hold in memory and on disk is given back before the next attack begins.
        for worker in workers:
            worker.join()
    return total


@contextmanager
def _crew(workers: list[SpawnProcess]) -> Iterator[None]:
    """Start them; however this ends, none is left.

    They are killed, not asked: an exception that a signal raises at any place in them may come
    where nobody can raise it further, as in a half-made object. What they started dies with them.
    """
    # Ctrl-C reaches the whole group; this process hears it and ends the others.
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    for worker in workers:
        worker.start()
    signal.signal(signal.SIGINT, heard)
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def _next(done: Any, crew: list[SpawnProcess]) -> Verdict:
    while True:
        try:
            verdict: Verdict = done.get(timeout=_LOOK_EVERY_SECONDS)
        except queue.Empty:
            if any(worker.exitcode for worker in crew):
                raise RuntimeError("a process of the attackers has died; see above") from None
        else:
            return verdict


def _work(order: Order, folder: Path, waiting: Any, done: Any) -> None:
    """One process: attack until there is nothing left to attack."""
    die_with_parent()
    # Ignored since before it began, but Python takes it over where it starts anew.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder.mkdir()
    with ready(order, folder) as attack:
        while (number := waiting.get()) is not None:
            done.put(attack(number))


class Progress:
    """Complaints at once, and a line every now and then."""

    def __init__(self, total: int, clock: Clock, out: TextIO) -> None:
        self._total = total
        self._clock = clock
        self._out = out
        self._done = 0
        self._complaints = 0
        self._began = self._told = clock.monotonic()

    def tell(self, verdict: Verdict) -> None:
        """One more is done."""
        self._done += 1
        self._complaints += len(verdict.complaints)
        for complaint in verdict.complaints:
            self._out.write(f"  {complaint}\n")
        now = self._clock.monotonic()
        if now - self._told > _TOLD_EVERY_SECONDS:
            self._told = now
            self._out.write(f"  {self._line(now)}\n")
            self._out.flush()

    def _line(self, now: float) -> str:
        rest = (now - self._began) / self._done * (self._total - self._done)
        left = timedelta(seconds=round(rest))
        return (
            f"{self._done:,} of {self._total:,} ({self._done * 100 // self._total} %), "
            f"{self._complaints} complaints, about {left} left"
        )
