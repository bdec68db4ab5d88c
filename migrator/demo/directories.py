"""The directories of the source portal: statuses and stages, as rows of crm.status.list.

A directory named here replaces the one every portal starts with.
Source: b24restdocs api-reference/crm/status/crm-status-list.md
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The smart process that holds the AdventureWorks orders. Its user fields carry `TYPE_ID`,
#: everything else `ENTITY_TYPE_ID` (b24restdocs api-reference/crm/data-types.md).
ORDER_TYPE_ID = 7
ORDER_ENTITY_TYPE_ID = 1302

RESELLER_CATEGORY = 1
ORDER_CATEGORY = 9


@dataclass(frozen=True, slots=True)
class Stage:
    code: str
    name: str
    #: P in progress, S success, F failure.
    semantics: str = "P"


OPPORTUNITY_STAGES = {
    "Prospecting": Stage("NEW", "Prospecting"),
    "Engaging": Stage("PREPARATION", "Engaging"),
    "Won": Stage("WON", "Won", "S"),
    "Lost": Stage("LOSE", "Lost", "F"),
}

# Status codes of Sales.SalesOrderHeader in the publisher's data dictionary; all 32 orders say 5.
# Listed in the order the portal wants: in progress, success, failure.
ORDER_STAGES = {
    "1": Stage("NEW", "In process"),
    "2": Stage("PREPARATION", "Approved"),
    "3": Stage("UC_BACKORDER", "Backordered"),
    "5": Stage("WON", "Shipped", "S"),
    "4": Stage("LOSE", "Rejected", "F"),
    "6": Stage("APOLOGY", "Cancelled", "F"),
}

#: The last stages of a smart process have names of their own: SUCCESS and FAIL.
_SMART_PROCESS_CODES = {"WON": "SUCCESS", "LOSE": "FAIL"}

#: Codes that every portal has and nobody can delete.
_SYSTEM_CODES = {"NEW", "WON", "LOSE", "SUCCESS", "FAIL", "CUSTOMER", "CLIENT", "SALE", "WEB"}

EMPLOYEES = {
    "EMPLOYEES_1": "less than 50",
    "EMPLOYEES_2": "50-250",
    "EMPLOYEES_3": "250-500",
    "EMPLOYEES_4": "over 500",
}
HONORIFICS = {"Mr.": "HNR_EN_1", "Ms.": "HNR_EN_3", "Sr.": "UC_SR", "Sra.": "UC_SRA"}

_STATUSES = {
    "EMPLOYEES": EMPLOYEES,
    "COMPANY_TYPE": {"CUSTOMER": "Client", "RESELLER": "Reseller"},
    "CONTACT_TYPE": {"CLIENT": "Client"},
    "DEAL_TYPE": {"SALE": "Sales"},
    "SOURCE": {"WEB": "Website", "UC_SALESPERSON": "Sales person"},
    "HONORIFIC": {code: title for title, code in HONORIFICS.items()},
}


def deal_stage(stage: Stage, category_id: int) -> str:
    """The stage's STATUS_ID: codes of the default pipeline have no prefix."""
    return f"C{category_id}:{stage.code}" if category_id else stage.code


def order_stage(stage: Stage) -> str:
    code = _SMART_PROCESS_CODES.get(stage.code, stage.code)
    return f"DT{ORDER_ENTITY_TYPE_ID}_{ORDER_CATEGORY}:{code}"


def employees(head_count: int) -> str:
    """The band of the head count; the exact number stands in a user field."""
    bands = ((50, "EMPLOYEES_1"), (250, "EMPLOYEES_2"), (500, "EMPLOYEES_3"))
    return next((code for limit, code in bands if head_count < limit), "EMPLOYEES_4")


def industry(sector: str) -> str:
    return sector.upper()


def categories() -> list[dict[str, Any]]:
    """Pipelines, in the shape of crm.category.list."""
    return [
        _category(0, 2, "Hardware sales", is_default=True),
        _category(RESELLER_CATEGORY, 2, "Reseller orders"),
        _category(ORDER_CATEGORY, ORDER_ENTITY_TYPE_ID, "General", is_default=True),
    ]


def statuses(sectors: Iterable[str]) -> list[dict[str, Any]]:
    """Every directory entry; an industry is a sector as it is written in the file."""
    found = list(_stages())
    industries = {industry(sector): sector for sector in sectors}
    for entity_id, names in {**_STATUSES, "INDUSTRY": industries}.items():
        found += [
            _status(entity_id, code, name, sort=place * 10)
            for place, (code, name) in enumerate(names.items(), 1)
        ]
    for number, row in zip(count(101, 2), found, strict=False):
        row["ID"] = str(number)
    return found


def _stages() -> Iterable[dict[str, Any]]:
    pipelines = (
        ("DEAL_STAGE", None, [(s, deal_stage(s, 0)) for s in OPPORTUNITY_STAGES.values()]),
        (
            f"DEAL_STAGE_{RESELLER_CATEGORY}",
            RESELLER_CATEGORY,
            [(s, deal_stage(s, RESELLER_CATEGORY)) for s in ORDER_STAGES.values()],
        ),
        (
            f"DYNAMIC_{ORDER_ENTITY_TYPE_ID}_STAGE_{ORDER_CATEGORY}",
            ORDER_CATEGORY,
            [(s, order_stage(s)) for s in ORDER_STAGES.values()],
        ),
    )
    for entity_id, category_id, stages in pipelines:
        for place, (stage, code) in enumerate(stages, 1):
            row = _status(entity_id, code, stage.name, sort=place * 10)
            row["CATEGORY_ID"] = None if category_id is None else str(category_id)
            row["SEMANTICS"] = None if stage.semantics == "P" else stage.semantics
            row["COLOR"] = {"P": "#39A8EF", "S": "#7BD500", "F": "#FF5752"}[stage.semantics]
            yield row


def _status(entity_id: str, code: str, name: str, *, sort: int) -> dict[str, Any]:
    is_system = code.rpartition(":")[2] in _SYSTEM_CODES
    return {
        "ENTITY_ID": entity_id,
        "STATUS_ID": code,
        "NAME": name,
        "NAME_INIT": name if is_system else "",
        "SORT": str(sort),
        "SYSTEM": "Y" if is_system else "N",
        "CATEGORY_ID": None,
        "COLOR": "",
        "SEMANTICS": None,
    }


def _category(
    category_id: int, entity_type_id: int, name: str, *, is_default: bool = False
) -> dict[str, Any]:
    return {
        "id": category_id,
        "entityTypeId": entity_type_id,
        "name": name,
        "sort": 100 if is_default else 200,
        "isDefault": "Y" if is_default else "N",
        "code": "",
    }
