"""What counts as the same, and what is a difference."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.fields import FieldSet
from migrator.domain.values import FileValue, Money, Multifield, Reference
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL
from migrator.transform.compare import FieldDifference, compare_item, same_value
from tests.fakes.builders import CREATED, TITLE, a_field, a_user_field

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.domain.values import Value

CONTACTS = a_field("contactIds", "crm_contact", is_multiple=True)
MULTIFIELDS = a_field("fm", "crm_multifield", is_multiple=True)


def differences(fields: list[Field], expected: dict[str, Value], **payload: Any) -> list[Any]:
    return list(compare_item(DEAL, expected, FieldSet.of(fields), payload))


def people(*ids: int) -> tuple[Reference, ...]:
    return tuple(Reference(CONTACT, number) for number in ids)


def test_an_item_that_holds_what_it_must_has_no_differences() -> None:
    expected: dict[str, Value] = {
        "title": "Ship it",
        "createdTime": datetime(2024, 1, 1, tzinfo=UTC),
        "contactIds": people(5),
    }

    assert (
        differences(
            [TITLE, CREATED, CONTACTS],
            expected,
            title="Ship it",
            createdTime="2024-01-01T05:00:00+05:00",
            contactIds=[5],
        )
        == []
    )


def test_a_difference_names_the_field_and_both_values() -> None:
    assert differences([TITLE], {"title": "Ship it"}, title="Ship  it") == [
        FieldDifference(field="title", expected="Ship it", actual="Ship  it")
    ]


def test_a_value_that_is_not_there_is_a_difference() -> None:
    assert differences([TITLE], {"title": "Ship it"}) == [
        FieldDifference(field="title", expected="Ship it", actual=None)
    ]


def test_a_value_where_there_must_be_none_is_a_difference() -> None:
    assert differences([TITLE], {"title": None}, title="Deal #5") == [
        FieldDifference(field="title", expected=None, actual="Deal #5")
    ]


def test_a_value_that_cannot_be_read_is_a_difference() -> None:
    begin = a_field("begindate", "date")

    assert differences([begin], {"begindate": date(2024, 1, 1)}, begindate="soon") == [
        FieldDifference(field="begindate", expected="2024-01-01", actual="soon")
    ]


def test_fields_known_to_be_lost_are_not_compared() -> None:
    fields = FieldSet.of([TITLE])

    assert list(compare_item(DEAL, {"title": "x"}, fields, {"title": "y"}, skip=["title"])) == []


def same(field: Field, want: Value, have: Value, entity_type_id: int = DEAL) -> bool:
    return same_value(entity_type_id, field, want, have)  # type: ignore[arg-type]  # a number


@pytest.mark.parametrize(("want", "have"), [(None, None), (None, ()), ((), None), ((), ())])
def test_all_kinds_of_nothing_are_the_same(want: Value, have: Value) -> None:
    assert same(TITLE, want, have)


@pytest.mark.parametrize("type_", ["double", "integer", "boolean"])
def test_a_system_number_nobody_set_may_read_zero_or_null(type_: str) -> None:
    zero = False if type_ == "boolean" else 0
    field = a_field("opportunity", type_)

    assert same(field, zero, None)
    assert same(field, None, zero)


@pytest.mark.parametrize("type_", ["double", "integer"])
def test_a_zero_somebody_entered_in_a_user_field_must_be_there(type_: str) -> None:
    assert not same(a_user_field(type_=type_), 0, None)
    assert not same(a_user_field(type_=type_), None, 0)


def test_a_yes_or_no_nobody_answered_agrees_with_no_but_not_with_yes() -> None:
    question = a_user_field(type_="boolean")

    assert same(question, None, False)
    assert same(question, False, None)
    assert not same(question, None, True)


def test_numbers_are_the_same_in_any_number_of_digits() -> None:
    price = a_field("opportunity", "double")

    assert same(price, 0.1 + 0.2, 0.3)
    assert same(price, 19000.0, 19000)
    assert not same(price, 19000.0, 19000.01)


def test_money_is_the_same_in_any_number_of_digits_but_only_in_its_currency() -> None:
    fee = a_user_field(type_="money")

    assert same(fee, Money(Decimal("300"), "USD"), Money(Decimal("300.00"), "USD"))
    assert not same(fee, Money(Decimal("300"), "USD"), Money(Decimal("300"), "EUR"))
    assert not same(fee, Money(Decimal("300"), "USD"), Money(Decimal("300.01"), "USD"))


def test_texts_are_the_same_to_the_letter() -> None:
    assert not same(TITLE, "Ship it", "ship it")


def test_a_list_is_the_same_in_its_order_only() -> None:
    notes = a_user_field(is_multiple=True)

    assert same(notes, ("a", "b"), ("a", "b"))
    assert not same(notes, ("a", "b"), ("b", "a"))
    assert not same(notes, ("a", "a"), ("a",))


def test_observers_have_no_order() -> None:
    observers = a_field("observers", "user", is_multiple=True)

    assert same(observers, (7, 8), (8, 7))
    assert not same(observers, (7, 8), (7, 9))


def test_of_a_deals_contacts_only_the_primary_one_has_a_place() -> None:
    assert same(CONTACTS, people(5, 6, 7), people(5, 7, 6))
    assert not same(CONTACTS, people(5, 6), people(6, 5))
    assert not same(CONTACTS, people(5, 6), people(5, 8))


def test_a_companys_contacts_come_in_the_order_in_which_they_named_it() -> None:
    assert same(CONTACTS, people(5, 6), people(6, 5), COMPANY)
    assert not same(CONTACTS, people(5, 6), people(5), COMPANY)


def test_phones_are_compared_with_their_kind() -> None:
    work, home = Multifield("PHONE", "WORK", "1"), Multifield("PHONE", "HOME", "1")

    assert same(MULTIFIELDS, (work,), (work,))
    assert not same(MULTIFIELDS, (work,), (home,))


def test_files_are_compared_by_their_number_here_and_by_their_bytes_elsewhere() -> None:
    files = a_user_field(type_="file", is_multiple=True)

    assert same(files, (FileValue(5), FileValue(6)), (FileValue(105), FileValue(106)))
    assert not same(files, (FileValue(5), FileValue(6)), (FileValue(105),))
