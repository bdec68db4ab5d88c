"""Runs of the real program, each in a process of its own, at a tenth of the usual start-up time.

A server process imports the program once and forks it for each run.

    python -W error -m tests.fork_server     serves jobs from stdin, one JSON object a line
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Job = Mapping[str, Any]

ROOT = Path(__file__).parents[1]

#: No run of a test takes so long, on however busy a machine.
_PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run left; `code` is negative for a signal, as in `subprocess`."""

    code: int
    out: str
    err: str


class ForkServer:
    """The side that asks for runs. Use it as a context manager."""

    def __init__(self, folder: Path, module: str = __name__) -> None:
        """The folder holds what runs say until it is read; the module is run as the server."""
        self._folder = folder
        self._module = module
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        clean = {key: v for key, v in os.environ.items() if not key.startswith("MIGRATOR_")}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", self._module],
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
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, **more: Any
    ) -> Ended:
        """Run the program once.

        Args:
            arguments: of the command line
            environment: of the process, beside that of this one
            folder: in which it works
            more: what the module of the server wants to know
        """
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise ValueError("the server does not run")
        job = {
            "arguments": [*arguments],
            "environment": {**environment},
            "folder": str(folder),
            "output": str(self._folder),
            **more,
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], _PATIENCE_SECONDS)[0]:
            # Whoever comes next finds a server that is not busy.
            self.__exit__()
            self.__enter__()
            raise subprocess.TimeoutExpired(job["arguments"], _PATIENCE_SECONDS)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the fork server has died")
        out, err = (read(self._folder / name) for name in ("out", "err"))
        return Ended(int(json.loads(answer)["code"]), out, err)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def die_with_parent() -> None:
    """Have the system kill this process when its parent ends, whatever ended that."""
    if sys.platform == "linux":
        # prctl(2): PR_SET_PDEATHSIG is 1.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def serve(prepare: Callable[[Job], None] = lambda _: None) -> None:
    """Fork a run for each line of stdin and say on stdout how it ended.

    Args:
        prepare: changes the process of a run before the program begins in it
    """
    die_with_parent()
    _import_program()
    # Runs have no garbage to find in what they share, and looking would copy it.
    gc.freeze()
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            die_with_parent()
            _become(job, prepare)
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


def _become(job: Job, prepare: Callable[[Job], None]) -> None:
    """Turn this process into the program, started as the job says."""
    output = Path(job["output"])
    os.chdir(job["folder"])
    _redirect(0, os.devnull, os.O_RDONLY)
    _redirect(1, output / "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    _redirect(2, output / "err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.environ.update(job["environment"])
    sys.argv = ["migrator", *job["arguments"]]
    prepare(job)
    _run_program()


def _redirect(descriptor: int, path: str | Path, flags: int) -> None:
    opened = os.open(path, flags)
    os.dup2(opened, descriptor)
    os.close(opened)


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
