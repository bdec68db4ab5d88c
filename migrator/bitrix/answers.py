"""The envelope of an answer, read with the patience PHP's JSON asks for."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from migrator.bitrix.errors import PortalError, UnreadableAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTime:
    """The `time` block; every part of it is missing somewhere in the vendor's own examples."""

    duration: float | None = None
    processing: float | None = None
    #: Execution seconds of this method that the portal counts at present.
    operating: float | None = None
    operating_reset_at: datetime | None = None
    #: The portal's clock at the end of the call; reset times are told by it, not by ours.
    finish: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A result. `total` and `next` are None where the portal left them out."""

    result: Any
    total: int | None = None
    next: int | None = None
    time: CallTime = CallTime()
    method: str = ""
    portal: str = ""

    def rows(self, key: str | None = None) -> list[Any]:
        """The list in `result[key]`, or `result` itself.

        PHP prints a list with gaps as an object, and an empty object as a list.
        """
        value = self.result if key is None else self._part(key)
        if isinstance(value, dict) and all(name.isdecimal() for name in value):
            return list(value.values())
        if not isinstance(value, list):
            raise self._unreadable("a list was expected")
        return value

    def mapping(self, key: str | None = None) -> dict[str, Any]:
        """The object in `result[key]`, or `result` itself; `[]` and null are an empty one."""
        value = self.result if key is None else self.mapping().get(key)
        if value is None or value == []:
            return {}
        if not isinstance(value, dict):
            raise self._unreadable("an object was expected")
        return value

    def _part(self, key: str) -> Any:
        parts = self.mapping()
        if parts and key not in parts:
            raise self._unreadable(f"{key} was expected")
        return parts.get(key, [])

    def _unreadable(self, description: str) -> UnreadableAnswer:
        return UnreadableAnswer(method=self.method, portal=self.portal, description=description)


def require(outcome: Answer | PortalError) -> Answer:
    """The answer. Raises: PortalError, where that is the outcome."""
    if isinstance(outcome, PortalError):
        raise outcome
    return outcome


def parse_json(content: bytes) -> Any | None:
    """The decoded body, or None for what is not whole JSON."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def php_map(value: object) -> dict[str, Any]:
    """A map as PHP prints it: `[]` when empty, a list when its keys happen to be 0, 1, 2."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {str(index): entry for index, entry in enumerate(value)}
    return {}


def read_time(block: object) -> CallTime:
    """Never fails: a strange `time` must not turn an executed write into an error."""
    if not isinstance(block, dict):
        return CallTime()
    return CallTime(
        duration=_number(block.get("duration")),
        processing=_number(block.get("processing")),
        operating=_number(block.get("operating")),
        operating_reset_at=_moment(block.get("operating_reset_at")),
        finish=_moment(block.get("finish")) or _moment(block.get("date_finish")),
    )


def whole_number(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _moment(value: object) -> datetime | None:
    """Unix seconds, or ISO as one page of the documentation prints it."""
    seconds = _number(value)
    try:
        if seconds is not None:
            return datetime.fromtimestamp(seconds, UTC)
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
