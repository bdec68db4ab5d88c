"""Many attacks, shared out among processes; each has its own portals and its own databases."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.attacks import kill_at, random_attack
from tests.torture.databases import Databases, PostgresqlDatabases, SqliteFiles
from tests.torture.fork_server import ForkServer
from tests.torture.trial import Quiet, Verdict, quiet_migration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOLD_EVERY_SECONDS = 30.0


class Attack(StrEnum):
    """What the number of an attack stands for: a point, or a seed."""

    POINTS = "points"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Bench:
    """What one process attacks with; made once and kept for all its trials."""

    server: ForkServer
    databases: Databases
    quiet: Quiet

    def kill_at(self, point: int) -> Verdict:
        return kill_at(self.server, self.databases, self.quiet, point)

    def attack_at_random(self, seed: int) -> Verdict:
        return random_attack(self.server, self.databases, self.quiet, seed)

    def attack(self, attack: Attack, number: int) -> Verdict:
        return self.kill_at(number) if attack is Attack.POINTS else self.attack_at_random(number)


@contextmanager
def a_bench(postgresql: str | None) -> Iterator[Bench]:
    """A fork server, a place for databases, and the quiet migration to compare with."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torture-")))
        if postgresql is None:
            databases: Databases = SqliteFiles(folder)
        else:
            databases = on_server = PostgresqlDatabases(postgresql)
            stack.callback(on_server.close)
        server = stack.enter_context(ForkServer(folder))
        with databases.new(upgraded=False) as url:
            quiet = quiet_migration(server, url)
        yield Bench(server, databases, quiet)


def _attack_share(postgresql: str | None, attack: Attack, numbers: Sequence[int]) -> Verdict:
    """One process's share of the attacks, told on stderr as they go."""
    total, told = Verdict(), time.monotonic()
    with a_bench(postgresql) as bench:
        for done, number in enumerate(numbers, start=1):
            verdict = bench.attack(attack, number)
            total.add(verdict)
            for complaint in verdict.complaints:
                sys.stderr.write(f"  {complaint}\n")
            if time.monotonic() - told > _TOLD_EVERY_SECONDS:
                told = time.monotonic()
                sys.stderr.write(
                    f"  {done} of {len(numbers)}, {len(total.complaints)} complaints\n"
                )
    return total


def attack_all(
    postgresql: str | None, attack: Attack, numbers: Sequence[int], jobs: int
) -> Verdict:
    total = Verdict()
    shares = [numbers[job::jobs] for job in range(jobs)]
    # Forked, a process would share the threads of this one.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        for share in [pool.submit(_attack_share, postgresql, attack, s) for s in shares if s]:
            total.add(share.result())
    return total


def points_of(postgresql: str | None) -> int:
    with a_bench(postgresql) as bench:
        return len(bench.quiet.points)
