"""What a field's value means, apart from how one portal happens to print it.

`decode` turns what crm.item.list prints into a plain value; the same item read from the source and
from the target then compares by `==`, whatever the portals' time zones and number formats.
Source: b24restdocs api-reference/data-types.md, api-reference/crm/data-types.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from migrator.domain.vocabulary import (
    SYSTEM_TYPES,
    EntityTypeId,
    entity_type_of_short_code,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migrator.domain.fields import Field


class UnreadableValueError(ValueError):
    """The raw value does not have the form its field type has."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An item some field points at.

    `bare` remembers that a `crm` user field held the number without its prefix, which portals do
    where the field allows one entity type only; it is written back the same way.
    """

    entity_type_id: EntityTypeId
    item_id: int
    bare: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount exactly as many digits as were sent, and its currency code ("" for none)."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, order=True)
class Multifield:
    """A phone, e-mail, site or messenger of a lead, contact or company."""

    type_id: str
    value_type: str
    value: str


@dataclass(frozen=True, slots=True)
class FileValue:
    """A file of a file field; `url_machine` (its secret redacted) is None where none was given."""

    file_id: int
    url_machine: str | None = field(default=None, compare=False)


Scalar = bool | int | float | str | date | datetime | Money | Reference | Multifield | FileValue
Value = Scalar | tuple[Scalar, ...] | None

#: The settings keys of a `crm` user field -> what its values refer to.
_CRM_SETTING_TYPES: Mapping[str, EntityTypeId] = {
    t.symbol: t.entity_type_id for t in SYSTEM_TYPES.values()
}

_USER_TYPES = frozenset({"user", "employee"})
_INTEGER_TYPES = frozenset({"integer", "enumeration", "crm_category"}) | _USER_TYPES


def decode(field_: Field, raw: Any) -> Value:
    """Read a raw value; None (or an empty tuple, for a multiple field) where there is nothing.

    Raises: UnreadableValueError.
    """
    if field_.type == "crm_multifield":
        return tuple(_multifields(raw))
    if not field_.is_multiple:
        return _decode_one(field_, raw[0] if isinstance(raw, list) and raw else raw)
    if raw in (None, "", False):
        return ()
    rows = raw if isinstance(raw, list) else list(raw.values()) if _is_map(raw) else [raw]
    decoded = (_decode_one(field_, row) for row in rows)
    return tuple(value for value in decoded if value is not None)


def _is_map(raw: Any) -> bool:
    return isinstance(raw, dict) and "id" not in raw


def _decode_one(field_: Field, raw: Any) -> Scalar | None:
    if raw is None or raw in ("", []):
        return None
    try:
        return _decode_filled(field_, raw)
    except (ValueError, TypeError, KeyError, InvalidOperation, OverflowError) as error:
        raise UnreadableValueError(f"{field_.type} {raw!r}") from error


def _decode_filled(field_: Field, raw: Any) -> Scalar | None:
    match field_.type:
        case "boolean" | "char" if field_.type == "boolean" or raw in ("Y", "N"):
            return _boolean(raw)
        case "datetime":
            return parse_datetime(raw)
        case "date":
            return parse_date(raw)
        case "double":
            return _finite(float(raw))
        case "money":
            return _money(str(raw))
        case "file":
            return _file(raw)
        case "crm":
            return _binding(field_, str(raw))
        case _ if field_.refers_to is not None:
            return Reference(field_.refers_to, int(raw)) if int(raw) else None
        case kind if kind in _INTEGER_TYPES:
            number = int(raw)
            return number if number or kind in {"integer", "crm_category"} else None
        case _:
            return str(raw) if not isinstance(raw, bool) else _boolean(raw)


def _boolean(raw: Any) -> bool:
    if raw in ("Y", "1", 1, True, "true", "y"):
        return True
    if raw in ("N", "0", 0, False, "false", "n"):
        return False
    raise ValueError(raw)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(number)
    return number


def parse_datetime(raw: Any) -> datetime:
    """An instant in UTC, whole seconds: the portal keeps no more.

    A text without an offset would mean server time, which the portal never prints: refused.
    """
    moment = datetime.fromisoformat(str(raw))
    if moment.tzinfo is None:
        raise ValueError(raw)
    return moment.astimezone(UTC).replace(microsecond=0)


def parse_date(raw: Any) -> date:
    """The calendar day of a date-only field.

    Portals print it as midnight UTC in their own offset, so west of Greenwich the printed day is
    one too early: convert first, then take the day (rest_util.php of the rest module).
    """
    text = str(raw)
    return (
        date.fromisoformat(text) if len(text) == len("2024-04-19") else parse_datetime(text).date()
    )


def _money(raw: str) -> Money | None:
    text, _, currency = raw.partition("|")
    if not text.strip():
        return None
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(raw)
    return Money(amount, currency)


def _file(raw: Any) -> FileValue | None:
    if isinstance(raw, dict):
        url = raw.get("urlMachine")
        return FileValue(int(raw["id"]), str(url) if url else None)
    return FileValue(int(raw)) if int(raw) else None


def _binding(field_: Field, raw: str) -> Reference | None:
    prefix, _, number = raw.rpartition("_")
    if not prefix:
        only = allowed_binding_types(field_)
        if len(only) != 1:
            raise ValueError(raw)
        return Reference(only[0], int(number), bare=True) if int(number) else None
    entity_type_id = entity_type_of_short_code(prefix)
    if entity_type_id is None:
        raise ValueError(raw)
    return Reference(entity_type_id, int(number))


def allowed_binding_types(field_: Field) -> list[EntityTypeId]:
    """The entity types a `crm` user field may point at, from its settings."""
    allowed = [key for key, value in field_.settings.items() if value in ("Y", True)]
    found = [_CRM_SETTING_TYPES[key] for key in allowed if key in _CRM_SETTING_TYPES]
    dynamic = [key.removeprefix("DYNAMIC_") for key in allowed if key.startswith("DYNAMIC_")]
    return found + [EntityTypeId(int(number)) for number in dynamic if number.isdigit()]


def may_point_at(field_: Field, entity_type_id: EntityTypeId) -> bool:
    """Whether items of an entity type can stand in a field; a `crm` one may be for some only.

    Settings that name no type at all tell nothing.
    """
    if field_.type != "crm":
        return field_.refers_to in (None, entity_type_id)
    allowed = allowed_binding_types(field_)
    return not allowed or entity_type_id in allowed


def _multifields(raw: Any) -> Iterator[Multifield]:
    rows = list(raw.values()) if isinstance(raw, dict) else raw or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnreadableValueError(f"crm_multifield {raw!r}")
    for row in rows:
        value = str(row.get("value") or "")
        if value:
            yield Multifield(str(row.get("typeId")), str(row.get("valueType") or ""), value)


def scalars(value: Value) -> tuple[Scalar, ...]:
    """The single values in a value, none for an empty one."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def is_empty(value: Value) -> bool:
    return value in (None, ())


def display(value: Value) -> str | None:  # noqa: C901 - one case a kind of value
    """The text under which a value stands in findings and differences."""
    if isinstance(value, tuple):
        return ", ".join(display(one) or "" for one in value) if value else None
    match value:
        case None:
            return None
        case bool():
            return "Y" if value else "N"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case Money(amount, currency):
            return f"{amount}|{currency}"
        case Reference(entity_type_id, item_id):
            return f"{entity_type_id}:{item_id}"
        case Multifield(type_id, value_type, text):
            return f"{type_id} {value_type} {text}"
        case FileValue(file_id):
            return f"file {file_id}"
        case float():
            return f"{value:.15g}"
        case _:
            return str(value)
