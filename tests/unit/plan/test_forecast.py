"""How long paced work takes: the tightest of request rate, execution budget and its own time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.bitrix.answers import CallTime
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.pacing import LeakyBucket, OperatingBudget
from migrator.domain.allowance import Allowance
from migrator.plan.forecast import Pace, Work, time_needed
from tests.fakes.clock import FakeClock

METHOD = "crm.item.batchImport"


def some_work(requests: float, seconds: float = 1.0, operating: float = 0.0, **more: Any) -> Work:
    return Work(method=METHOD, requests=requests, seconds=seconds, operating=operating, **more)


def an_allowance(**given_figures: Any) -> Allowance:
    """Of a portal whose budget is 480 seconds in 600, never eased, unless the test says so."""
    figures = {"budget_seconds": 480.0, "eased_from_seconds": 480.0, "eased_speed": 0.8}
    return Allowance(**{**figures, **given_figures})


def test_without_limits_work_takes_as_long_as_it_takes() -> None:
    assert time_needed([some_work(100, seconds=2.5)], Allowance()) == 250


def test_no_work_takes_no_time() -> None:
    assert time_needed([], an_allowance()) == 0
    assert time_needed([some_work(0)], an_allowance()) == 0


def test_quick_requests_are_held_up_by_the_rate_once_the_burst_is_gone() -> None:
    allowance = Allowance(requests_per_second=2.0, free_requests=47, burst=47)

    assert time_needed([some_work(247, seconds=0.1)], allowance) == 100.1


def test_a_bucket_that_is_full_already_holds_up_from_the_start() -> None:
    allowance = Allowance(requests_per_second=2.0, free_requests=0, burst=47)

    assert time_needed([some_work(200, seconds=0.1)], allowance) == 100.1


def test_slow_work_empties_the_bucket_for_the_quick_work_after_it() -> None:
    allowance = Allowance(requests_per_second=2.0, free_requests=0, burst=47)
    works = [some_work(10, seconds=10.0), some_work(47, seconds=0.01)]

    assert time_needed(works, allowance) == pytest.approx(100.47)


def test_beyond_the_budget_work_waits_until_its_first_seconds_are_given_back() -> None:
    # 485 s may be used when a call begins before the line; the rest waits until 600 s.
    needed = time_needed([some_work(60, seconds=10.0, operating=10.0)], an_allowance())

    assert needed == pytest.approx(600 + 600 - 485, abs=2)


def test_what_has_been_used_before_is_in_the_way_until_it_is_given_back() -> None:
    allowance = an_allowance(used={METHOD.lower(): ((200.0, 480.0),)})

    assert time_needed([some_work(10, 10.0, 10.0)], allowance) == pytest.approx(300, abs=7)


def test_another_methods_budget_is_not_in_the_way() -> None:
    allowance = an_allowance(used={"crm.item.update": ((200.0, 480.0),)})

    assert time_needed([some_work(10, 10.0, 10.0)], allowance) == pytest.approx(100)


def test_a_second_kind_of_work_finds_what_was_used_before_given_back() -> None:
    allowance = an_allowance(used={METHOD.lower(): ((200.0, 480.0),)})
    first = Work(method="crm.item.list", requests=10, seconds=30.0, operating=0.0)

    assert time_needed([first, some_work(10, 10.0, 10.0)], allowance) == pytest.approx(400)


def test_the_way_to_the_portal_stretches_work_so_that_the_budget_lasts() -> None:
    # 10 s of work in every 20 s: 300 s in each window.
    assert time_needed([some_work(200, 20.0, 10.0)], an_allowance()) == pytest.approx(4000)


works = st.builds(
    some_work,
    requests=st.integers(1, 2_000),
    seconds=st.floats(0.2, 30),
    operating=st.floats(0, 0.2) | st.floats(0, 20),
)


@given(works, st.integers(1, 500))
def test_more_work_never_takes_less_time(work: Work, more: int) -> None:
    allowance = an_allowance(requests_per_second=2.0, free_requests=20, burst=47)
    longer = Work(
        method=METHOD,
        requests=work.requests + more,
        seconds=work.seconds,
        operating=work.operating,
    )

    assert time_needed([longer], allowance) >= time_needed([work], allowance) - 1e-6


@pytest.mark.parametrize(
    ("requests", "seconds", "operating"),
    [
        pytest.param(600, 0.1, 0.0, id="bound by the request rate"),
        pytest.param(300, 20.3, 20.0, id="bound by the execution budget"),
        pytest.param(45, 12.0, 11.0, id="bound by the budget at its end only"),
        pytest.param(700, 2.0, 0.5, id="bound by the portal's own speed"),
        pytest.param(900, 0.5, 0.45, id="many small requests against the budget"),
        pytest.param(30, 15.0, 14.0, id="done before any limit"),
    ],
)
@pytest.mark.parametrize("part", [0.0, 0.05, 0.5, 0.8])
def test_the_forecast_is_what_the_pacing_then_does(
    requests: int, seconds: float, operating: float, part: float
) -> None:
    """The real bucket and budget, on a clock of their own, from any moment on."""
    clock = FakeClock()
    limits = PortalLimits()
    bucket, budget = LeakyBucket(limits, clock), OperatingBudget(limits, clock)

    def send() -> None:
        clock.advance(max(budget.delay(METHOD), bucket.delay()))
        bucket.take()
        clock.advance(seconds)
        budget.executed(METHOD, CallTime(duration=operating), None)

    begun = round(requests * part)
    for _ in range(begun):
        send()
    expected = time_needed(
        [some_work(requests - begun, seconds, operating)],
        Allowance(
            requests_per_second=limits.requests_per_second,
            free_requests=bucket.free(),
            burst=bucket.capacity,
            budget_seconds=budget.ceiling,
            full_seconds=budget.full,
            eased_from_seconds=budget.eased_from,
            eased_speed=0.8,
            used=budget.used(),
        ),
    )
    since = clock.monotonic()
    for _ in range(requests - begun):
        send()

    assert expected == pytest.approx(clock.monotonic() - since, rel=0.08, abs=20)


def test_items_still_to_come_are_taken_to_cost_what_the_last_ones_did() -> None:
    pace = Pace("crm.item.list")
    pace.add(500, requests=1, calls=10, seconds=12.0, working=11.0, operating=10.0)

    work = pace.work([5_000])

    assert work == Work(method="crm.item.list", requests=10, seconds=12.0, operating=10.0, calls=10)


def test_requests_that_will_hold_less_are_more_and_shorter() -> None:
    pace = Pace("crm.item.list")
    pace.add(2_500, requests=1, calls=50, seconds=52.0, working=50.0, operating=50.0)

    work = pace.work([2_000], calls=20)

    assert work == Work(method="crm.item.list", requests=2, seconds=22.0, operating=20.0, calls=20)


def test_every_type_is_a_request_of_its_own_however_small() -> None:
    pace = Pace("crm.item.list", page=50)
    pace.add(500, requests=1, calls=10, seconds=12.0, working=10.0, operating=10.0)

    work = pace.work([50, 0, 7, 50])

    assert work is not None
    assert (work.requests, work.calls) == (3, 1)
    assert work.requests * work.seconds == pytest.approx(107 / 500 * 10.0 + 3 * 2.0)


def test_nothing_is_forecast_before_anything_is_measured() -> None:
    assert Pace("crm.item.list").work([5_000]) is None


def test_when_a_portal_gets_slower_the_forecast_follows() -> None:
    pace = Pace("crm.item.list")
    for seconds in [1.0] * 20 + [3.0] * 60:
        pace.add(50, requests=1, calls=1, seconds=seconds, working=0.5, operating=0.0)

    work = pace.work([50])

    assert work is not None
    assert work.seconds == pytest.approx(3.0, rel=0.05)
