"""Reading and printing dates as the portal's server does.

Datetimes are kept as text in the portal's own offset with whole seconds: they sort as they
stand and are printed as they stand. Date-only values are kept as `YYYY-MM-DD`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

_OFFSET = re.compile(r"^([+-])(\d{2}):?(\d{2})$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_SHAPE = re.compile(r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$")


def parse_offset(text: str) -> timezone:
    match = _OFFSET.match(text)
    if match is None:
        raise ValueError(f"not an offset like +03:00: {text!r}")
    span = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-span if match[1] == "-" else span)


class Moments:
    """The portal's calendar: one fixed offset."""

    def __init__(self, offset: str) -> None:
        self.offset = "+00:00" if offset in ("Z", "UTC") else offset
        self.zone = parse_offset(self.offset)
        self._midnight = lru_cache(maxsize=8192)(self._print_midnight)

    def at(self, seconds: float) -> str:
        return datetime.fromtimestamp(int(seconds), tz=self.zone).isoformat()

    def seconds(self, moment: str) -> float:
        return datetime.fromisoformat(moment).timestamp()

    def today(self, seconds: float, days: int = 0) -> str:
        day = datetime.fromtimestamp(seconds, tz=self.zone).date() + timedelta(days=days)
        return day.isoformat()

    def read_datetime(self, value: object) -> str | None:
        """None when unreadable: the server then leaves the field unset without an error.

        An explicit offset is honoured, none means server time, precision is one second
        (riester: bitrix/modules/rest/classes/general/rest_util.php).
        """
        moment = self._parse(value)
        return moment.isoformat() if moment else None

    def read_date(self, value: object) -> str | None:
        """A date-only value is read in server time (riester: .../general/rest_util.php)."""
        if isinstance(value, str) and _DATE.match(value):
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError:
                return None
        moment = self._parse(value)
        return moment.date().isoformat() if moment else None

    def day_in_utc(self, moment: str) -> str:
        return datetime.fromisoformat(moment).astimezone(UTC).date().isoformat()

    def print_date(self, day: str) -> str:
        """Midnight UTC in the portal's offset, so west of Greenwich the printed day is early.

        Source: riester: .../general/rest_util.php; fast_bitrix24: tests/real_responses.
        """
        return self._midnight(day)

    def _print_midnight(self, day: str) -> str:
        midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC)
        return midnight.astimezone(self.zone).isoformat()

    def _parse(self, value: object) -> datetime | None:
        if not isinstance(value, str) or not _SHAPE.match(value):
            return None
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self.zone)
            return moment.astimezone(self.zone).replace(microsecond=0)
        except (ValueError, OverflowError):
            return None
