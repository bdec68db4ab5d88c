"""The ways of attacking a migration, each of them numbered, so that one can be repeated."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.simulation.attack import attack_portals
from tests.simulation.promises import Databases
from tests.torture.bench import a_bench
from tests.torture.subjects import SUBJECTS
from tests.torture.trial import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Attack(StrEnum):
    """What the number of an attack stands for: a point, a seed, or a seed of whole portals."""

    POINTS = "points"
    RANDOM = "random"
    PORTALS = "portals"


@dataclass(frozen=True, slots=True)
class Order:
    """Which attack, on what; `postgresql` is the URL of a server, None for SQLite."""

    attack: Attack
    command: str
    postgresql: str | None


@contextmanager
def ready(order: Order, folder: Path) -> Iterator[Callable[[int], Verdict]]:
    """Everything that an attack needs, made once for many of them, in a folder of its own."""
    if order.attack is Attack.PORTALS:
        yield _portals(folder)
        return
    with a_bench(folder, order.postgresql, SUBJECTS[order.command]) as bench:
        yield bench.kill_at if order.attack is Attack.POINTS else bench.attack_at_random


def points_of(order: Order, folder: Path) -> int:
    with a_bench(folder, order.postgresql, SUBJECTS[order.command]) as bench:
        return len(bench.quiet.points)


def _portals(folder: Path) -> Callable[[int], Verdict]:
    databases = Databases(folder)

    def attack(seed: int) -> Verdict:
        attacked = attack_portals(databases, seed)
        return Verdict(
            migrations=attacked.migrations,
            runs=attacked.lives,
            kills=attacked.deaths,
            stops=attacked.stops,
            faults=attacked.faults,
            differences=len(attacked.complaints),
            complaints=[f"portals of seed {seed}: {one}" for one in attacked.complaints],
        )

    return attack
