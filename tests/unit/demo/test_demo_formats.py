from __future__ import annotations

import pytest

from migrator.demo.directories import employees
from migrator.demo.formats import day_before, moment, money, number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-03-01", "2017-03-01T00:00:00+03:00"),
        ("2005-08-01 00:00:00.000", "2005-08-01T00:00:00+03:00"),
        ("2009-05-16 16:33:33.107", "2009-05-16T16:33:33+03:00"),
    ],
)
def test_a_moment_is_to_the_second_in_the_portals_own_offset(text: str, expected: str) -> None:
    assert moment(text) == expected


def test_the_day_before_the_first_of_march_knows_leap_years() -> None:
    assert day_before("2016-03-01") == "2016-02-29"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("22.0087", "22.01|USD"), ("0.975", "0.98|USD"), ("550", "550.00|USD")],
)
def test_money_is_rounded_to_cents_half_a_cent_upwards(amount: str, expected: str) -> None:
    assert money(amount) == expected


@pytest.mark.parametrize(("amount", "expected"), [("1054", 1054), ("880.3484", 880.35)])
def test_a_whole_amount_is_an_integer(amount: str, expected: float) -> None:
    assert repr(number(amount)) == repr(expected)


@pytest.mark.parametrize(
    ("head_count", "band"),
    [
        (49, "EMPLOYEES_1"),
        (50, "EMPLOYEES_2"),
        (249, "EMPLOYEES_2"),
        (250, "EMPLOYEES_3"),
        (500, "EMPLOYEES_4"),
    ],
)
def test_a_band_of_employees_ends_below_the_next_one(head_count: int, band: str) -> None:
    assert employees(head_count) == band
