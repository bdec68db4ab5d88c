from __future__ import annotations

from typing import Any

import pytest

from migrator.sandbox import php


@pytest.mark.parametrize("value", ["", "0", 0, 0.0, None, False, [], {}])
def test_php_calls_these_empty(value: object) -> None:
    assert php.is_empty(value)


@pytest.mark.parametrize("value", ["N", "0.0", " ", 1, True, [0], {"a": None}])
def test_php_does_not_call_these_empty(value: object) -> None:
    assert not php.is_empty(value)


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("a=1&b=x%26y", {"a": "1", "b": "x&y"}),
        (
            "filter[>id]=5&select[]=id&select[]=title",
            {"filter": {">id": "5"}, "select": ["id", "title"]},
        ),
        ("f[PHONE][0][VALUE]=1", {"f": {"PHONE": [{"VALUE": "1"}]}}),
        ("a[2]=x", {"a": {"2": "x"}}),
        ("a=", {"a": ""}),
    ],
)
def test_a_query_string_is_nested_as_php_nests_it(query: str, params: dict[str, Any]) -> None:
    assert php.parse_query(query) == params


@pytest.mark.parametrize(
    ("mapping", "printed"),
    [({}, []), ({"0": "a", "1": "b"}, ["a", "b"]), ({"0": "a", "2": "b"}, {"0": "a", "2": "b"})],
)
def test_a_map_prints_as_a_list_when_its_keys_have_no_gap(
    mapping: dict[str, Any], printed: object
) -> None:
    assert php.as_array(mapping) == printed
