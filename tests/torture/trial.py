"""One migration under attack: restarted until it finishes, then judged against a quiet one."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text

from migrator.sandbox import FaultPlan, FaultRule, Portal, PortalServer
from migrator.staging.engine import parse_url
from tests.torture.canonical import Canonical, canonical
from tests.torture.comparison import GIVEN_UP, compare, writes_since
from tests.torture.fault_plans import LATE_SECONDS
from tests.torture.subjects import RUN, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.torture.fork_server import ForkServer, Run

#: How much faster than real time the program's clock goes.
SPEED = 50.0
#: What the program is told about how long a portal works on a request, in its own seconds. The
#: difference is what this machine may stand still without the portal seeming to break its word.
CUTOFF_SECONDS = (LATE_SECONDS + 0.3) * SPEED
#: After so many runs the portals are left in peace, so that every trial ends.
_PATIENCE = 25
#: Refused before the work began (the webhook expired), and stopped during it: once somebody has
#: acted, the same command goes on.
_STOPPED = (2, 3)
_KILLED = -9


@dataclass(slots=True)
class Verdict:
    """What became of a migration; `complaints` is empty where it kept every promise."""

    migrations: int = 1
    runs: int = 0
    kills: int = 0
    stops: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    losses: int = 0
    differences: int = 0
    #: items and links that lost their answers so often that they were given up; asked for again
    given_up: int = 0
    complaints: list[str] = field(default_factory=list)

    def add(self, other: Verdict) -> None:
        self.migrations += other.migrations
        self.runs += other.runs
        self.kills += other.kills
        self.stops += other.stops
        self.faults.update(other.faults)
        self.duplicates += other.duplicates
        self.losses += other.losses
        self.differences += other.differences
        self.given_up += other.given_up
        self.complaints += other.complaints


@dataclass(frozen=True, slots=True)
class Quiet:
    """The same migration without faults: what it made, and the points it went through."""

    made: Canonical
    points: tuple[str, ...]
    #: methods by which the target was written to, in order
    writes: tuple[str, ...]


@dataclass(slots=True)
class Trial:
    """Two fresh portals and an empty staging database."""

    server: ForkServer
    source: Portal
    target: Portal
    source_server: PortalServer
    target_server: PortalServer
    staging_url: str
    extra: dict[str, str]
    subject: Subject = RUN
    #: of the program, by module and name
    constants: Mapping[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.time)
    last: Run | None = None
    verdict: Verdict = field(default_factory=Verdict)

    def run(self, kill_at: int | None = None, *options: str) -> Run:
        """Run the command under attack once."""
        before = len(self.target.requests)
        self.last = self._run((*self.subject.arguments, *options), kill_at)
        self.verdict.runs += 1
        self.verdict.kills += self.last.code == _KILLED
        self.verdict.stops += self.last.code in _STOPPED
        if self.last.code == 2 and writes_since(self.target, before):
            self._complain(f"exit code 2, but it wrote: {self.last.err}")
        return self.last

    def prepare(self) -> None:
        """Run what goes before the command under attack."""
        for arguments in self.subject.before:
            run = self._run(arguments)
            if run.code != 0:
                raise RuntimeError(
                    f"before the attack {arguments} ended with {run.code}: {run.err}"
                )

    def _run(self, arguments: tuple[str, ...], kill_at: int | None = None) -> Run:
        return self.server.run(
            [*arguments, "--json"],
            self._environment(),
            kill_at=kill_at,
            target_port=int(self.target_server.origin.rsplit(":", 1)[1]),
            clock={"speed": SPEED, "epoch": self.began},
            constants=self.constants,
        )

    def run_to_the_end(self, kills: Iterable[int | None]) -> Run:
        """Start again after every kill and every stop; `kills` are the points of the first runs."""
        run = None
        for kill_at in kills:
            run = self.run(kill_at)
            if run.code not in (_KILLED, *_STOPPED):
                return run
        for attempt in range(2 * _PATIENCE):
            if attempt == _PATIENCE:
                self.leave_in_peace()
            run = self.run()
            if run.code not in _STOPPED:
                break
        assert run is not None
        return run

    def retry_what_was_given_up(self) -> None:
        """Where answers were lost too often an item or a link has failed: somebody has to ask."""
        count = sum(int(self.ask(sql)[0]["n"]) for sql in GIVEN_UP)
        if count:
            self.verdict.given_up += count
            self.leave_in_peace()
            self.run(None, *self.subject.retry)

    def leave_in_peace(self) -> None:
        """Count what has happened and let nothing happen any more."""
        for server in (self.source_server, self.target_server):
            self.verdict.faults.update(server.faults.by_kind())
            server.faults = FaultPlan()

    def judge(self, quiet: Quiet) -> Verdict:
        """Compare with the quiet migration; a further run must find nothing to write."""
        self.retry_what_was_given_up()
        self.leave_in_peace()
        # What a portal still works on is done by then.
        time.sleep(LATE_SECONDS)
        finished = self.last
        assert finished is not None
        if finished.code != 0:
            self._complain(f"ended with exit code {finished.code}: {finished.err[-2000:]}")
        self._compare(canonical(self.target), quiet.made)
        self._check_staging(len(quiet.made.items))
        self._check_a_further_run()
        self.verdict.differences += bool(self.verdict.complaints) and not (
            self.verdict.duplicates or self.verdict.losses or self.verdict.differences
        )
        return self.verdict

    def _compare(self, made: Canonical, expected: Canonical) -> None:
        found = compare(made, expected, came_late=bool(self.verdict.given_up))
        self.verdict.duplicates += len(found.doubled)
        self.verdict.losses += len(found.missing) + len(self.target.losses)
        self.verdict.differences += len(found.differing)
        for complaint in found.complaints:
            self._complain(complaint)
        for loss in self.target.losses:
            self._complain(f"swallowed by the portal: {loss.as_dict()}")

    def _check_staging(self, items: int) -> None:
        for what, (sql, expected) in self.subject.owes.items():
            found = self.ask(sql)[0]["n"]
            if found != (items if expected is None else expected):
                self._complain(f"{what}: {found}")
        self._check_what_verify_found()
        for pair in self.ask("SELECT target_entity_type_id AS etid, target_id FROM id_map"):
            if not self.target.exists(pair["etid"], pair["target_id"]):
                self._complain(f"the ID map names an item that is not there: {pair}")

    def _check_what_verify_found(self) -> None:
        for row in self.ask("SELECT source_id, field, expected, actual FROM difference"):
            self._complain(f"verify found: {row}")
        for row in self.ask("SELECT entity_type_id, source_id, error FROM failed_item"):
            self._complain(f"failed: {row}")

    def _check_a_further_run(self) -> None:
        before = len(self.target.requests)
        run = self.run()
        written = writes_since(self.target, before)
        if run.code != self.subject.code_again:
            self._complain(f"a further run ended with exit code {run.code}: {run.err[-2000:]}")
            self._check_what_verify_found()
        if written:
            self._complain(f"a further run wrote: {', '.join(written)}")

    def ask(self, sql: str) -> list[dict[str, Any]]:
        engine = create_engine(parse_url(self.staging_url))
        try:
            with engine.connect() as connection:
                return [dict(row._mapping) for row in connection.execute(text(sql))]
        finally:
            engine.dispose()

    def _complain(self, what: str) -> None:
        self.verdict.complaints.append(what)

    def _environment(self) -> dict[str, str]:
        return {
            "MIGRATOR_SOURCE__WEBHOOK_URL": self.source_server.webhook_url(),
            "MIGRATOR_TARGET__WEBHOOK_URL": self.target_server.webhook_url(),
            "MIGRATOR_SOURCE__REQUESTS_PER_SECOND": "0",
            "MIGRATOR_TARGET__REQUESTS_PER_SECOND": "0",
            "MIGRATOR_SOURCE__OPERATING_WINDOW_SECONDS": "4",
            "MIGRATOR_TARGET__OPERATING_WINDOW_SECONDS": "4",
            "MIGRATOR_TARGET__REQUEST_CUTOFF_SECONDS": str(CUTOFF_SECONDS),
            "MIGRATOR_STAGING_URL": self.staging_url,
            **self.extra,
        }


@contextmanager
def a_trial(
    server: ForkServer,
    staging_url: str,
    subject: Subject = RUN,
    *,
    source_rules: Sequence[FaultRule] = (),
    target_rules: Sequence[FaultRule] = (),
    **extra: str,
) -> Iterator[Trial]:
    """Open two fresh portals; nothing of an earlier trial is left but the kind of its seed."""
    seed = subject.source()
    source, target = Portal.from_seed(seed), Portal.from_seed(subject.target(seed))
    with PortalServer(source) as source_server, PortalServer(target) as target_server:
        trial = Trial(
            server, source, target, source_server, target_server, staging_url, extra, subject
        )
        trial.prepare()
        source_server.faults = FaultPlan(source_rules)
        target_server.faults = FaultPlan(target_rules)
        yield trial


def quiet_migration(server: ForkServer, staging_url: str, subject: Subject = RUN) -> Quiet:
    """The migration that all others are compared with."""
    with a_trial(server, staging_url, subject) as trial:
        before = len(trial.target.requests)
        run = trial.run()
        if run.code != 0:
            raise RuntimeError(f"without any fault it ended with {run.code}: {run.err}")
        writes = tuple(writes_since(trial.target, before))
        return Quiet(canonical(trial.target), run.points, writes)
