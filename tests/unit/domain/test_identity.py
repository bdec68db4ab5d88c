"""What is taken for the same, and, which matters more, what is not."""

from __future__ import annotations

import pytest

from migrator.domain.identity import email_key, phone_key, text_key


@pytest.mark.parametrize(
    "text",
    ["+7 (912) 345-67-89", "79123456789", "007 912 3456789", "8 912 345 67 89", "+7-912-3456789"],
)
def test_a_phone_is_the_same_however_it_is_written(text: str) -> None:
    assert phone_key(text) == "79123456789"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+84 912 345 678", "+7 491 234 56 78"),
        ("84912345678", "+7 491 234 56 78"),
        ("+8 912 345 67 89", "+7 912 345 67 89"),
        ("+49 30 1234567", "030 1234567"),
        ("+49 30 1234567", "+49 30 1234567 ext. 12"),
    ],
)
def test_numbers_that_may_be_two_are_two(one: str, other: str) -> None:
    assert phone_key(one) != phone_key(other)


@pytest.mark.parametrize("text", ["", "  ", "-", "12", "+7 999", "000-00-00", "none"])
def test_what_cannot_be_a_number_of_somebody_is_no_key(text: str) -> None:
    assert phone_key(text) is None


def test_an_email_is_the_same_whatever_its_case_and_the_blanks_around_it() -> None:
    assert email_key(" Ann@Acme.TEST ") == email_key("ann@acme.test") == "ann@acme.test"


@pytest.mark.parametrize("text", ["", "none", "@", "ann@", "@acme.test"])
def test_what_is_no_email_is_no_key(text: str) -> None:
    assert email_key(text) is None


def test_a_text_is_the_same_whatever_its_case_and_the_blanks_around_it() -> None:
    assert text_key(" ÄRZTE gmbh\n") == text_key("ärzte GmbH") == "ärzte gmbh"


@pytest.mark.parametrize("text", [None, "", " ", "0", " 0 "])
def test_what_nobody_has_entered_is_no_key(text: str | None) -> None:
    assert text_key(text) is None
