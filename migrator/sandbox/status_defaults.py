"""Directories and stages every new portal has.

Codes: b24restdocs api-reference/crm/status/crm-status-list.md, crm-status-entity-types.md,
tutorials/crm/how-to-add-crm-objects/how-to-add-category-to-spa.md. Names are the English ones.
"""

from __future__ import annotations

#: code, name, semantics, colour, system
StatusRow = tuple[str, str, str | None, str, bool]


def _plain(*names: tuple[str, str]) -> tuple[StatusRow, ...]:
    return tuple((code, name, None, "", False) for code, name in names)


_DEAL: tuple[StatusRow, ...] = (
    ("NEW", "New", None, "#39A8EF", True),
    ("PREPARATION", "Document preparation", None, "#2FC6F6", False),
    ("PREPAYMENT_INVOICE", "Prepayment invoice", None, "#55D0E0", False),
    ("EXECUTING", "In progress", None, "#47E4C2", False),
    ("FINAL_INVOICE", "Final invoice", None, "#FFA900", False),
    ("WON", "Deal successful", "S", "#7BD500", True),
    ("LOSE", "Deal failed", "F", "#FF5752", True),
    ("APOLOGY", "Failure reason analysis", "F", "#FF5752", False),
)
_DYNAMIC: tuple[StatusRow, ...] = (
    ("NEW", "Start", None, "#22B9FF", True),
    ("PREPARATION", "Preparation", None, "#88B9FF", False),
    ("CLIENT", "Approval", None, "#10e5fc", False),
    ("SUCCESS", "Success", "S", "#00ff00", True),
    ("FAIL", "Failure", "F", "#ff0000", True),
)
_INVOICE: tuple[StatusRow, ...] = (
    ("N", "New", None, "#39A8EF", True),
    ("S", "Sent to client", None, "#2FC6F6", False),
    ("P", "Paid", "S", "#7BD500", True),
    ("D", "Not paid", "F", "#FF5752", True),
)

#: By entity type; 0 is any smart process.
STAGES: dict[int, tuple[StatusRow, ...]] = {0: _DYNAMIC, 2: _DEAL, 31: _INVOICE}

SYSTEM_LISTS: dict[str, tuple[StatusRow, ...]] = {
    "STATUS": (
        ("NEW", "Unassigned", None, "#39A8EF", True),
        ("IN_PROCESS", "In progress", None, "#2FC6F6", False),
        ("PROCESSED", "Processed", None, "#55D0E0", False),
        ("CONVERTED", "Converted", "S", "#7BD500", True),
        ("JUNK", "Junk", "F", "#FF5752", True),
    ),
    "QUOTE_STATUS": (
        ("DRAFT", "Draft", None, "#39A8EF", True),
        ("SENT", "Sent to client", None, "#2FC6F6", False),
        ("APPROVED", "Approved", "S", "#7BD500", True),
        # Spelled so by the vendor.
        ("DECLAINED", "Declined", "F", "#FF5752", True),
    ),
    "SOURCE": _plain(
        ("CALL", "Call"),
        ("EMAIL", "E-Mail"),
        ("WEB", "Website"),
        ("ADVERTISING", "Advertising"),
        ("PARTNER", "Existing client"),
        ("RECOMMENDATION", "By recommendation"),
        ("TRADE_SHOW", "Show/Exhibition"),
        ("WEBFORM", "CRM form"),
        ("CALLBACK", "Callback"),
        ("RC_GENERATOR", "Sales boost"),
        ("STORE", "Online store"),
        ("OTHER", "Other"),
    ),
    "CONTACT_TYPE": _plain(
        ("CLIENT", "Clients"),
        ("SUPPLIER", "Suppliers"),
        ("PARTNER", "Partners"),
        ("OTHER", "Other"),
    ),
    "COMPANY_TYPE": _plain(
        ("CUSTOMER", "Client"),
        ("SUPPLIER", "Supplier"),
        ("COMPETITOR", "Competitor"),
        ("PARTNER", "Partner"),
        ("OTHER", "Other"),
    ),
    "EMPLOYEES": _plain(
        ("EMPLOYEES_1", "less than 50"),
        ("EMPLOYEES_2", "50-250"),
        ("EMPLOYEES_3", "250-500"),
    ),
    "INDUSTRY": _plain(
        ("IT", "Information Technology"),
        ("TELECOM", "Telecommunication"),
        ("MANUFACTURING", "Manufacturing"),
        ("BANKING", "Banking Services"),
        ("OTHER", "Other"),
    ),
    "DEAL_TYPE": _plain(
        ("SALE", "Sales"),
        ("COMPLEX", "Integrated Sales"),
        ("GOODS", "Merchandise Sale"),
        ("SERVICE", "Services"),
    ),
    "HONORIFIC": _plain(("HNR_EN_1", "Mr."), ("HNR_EN_2", "Ms.")),
    "CALL_LIST": _plain(("IN_WORK", "In progress"), ("SUCCESS", "Successful")),
    "EVENT_TYPE": _plain(("INFO", "Information"), ("PHONE", "Phone call")),
}
