"""JSON that comes back from either database exactly as it went in.

JSONB refuses what JSON allows and normalises what Python tells apart:

- U+0000 and lone surrogates cannot be stored at all. They are written as visible escapes: the
  symbol for escape, U+241B, followed by the symbol for null, U+2400, or by the surrogate's four
  hexadecimal digits; U+241B itself is doubled.
- A float written with an exponent, such as 1e+22, comes back as an integer. Such floats are
  written out in full with a fraction, which JSONB keeps.

SQLite would need none of this; both databases hold the same text so that one query reads both.
Key order is not kept by JSONB, and a negative zero comes back as zero.
Source: postgresql.org/docs/current/datatype-json.html
"""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from typing import Any

ESCAPE = "\u241b"
_NULL = "\u2400"

_UNSTORABLE = re.compile("[\x00\u241b\ud800-\udfff]")
_ESCAPED = re.compile(f"{ESCAPE}({ESCAPE}|{_NULL}|[0-9a-f]{{4}})")
#: How `json.dumps` shows what needs care: an escaped U+0000, or a float with a positive exponent.
_SUSPECT = re.compile(r"\\u0000|e\+|[\u241b\ud800-\udfff]|-0\.0")


def escape_text(text: str) -> str:
    """Make any Python string storable; the inverse is `unescape_text`."""
    return _UNSTORABLE.sub(_escape_character, text)


def unescape_text(text: str) -> str:
    return _ESCAPED.sub(_unescape_sequence, text) if ESCAPE in text else text


def dump_json(value: Any) -> str:
    """Raises ValueError for NaN and infinities, which JSON does not have."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _write(value) if _SUSPECT.search(text) else text


def load_json(text: str | bytes) -> Any:
    if isinstance(text, bytes):
        text = text.decode()
    value = json.loads(text)
    return _unescape(value) if ESCAPE in text else value


def hash_of(payload: Any) -> str:
    """A digest that two payloads share exactly if they are equal, whatever their key order."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _escape_character(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\x00":
        return ESCAPE + _NULL
    return ESCAPE * 2 if character == ESCAPE else f"{ESCAPE}{ord(character):04x}"


def _unescape_sequence(match: re.Match[str]) -> str:
    if match[1] == _NULL:
        return "\x00"
    return ESCAPE if match[1] == ESCAPE else chr(int(match[1], 16))


def _write(value: Any) -> str:
    match value:
        case dict():
            pairs = (f"{_write(str(key))}:{_write(entry)}" for key, entry in value.items())
            return f"{{{','.join(pairs)}}}"
        case list() | tuple():
            return f"[{','.join(map(_write, value))}]"
        case str():
            return json.dumps(escape_text(value), ensure_ascii=False)
        case float():
            return _write_float(value)
        case _:
            return json.dumps(value, allow_nan=False)


def _write_float(value: float) -> str:
    text = repr(value + 0.0)
    return f"{Decimal(text):f}.0" if "e+" in text else text


def _unescape(value: Any) -> Any:
    match value:
        case dict():
            return {unescape_text(key): _unescape(entry) for key, entry in value.items()}
        case list():
            return [_unescape(entry) for entry in value]
        case str():
            return unescape_text(value)
        case _:
            return value
