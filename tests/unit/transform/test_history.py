"""An item's history within the bounds the target accepts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.domain.findings import Effect, FindingKind
from migrator.domain.policy import OnLateItem
from migrator.domain.vocabulary import DEAL
from migrator.transform.history import (
    LateItem,
    drop_history,
    fit_history,
    fit_to_target,
    is_late,
)
from migrator.transform.transformed import TransformedItem

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    """Days before now are negative."""
    return NOW + timedelta(days=number)


def an_item(
    created: int | None, updated: int | None = None, moved: int | None = None
) -> TransformedItem:
    times = {"createdTime": created, "updatedTime": updated, "movedTime": moved}
    values = {name: None if n is None else day(n) for name, n in times.items()}
    return TransformedItem(entity_type_id=DEAL, source_id=1, values={"title": "x", **values})


def fit(
    item: TransformedItem, *, floor: int | None = None, on_late: OnLateItem = OnLateItem.CLAMP
) -> TransformedItem:
    fit_history(item, floor=None if floor is None else day(floor), now=NOW, on_late=on_late)
    return item


def times(item: TransformedItem) -> tuple[int | None, ...]:
    return tuple(
        (value - NOW).days if isinstance(value := item.values[name], datetime) else None
        for name in ("createdTime", "updatedTime", "movedTime")
    )


def test_a_history_within_bounds_is_left_alone() -> None:
    item = fit(an_item(-10, -5, -7), floor=-20)

    assert times(item) == (-10, -5, -7)
    assert item.findings == []


def test_an_item_as_old_as_the_newest_row_is_not_late() -> None:
    assert not is_late(an_item(-10), day(-10))
    assert is_late(an_item(-11), day(-10))


def test_in_an_empty_target_nothing_is_late() -> None:
    assert not is_late(an_item(-10_000), None)


def test_a_late_item_is_moved_to_the_oldest_permitted_time() -> None:
    item = fit(an_item(-10, -9, -9), floor=-5)

    assert times(item) == (-5, -5, -5)


def test_a_late_item_keeps_the_times_that_are_permitted() -> None:
    item = fit(an_item(-10, -2, -3), floor=-5)

    assert times(item) == (-5, -2, -3)


def test_every_time_that_is_moved_is_on_record_with_what_was_sent() -> None:
    item = fit(an_item(-10, -2, -9), floor=-5)

    assert [(f.kind, f.effect, f.field, f.value, f.sent) for f in item.findings] == [
        (
            FindingKind.LATE_ITEM,
            Effect.ADJUSTED,
            name,
            day(before).isoformat(),
            day(-5).isoformat(),
        )
        for name, before in (("createdTime", -10), ("movedTime", -9))
    ]


def test_a_late_item_may_lose_its_history_instead() -> None:
    item = fit(an_item(-10, -9, -9), floor=-5, on_late=OnLateItem.DROP)

    assert item.values == {"title": "x"}
    assert {(f.kind, f.effect, f.sent) for f in item.findings} == {
        (FindingKind.LATE_ITEM, Effect.LOST, None)
    }


def test_a_late_item_may_be_failed_instead() -> None:
    with pytest.raises(LateItem) as caught:
        fit(an_item(-10), floor=-5, on_late=OnLateItem.FAIL)

    assert caught.value.floor == day(-5)


@pytest.mark.parametrize("on_late", list(OnLateItem))
def test_no_policy_touches_an_item_that_is_in_time(on_late: OnLateItem) -> None:
    assert fit(an_item(-5, -5, -5), floor=-5, on_late=on_late).findings == []


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (an_item(-10, -12, -10), (-10, -10, -10)),
        (an_item(-10, -5, -12), (-10, -5, -10)),
        (an_item(-10, -5, -2), (-10, -5, -5)),
        (an_item(-10, 3, 3), (-10, 0, 0)),
        (an_item(2, 3, 3), (0, 0, 0)),
        (an_item(-10, None, None), (-10, -10, -10)),
    ],
)
def test_times_the_portal_would_refuse_are_moved_inside_on_record(
    item: TransformedItem, expected: tuple[int, ...]
) -> None:
    assert times(fit(item)) == expected
    assert {f.kind for f in item.findings} == {FindingKind.HISTORY_ADJUSTED}


def test_a_type_without_stages_gets_no_moved_time() -> None:
    item = an_item(-10, -5)
    del item.values["movedTime"]

    assert fit(item).values.keys() == {"title", "createdTime", "updatedTime"}


def test_a_target_whose_clock_is_ahead_sets_the_bound_itself() -> None:
    """Its newest row is from later than our now, so everything up to that is permitted."""
    item = fit(an_item(-10, -5, -7), floor=1)

    assert times(item) == (1, 1, 1)


def test_without_the_right_to_it_the_whole_history_is_dropped_with_its_authors() -> None:
    item = an_item(-10, -5, -7)
    item.values["createdBy"] = 7

    drop_history(item, FindingKind.HISTORY_LOST, "may not be set")

    assert item.values == {"title": "x"}
    assert [(f.field, f.value) for f in item.findings] == [
        ("createdBy", "7"),
        ("createdTime", day(-10).isoformat()),
        ("movedTime", day(-7).isoformat()),
        ("updatedTime", day(-5).isoformat()),
    ]


some_day = st.integers(-30, 30)


@given(some_day, st.none() | some_day, st.none() | some_day, st.none() | some_day)
def test_what_is_sent_is_always_what_the_portal_accepts(
    created: int, updated: int | None, moved: int | None, floor: int | None
) -> None:
    item = fit(an_item(created, updated, moved), floor=floor)

    new_created, new_updated, new_moved = times(item)
    assert new_created is not None
    assert new_updated is not None
    assert new_moved is not None
    now = max(0, floor if floor is not None else 0)
    assert (floor if floor is not None else -99) <= new_created <= new_moved <= new_updated <= now


@given(some_day, st.none() | some_day, st.none() | some_day, st.none() | some_day)
def test_fitting_twice_changes_nothing_more(
    created: int, updated: int | None, moved: int | None, floor: int | None
) -> None:
    item = fit(an_item(created, updated, moved), floor=floor)
    before, found = dict(item.values), len(item.findings)

    fit(item, floor=floor)

    assert (item.values, len(item.findings)) == (before, found)


OUR_USER = 5


def an_adopted_item(created: int, updated: int, moved: int) -> TransformedItem:
    item = an_item(created, updated, moved)
    item.values["createdBy"] = 7
    return item


def test_an_adopted_item_that_the_target_dates_later_came_late() -> None:
    item = an_adopted_item(-10, -5, -9)

    findings = fit_to_target(item, day(-8), 7, OUR_USER)

    assert times(item) == (-8, -5, -8)
    assert {(one.kind, one.field) for one in findings} == {
        (FindingKind.LATE_ITEM, "createdTime"),
        (FindingKind.LATE_ITEM, "movedTime"),
    }


@pytest.mark.parametrize(
    ("created", "author"),
    [(-11, 7), (-10, 7), (None, 7), (-11, OUR_USER), (-8, 8), (-8, None)],
)
def test_what_no_late_import_can_have_made_is_not_expected(
    created: int | None, author: int | None
) -> None:
    item = an_adopted_item(-10, -5, -9)

    time = None if created is None else day(created)
    assert fit_to_target(item, time, author, OUR_USER) == []
    assert times(item) == (-10, -5, -9)


def test_an_adopted_item_of_our_own_user_has_lost_its_history() -> None:
    item = an_adopted_item(-10, -5, -9)

    findings = fit_to_target(item, day(-1), OUR_USER, OUR_USER)

    assert item.values == {"title": "x"}
    assert {(one.kind, one.effect) for one in findings} == {(FindingKind.HISTORY_LOST, Effect.LOST)}
    assert len(findings) == 4
