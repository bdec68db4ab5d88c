"""Values into the JSON that the import reads."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.fields import FieldSet
from migrator.domain.values import FileValue, Money, Multifield, Reference
from migrator.domain.vocabulary import COMPANY, DEAL
from migrator.transform.encode import encode_add, encode_import, encode_value
from tests.fakes.builders import (
    CREATED,
    CREATED_BY,
    SPA,
    TITLE,
    a_field,
    a_user_field,
)

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.domain.values import Value

MULTIFIELDS = a_field("fm", "crm_multifield", is_multiple=True)
PHONES = (Multifield("EMAIL", "HOME", "a@b.example"), Multifield("PHONE", "WORK", "1"))


def no_file(file: FileValue) -> tuple[str, bytes]:
    raise AssertionError(f"nobody asked for {file}")


def encoded(field: Field, value: Value) -> Any:
    return encode_value(field, value, no_file)


@pytest.mark.parametrize(
    ("field", "value", "json"),
    [
        (TITLE, "Ship it", "Ship it"),
        (a_field("opened", "boolean"), True, "Y"),
        (a_field("opened", "boolean"), False, "N"),
        (a_field("begindate", "date"), date(2024, 4, 19), "2024-04-19"),
        (a_field("companyId", "crm_company"), Reference(COMPANY, 8), 8),
        (a_user_field(type_="crm"), Reference(DEAL, 12), "D_12"),
        (a_user_field(type_="crm"), Reference(SPA, 7), "T516_7"),
        (a_user_field(type_="crm"), Reference(DEAL, 12, bare=True), "12"),
        (a_user_field(type_="crm", settings={"DEAL": "Y"}), Reference(DEAL, 12, bare=True), "12"),
        (
            a_user_field(type_="crm", settings={"DEAL": "Y", "LEAD": "Y"}),
            Reference(DEAL, 12, bare=True),
            "D_12",
        ),
        (a_user_field(type_="money"), Money(Decimal("1.50"), "EUR"), "1.50|EUR"),
        (a_user_field(type_="money"), Money(Decimal("1.50"), ""), "1.50"),
        (a_field("opportunity", "double"), 19000.5, 19000.5),
    ],
)
def test_each_type_is_written_in_the_form_it_is_documented_in(
    field: Field, value: Value, json: object
) -> None:
    assert encoded(field, value) == json


def test_a_moment_is_sent_with_its_offset_so_that_no_server_time_is_assumed() -> None:
    noon = datetime(2024, 7, 22, 12, tzinfo=timezone(timedelta(hours=3)))

    assert encoded(CREATED, noon) == "2024-07-22T09:00:00+00:00"
    assert encoded(CREATED, datetime(2024, 7, 22, 9, tzinfo=UTC)) == "2024-07-22T09:00:00+00:00"


@pytest.mark.parametrize("zero", [0, 0.0])
@pytest.mark.parametrize("type_", ["integer", "double"])
def test_a_zero_in_a_user_field_is_written_so_that_php_does_not_take_it_for_empty(
    type_: str, zero: float
) -> None:
    assert encoded(a_user_field(type_=type_), zero) == "0.0"
    assert encoded(a_user_field(type_=type_, is_multiple=True), (zero, 5)) == ["0.0", 5]


def test_a_zero_in_a_system_field_needs_no_such_care() -> None:
    """It reads back as 0, whether 0 or nothing is stored."""
    assert encoded(a_field("opportunity", "double"), 0) == 0


def test_no_money_at_all_without_a_currency_is_not_taken_for_empty_either() -> None:
    assert encoded(a_user_field(type_="money"), Money(Decimal(0), "")) == "0.0"


def test_small_and_large_amounts_are_written_in_plain_digits() -> None:
    assert encoded(a_user_field(type_="money"), Money(Decimal("1E-7"), "BTC")) == "0.0000001|BTC"
    assert encoded(a_user_field(type_="money"), Money(Decimal("2E+3"), "BTC")) == "2000|BTC"


def test_nothing_is_said_explicitly() -> None:
    assert encoded(TITLE, None) is None
    assert encoded(a_user_field(is_multiple=True), ()) == []


def test_one_value_of_a_multiple_field_is_a_list() -> None:
    assert encoded(a_user_field(is_multiple=True), ("a",)) == ["a"]


def test_a_file_is_sent_as_its_name_and_its_bytes() -> None:
    field = a_user_field("UF_F", "file", is_multiple=True)

    sent = encode_value(field, (FileValue(5),), lambda file: (f"{file.file_id}.pdf", b"\x00\xff"))

    assert sent == [["5.pdf", base64.b64encode(b"\x00\xff").decode()]]


def test_an_import_reads_phones_and_mails_from_keys_of_their_own() -> None:
    fields = FieldSet.of([TITLE, MULTIFIELDS])

    sent = encode_import({"title": "x", "fm": PHONES}, fields, no_file)

    assert sent == {
        "title": "x",
        "EMAIL": [{"VALUE": "a@b.example", "VALUE_TYPE": "HOME"}],
        "PHONE": [{"VALUE": "1", "VALUE_TYPE": "WORK"}],
    }


def test_adding_reads_them_from_one_list_and_takes_no_history() -> None:
    fields = FieldSet.of([TITLE, MULTIFIELDS, CREATED, CREATED_BY])
    values: dict[str, Value] = {
        "title": "x",
        "fm": PHONES,
        "createdTime": datetime(2024, 1, 1, tzinfo=UTC),
        "createdBy": 7,
    }

    sent = encode_add(values, fields, no_file)

    assert sent == {
        "title": "x",
        "fm": [
            {"typeId": "EMAIL", "valueType": "HOME", "value": "a@b.example"},
            {"typeId": "PHONE", "valueType": "WORK", "value": "1"},
        ],
    }


def test_adding_an_item_without_phones_sends_none() -> None:
    assert encode_add({"fm": ()}, FieldSet.of([MULTIFIELDS]), no_file) == {}


def test_a_yes_or_no_nobody_knows_is_left_to_the_portal() -> None:
    fields = FieldSet.of([a_field("opened", "boolean")])

    assert encode_import({"opened": None}, fields, no_file) == {}


def test_a_user_field_nobody_has_answered_does_not_take_the_default_of_the_target() -> None:
    field = a_user_field(type_="boolean")

    assert encode_import({field.name: None}, FieldSet.of([field]), no_file) == {field.name: None}
