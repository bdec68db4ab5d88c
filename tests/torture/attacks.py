"""The two ways of attacking a migration: at every point in turn, and at random."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.torture.fault_plans import source_rules, target_rules
from tests.torture.trial import a_trial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.torture.databases import Databases
    from tests.torture.fork_server import ForkServer
    from tests.torture.trial import Quiet, Verdict

#: So many kills in one trial at most.
_MOST_KILLS = 4


def kill_at(server: ForkServer, databases: Databases, quiet: Quiet, point: int) -> Verdict:
    """Kill the first run at a point, counted from 1, and let the next ones finish."""
    with databases.new(upgraded=False) as url, a_trial(server, url) as trial:
        trial.run_to_the_end([point])
        return _named(trial.judge(quiet), f"killed at point {point} ({quiet.points[point - 1]})")


def random_attack(server: ForkServer, databases: Databases, quiet: Quiet, seed: int) -> Verdict:
    """Kill several runs at random points, while both portals have faults."""
    random = Random(seed)
    kills = list(_kills(random, len(quiet.points)))
    source, target = source_rules(random), target_rules(random)
    with (
        databases.new(upgraded=True) as url,
        a_trial(server, url, source_rules=source, target_rules=target) as trial,
    ):
        trial.run_to_the_end(kills)
        return _named(trial.judge(quiet), f"seed {seed}")


def _kills(random: Random, points: int) -> Iterable[int]:
    # A resumed run goes through fewer points, so later kills come earlier.
    for attempt in range(random.randint(0, _MOST_KILLS)):
        yield random.randint(1, max(1, points // (1 + attempt)))


def _named(verdict: Verdict, name: str) -> Verdict:
    verdict.complaints = [f"{name}: {complaint}" for complaint in verdict.complaints]
    return verdict
