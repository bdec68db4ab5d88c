"""What is sent to a portal reads back as the same, wherever the portal stands.

The portal here keeps what it is sent and prints it as the documentation says: moments in its own
offset, days as midnight UTC in its own offset, numbers as numbers. PHP takes 0 and "0" for empty.
Sources: b24restdocs api-reference/data-types.md; riester: bitrix/modules/rest/classes/general/
rest_util.php
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.domain.fields import FieldSet
from migrator.domain.values import FileValue, Money, Multifield, Reference, decode
from migrator.domain.vocabulary import COMPANY, DEAL, SYSTEM_TYPES, EntityTypeId
from migrator.transform.encode import encode_import, encode_value
from tests.fakes.builders import SPA, a_field, a_user_field

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.domain.values import Value


def printed(field: Field, sent: Any, offset: timezone) -> Any:
    """What a portal prints of what it was sent."""
    if isinstance(sent, list):
        return [printed(field, one, offset) for one in sent]
    if sent in (None, "", 0, "0"):
        return None
    match field.type:
        case "datetime":
            return datetime.fromisoformat(sent).astimezone(offset).isoformat()
        case "date":
            midnight = datetime.combine(date.fromisoformat(sent), datetime.min.time(), UTC)
            return midnight.astimezone(offset).isoformat()
        case "integer":
            return int(float(sent)) if isinstance(sent, str) else sent
        case "double":
            number = float(sent)
            return int(number) if number.is_integer() else number
        case _:
            return sent


def no_file(file: FileValue) -> tuple[str, bytes]:
    raise AssertionError(file)


offsets = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.integers(-(2**31), 2**35).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
numbers = st.integers(1, 2**31)
# The text "0" cannot be written: PHP takes it for empty, and no other spelling is the same text.
texts = st.text(min_size=1).filter(lambda text: text != "0")
amounts = st.decimals(
    allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12
)
entity_types = st.sampled_from([*SYSTEM_TYPES, EntityTypeId(128), SPA])

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": texts,
    "text": texts,
    "url": texts,
    "address": texts,
    "crm_status": texts,
    "crm_currency": st.sampled_from(["USD", "EUR"]),
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "datetime": moments,
    "date": moments.map(lambda moment: moment.date()),
    "money": st.builds(Money, amounts, st.sampled_from(["USD", "EUR", ""])),
    "enumeration": numbers,
    "user": numbers,
    "employee": numbers,
    "crm_company": numbers.map(lambda number: Reference(COMPANY, number)),
    "crm": st.builds(Reference, entity_types, numbers),
}


@pytest.mark.parametrize("type_", VALUES)
@pytest.mark.parametrize("is_multiple", [False, True])
@given(data=st.data(), offset=offsets)
def test_every_value_of_every_type_reads_back_as_it_was_in_any_time_zone(
    type_: str, is_multiple: bool, data: st.DataObject, offset: timezone
) -> None:
    field = a_user_field("UF_CRM_X", type_, is_multiple=is_multiple)
    one = VALUES[type_]
    value: Value = data.draw(st.lists(one, max_size=3).map(tuple) if is_multiple else one)

    back = decode(field, printed(field, encode_value(field, value, no_file), offset))

    assert back == value


@given(numbers)
def test_a_binding_without_a_prefix_reads_back_as_it_was(number: int) -> None:
    field = a_user_field("UF_CRM_X", "crm", settings={"DEAL": "Y"})
    value = Reference(DEAL, number, bare=True)

    assert repr(decode(field, encode_value(field, value, no_file))) == repr(value)


multifields = st.builds(
    Multifield,
    st.sampled_from(["PHONE", "EMAIL", "WEB", "IM", "LINK"]),
    st.sampled_from(["WORK", "HOME", "OTHER"]),
    st.text(min_size=1),
)


@given(st.lists(multifields, max_size=5))
def test_phones_and_mails_read_back_as_they_were(rows: list[Multifield]) -> None:
    fm = a_field("fm", "crm_multifield", is_multiple=True)
    value = tuple(sorted(rows))

    sent = encode_import({"fm": value}, FieldSet.of([fm]), no_file)

    back = [
        {"typeId": type_id, "valueType": one["VALUE_TYPE"], "value": one["VALUE"]}
        for type_id, entries in sent.items()
        for one in entries
    ]
    assert decode(fm, back) == value


def test_the_portal_of_these_tests_prints_the_documented_example() -> None:
    begin = a_field("begindate", "date")

    assert printed(begin, "2024-04-19", timezone(timedelta(hours=3))) == "2024-04-19T03:00:00+03:00"
    assert decode(a_user_field(type_="money"), "1.10|EUR") == Money(Decimal("1.10"), "EUR")
