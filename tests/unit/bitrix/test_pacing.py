from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.bitrix.answers import CallTime
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.pacing import LeakyBucket, OperatingBudget
from tests.fakes.clock import FakeClock

PORTAL_NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)  # far from this machine's clock


def took(
    seconds: float, *, operating: float | None = None, reset_in: float | None = None
) -> CallTime:
    return CallTime(
        duration=seconds,
        operating=operating,
        operating_reset_at=PORTAL_NOW + timedelta(seconds=reset_in) if reset_in else None,
        finish=PORTAL_NOW,
    )


class PortalsBucket:
    """The server's own count, which a request must never find full."""

    def __init__(self, limits: PortalLimits, clock: FakeClock) -> None:
        self._limits, self._clock = limits, clock
        self._level, self._at = 0.0, 0.0

    def accepts(self) -> bool:
        now = self._clock.monotonic()
        leaked = (now - self._at) * self._limits.requests_per_second
        self._level = max(0.0, self._level - leaked) + 1
        self._at = now
        return self._level <= self._limits.burst


@given(
    rate=st.floats(0.5, 10),
    burst=st.integers(1, 300),
    pauses=st.lists(st.floats(0, 5), min_size=1, max_size=200),
)
def test_the_bucket_is_never_overdrawn(rate: float, burst: int, pauses: list[float]) -> None:
    limits = PortalLimits(requests_per_second=rate, burst=burst)
    clock = FakeClock()
    bucket, portal = LeakyBucket(limits, clock), PortalsBucket(limits, clock)

    for pause in pauses:
        clock.advance(pause)
        clock.advance(bucket.delay() + 1e-6)
        bucket.take()
        assert portal.accepts()


def test_a_burst_leaves_at_once_and_what_follows_keeps_the_rate() -> None:
    clock = FakeClock()
    bucket = LeakyBucket(PortalLimits(requests_per_second=2, burst=50), clock)
    waited = []

    for _ in range(60):
        waited.append(bucket.delay())
        clock.advance(waited[-1])
        bucket.take()

    assert waited[:40] == [0.0] * 40
    assert waited[-5:] == pytest.approx([0.5] * 5)


def test_pacing_can_be_switched_off() -> None:
    bucket = LeakyBucket(PortalLimits(requests_per_second=0), FakeClock())

    for _ in range(1_000):
        bucket.take()

    assert bucket.delay() == 0


def test_a_bucket_the_portal_calls_full_is_taken_for_full() -> None:
    bucket = LeakyBucket(PortalLimits(requests_per_second=2, burst=50), FakeClock())

    bucket.overflowed()

    assert bucket.delay() >= 0.5


def test_a_bucket_an_earlier_process_left_full_is_not_overdrawn() -> None:
    clock = FakeClock()
    bucket = LeakyBucket(PortalLimits(requests_per_second=2, burst=50), clock)

    bucket.remember([0.0] * 40 + [10.0] * 30)

    # 30 requests ten seconds ago have leaked down to 10, and 40 came on top: 50 of 50.
    assert bucket.delay() > 0
    clock.advance(25)
    assert bucket.delay() == 0


def test_requests_of_long_ago_have_leaked() -> None:
    bucket = LeakyBucket(PortalLimits(requests_per_second=2, burst=50), FakeClock())

    bucket.remember([3600.0] * 500)

    assert bucket.delay() == 0


def a_budget(clock: FakeClock, limit: float = 480) -> OperatingBudget:
    return OperatingBudget(PortalLimits(operating_limit_seconds=limit), clock)


def test_a_method_waits_for_its_reset_before_its_budget_is_gone() -> None:
    clock = FakeClock()
    budget = a_budget(clock)

    budget.executed("crm.item.batchImport", took(10, operating=470, reset_in=120), None)

    # The reset is told in whole seconds, cut off.
    assert budget.delay("crm.item.batchImport") == pytest.approx(121)


def test_one_method_waiting_does_not_hold_up_another() -> None:
    budget = a_budget(FakeClock())

    budget.executed("crm.item.batchImport", took(10, operating=470, reset_in=120), None)

    assert budget.delay("crm.item.list") == 0


def test_several_calls_at_once_must_fit_into_what_is_left() -> None:
    budget = a_budget(FakeClock())

    budget.executed("crm.item.list", took(2, operating=380, reset_in=60), None)

    assert budget.delay("crm.item.list") == 0
    assert budget.delay("crm.item.list", calls=50) > 0


def test_a_call_may_cross_the_line_but_not_find_it_crossed() -> None:
    budget = a_budget(FakeClock())

    budget.executed("crm.item.batchImport", took(40, operating=450, reset_in=300), None)

    # 40 seconds more lead to 490 of 480, which completes; the next call would be refused.
    assert budget.delay("crm.item.batchImport") < 300
    budget.executed("crm.item.batchImport", took(40, operating=490, reset_in=300), None)
    assert budget.delay("crm.item.batchImport") == pytest.approx(301)


