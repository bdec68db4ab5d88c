"""What became of a request whose answer was lost: nothing is sent twice on suspicion."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from migrator.correlation import CorrelationField
from migrator.domain.findings import FindingKind
from migrator.domain.records import (
    BatchItem,
    BatchOutcome,
    ItemOutcome,
    Migration,
    MigrationId,
)
from migrator.domain.vocabulary import DEAL, SourceId, TargetId
from migrator.load.settlement import Settlement
from migrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from migrator.staging import Staging
    from tests.fakes.clock import FakeClock

SENT = datetime(2026, 1, 1, tzinfo=UTC)


class Target(CorrelationField):
    """Holds items by what they carry; each appears at a moment of its own."""

    def __init__(self, clock: FakeClock) -> None:
        self._moving_clock = clock
        self._items: list[tuple[str, int, float]] = []
        self.looks: list[list[str]] = []
        #: A slow portal looks at its data long before its answer arrives.
        self.seconds_to_answer = 0.0

    def holds(self, correlation: str, target_id: int, after_seconds: float = 0.0) -> None:
        self._items.append((correlation, target_id, after_seconds))

    def find(self, values: Iterable[str]) -> dict[str, list[int]]:
        wanted = list(values)
        self.looks.append(wanted)
        seen_at = self._moving_clock.now()
        self._moving_clock.advance(self.seconds_to_answer)
        found: dict[str, list[int]] = {}
        for correlation, target_id, after_seconds in self._items:
            appeared = SENT + timedelta(seconds=after_seconds) <= seen_at
            if correlation in wanted and appeared:
                found.setdefault(correlation, []).append(target_id)
        return found


@dataclass
class Waits:
    told: list[float] = field(default_factory=list)

    def begin(self, what: str, total: int | None) -> None: ...

    def advance(self, count: int) -> None: ...

    def end(self) -> None: ...

    def waiting(self, why: str, seconds: float) -> None:
        self.told.append(seconds)

    def left(self, stage: str, seconds: float) -> None: ...


@pytest.fixture
def target(clock: FakeClock) -> Target:
    return Target(clock)


@pytest.fixture
def workspace(
    clock: FakeClock, open_staging: Callable[[str], Staging], tmp_path: Path
) -> Workspace:
    """Its database is opened and never asked."""
    migration = Migration(
        migration_id=MigrationId(1),
        name="default",
        source_portal="old",
        target_portal="new",
        source_origin="https://old",
        target_origin="https://new",
        created_at=SENT,
    )
    staging = open_staging(f"sqlite:///{tmp_path / 'untouched.db'}")
    return Workspace(staging=staging, migration=migration, clock=clock, progress=Waits())


@pytest.fixture
def settlement(workspace: Workspace, target: Target) -> Settlement:
    return Settlement(workspace, DEAL, target, cutoff_seconds=60.0)


def items(*ids: int) -> list[BatchItem]:
    return [BatchItem(source_id=SourceId(n), correlation=f"old/D_{n}") for n in ids]


def summary(outcomes: list[ItemOutcome]) -> list[tuple[int, BatchOutcome, int | None]]:
    return [(one.source_id, one.outcome, one.target_id) for one in outcomes]


def test_items_that_are_all_there_are_adopted_without_waiting(
    settlement: Settlement, target: Target, clock: FakeClock
) -> None:
    target.holds("old/D_1", 101)
    target.holds("old/D_2", 102)

    outcomes, findings = settlement.outcomes(items(1, 2), SENT)

    assert summary(outcomes) == [
        (1, BatchOutcome.ADOPTED, 101),
        (2, BatchOutcome.ADOPTED, 102),
    ]
    assert (findings, clock.sleeps) == ([], [])


def test_an_item_counts_as_absent_only_when_the_portal_has_certainly_stopped(
    settlement: Settlement, clock: FakeClock
) -> None:
    outcomes, _ = settlement.outcomes(items(1), SENT)

    assert summary(outcomes) == [(1, BatchOutcome.ABSENT, None)]
    assert clock.now() >= SENT + timedelta(seconds=60)


def test_an_item_the_portal_creates_in_its_last_second_is_adopted(
    settlement: Settlement, target: Target
) -> None:
    target.holds("old/D_1", 101)
    target.holds("old/D_2", 102, after_seconds=59.9)

    outcomes, _ = settlement.outcomes(items(1, 2, 3), SENT)

    assert summary(outcomes) == [
        (1, BatchOutcome.ADOPTED, 101),
        (2, BatchOutcome.ADOPTED, 102),
        (3, BatchOutcome.ABSENT, None),
    ]


def test_an_answer_that_took_long_does_not_call_an_item_absent_that_came_meanwhile(
    settlement: Settlement, target: Target
) -> None:
    target.seconds_to_answer = 50.0
    target.holds("old/D_1", 101, after_seconds=59.0)

    outcomes, _ = settlement.outcomes(items(1), SENT)

    assert summary(outcomes) == [(1, BatchOutcome.ADOPTED, 101)]


def test_waiting_ends_as_soon_as_everything_is_there(
    settlement: Settlement, target: Target, clock: FakeClock
) -> None:
    target.holds("old/D_1", 101, after_seconds=11)

    settlement.outcomes(items(1), SENT)

    assert clock.now() - SENT < timedelta(seconds=20)


def test_the_operator_is_told_how_long_it_may_take(
    settlement: Settlement, workspace: Workspace
) -> None:
    settlement.outcomes(items(1), SENT)

    assert isinstance(workspace.progress, Waits)
    assert workspace.progress.told[0] == pytest.approx(62)
    assert workspace.progress.told == sorted(workspace.progress.told, reverse=True)


def test_a_request_sent_long_ago_is_settled_with_one_look(
    settlement: Settlement, target: Target, clock: FakeClock
) -> None:
    clock.advance(3600)

    settlement.outcomes(items(1), SENT)

    assert (len(target.looks), clock.sleeps) == (1, [])


def test_a_portal_that_cuts_nothing_off_is_not_waited_for(
    workspace: Workspace, target: Target, clock: FakeClock
) -> None:
    settlement = Settlement(workspace, DEAL, target, cutoff_seconds=0.0)

    outcomes, _ = settlement.outcomes(items(1), SENT)

    assert outcomes[0].outcome is BatchOutcome.ABSENT
    assert clock.sleeps == []


def test_an_item_that_is_there_twice_is_mapped_once_and_reported(
    settlement: Settlement, target: Target
) -> None:
    target.holds("old/D_1", 205)
    target.holds("old/D_1", 101)

    outcomes, findings = settlement.outcomes(items(1), SENT)

    assert summary(outcomes) == [(1, BatchOutcome.ADOPTED, 101)]
    (finding,) = findings
    assert finding.kind is FindingKind.DUPLICATE_IN_TARGET
    assert (finding.source_id, finding.value) == (1, "101, 205")


def failed(source_id: int) -> ItemOutcome:
    return ItemOutcome(
        source_id=SourceId(source_id),
        outcome=BatchOutcome.FAILED,
        error="CRM_ERROR",
        error_description="after saving",
    )


def created(source_id: int, target_id: int) -> ItemOutcome:
    return ItemOutcome(
        source_id=SourceId(source_id),
        outcome=BatchOutcome.CREATED,
        target_id=TargetId(target_id),
    )


def test_an_item_reported_as_failed_that_exists_is_adopted_with_its_error_kept(
    settlement: Settlement, target: Target
) -> None:
    target.holds("old/D_1", 101)

    (checked,) = settlement.check_failures(items(1), [failed(1)])

    assert (checked.outcome, checked.target_id) == (BatchOutcome.ADOPTED, 101)
    assert (checked.error, checked.error_description) == ("CRM_ERROR", "after saving")


def test_an_item_reported_as_failed_that_does_not_exist_has_failed(
    settlement: Settlement,
) -> None:
    assert settlement.check_failures(items(1), [failed(1)]) == [failed(1)]


def test_only_failures_are_looked_up(settlement: Settlement, target: Target) -> None:
    outcomes = [created(1, 101), failed(2)]

    assert settlement.check_failures(items(1, 2), outcomes) == outcomes
    assert target.looks == [["old/D_2"]]


def test_a_request_without_failures_costs_no_look(settlement: Settlement, target: Target) -> None:
    assert settlement.check_failures(items(1), [created(1, 101)]) == [created(1, 101)]
    assert target.looks == []
