"""Runs of the real program, each in a process of its own, at a tenth of the usual start-up time.

A server process imports the program once and forks it for each run. A run may be killed at any
point; its clock may go faster than the real one, so that the waits for lost answers, which are part
of what is tested, take fractions of a second.

    python -W error -m tests.torture.fork_server     serves jobs from stdin, one JSON object a line
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]

#: What the client of a portal waits for an answer, in real seconds, not in those of the fast clock.
READ_TIMEOUT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left; `code` is negative for a signal, as in `subprocess`."""

    code: int
    points: tuple[str, ...]
    out: str
    err: str


class ForkServer:
    """The side that asks for runs. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        clean = {key: v for key, v in os.environ.items() if not key.startswith("MIGRATOR_")}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.torture.fork_server"],
            cwd=ROOT,
            env=clean,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for the one who attacks, not for what is attacked.
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            with self._process as process:
                # A run under way, if this ends early, dies with its server.
                process.kill()

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
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise ValueError("the server does not run")
        job = {
            "arguments": arguments,
            "environment": dict(environment),
            "kill_at": kill_at,
            "target_port": target_port,
            "clock": dict(clock or {"speed": 1.0, "epoch": time.time()}),
            "constants": dict(constants or {}),
            "folder": str(self._folder),
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the fork server has died")
        code = int(json.loads(answer)["code"])
        points, out, err = (_read(self._folder / name) for name in ("points", "out", "err"))
        return Run(code, tuple(points.splitlines()), out, err)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


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


def die_with_parent() -> None:
    """Have the system kill this process when its parent ends, whatever ended that."""
    if sys.platform == "linux":
        # prctl(2): PR_SET_PDEATHSIG is 1.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def serve() -> None:
    """Fork a run for each line of stdin and say on stdout how it ended."""
    die_with_parent()
    _import_program()
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            die_with_parent()
            _become(job)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"code": os.waitstatus_to_exitcode(status)}) + "\n")
        sys.stdout.flush()


def _import_program() -> None:
    """Everything a run needs, also what the program itself imports only on the way."""
    for module in (
        "alembic.command",
        "psycopg",
        "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite.pysqlite",
        "migrator.cli.main",
    ):
        import_module(module)


def _become(job: Mapping[str, Any]) -> None:
    """Turn this process into the program, started as the job says."""
    folder = Path(job["folder"])
    os.chdir(folder)
    _redirect(0, os.devnull, os.O_RDONLY)
    _redirect(1, folder / "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    _redirect(2, folder / "err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.environ.update(job["environment"])
    sys.argv = ["migrator", *job["arguments"]]
    _prepare(job, os.open(folder / "points", os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    _run_program()


def _redirect(descriptor: int, path: str | Path, flags: int) -> None:
    opened = os.open(path, flags)
    os.dup2(opened, descriptor)
    os.close(opened)


def _prepare(job: Mapping[str, Any], points: int) -> None:
    """Kill points, the fast clock and a short time-out, set from outside the program."""
    from migrator import opening
    from migrator.staging import database
    from tests.torture.kill_points import KillPoints

    KillPoints(job["kill_at"], points).install(job["target_port"])
    clock = FastClock(**job["clock"])
    for module in (opening, database):
        vars(module)["SystemClock"] = lambda: clock
    for name, value in job["constants"].items():
        module_name, _, constant = name.rpartition(".")
        vars(import_module(module_name))[constant] = value
    limits = vars(opening)["PortalLimits"]
    vars(opening)["PortalLimits"] = partial(limits, read_timeout_seconds=READ_TIMEOUT_SECONDS)


def _run_program() -> None:
    """Leave without the clean-up of the process this one was forked from."""
    import traceback

    from migrator.cli.main import main

    try:
        main()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
