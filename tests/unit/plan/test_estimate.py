"""How many requests, and how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.domain.allowance import Allowance
from migrator.plan.plan import (
    ASSUMED_SECONDS_PER_ITEM,
    IMPORT_METHOD,
    LARGEST_CHUNK,
    REQUEST_SECONDS,
    REQUESTS_TO_PREPARE,
    Estimate,
    ImportCost,
    chunk_size,
    estimate,
)


def an_estimate(
    *to_import: int,
    updates: int = 0,
    seconds_per_item: float | None = 1.0,
    seconds_per_request: float | None = None,
    **allowance: Any,
) -> Estimate:
    """On a portal without limits unless the test says so."""
    cost = ImportCost(seconds_per_item=seconds_per_item, seconds_per_request=seconds_per_request)
    return estimate(to_import, updates, cost, Allowance(**allowance))


#: 480 seconds in 600, never eased.
BUDGET: dict[str, Any] = {"budget_seconds": 480.0, "eased_from_seconds": 480.0}


@pytest.mark.parametrize(
    ("seconds_per_item", "items"), [(0.0, 20), (0.5, 20), (1.0, 20), (2.0, 10), (7.0, 2), (90.0, 1)]
)
def test_a_request_holds_what_it_can_be_expected_to_finish(
    seconds_per_item: float, items: int
) -> None:
    assert chunk_size(seconds_per_item) == items


@given(st.floats(min_value=0.0, max_value=1e6))
def test_a_request_holds_one_item_at_least_and_never_more_than_the_portal_takes(
    cost: float,
) -> None:
    size = chunk_size(cost)

    assert 1 <= size <= LARGEST_CHUNK
    assert size == 1 or size * cost <= REQUEST_SECONDS


def test_nothing_to_do_costs_nothing() -> None:
    nothing = an_estimate(0, 0)

    assert (nothing.requests, nothing.duration) == (0, timedelta(0))


def test_the_first_request_of_each_type_is_small() -> None:
    assert an_estimate(5).requests == 1
    assert an_estimate(6).requests == 2
    assert an_estimate(25).requests == 2
    assert an_estimate(26).requests == 3
    assert an_estimate(5, 5, 0).requests == 2


def test_every_item_with_deferred_links_is_a_request_of_its_own() -> None:
    assert an_estimate(5, updates=30).requests == 31


def test_without_limits_it_takes_as_long_as_the_portal_works() -> None:
    assert an_estimate(100, seconds_per_item=0.5).duration == timedelta(seconds=50)


def test_beyond_the_execution_budget_the_rest_waits_for_the_next_window() -> None:
    figures = an_estimate(960, **BUDGET)

    assert figures.operating_seconds == 960
    # Half of a request of twenty items, on average, goes beyond the line.
    assert figures.duration.total_seconds() == pytest.approx(600 + 960 - 490, abs=5)


def test_all_types_share_one_execution_budget() -> None:
    together, apart = (an_estimate(*counts, **BUDGET) for counts in ([480, 480], [960]))

    assert together.duration.total_seconds() == pytest.approx(
        apart.duration.total_seconds(), abs=10
    )


def test_updates_have_a_budget_of_their_own() -> None:
    figures = an_estimate(470, updates=470, **BUDGET)

    assert figures.duration.total_seconds() == pytest.approx(940, abs=5)


def test_many_quick_requests_are_held_up_by_the_request_rate() -> None:
    figures = an_estimate(
        5,
        seconds_per_item=0.001,
        updates=149,
        requests_per_second=2.0,
        free_requests=50.0,
        burst=50.0,
    )

    everything = REQUESTS_TO_PREPARE + 150
    assert figures.duration.total_seconds() == pytest.approx((everything - 50) / 2, abs=1)


def test_the_way_to_the_portal_counts_for_every_request_once_it_is_measured() -> None:
    near = an_estimate(105, seconds_per_item=0.5)
    far = an_estimate(105, seconds_per_item=0.5, seconds_per_request=2.0)

    assert far.requests == near.requests == 6
    beside = REQUESTS_TO_PREPARE + 6
    assert (far.duration - near.duration).total_seconds() == pytest.approx(2.0 * beside, abs=1)


def test_what_the_limits_hold_in_store_at_this_moment_counts() -> None:
    used_up = {IMPORT_METHOD.lower(): ((300.0, 480.0),)}

    assert an_estimate(100, **BUDGET, used=used_up).duration > timedelta(seconds=390)


def test_without_a_measurement_the_documented_cost_is_assumed() -> None:
    assumed, measured = an_estimate(10, seconds_per_item=None), an_estimate(10)

    assert (assumed.seconds_per_item, assumed.is_measured) == (ASSUMED_SECONDS_PER_ITEM, False)
    assert measured.is_measured
