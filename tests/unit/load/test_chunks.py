"""How many items go into one request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.load.chunks import ChunkSize


def test_the_first_request_is_small_because_nothing_is_known_yet() -> None:
    size = ChunkSize(None)

    assert size.now == 5
    assert size.seconds_per_item is None


def test_a_portal_known_to_be_slow_starts_smaller_still() -> None:
    assert ChunkSize(10.0).now == 2


def test_a_portal_known_to_be_quick_starts_small_all_the_same() -> None:
    assert ChunkSize(0.01).now == 5


def test_a_quick_request_is_followed_by_one_as_large_as_the_portal_takes() -> None:
    size = ChunkSize(None)

    size.measured(5, 0.5)

    assert size.now == 20


def test_a_slow_request_shows_at_once() -> None:
    size = ChunkSize(0.1)

    size.measured(5, 50.0)

    assert size.seconds_per_item == 10.0
    assert size.now == 2


def test_a_quick_request_after_slow_ones_counts_by_half() -> None:
    size = ChunkSize(10.0)

    size.measured(2, 0.0)

    assert size.seconds_per_item == 5.0
    assert size.now == 4


def test_a_lost_answer_halves_the_next_request_down_to_one_item() -> None:
    size = ChunkSize(None)

    sizes = []
    for _ in range(4):
        size.lost()
        sizes.append(size.now)

    assert sizes == [2, 1, 1, 1]


requests = st.lists(
    st.none() | st.tuples(st.integers(1, 20), st.floats(0.0, 300.0)), min_size=1, max_size=30
)


@given(requests)
def test_whatever_happens_a_request_holds_between_one_and_twenty_items(
    history: list[tuple[int, float] | None],
) -> None:
    size = ChunkSize(None)

    for request in history:
        if request is None:
            size.lost()
        else:
            size.measured(*request)

        assert 1 <= size.now <= 20


@pytest.mark.parametrize("seconds_per_item", [0.5, 1.0, 2.0, 7.0, 19.0])
def test_a_steady_portal_gets_requests_of_at_most_twenty_seconds(seconds_per_item: float) -> None:
    size = ChunkSize(None)

    for _ in range(10):
        size.measured(size.now, size.now * seconds_per_item)

    assert size.now * seconds_per_item <= 20
