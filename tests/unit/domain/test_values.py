"""What a portal prints, read as what it means."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from migrator.domain.values import (
    FileValue,
    Money,
    Multifield,
    Reference,
    UnreadableValueError,
    decode,
    display,
)
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, EntityTypeId
from tests.fakes.builders import SPA, a_field, a_user_field

DEALS_ONLY = {"DEAL": "Y", "LEAD": "N"}
DEALS_AND_SPA = {"DEAL": "Y", "DYNAMIC_1302": "Y"}


def test_a_moment_is_the_same_wherever_it_is_printed() -> None:
    created = a_field("createdTime", "datetime")

    moscow = decode(created, "2024-07-22T18:00:08+03:00")
    new_york = decode(created, "2024-07-22T11:00:08-04:00")

    assert moscow == new_york == datetime(2024, 7, 22, 15, 0, 8, tzinfo=UTC)


def test_a_date_printed_west_of_greenwich_is_the_day_in_utc() -> None:
    # Midnight UTC of 19 April, printed in New York: the printed day is one too early.
    assert decode(a_field("begindate", "date"), "2024-04-18T20:00:00-04:00") == date(2024, 4, 19)


def test_a_date_printed_east_of_greenwich_is_the_day_in_utc() -> None:
    assert decode(a_field("begindate", "date"), "2024-04-19T03:00:00+03:00") == date(2024, 4, 19)


def test_a_plain_date_is_that_day() -> None:
    assert decode(a_field("begindate", "date"), "2024-04-19") == date(2024, 4, 19)


def test_a_time_without_an_offset_is_not_guessed_at() -> None:
    with pytest.raises(UnreadableValueError):
        decode(a_field("createdTime", "datetime"), "2024-07-22T18:00:08")


@pytest.mark.parametrize(
    ("type_", "raw"),
    [
        ("datetime", "yesterday"),
        ("datetime", "0001-01-01T00:00:00+03:00"),
        ("date", "9999-12-31T23:00:00-03:00"),
        ("date", "-0001-11-30T00:00:00+00:00"),
        ("double", "a lot"),
        ("double", "nan"),
        ("integer", "1.5"),
        ("integer", {}),
        ("boolean", "perhaps"),
        ("money", "much|USD"),
        ("money", "NaN|USD"),
        ("user", "me"),
        ("crm_company", "ACME"),
        ("file", {"url": "/no/id"}),
        ("crm_multifield", "+1 555 0100"),
        ("crm_multifield", ["+1 555 0100"]),
        ("crm_multifield", 5),
    ],
)
def test_what_does_not_have_the_form_of_its_type_is_unreadable(type_: str, raw: Any) -> None:
    with pytest.raises(UnreadableValueError):
        decode(a_field("x", type_), raw)


@pytest.mark.parametrize("raw", [None, "", []])
@pytest.mark.parametrize("type_", ["string", "integer", "datetime", "money", "crm", "file"])
def test_null_an_empty_text_and_an_empty_list_all_mean_nothing(type_: str, raw: Any) -> None:
    assert decode(a_field("x", type_), raw) is None
    assert decode(a_field("x", type_, is_multiple=True), raw) == ()


@pytest.mark.parametrize("type_", ["user", "employee", "enumeration", "crm_company", "file"])
def test_the_identifier_zero_means_nobody_and_nothing(type_: str) -> None:
    assert decode(a_field("x", type_), 0) is None
    assert decode(a_field("x", type_), "0") is None


@pytest.mark.parametrize("type_", ["integer", "crm_category"])
def test_zero_is_a_number_and_a_pipeline_like_any_other(type_: str) -> None:
    assert decode(a_field("x", type_), 0) == 0


@pytest.mark.parametrize(("raw", "meaning"), [("Y", True), ("N", False), (1, True), ("0", False)])
def test_a_boolean_is_read_in_every_spelling_a_portal_has(raw: Any, meaning: bool) -> None:
    assert decode(a_field("opened", "boolean"), raw) is meaning


def test_a_letter_that_is_no_yes_and_no_no_stays_a_letter() -> None:
    assert decode(a_field("stageSemanticId", "char"), "P") == "P"


def test_a_text_that_reads_y_is_a_text() -> None:
    assert decode(a_field("title"), "Y") == "Y"


def test_money_keeps_every_digit_that_was_printed() -> None:
    assert decode(a_user_field(type_="money"), "300.10|USD") == Money(Decimal("300.10"), "USD")


def test_money_may_come_without_a_currency() -> None:
    assert decode(a_user_field(type_="money"), "300") == Money(Decimal(300), "")


def test_a_currency_without_an_amount_is_no_money() -> None:
    assert decode(a_user_field(type_="money"), "|USD") is None


@pytest.mark.parametrize(
    ("type_", "entity_type_id"), [("crm_company", COMPANY), ("crm_contact", CONTACT)]
)
def test_a_field_for_one_entity_type_refers_to_items_of_it(
    type_: str, entity_type_id: EntityTypeId
) -> None:
    assert decode(a_field("x", type_), 7) == Reference(entity_type_id, 7)


def test_a_parent_field_refers_to_the_type_its_settings_name() -> None:
    parent = a_field("parentId1302", "crm_entity", parent_entity_type_id=SPA)

    assert decode(parent, 7) == Reference(SPA, 7)


def test_a_binding_says_itself_what_it_refers_to() -> None:
    binding = a_user_field(type_="crm", is_multiple=True, settings=DEALS_AND_SPA)

    assert decode(binding, ["D_12", "T516_7"]) == (Reference(DEAL, 12), Reference(SPA, 7))


def test_a_binding_without_a_prefix_is_of_the_only_type_allowed() -> None:
    value = decode(a_user_field(type_="crm", settings=DEALS_ONLY), "12")

    assert isinstance(value, Reference)
    assert (value.entity_type_id, value.item_id, value.bare) == (DEAL, 12, True)


@pytest.mark.parametrize(
    ("raw", "settings"),
    [("12", DEALS_AND_SPA), ("12", {}), ("X_12", DEALS_ONLY), ("O_12", {}), ("D_x", DEALS_ONLY)],
)
def test_a_binding_that_could_be_anything_is_unreadable(raw: str, settings: dict[str, str]) -> None:
    with pytest.raises(UnreadableValueError):
        decode(a_user_field(type_="crm", settings=settings), raw)


def test_multifields_are_read_in_the_order_of_the_portal() -> None:
    home = {"id": 3, "typeId": "PHONE", "valueType": "HOME", "value": "+1 555 0100"}
    work = {"id": 9, "typeId": "PHONE", "valueType": "WORK", "value": "+1 555 0200"}
    fm = a_field("fm", "crm_multifield", is_multiple=True)

    assert decode(fm, [work, home]) == (
        Multifield("PHONE", "WORK", "+1 555 0200"),
        Multifield("PHONE", "HOME", "+1 555 0100"),
    )


def test_a_multifield_without_a_value_is_not_there() -> None:
    fm = a_field("fm", "crm_multifield", is_multiple=True)

    assert decode(fm, [{"typeId": "PHONE", "valueType": "WORK", "value": ""}]) == ()


def test_a_file_is_its_number_and_its_link() -> None:
    raw = {"id": "5", "url": "/seen/by/people", "urlMachine": "/rest/getFile"}

    value = decode(a_user_field(type_="file"), raw)

    assert isinstance(value, FileValue)
    assert (value.file_id, value.url_machine) == (5, "/rest/getFile")


def test_a_photo_of_which_only_the_number_is_printed_has_no_link() -> None:
    value = decode(a_field("photo", "file"), 5)

    assert isinstance(value, FileValue)
    assert value.url_machine is None


def test_one_file_printed_without_a_list_around_it_is_one_value() -> None:
    raw = {"id": 5, "urlMachine": "/rest/getFile"}

    assert decode(a_user_field(type_="file", is_multiple=True), raw) == (FileValue(5),)


def test_a_list_that_php_printed_as_an_object_is_a_list() -> None:
    numbers = a_user_field(type_="integer", is_multiple=True)

    assert decode(numbers, {"0": 1, "2": 3}) == (1, 3)


def test_empty_places_in_a_list_are_left_out() -> None:
    assert decode(a_user_field(is_multiple=True), ["a", None, "", "b"]) == ("a", "b")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ((), None),
        (True, "Y"),
        (0, "0"),
        (0.1, "0.1"),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00+00:00"),
        (date(2024, 1, 1), "2024-01-01"),
        (Money(Decimal("1.50"), "EUR"), "1.50|EUR"),
        ((Reference(DEAL, 1), Reference(SPA, 2)), "2:1, 1302:2"),
        (Multifield("PHONE", "WORK", "1"), "PHONE WORK 1"),
        (FileValue(5, "https://secret"), "file 5"),
    ],
)
def test_every_value_has_a_text_for_people(value: Any, text: str | None) -> None:
    assert display(value) == text
