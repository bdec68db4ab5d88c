"""Texts, e-mails and phones that say who or what an item is, in a form in which equals are equal.

Too few keys make a second item of something that is there; too many make one of two different
people, which is worse. So whatever is doubtful is no key: None.
"""

from __future__ import annotations

import re

#: What shorter numbers are: extensions, and what was typed to get past a required field.
_FEWEST_DIGITS = 7

#: A number of the Russian plan as it is dialled at home. No country's code begins with 83 or 89
#: (ITU-T, List of assigned country codes), so this cannot be a number of anywhere else; 84 and 88
#: are the beginnings of others.
_DIALLED_AT_HOME = re.compile(r"8([39]\d{9})")


def text_key(text: str | None) -> str | None:
    """Without the blanks around it, whatever the case. A zero is what nobody has entered."""
    key = (text or "").strip().casefold()
    return key if key not in {"", "0"} else None


def email_key(text: str) -> str | None:
    key = text.strip().casefold()
    return key if "@" in key[1:-1] else None


def phone_key(text: str) -> str | None:
    """The digits; `+` and `00` say the same, and so do `8` and `+7` where it can mean nothing else.

    An extension counts as digits: with and without one are two numbers.
    """
    digits = re.sub(r"[^0-9]", "", text)
    is_international = text.strip().startswith("+")
    if not is_international and digits.startswith("00"):
        digits, is_international = digits[2:], True
    at_home = None if is_international else _DIALLED_AT_HOME.fullmatch(digits)
    if at_home is not None:
        digits = f"7{at_home[1]}"
    return digits if len(digits) >= _FEWEST_DIGITS and digits.strip("0") else None
