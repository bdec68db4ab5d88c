"""The benchmark itself: what it compares with, and that it still runs."""

from __future__ import annotations

import pytest

from tests.benchmarks import beside_fast_bitrix24, limits, under_limits
from tests.benchmarks.under_limits import least_time
from tests.docs.pages import ROOT


@pytest.mark.parametrize(
    ("working", "seconds"),
    [(0.0, 0.0), (100.0, 100.0), (480.0, 480.0), (481.0, 601.0), (960.0, 1080.0), (1000.0, 1240.0)],
)
def test_the_least_time_is_480_seconds_of_work_in_each_window(
    working: float, seconds: float
) -> None:
    assert least_time(1, working) == seconds


def test_the_least_time_of_many_quick_requests_is_what_the_bucket_lets_through() -> None:
    assert least_time(250, 1.0) == 100


def test_both_stages_are_measured_under_limits_without_a_refusal() -> None:
    measured = under_limits.measure(to_export=300, to_import=30)

    assert [(one.stage, one.refused) for one in measured] == [("export", 0), ("import", 0)]
    assert all(one.ratio > 1 for one in measured)


def test_both_clients_bring_everything_and_their_requests_are_counted() -> None:
    ours, theirs = beside_fast_bitrix24.measure(120, read_seconds=0.0)

    assert (ours.items, theirs.items) == (120, 120)
    assert (ours.refused, theirs.refused) == (0, 0)
    assert theirs.requests == theirs.listing == 2
    assert ours.requests > ours.listing > 0


def test_the_page_shows_the_tables_that_the_command_prints() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")

    for printed in (limits.under_limits_table, limits.unlimited_table, limits.beside_table):
        assert printed([]) in page
