"""Values of one field type in a field of another, where the operator pairs such fields."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING

from migrator.domain.values import (
    Money,
    Scalar,
    allowed_binding_types,
    display,
    parse_datetime,
)

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.domain.vocabulary import EntityTypeId


class Fit(Enum):
    """What becomes of the values of one field in another."""

    #: every value keeps its meaning
    WHOLE = auto()
    #: those that have the form of the other field; each that has not is a finding
    WHERE_IT_FITS = auto()


#: Fields that take any text.
TEXT_TYPES = frozenset({"string", "text", "url"})
_USER_TYPES = frozenset({"user", "employee"})
_FLAG_TYPES = frozenset({"boolean", "char"})
#: What can be written out, so that nothing is lost in a text.
_WRITTEN_OUT = TEXT_TYPES | _FLAG_TYPES | {"address", "integer", "double", "date", "datetime"}
_READ_FROM_TEXT = frozenset({"integer", "double", "date", "datetime"})
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]+)?")


def holds_text(field: Field) -> bool:
    return field.type in TEXT_TYPES


def fit(source: Field, target: Field) -> Fit | None:
    """Whether values of the source's field can stand in the target's; None where they cannot.

    Of a list (enumeration) the text of the value goes into a text field, and a directory entry of
    that name into a directory field.
    """
    if source.type == target.type:
        return Fit.WHOLE if _is_same_kind(source, target) else None
    for alike in (_USER_TYPES, _FLAG_TYPES):
        if source.type in alike and target.type in alike:
            return Fit.WHOLE
    if holds_text(target):
        return Fit.WHOLE if source.type in _WRITTEN_OUT | {"money", "enumeration"} else None
    if (source.type, target.type) == ("integer", "double"):
        return Fit.WHOLE
    if (source.type, target.type) == ("enumeration", "crm_status"):
        return Fit.WHOLE
    if (source.type, target.type) == ("double", "integer"):
        return Fit.WHERE_IT_FITS
    if holds_text(source) and target.type in _READ_FROM_TEXT:
        return Fit.WHERE_IT_FITS
    only = _only_reference(source)
    return Fit.WHOLE if only is not None and only == _only_reference(target) else None


def _is_same_kind(source: Field, target: Field) -> bool:
    """Entries of one directory mean nothing in another."""
    return source.type != "crm_status" or source.status_type == target.status_type


def _only_reference(field: Field) -> EntityTypeId | None:
    """The one entity type whose items a field can hold; the system's have fixed numbers."""
    if field.type == "crm":
        allowed = allowed_binding_types(field)
        return allowed[0] if len(allowed) == 1 else None
    return field.refers_to


def convert(target: Field, one: Scalar) -> Scalar | None:
    """A single value as the target's field holds it; None where it does not have that form."""
    if holds_text(target):
        return one if isinstance(one, str) else _written_out(one)
    try:
        match target.type:
            case "integer":
                return _whole(one)
            case "double":
                return _number(one)
            case "date" if isinstance(one, str):
                return _day(one.strip())
            case "datetime" if isinstance(one, str):
                return parse_datetime(one.strip())
            case _:
                return one
    except ValueError:
        return None


def _written_out(one: Scalar) -> str | None:
    """Every digit, never with an exponent; findings show rounded numbers instead."""
    match one:
        case float() if one.is_integer():
            return str(int(one))
        case float():
            return f"{Decimal(repr(one)):f}"
        case Money(amount, currency):
            return f"{amount:f}|{currency}"
        case _:
            return display(one)


def _day(text: str) -> date:
    """The day people wrote, whatever day it was in Greenwich. Raises: ValueError."""
    if len(text) == len("2024-04-19"):
        return date.fromisoformat(text)
    parse_datetime(text)
    return datetime.fromisoformat(text).date()


def _number(one: Scalar) -> float | None:
    if isinstance(one, str) and not _NUMBER.fullmatch(one.strip()):
        return None  # Python would take `1_000` and `nan`, too
    if not isinstance(one, (int, float, str)):
        return None
    number = float(one)
    # A double keeps 15 digits: of a longer text others would stand there.
    is_exact = not isinstance(one, str) or Decimal(one.strip()) == Decimal(repr(number))
    return number if is_exact else None


def _whole(one: Scalar) -> int | None:
    if isinstance(one, str):
        return int(one) if _WHOLE_NUMBER.fullmatch(one.strip()) else None
    if isinstance(one, float):
        return int(one) if one.is_integer() else None
    return one if isinstance(one, int) else None


#: Digits after the point where a portal does not say how many a currency has.
USUAL_DECIMALS = 2


def convert_amount(amount: Decimal, rate: Decimal, decimals: int | None) -> Decimal:
    """An amount in another currency, rounded half to even to the digits that currency has."""
    step = Decimal(1).scaleb(-(USUAL_DECIMALS if decimals is None else decimals))
    return (amount * rate).quantize(step, rounding=ROUND_HALF_EVEN)
