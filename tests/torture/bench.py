"""What attacks are made with: a fork server, a place for databases, and the quiet migration."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from tests.torture.databases import Databases, PostgresqlDatabases, SqliteFiles
from tests.torture.fault_plans import source_rules, target_rules
from tests.torture.fork_server import ForkServer
from tests.torture.subjects import RUN, Subject
from tests.torture.trial import Quiet, Verdict, a_trial, quiet_migration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: So many kills in one trial at most.
_MOST_KILLS = 4


@dataclass(frozen=True, slots=True)
class Bench:
    """What one process attacks with; made once and kept for all its trials."""

    server: ForkServer
    databases: Databases
    quiet: Quiet
    subject: Subject = RUN

    def kill_at(self, point: int) -> Verdict:
        """Kill the first run at a point, counted from 1, and let the next ones finish."""
        with (
            self.databases.new(upgraded=False) as url,
            a_trial(self.server, url, self.subject) as trial,
        ):
            trial.run_to_the_end([point])
            name = f"killed at point {point} ({self.quiet.points[point - 1]})"
            return _named(trial.judge(self.quiet), name)

    def attack_at_random(self, seed: int) -> Verdict:
        """Kill several runs at random points, while both portals have faults."""
        random = Random(seed)
        kills = list(_kills(random, len(self.quiet.points)))
        source, target = source_rules(random), target_rules(random)
        with (
            self.databases.new(upgraded=True) as url,
            a_trial(
                self.server, url, self.subject, source_rules=source, target_rules=target
            ) as trial,
        ):
            trial.run_to_the_end(kills)
            return _named(trial.judge(self.quiet), f"seed {seed}")


def _kills(random: Random, points: int) -> Iterable[int]:
    # A resumed run goes through fewer points, so later kills come earlier.
    for attempt in range(random.randint(0, _MOST_KILLS)):
        yield random.randint(1, max(1, points // (1 + attempt)))


def _named(verdict: Verdict, name: str) -> Verdict:
    verdict.complaints = [f"{name}: {complaint}" for complaint in verdict.complaints]
    return verdict


@contextmanager
def a_bench(folder: Path, postgresql: str | None = None, subject: Subject = RUN) -> Iterator[Bench]:
    """A fork server, a place for databases, and the quiet migration to compare with.

    Args:
        folder: for all that the runs write, the databases of SQLite included
        postgresql: the URL of a server for the databases, None for SQLite
        subject: what is attacked
    """
    with ExitStack() as stack:
        if postgresql is None:
            databases: Databases = SqliteFiles(folder)
        else:
            databases = on_server = PostgresqlDatabases(postgresql)
            stack.callback(on_server.close)
        server = stack.enter_context(ForkServer(folder))
        with databases.new(upgraded=False) as url:
            quiet = quiet_migration(server, url, subject)
        yield Bench(server, databases, quiet, subject)
