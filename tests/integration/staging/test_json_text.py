"""What a portal sent comes back as it was, from text that either database can store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.domain.vocabulary import DEAL
from migrator.staging.json_text import (
    dump_json,
    escape_text,
    hash_of,
    load_json,
    unescape_text,
)
from tests.integration.staging.builders import an_item, sources

if TYPE_CHECKING:
    from migrator.staging import Repositories

any_text = st.text(st.characters(codec=None))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_json_comes_back_with_the_same_values_and_types(value: Any) -> None:
    assert typed(load_json(dump_json(value))) == typed(value)


@given(json_values)
def test_stored_json_holds_nothing_that_postgresql_refuses_or_reads_as_another_type(
    value: Any,
) -> None:
    text = dump_json(value)

    text.encode()
    assert "\\u0000" not in text.replace("\\\\", "")
    assert "e+" not in "".join(json_numbers(text))


@given(any_text)
def test_escaped_text_comes_back(text: str) -> None:
    assert unescape_text(escape_text(text)) == text


@given(st.text(st.characters(exclude_characters="\x00\u241b", exclude_categories=["Cs"])))
def test_ordinary_text_is_stored_as_it_is(text: str) -> None:
    assert escape_text(text) == text


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump_json({"number": number})


def test_the_hash_depends_on_values_and_not_on_key_order() -> None:
    assert hash_of({"a": 1, "b": [2]}) == hash_of({"b": [2], "a": 1})
    assert hash_of({"a": 1}) != hash_of({"a": "1"})


PAYLOAD: dict[str, Any] = {
    "id": 1,
    "text": 'quote " backslash \\ emoji 🜛 nul \x00 escape ␛ surrogate \ud800 percent % colon :x',
    "key with \x00": "\\u0000 as six characters",
    "big integer": 2**80,
    "money": 0.1,
    "one": 1.0,
    "huge": 1e22,
    "tiny": 5e-324,
    "nothing": None,
    "nested": {"list": [[], {}, [None, True, False]]},
}


def test_a_payload_comes_back_from_the_database_exactly(repos: Repositories) -> None:
    repos.items.save([an_item(1, **PAYLOAD)])

    (item,) = repos.items.get(DEAL, sources(1))

    assert typed(item.payload) == typed(PAYLOAD)


def typed(value: Any) -> Any:
    """Tell 1 from 1.0 and True, but not 0.0 from -0.0, which JSONB does not keep."""
    match value:
        case dict():
            return {key: typed(entry) for key, entry in value.items()}
        case list():
            return [typed(entry) for entry in value]
        case float():
            return ("float", value + 0.0)
        case _:
            return (type(value).__name__, value)


def json_numbers(text: str) -> list[str]:
    found: list[str] = []
    json.loads(text, parse_float=lambda number: found.append(number))
    return found
