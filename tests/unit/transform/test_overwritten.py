"""What a portal writes itself is excused, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migrator.domain.vocabulary import DEAL
from migrator.transform.compare import FieldDifference
from migrator.transform.overwritten import overwritten_by_portal
from migrator.transform.transformed import TransformedItem
from tests.fakes.builders import TITLE, a_field

CLOSE_DATE = a_field("closedate", "date")
IMPORTED = datetime(2026, 1, 10, 12, tzinfo=UTC)


def an_item(*, is_final: bool = False) -> TransformedItem:
    return TransformedItem(entity_type_id=DEAL, source_id=1, is_final=is_final)


def a_difference(field: str, expected: str | None, actual: str | None) -> FieldDifference:
    return FieldDifference(field=field, expected=expected, actual=actual)


def excuse_of_close_date(
    actual: str | None, *, is_final: bool = True, imported_at: datetime | None = IMPORTED
) -> str | None:
    difference = a_difference("closedate", "2024-04-19", actual)
    return overwritten_by_portal(an_item(is_final=is_final), CLOSE_DATE, difference, imported_at)


@pytest.mark.parametrize("actual", ["2026-01-09", "2026-01-10", "2026-01-11"])
def test_an_item_imported_into_a_final_stage_is_closed_on_that_day_in_some_time_zone(
    actual: str,
) -> None:
    assert excuse_of_close_date(actual) is not None


@pytest.mark.parametrize("actual", ["2026-01-12", "2024-04-20", None, "soon"])
def test_any_other_close_date_is_a_difference(actual: str | None) -> None:
    assert excuse_of_close_date(actual) is None


def test_the_close_date_of_an_open_item_is_not_overwritten() -> None:
    assert excuse_of_close_date("2026-01-10", is_final=False) is None


def test_without_a_time_of_import_nothing_is_excused() -> None:
    assert excuse_of_close_date("2026-01-10", imported_at=None) is None


def test_a_close_date_that_is_a_moment_is_compared_by_its_day() -> None:
    field = a_field("closedate", "datetime")
    difference = a_difference("closedate", None, "2026-01-10T08:00:00+00:00")

    assert overwritten_by_portal(an_item(is_final=True), field, difference, IMPORTED) is not None


def test_the_tax_is_computed_by_the_portal() -> None:
    tax = a_field("taxValue", "double")

    assert overwritten_by_portal(an_item(), tax, a_difference("taxValue", "99.9", None), None)


@pytest.mark.parametrize("name", ["title", "name"])
def test_an_item_without_a_name_gets_one_from_the_portal(name: str) -> None:
    difference = a_difference(name, None, "Deal #5")

    assert overwritten_by_portal(an_item(), a_field(name), difference, None) is not None


def test_a_title_that_is_not_the_one_sent_is_a_difference() -> None:
    difference = a_difference("title", "Ship it", "Deal #5")

    assert overwritten_by_portal(an_item(), TITLE, difference, None) is None


def excuse_of_comment(expected: str | None, actual: str | None) -> str | None:
    difference = a_difference("comments", expected, actual)
    return overwritten_by_portal(an_item(), a_field("comments"), difference, None)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("<b>bold</b> &amp; plain", "[B]bold[/B] & plain"),
        ("one<br />two", "one\ntwo"),
        ('<a href="https://x.test?a=1">x</a>', "[URL=https://x.test?a=1]x[/URL]"),
        ("<ul><li>a</li><li>b</li></ul>", "[LIST][*]a[*]b[/LIST]"),
        ("<div><br></div>", None),
    ],
)
def test_html_in_a_comment_is_rewritten_by_the_portal(sent: str, kept: str | None) -> None:
    assert excuse_of_comment(sent, kept) is not None


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("<b>bold</b>", "[B]bald[/B]"),
        ("<b>bold</b>", None),
        ("[B]bold[/B]", "bold"),
        ("1 < 2", "1"),
        (None, "by hand"),
    ],
)
def test_a_comment_with_other_words_or_without_html_is_a_difference(
    sent: str | None, kept: str | None
) -> None:
    assert excuse_of_comment(sent, kept) is None


def test_html_in_another_field_is_not_rewritten() -> None:
    difference = a_difference("title", "<b>x</b>", "x")

    assert overwritten_by_portal(an_item(), TITLE, difference, None) is None
