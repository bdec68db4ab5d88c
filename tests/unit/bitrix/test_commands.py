from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.bitrix.commands import Command, encode
from tests.fakes.scene import parse_php_query

_LETTERS = st.characters(exclude_categories=["Cs"])
_VALUES = st.text(_LETTERS) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]\0"), min_size=1)
_NESTED = st.recursive(
    _VALUES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(_KEYS, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
_PARAMS = st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), _NESTED)


def as_text(value: Any) -> Any:
    """What PHP makes of it: every value is text, every list a map of indices."""
    if isinstance(value, dict):
        return {key: as_text(nested) for key, nested in value.items()}
    if isinstance(value, list):
        return {str(index): as_text(nested) for index, nested in enumerate(value)}
    return value if isinstance(value, str) else repr(value)


@given(params=_PARAMS)
def test_every_parameter_arrives_as_it_was_sent(params: dict[str, Any]) -> None:
    method, _, query = encode(Command("crm.item.list", params)).partition("?")

    assert method == "crm.item.list"
    assert parse_php_query(query) == as_text(params)


def test_a_command_without_parameters_is_the_method_alone() -> None:
    assert encode(Command("profile")) == "profile"


def test_values_are_quoted_once_and_brackets_of_names_stay() -> None:
    command = Command("crm.item.list", {"filter": {">id": 5, "%title": "a&b=c d"}, "select": ["*"]})

    assert encode(command) == (
        "crm.item.list?filter[%3Eid]=5&filter[%25title]=a%26b%3Dc%20d&select[0]=%2A"
    )


def test_a_reference_to_an_earlier_result_survives_literally() -> None:
    command = Command("crm.item.list", {"filter": {">id": "$result[p0][items][49][id]"}})

    assert encode(command).endswith("=$result[p0][items][49][id]")


def test_nothing_becomes_an_empty_text() -> None:
    assert encode(Command("crm.item.list", {"filter": {"title": None}})).endswith("[title]=")


@pytest.mark.parametrize(
    "params",
    [
        {"a": True},
        {"a": []},
        {"a": {"b": {}}},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": object()},
        {"a": {"b[c]": 1}},
        {"a": {"": 1}},
        {"a b": 1},
        {"": 1},
    ],
)
def test_what_a_query_string_cannot_say_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"batch command|parameter"):
        encode(Command("crm.item.list", params))
