"""Commands of a `batch`: PHP query strings, in which every value is text.

Source: b24restdocs settings/how-to-call-rest-api/batch.md, data-encoding.md
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: `Max batch length exceeded` for each command beyond. Source: b24restdocs limits.md
MOST_COMMANDS = 50

#: A value that is nothing but a reference to an earlier result stands in the query unquoted.
_REFERENCE = re.compile(r"\$result(?:\[[A-Za-z0-9_]+\])+")
#: PHP turns dots and spaces of a variable's name into underscores and cuts other things off.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: PHP decodes a name before it looks for brackets, so quoting does not protect these.
_NOT_IN_A_KEY = re.compile(r"[\[\]\0]")


@dataclass(frozen=True, slots=True)
class Command:
    """One call inside a batch; `params` hold text, numbers, lists and mappings, none of them empty.

    A value like `$result[earlier][items][0][id]` refers to an earlier command's result.
    """

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)


def encode(command: Command) -> str:
    """The command as the server wants it, each value quoted once.

    Raises:
        ValueError: for what a query string cannot say: booleans, empty lists and mappings,
            brackets in keys, infinite numbers. `None` becomes an empty text.
    """
    pairs = [
        f"{name}={_text(value)}"
        for key, nested in command.params.items()
        for name, value in _flatten(_variable(key), nested)
    ]
    return f"{command.method}?{'&'.join(pairs)}" if pairs else command.method


def _flatten(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        entries = [(_key(key), nested) for key, nested in value.items()]
    elif isinstance(value, list | tuple):
        entries = [(str(index), nested) for index, nested in enumerate(value)]
    else:
        yield name, value
        return
    if not entries:
        raise ValueError(f"{name}: a batch command cannot express an empty list or mapping")
    for key, nested in entries:
        yield from _flatten(f"{name}[{key}]", nested)


def _variable(key: str) -> str:
    if not _VARIABLE.fullmatch(key):
        raise ValueError(f"{key!r} cannot be a parameter of a batch command")
    return key


def _key(key: object) -> str:
    text = str(key)
    if not text or _NOT_IN_A_KEY.search(text):
        raise ValueError(f"{text!r} cannot be a key in a batch command")
    return quote(text, safe="")


def _text(value: object) -> str:
    match value:
        case bool():
            raise ValueError("a batch command has no booleans; say Y or N, or 1 or 0")
        case None:
            return ""
        case str():
            return value if _REFERENCE.fullmatch(value) else quote(value, safe="")
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return quote(repr(value), safe="")
        case _:
            raise ValueError(f"a batch command cannot hold {type(value).__name__}")
