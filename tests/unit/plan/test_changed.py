"""Whether people have changed an item since it was imported, from plain facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from migrator.plan.changed import CLOCKS_DIFFER, Facts, sign_of_change

WRITTEN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
US, ANNA = 1, 17

AS_IMPORTED = Facts(
    has_its_stamps=True,
    may_be_stamped_by_us=False,
    changed_at=datetime(2020, 1, 1, tzinfo=UTC),
    changed_by=ANNA,
    our_user=US,
    last_written=WRITTEN,
    differing=(),
)
LINKED_BY_US = replace(
    AS_IMPORTED,
    has_its_stamps=False,
    may_be_stamped_by_us=True,
    changed_at=WRITTEN,
    changed_by=US,
)


def test_an_item_with_the_imported_times_is_as_it_was_imported() -> None:
    assert sign_of_change(AS_IMPORTED) is None


def test_another_value_is_no_change_while_the_times_are_the_imported_ones() -> None:
    assert sign_of_change(replace(AS_IMPORTED, differing=("title",))) is None


def test_another_time_is_a_change_where_we_have_not_updated_the_item() -> None:
    changed = replace(AS_IMPORTED, has_its_stamps=False, changed_at=WRITTEN, changed_by=US)

    assert sign_of_change(changed) == "changed by user 1 on 2026-05-04 12:00:00 UTC"


def test_the_stamp_of_our_own_link_is_no_change() -> None:
    assert sign_of_change(LINKED_BY_US) is None


def test_another_author_than_us_is_a_change_of_an_item_we_have_updated() -> None:
    assert sign_of_change(replace(LINKED_BY_US, changed_by=ANNA)) is not None


def test_another_value_is_a_change_of_an_item_we_have_updated() -> None:
    sign = sign_of_change(replace(LINKED_BY_US, differing=("title", "stageId")))

    assert sign is not None
    assert sign.endswith("other values in title, stageId")


def test_a_time_after_our_last_request_is_a_change_even_where_the_values_agree() -> None:
    late = WRITTEN + CLOCKS_DIFFER + timedelta(seconds=1)

    assert sign_of_change(replace(LINKED_BY_US, changed_at=late)) is not None
    assert sign_of_change(replace(LINKED_BY_US, changed_at=WRITTEN + CLOCKS_DIFFER)) is None


def test_where_no_record_says_when_we_wrote_last_the_values_and_the_author_decide() -> None:
    late = replace(LINKED_BY_US, last_written=None, changed_at=WRITTEN + timedelta(days=3))

    assert sign_of_change(late) is None


def test_an_author_the_portal_does_not_tell_is_not_held_against_the_item() -> None:
    assert sign_of_change(replace(LINKED_BY_US, changed_by=None)) is None
