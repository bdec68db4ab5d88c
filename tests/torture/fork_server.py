"""Runs that may be killed at any point, under a clock that may go faster than the real one.

The waits for lost answers, which are part of what is tested, take fractions of a second by it.

    python -W error -m tests.torture.fork_server     serves jobs as tests.fork_server does
"""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests import fork_server

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What the client of a portal waits for an answer, in real seconds, not in those of the fast clock.
READ_TIMEOUT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Run(fork_server.Ended):
    """What a run left, and the points it went through."""

    points: tuple[str, ...]


class ForkServer(AbstractContextManager["ForkServer"]):
    """The side that asks for runs. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = fork_server.ForkServer(folder, "tests.torture.fork_server")

    def __enter__(self) -> Self:
        self._program.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._program.__exit__()

    def run(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        *,
        kill_at: int | None = None,
        target_port: int,
        clock: Mapping[str, float] | None = None,
        constants: Mapping[str, float] | None = None,
    ) -> Run:
        """Run the program once.

        Args:
            arguments: of the command line
            environment: of the process
            kill_at: the point at which it is killed, counted from 1
            target_port: whose requests are points
            clock: `speed` and `epoch`, from which on the program's clock goes faster
            constants: constants of the program that have another value, by module and name
        """
        ended = self._program.run(
            arguments,
            environment,
            self._folder,
            kill_at=kill_at,
            target_port=target_port,
            clock=dict(clock or {"speed": 1.0, "epoch": time.time()}),
            constants=dict(constants or {}),
        )
        points = fork_server.read(self._folder / "points").splitlines()
        return Run(ended.code, ended.out, ended.err, tuple(points))


class FastClock:
    """A clock that goes `speed` times as fast as the real one since `epoch`, in every process."""

    def __init__(self, speed: float, epoch: float) -> None:
        self._speed = speed
        self._epoch = epoch

    def monotonic(self) -> float:
        return time.monotonic() * self._speed

    def now(self) -> datetime:
        passed = (time.time() - self._epoch) * self._speed
        return datetime.fromtimestamp(self._epoch, UTC) + timedelta(seconds=passed)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._speed)


def prepare(job: Mapping[str, Any]) -> None:
    """Kill points, the fast clock and a short time-out, set from outside the program."""
    from migrator import opening
    from migrator.staging import database
    from tests.torture.kill_points import KillPoints

    points = os.open(Path(job["output"]) / "points", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    KillPoints(job["kill_at"], points).install(job["target_port"])
    clock = FastClock(**job["clock"])
    for module in (opening, database):
        vars(module)["SystemClock"] = lambda: clock
    for name, value in job["constants"].items():
        module_name, _, constant = name.rpartition(".")
        vars(import_module(module_name))[constant] = value
    limits = vars(opening)["PortalLimits"]
    vars(opening)["PortalLimits"] = partial(limits, read_timeout_seconds=READ_TIMEOUT_SECONDS)


if __name__ == "__main__":
    fork_server.serve(prepare)
