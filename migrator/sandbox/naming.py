"""REST names of stored field names.

Rule: core-corp: modules/crm/lib/Service/Converter.php; b24restdocs
api-reference/crm/universal/index.md. A user field is camel-cased only when its name is
letters and underscores throughout, or UF_CRM_, one to four digits, an underscore and a
uniform rest; everything else keeps its tail untouched behind `ufCrm_`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_REGULAR = re.compile(r"^(?:[A-Z_]+|UF_CRM_\d{1,4}_(?:[\d_]+|[A-Z_]+))$")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-zA-Z])(?=[0-9])")


def rest_name(stored: str) -> str:
    if not stored.startswith("UF_") or _REGULAR.match(stored):
        return _camel(stored)
    if stored.startswith("UF_CRM_"):
        return "ufCrm_" + stored.removeprefix("UF_CRM_")
    return "uf" + stored.removeprefix("UF_")


def upper_name(camel: str) -> str:
    """`assignedById` -> `ASSIGNED_BY_ID`, `parentId1220` -> `PARENT_ID_1220`."""
    return _HUMP.sub("_", camel).upper()


def rest_names(stored_names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Name many user fields; on a collision the later one keeps its stored name."""
    used = set(taken)
    names: dict[str, str] = {}
    for stored in stored_names:
        name = rest_name(stored)
        names[stored] = stored if name in used else name
        used.add(names[stored])
    return names


def _camel(stored: str) -> str:
    result = ""
    for part in stored.lower().split("_"):
        if not part:
            continue
        # An underscore between two blocks of digits is kept.
        if result and result[-1].isdigit() and part[0].isdigit():
            result += "_"
        result += part if not result else part[0].upper() + part[1:]
    return result
