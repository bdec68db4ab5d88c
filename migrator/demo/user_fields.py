"""The user fields of the source portal, in the shape of userfieldconfig.get.

One table of decisions: what has no system field of its own becomes a user field here.
Source: b24restdocs api-reference/crm/universal/userfieldconfig/userfieldconfig-get.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from migrator.demo.directories import ORDER_TYPE_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Company
HEADQUARTERS = "UF_CRM_HEADQUARTERS"
YEAR_ESTABLISHED = "UF_CRM_YEAR_ESTABLISHED"
EMPLOYEES_EXACT = "UF_CRM_EMPLOYEES_EXACT"
PARENT_COMPANY = "UF_CRM_PARENT_COMPANY"

# Contact
ADDRESSES = "UF_CRM_ADDRESSES"
NAME_SUFFIX = "UF_CRM_NAME_SUFFIX"

# Deal, from Maven
OPPORTUNITY_CODE = "UF_CRM_OPPORTUNITY_CODE"
REGIONAL_OFFICE = "UF_CRM_REGIONAL_OFFICE"
SALES_MANAGER = "UF_CRM_SALES_MANAGER"
PRODUCT = "UF_CRM_PRODUCT"
LIST_PRICE = "UF_CRM_LIST_PRICE"
SOLD_AT_LIST_PRICE = "UF_CRM_SOLD_AT_LIST_PRICE"
CUSTOMER_SECTOR = "UF_CRM_CUSTOMER_SECTOR"

# Deal, from AdventureWorks
DUE_DATE = "UF_CRM_DUE_DATE"
FREIGHT = "UF_CRM_FREIGHT"
TAX = "UF_CRM_TAX"
ORDER_LINES = "UF_CRM_ORDER_LINES"

# Order; an SPA's own fields carry its type id in their names
SHIPPED_AT = f"UF_CRM_{ORDER_TYPE_ID}_SHIPPED_AT"
SHIP_METHOD = f"UF_CRM_{ORDER_TYPE_ID}_SHIP_METHOD"
UNITS = f"UF_CRM_{ORDER_TYPE_ID}_UNITS"
WEIGHT = f"UF_CRM_{ORDER_TYPE_ID}_WEIGHT"
PRODUCT_GROUPS = f"UF_CRM_{ORDER_TYPE_ID}_PRODUCT_GROUPS"
PLACED_BY = f"UF_CRM_{ORDER_TYPE_ID}_PLACED_BY"
LINES_FILE = f"UF_CRM_{ORDER_TYPE_ID}_LINES_FILE"


@dataclass(frozen=True, slots=True)
class UserField:
    entity_id: str
    name: str
    type: str
    label: str
    multiple: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


_ORDER = f"CRM_{ORDER_TYPE_ID}"

USER_FIELDS = (
    UserField("CRM_COMPANY", HEADQUARTERS, "string", "HQ location"),
    UserField("CRM_COMPANY", YEAR_ESTABLISHED, "integer", "Year established"),
    UserField("CRM_COMPANY", EMPLOYEES_EXACT, "integer", "Employees (exact)"),
    UserField("CRM_COMPANY", PARENT_COMPANY, "crm", "Parent company", settings={"COMPANY": "Y"}),
    UserField("CRM_CONTACT", ADDRESSES, "string", "Addresses", multiple=True),
    UserField("CRM_CONTACT", NAME_SUFFIX, "string", "Name suffix"),
    UserField("CRM_DEAL", OPPORTUNITY_CODE, "string", "Opportunity code"),
    UserField("CRM_DEAL", REGIONAL_OFFICE, "enumeration", "Regional office"),
    UserField("CRM_DEAL", SALES_MANAGER, "employee", "Sales manager"),
    UserField("CRM_DEAL", PRODUCT, "enumeration", "Product"),
    UserField("CRM_DEAL", LIST_PRICE, "money", "List price"),
    UserField("CRM_DEAL", SOLD_AT_LIST_PRICE, "boolean", "Sold at list price"),
    UserField(
        "CRM_DEAL",
        CUSTOMER_SECTOR,
        "crm_status",
        "Customer's sector",
        settings={"ENTITY_TYPE": "INDUSTRY"},
    ),
    UserField("CRM_DEAL", DUE_DATE, "date", "Due date"),
    UserField("CRM_DEAL", FREIGHT, "money", "Freight"),
    UserField("CRM_DEAL", TAX, "money", "Tax"),
    UserField("CRM_DEAL", ORDER_LINES, "string", "Order lines", multiple=True),
    UserField(_ORDER, SHIPPED_AT, "datetime", "Shipped at"),
    UserField(_ORDER, SHIP_METHOD, "string", "Ship method"),
    UserField(_ORDER, UNITS, "integer", "Units"),
    UserField(_ORDER, WEIGHT, "double", "Weight, kg", settings={"PRECISION": 2}),
    UserField(_ORDER, PRODUCT_GROUPS, "enumeration", "Product groups", multiple=True),
    UserField(
        _ORDER,
        PLACED_BY,
        "crm",
        "Placed by",
        multiple=True,
        settings={"CONTACT": "Y", "COMPANY": "Y"},
    ),
    UserField(_ORDER, LINES_FILE, "file", "Order lines as a file"),
)


class Enumerations:
    """The options of the enumeration fields, numbered across the portal."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        numbers = count(101, 2)
        self._ids = {
            name: {value: next(numbers) for value in options} for name, options in values.items()
        }

    def id_of(self, field_name: str, value: str) -> int:
        return self._ids[field_name][value]

    def options(self, field_name: str, user_field_id: str) -> list[dict[str, Any]]:
        """`xmlId` is derived from the text: it is what survives a copy of the structure."""
        return [
            {
                "id": str(option_id),
                "userFieldId": user_field_id,
                "value": value,
                "def": "N",
                "sort": str(place * 10),
                "xmlId": value.lower().replace(" ", "-"),
            }
            for place, (value, option_id) in enumerate(self._ids[field_name].items(), 1)
        ]


def user_fields(enumerations: Enumerations) -> list[dict[str, Any]]:
    return [
        _config(str(number), declared, enumerations)
        for number, declared in zip(count(201, 2), USER_FIELDS, strict=False)
    ]


def _config(field_id: str, declared: UserField, enumerations: Enumerations) -> dict[str, Any]:
    config: dict[str, Any] = {
        "id": field_id,
        "entityId": declared.entity_id,
        "fieldName": declared.name,
        "userTypeId": declared.type,
        "xmlId": declared.name,
        "sort": "100",
        "multiple": "Y" if declared.multiple else "N",
        "mandatory": "N",
        "showFilter": "E",
        "showInList": "Y",
        "editInList": "Y",
        "isSearchable": "N",
        "settings": dict(declared.settings),
        "editFormLabel": {"en": declared.label},
        "listColumnLabel": {"en": declared.label},
        "listFilterLabel": {"en": declared.label},
    }
    if declared.type == "enumeration":
        config["enum"] = enumerations.options(declared.name, field_id)
    return config
