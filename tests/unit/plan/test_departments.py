"""Which department's answer is nearest to somebody."""

from __future__ import annotations

from migrator.plan.departments import nearest

ABOVE = {1: None, 10: 1, 11: 10, 12: 10, 20: 1}


def test_the_own_department_comes_before_those_above_it() -> None:
    assert nearest([11], ABOVE, {11: "own", 10: "above", 1: "top"}) == "own"
    assert nearest([12], ABOVE, {11: "own", 10: "above", 1: "top"}) == "above"


def test_of_several_departments_the_fewest_steps_count_then_their_order() -> None:
    assert nearest([11, 20], ABOVE, {1: "top", 10: "ten"}) == "ten"
    assert nearest([11, 20], ABOVE, {1: "top", 20: "twenty"}) == "twenty"
    assert nearest([11, 20], ABOVE, {11: "first", 20: "second"}) == "first"


def test_nobody_is_found_where_no_department_is_answered() -> None:
    assert nearest([], ABOVE, {1: "top"}) is None
    assert nearest([11], ABOVE, {20: "other"}) is None


def test_departments_that_go_round_in_a_circle_come_to_an_end() -> None:
    assert nearest([1], {1: 2, 2: 1}, {3: "never"}) is None


def test_without_knowing_what_is_above_the_own_department_is_found_all_the_same() -> None:
    assert nearest([11], {}, {11: "own"}) == "own"
