"""Values of one type in a field of another: which keep their meaning, which cannot stand there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.domain.conversion import Fit, convert, convert_amount, fit
from migrator.domain.values import Money, decode
from tests.fakes.builders import a_field, a_list_field, a_user_field

if TYPE_CHECKING:
    from migrator.domain.fields import Field


def test_a_type_fits_into_itself() -> None:
    assert fit(a_user_field("UF_A", "money"), a_user_field("UF_B", "money")) is Fit.WHOLE


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("integer", "double", Fit.WHOLE),
        ("integer", "string", Fit.WHOLE),
        ("money", "text", Fit.WHOLE),
        ("enumeration", "string", Fit.WHOLE),
        ("enumeration", "crm_status", Fit.WHOLE),
        ("employee", "user", Fit.WHOLE),
        ("char", "boolean", Fit.WHOLE),
        ("double", "integer", Fit.WHERE_IT_FITS),
        ("string", "datetime", Fit.WHERE_IT_FITS),
        ("string", "boolean", None),
        ("employee", "string", None),
        ("money", "double", None),
        ("file", "string", None),
        ("datetime", "date", None),
        ("crm_contact", "crm_company", None),
    ],
)
def test_other_types_fit_where_a_value_keeps_its_meaning(
    ours: str, theirs: str, expected: Fit | None
) -> None:
    assert fit(a_user_field("UF_A", ours), a_field("b", theirs)) is expected


def test_entries_of_one_directory_mean_nothing_in_another() -> None:
    ours = a_user_field("UF_A", "crm_status", status_type="SOURCE")

    assert fit(ours, a_field("sourceId", "crm_status", status_type="SOURCE")) is Fit.WHOLE
    assert fit(ours, a_field("typeId", "crm_status", status_type="DEAL_TYPE")) is None


def test_a_link_fits_where_links_to_the_same_type_are_kept() -> None:
    ours = a_user_field("UF_A", "crm", settings={"COMPANY": "Y"})

    assert fit(ours, a_field("companyId", "crm_company")) is Fit.WHOLE
    assert fit(ours, a_field("contactId", "crm_contact")) is None
    assert fit(a_field("companyId", "crm_company"), ours) is Fit.WHOLE


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("string", 1.5, "1.5"),
        ("string", 4111111111111111.0, "4111111111111111"),
        ("string", 1e-7, "0.0000001"),
        ("string", Money(Decimal("1E-7"), "EUR"), "0.0000001|EUR"),
        ("string", True, "Y"),
        ("string", date(2024, 2, 3), "2024-02-03"),
        ("double", 3, 3.0),
        ("double", " 2.50 ", 2.5),
        ("double", "2,5", None),
        ("double", "123456789012345678", None),
        ("double", "nan", None),
        ("integer", 4.0, 4),
        ("integer", 4.5, None),
        ("integer", "12", 12),
        ("integer", "1_000", None),
        ("date", "2024-02-03", date(2024, 2, 3)),
        ("date", "2024-02-03T01:00:00+03:00", date(2024, 2, 3)),
        ("date", "2024-02-03T01:00:00", None),
        ("date", "soon", None),
        ("datetime", "2024-02-03T10:00:00+02:00", datetime(2024, 2, 3, 8, tzinfo=UTC)),
        ("datetime", "2024-02-03T10:00:00", None),
        ("datetime", datetime(2024, 2, 3, tzinfo=UTC), datetime(2024, 2, 3, tzinfo=UTC)),
    ],
)
def test_a_value_takes_the_form_of_the_field_or_is_told_not_to_have_it(
    type_: str, value: Any, expected: Any
) -> None:
    assert convert(a_field("b", type_), value) == expected


_LOSS_FREE: list[tuple[Field, st.SearchStrategy[Any]]] = [
    (a_user_field("UF_A", "integer"), st.integers(-(10**15), 10**15)),
    (a_user_field("UF_A", "date"), st.dates()),
    (
        a_user_field("UF_A", "datetime"),
        st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    ),
]


@pytest.mark.parametrize(("field", "values"), _LOSS_FREE)
def test_what_is_written_out_as_text_can_be_read_back(
    field: Field, values: st.SearchStrategy[Any]
) -> None:
    @given(values)
    def there_and_back(value: Any) -> None:
        text = convert(a_field("b", "string"), value)
        assert convert(field, text) == decode(field, text) == value  # type: ignore[arg-type]

    there_and_back()


def test_a_list_value_as_such_is_no_text() -> None:
    assert fit(a_user_field("UF_A"), a_list_field()) is None


@pytest.mark.parametrize(
    ("amount", "rate", "decimals", "expected"),
    [
        ("100", "0.92", None, "92.00"),
        ("0.125", "1.0", 2, "0.12"),
        ("0.135", "1.0", 2, "0.14"),
        ("1234.56", "157.3", 0, "194196"),
        ("0.1", "0.2", 3, "0.020"),
        ("-2.5", "1", 0, "-2"),
    ],
)
def test_amounts_are_rounded_half_to_even_to_the_digits_of_the_currency(
    amount: str, rate: str, decimals: int | None, expected: str
) -> None:
    assert str(convert_amount(Decimal(amount), Decimal(rate), decimals)) == expected