def test_small_calls_may_come_closer_to_the_line_than_large_ones() -> None:
    small, large = a_budget(FakeClock()), a_budget(FakeClock())

    small.executed("crm.item.update", took(2, operating=460, reset_in=300), None)
    large.executed("crm.item.batchImport", took(20, operating=460, reset_in=300), None)

    assert small.delay("crm.item.update") < 1
    assert large.delay("crm.item.batchImport") > 100


def test_what_an_earlier_process_has_used_is_counted_until_it_is_given_back() -> None:
    clock = FakeClock()
    budget = a_budget(clock)
    for seconds_ago in range(700, 0, -20):
        budget.remember("crm.item.batchImport", 20.0, float(seconds_ago))

    # Thirty requests are younger than the window, 600 seconds of work.
    assert budget.delay("CRM.ITEM.BATCHIMPORT") > 0
    clock.advance(600)
    assert budget.delay("crm.item.batchImport") == 0


def test_work_is_told_back_as_what_will_be_given_back_and_when() -> None:
    clock = FakeClock()
    budget = a_budget(clock)
    budget.executed("crm.item.list", CallTime(duration=30), None)
    clock.advance(100)
    budget.executed("crm.item.list", CallTime(duration=20), None)

    assert budget.used() == {"crm.item.list": ((500.0, 30.0), (600.0, 20.0))}


def test_a_method_eases_before_it_has_to_stop() -> None:
    clock = FakeClock()
    budget = a_budget(clock)

    budget.executed("crm.item.batchImport", took(20, operating=440, reset_in=300), None)

    assert budget.delay("crm.item.batchImport") == pytest.approx(20 * (600 / 480 - 1))


def test_steady_work_never_crosses_the_line_and_uses_most_of_the_budget() -> None:
    clock = FakeClock()
    budget = a_budget(clock)
    used: list[tuple[float, float]] = []

    for _ in range(200):
        clock.advance(budget.delay("crm.item.batchImport"))
        assert sum(seconds for at, seconds in used if at > clock.monotonic() - 600) < 480
        clock.advance(20)
        budget.executed("crm.item.batchImport", CallTime(), 20)
        used.append((clock.monotonic(), 20))

    assert sum(seconds for _, seconds in used) / clock.monotonic() > 0.7 * 480 / 600


def test_our_own_measure_counts_where_the_portal_reports_nothing() -> None:
    budget = a_budget(FakeClock(), limit=10)

    cost = budget.executed("crm.item.list", CallTime(), 9.9)

    assert cost == 9.9
    assert budget.delay("crm.item.list") == pytest.approx(600)


def test_executions_up_to_a_tenth_of_a_second_are_not_counted() -> None:
    budget = a_budget(FakeClock())

    assert budget.executed("crm.item.list", took(0.1), None) == 0
    assert budget.executed("crm.item.list", took(0.11), None) == 0.11


def test_the_portals_own_figure_wins_over_ours() -> None:
    budget = a_budget(FakeClock())
    for _ in range(50):
        budget.executed("crm.item.list", CallTime(), 9.5)

    budget.executed("crm.item.list", took(9.5, operating=0), None)

    assert budget.delay("crm.item.list") == 0


def test_what_others_add_to_the_portals_figure_is_not_taken_for_the_cost_of_a_call() -> None:
    budget = a_budget(FakeClock())
    budget.executed("crm.item.list", took(1, operating=100, reset_in=300), None)

    assert budget.executed("crm.item.list", took(5, operating=180, reset_in=300), None) == 5


def test_what_is_given_back_meanwhile_does_not_make_a_call_look_cheap() -> None:
    clock = FakeClock()
    budget = a_budget(clock)
    budget.executed("crm.item.list", took(30, operating=30, reset_in=300), None)
    clock.advance(200)
    budget.executed("crm.item.list", took(10, operating=40, reset_in=100), None)
    clock.advance(150)  # the thirty seconds are given back

    assert budget.executed("crm.item.list", took(12, operating=22, reset_in=400), None) == 12


def test_the_growth_of_the_portals_figure_is_what_a_call_cost() -> None:
    budget = a_budget(FakeClock())
    budget.executed("crm.item.list", took(1, operating=100, reset_in=300), None)

    assert budget.executed("crm.item.list", took(5, operating=103, reset_in=300), None) == 3


def test_a_refusal_waits_for_the_reset_told_by_the_last_good_answer() -> None:
    clock = FakeClock()
    budget = a_budget(clock)
    budget.executed("crm.item.list", took(1, operating=100, reset_in=300), None)
    clock.advance(100)

    budget.refused("crm.item.list")

    assert budget.delay("crm.item.list") == pytest.approx(201)


def test_a_refusal_without_a_known_reset_waits_one_basket() -> None:
    clock = FakeClock()
    budget = a_budget(clock)
    budget.executed("crm.item.list", took(1, operating=100, reset_in=300), None)
    clock.advance(400)

    budget.refused("crm.item.list")

    assert budget.delay("crm.item.list") == 60


def test_a_portal_without_a_limit_is_never_waited_for() -> None:
    budget = a_budget(FakeClock(), limit=0)

    budget.executed("crm.item.list", took(100, operating=10_000, reset_in=100), None)

    assert budget.delay("crm.item.list") == 0
