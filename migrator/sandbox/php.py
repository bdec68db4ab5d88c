"""The PHP habits that show through the REST interface."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_BRACKETS = re.compile(r"\[([^\]]*)\]")
_LEADING_NUMBER = re.compile(r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def is_empty(value: object) -> bool:
    """PHP `empty()`: the number and the string zero are empty too, `"0.0"` is not."""
    if value is None or value is False:
        return True
    if isinstance(value, (str, list, dict)):
        return value in ("", "0") or len(value) == 0
    return isinstance(value, (int, float)) and value == 0


def is_array(value: object) -> bool:
    return isinstance(value, (list, dict))


def array_values(value: object) -> list[Any]:
    """The values of a PHP array, whichever JSON shape it travelled in."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def array_items(value: object) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items()]
    return [(str(key), item) for key, item in enumerate(value)] if isinstance(value, list) else []


def to_float(value: object) -> float:
    """PHP `(float)`: the leading number of a text, else 0."""
    if isinstance(value, (int, float)):
        return float(value)
    match = _LEADING_NUMBER.match(value) if isinstance(value, str) else None
    return float(match.group(0)) if match else 0.0


def to_int(value: object) -> int:
    if isinstance(value, int):
        return int(value)
    return int(to_float(value))


def is_number(value: object) -> bool:
    if isinstance(value, (int, float)):
        return True
    match = _LEADING_NUMBER.match(value) if isinstance(value, str) else None
    return match is not None and match.group(0).strip() == str(value).strip()


def as_array(value: dict[str, Any]) -> Any:
    """Print a map as PHP's json_encode does.

    Empty becomes `[]`, keys 0..n-1 in sequence become a list, any gap stays an object
    (fast_bitrix24: tests/real_responses; b24restdocs settings/how-to-call-rest-api/batch.md).
    """
    if list(value) == [str(index) for index in range(len(value))]:
        return list(value.values())
    return value


def parse_query(query: str) -> dict[str, Any]:
    """Read a query string as PHP's parse_str does: `a[b][]=1` nests, repeated names overwrite."""
    return nest(parse_qsl(query, keep_blank_values=True))


def nest(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in pairs:
        base, _, rest = name.partition("[")
        path = [base, *_BRACKETS.findall("[" + rest)] if rest else [base]
        _put(root, path, value)
    return {key: _shape(value) for key, value in root.items()}


def _put(root: dict[str, Any], path: list[str], value: object) -> None:
    node = root
    for position, part in enumerate(path):
        key = part if part or position == 0 else _next_index(node)
        if position == len(path) - 1:
            node[key] = value
            return
        child = node.get(key)
        if not isinstance(child, dict):
            child = {}
            node[key] = child
        node = child


def _next_index(node: dict[str, Any]) -> str:
    taken = [int(key) for key in node if key.isdigit()]
    return str(max(taken) + 1 if taken else 0)


def _shape(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return as_array({key: _shape(item) for key, item in value.items()})
