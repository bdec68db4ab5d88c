"""How the emulated portal writes time and money.

The files have neither a time zone nor, in most places, a time of day: the portal is taken to stand
at a constant UTC offset, and a date alone means midnight there.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

UTC_OFFSET = "+03:00"
CURRENCY = "USD"


def moment(text: str) -> str:
    """A date-time to the second: `2005-08-01` and `2005-08-01 16:33:33.107` are both understood."""
    day, _, time_of_day = text.partition(" ")
    return f"{day}T{time_of_day[:8] or '00:00:00'}{UTC_OFFSET}"


def day(text: str) -> str:
    return text[:10]


def day_before(text: str) -> str:
    return (date.fromisoformat(day(text)) - timedelta(days=1)).isoformat()


def cents(amount: str | Decimal) -> Decimal:
    """Half a cent is rounded up, as on an invoice; the orders have four decimals."""
    return Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)


def number(amount: str | Decimal) -> int | float:
    """An amount of a system field, a JSON number there."""
    rounded = cents(amount)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def money(amount: str | Decimal) -> str:
    """An amount of a user field of type money.

    Source: b24restdocs api-reference/crm/universal/crm-item-add.md
    """
    return f"{cents(amount)}|{CURRENCY}"
