"""`make torture` itself: what it tells, and that it leaves nothing behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.waiting import wait_until
from tests.fakes.clock import FakeClock
from tests.fork_server import ROOT
from tests.torture.crew import Progress
from tests.torture.trial import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.torture.bench import Bench

PROC = Path("/proc")


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in (PROC / str(pid) / "task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


def is_fork_server(pid: int) -> bool:
    return b"tests.torture.fork_server" in (PROC / str(pid) / "cmdline").read_bytes()


def is_running(pid: int) -> bool:
    try:
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """Also where the tests run in the background of a shell, which has all it starts ignore it."""
    # What Python handles is the default again for a program that it starts.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, ignored)


@pytest.mark.skipif(not PROC.is_dir(), reason="processes are looked up in /proc")
@pytest.mark.usefixtures("ctrl_c_is_heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_attack_that_is_broken_off_leaves_no_process_behind(number: signal.Signals) -> None:
    arguments = ["--attack", "random", "--seeds", "1000", "--jobs", "1", "--database", "sqlite"]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.torture", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        # Of its own, so that the signal reaches the group and nobody else, as Ctrl-C does.
        start_new_session=True,
        text=True,
    ) as attack:
        wait_until(lambda: any(is_fork_server(one) for one in children(attack.pid)))
        begun = children(attack.pid)
        os.killpg(attack.pid, number)
        _, told = attack.communicate(timeout=60)

    # What is killed with its parent dies a moment after it.
    wait_until(lambda: not any(is_running(pid) for pid in begun))
    assert attack.returncode == 128 + number
    assert told == ""


def test_every_write_of_the_target_and_both_sides_of_every_commit_are_points(
    sqlite_bench: Bench,
) -> None:
    quiet = sqlite_bench.quiet
    points = Counter(quiet.points)

    assert points["before commit"] == points["after commit"] > 0
    for method, number in Counter(quiet.writes).items():
        for moment in ("before", "sent", "answered"):
            assert points[f"{moment} {method}"] == number


def test_progress_says_how_many_are_done_and_how_long_the_rest_will_take() -> None:
    clock = FakeClock()
    told = io.StringIO()
    progress = Progress(1000, clock, told)

    for number in range(10):
        clock.advance(4)
        progress.tell(Verdict(complaints=["seed 3: missing: D_1"] if number == 2 else []))

    assert told.getvalue().splitlines() == [
        "  seed 3: missing: D_1",
        "  8 of 1,000 (0 %), 1 complaints, about 1:06:08 left",
    ]
