"""How the server turns a stored field name into the one `crm.item.*` shows.

Source: core-corp: modules/crm/lib/Service/Converter.php;
b24restdocs api-reference/crm/universal/index.md
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A user field is camel-cased only in these shapes. Mixed letters and digits, a bare number and a
#: type id of five digits are not among them.
_CAMEL_CASED_USER_FIELD = re.compile(r"[A-Za-z_]+|UF_CRM_[0-9]{1,4}_(?:[0-9_]+|[A-Za-z_]+)")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])_(?=[0-9])")
_WORD_BREAK = re.compile(r"_+([a-z0-9]?)")
_KEPT = "\0"


def rest_name(stored_name: str) -> str:
    """The REST name of one stored name, as long as no other field of its type has taken it."""
    if not stored_name.startswith("UF_") or _CAMEL_CASED_USER_FIELD.fullmatch(stored_name):
        return _camel_case(stored_name)
    if stored_name.startswith("UF_CRM_"):
        return "ufCrm_" + stored_name.removeprefix("UF_CRM_")
    return "uf" + stored_name.removeprefix("UF_")


def rest_names(stored_names: Iterable[str]) -> dict[str, str]:
    """Stored name -> REST name for the fields of one type, in the order the portal lists them.

    Of two fields that would share a REST name the second keeps its stored name.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for stored in stored_names:
        name = rest_name(stored)
        names[stored] = stored if name in taken else name
        taken.add(names[stored])
    return names


def _camel_case(name: str) -> str:
    kept = _BETWEEN_DIGITS.sub(_KEPT, name.lower())
    return _WORD_BREAK.sub(lambda match: match[1].upper(), kept).replace(_KEPT, "_")
