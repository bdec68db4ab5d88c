"""What every item of a portal holds, whether or not the data has something to say about it.

An import that leaves a key out gets the portal's default (first source, today, the caller), so a
value that is empty here has to stay empty on the other side.
Source: b24restdocs api-reference/crm/universal/object-fields.md
"""

from __future__ import annotations

from typing import Any

from migrator.demo.formats import CURRENCY

Item = dict[str, Any]

_COMPANY: Item = {
    "categoryId": 0,
    "currencyId": CURRENCY,
    "isMyCompany": "N",
    "industry": None,
    "employees": None,
    "revenue": 0,
    "leadId": None,
    "originatorId": None,
    "originId": None,
    "originVersion": None,
    "hasPhone": "N",
    "hasEmail": "N",
}
_CONTACT: Item = {
    "categoryId": 0,
    "typeId": "CLIENT",
    "sourceId": None,
    "sourceDescription": None,
    "post": None,
    "birthdate": None,
    "export": "Y",
    "leadId": None,
    "originVersion": None,
    "hasPhone": "Y",
    "hasEmail": "Y",
}
_DEAL: Item = {
    "typeId": "SALE",
    "currencyId": CURRENCY,
    # Computed from product rows, of which there are none: the tax is a user field.
    "taxValue": 0,
    "isRecurring": "N",
    "isReturnCustomer": "N",
    "isRepeatedApproach": "N",
    "probability": None,
    "leadId": None,
    "quoteId": None,
    "sourceId": None,
    "sourceDescription": None,
    "additionalInfo": None,
    "originatorId": None,
    "originId": None,
}
_ORDER: Item = {
    "currencyId": CURRENCY,
    "taxValue": 0,
    "isManualOpportunity": "Y",
    "sourceDescription": None,
}
_ANY: Item = {"opened": "Y", "comments": None}


def company(**own: Any) -> Item:
    return _with_activity(_ANY | _COMPANY | {"contactIds": [], "observers": []} | own)


def contact(**own: Any) -> Item:
    return _with_activity(_ANY | _CONTACT | {"observers": []} | own)


def deal(**own: Any) -> Item:
    return _with_activity(_ANY | _DEAL | {"observers": []} | own)


def order(**own: Any) -> Item:
    """An item of the smart process; it has neither comments nor, as configured, observers."""
    return _with_activity({"opened": "Y"} | _ORDER | own)


def client(company_id: int, contact_id: int) -> Item:
    """Company and contact of a deal or an order; a missing one is 0, not null."""
    return {
        "companyId": company_id,
        "contactId": contact_id,
        "contactIds": [contact_id] if contact_id else [],
    }


def _with_activity(item: Item) -> Item:
    """Nobody touched an item after its last change, so far as the data knows."""
    return item | {"lastActivityTime": item["updatedTime"], "lastActivityBy": item["updatedBy"]}
