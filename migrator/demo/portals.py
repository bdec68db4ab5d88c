"""The seed of the demo's source portal."""

from __future__ import annotations

from typing import Any

from migrator.demo import adventureworks, directories, maven, order_lines, user_fields
from migrator.demo.adventureworks import Customers
from migrator.demo.directories import ORDER_ENTITY_TYPE_ID, ORDER_TYPE_ID
from migrator.demo.formats import CURRENCY, UTC_OFFSET
from migrator.demo.people import ADMINISTRATOR, People
from migrator.demo.tables import Tables
from migrator.demo.user_fields import Enumerations

# Opens nothing but an emulated portal on this machine.
_WEBHOOK_CODE = "demosource000001"


def source_seed(tables: Tables | None = None) -> dict[str, Any]:
    """Build the seed document of the source portal; the same files give the same document.

    The faults of the data are kept as found (see docs/demo-data.md); every reference in it
    points at something that exists.
    """
    tables = tables or Tables()
    people = People(tables)
    enumerations = Enumerations(
        {
            user_fields.REGIONAL_OFFICE: people.offices,
            user_fields.PRODUCT: maven.products(tables),
            user_fields.PRODUCT_GROUPS: order_lines.groups(tables),
        }
    )
    return {
        "portal": _portal(),
        "users": people.users,
        "departments": people.departments,
        "currencies": [_us_dollar()],
        "types": [_order_type()],
        "categories": directories.categories(),
        "statuses": directories.statuses(maven.sectors(tables)),
        "userFields": user_fields.user_fields(enumerations),
        "items": _items(tables, people, enumerations),
    }


def _items(
    tables: Tables, people: People, enumerations: Enumerations
) -> dict[str, list[dict[str, Any]]]:
    customers = Customers(tables)
    orders = adventureworks.orders(tables, customers)
    return {
        "4": maven.companies(tables, people) + adventureworks.companies(customers, people),
        "3": adventureworks.contacts(tables, customers, people),
        "2": maven.deals(tables, people, enumerations) + adventureworks.deals(orders, people),
        str(ORDER_ENTITY_TYPE_ID): adventureworks.order_items(orders, people, enumerations),
    }


def _portal() -> dict[str, Any]:
    return {
        "host": "maventech.bitrix24.test",
        "utc_offset": UTC_OFFSET,
        "language": "en",
        "webhooks": [
            {
                "user_id": ADMINISTRATOR,
                "secret": _WEBHOOK_CODE,
                "scopes": ["crm", "user", "userfieldconfig"],
            }
        ],
    }


def _us_dollar() -> dict[str, Any]:
    """A row of crm.currency.list (b24restdocs api-reference/crm/currency/crm-currency-list.md)."""
    return {
        "CURRENCY": CURRENCY,
        "AMOUNT_CNT": "1",
        "AMOUNT": "1.0000",
        "SORT": "100",
        "BASE": "Y",
        "FULL_NAME": "US Dollar",
        "LID": "en",
        "FORMAT_STRING": "$#",
        "DEC_POINT": ".",
        "THOUSANDS_SEP": ",",
        "DECIMALS": "2",
        "DATE_UPDATE": f"2016-01-01T00:00:00{UTC_OFFSET}",
    }


def _order_type() -> dict[str, Any]:
    """The smart process "Order", below deals, in the shape of crm.type.get.

    Without begin and close dates: importing an item into a final stage overwrites the close date
    (core-corp: modules/crm/lib/Field/CloseDate.php); the day it shipped is a user field instead.
    Source: b24restdocs api-reference/crm/universal/user-defined-object-types/crm-type-get.md
    """
    switched_on = {"Stages", "Client", "LinkWithProducts", "Source", "Automation", "Recyclebin"}
    switches = (
        *("Categories", "Stages", "BeginCloseDates", "Client", "UseInUserfield"),
        *("LinkWithProducts", "Mycompany", "Documents", "Source", "Observers", "Recyclebin"),
        *("Automation", "BizProc", "Payments", "Counters"),
    )
    created = f"2005-06-01T00:00:00{UTC_OFFSET}"
    return {
        "id": ORDER_TYPE_ID,
        "title": "Order",
        "code": "",
        "entityTypeId": ORDER_ENTITY_TYPE_ID,
        "customSectionId": None,
        "createdBy": ADMINISTRATOR,
        "updatedBy": ADMINISTRATOR,
        "createdTime": created,
        "updatedTime": created,
        **{f"is{name}Enabled": "Y" if name in switched_on else "N" for name in switches},
        "isSetOpenPermissions": "Y",
        "relations": {
            # Client fields bring the links to contacts and companies along.
            "parent": [_relation(3, predefined=True), _relation(4, predefined=True), _relation(2)],
            "child": [],
        },
        "linkedUserFields": {},
    }


def _relation(entity_type_id: int, *, predefined: bool = False) -> dict[str, Any]:
    return {
        "entityTypeId": entity_type_id,
        "isChildrenListEnabled": "Y",
        "isPredefined": "Y" if predefined else "N",
    }
