"""AdventureWorks' customers and orders as companies, contacts, deals and smart-process items."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrator.demo import directories, items, order_lines, user_fields
from migrator.demo.directories import HONORIFICS, ORDER_CATEGORY, ORDER_STAGES, RESELLER_CATEGORY
from migrator.demo.formats import day, moment, money, number
from migrator.demo.tables import Row, Tables, given

if TYPE_CHECKING:
    from migrator.demo.items import Item
    from migrator.demo.order_lines import OrderLine
    from migrator.demo.people import People
    from migrator.demo.user_fields import Enumerations

_SET = "adventureworks_lt"
_ORIGINATOR = "ADVENTUREWORKS"
_FIRST_COMPANY = 1001

#: An order of more lines than this keeps them in the deal only.
_LINES_WORTH_A_FILE = 8


class Customers:
    """The people, and the companies that only their rows name, numbered by first appearance."""

    def __init__(self, tables: Tables) -> None:
        self.rows = tables.rows(_SET, "SalesLT.Customer")
        self.members: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            self.members[row["CompanyName"]].append(row)
        self.company_ids = {
            name: company_id for company_id, name in enumerate(self.members, _FIRST_COMPANY)
        }
        self.by_id = {row["CustomerID"]: row for row in self.rows}


def companies(customers: Customers, people: People) -> list[Item]:
    return [
        items.company(
            id=customers.company_ids[name],
            title=name,
            typeId="RESELLER",
            assignedById=people.sales_person(members[-1]["SalesPerson"]),
            createdBy=people.sales_person(members[0]["SalesPerson"]),
            updatedBy=people.sales_person(members[-1]["SalesPerson"]),
            createdTime=moment(min(row["ModifiedDate"] for row in members)),
            updatedTime=moment(max(row["ModifiedDate"] for row in members)),
            contactIds=[int(row["CustomerID"]) for row in members],
        )
        for name, members in customers.members.items()
    ]


def contacts(tables: Tables, customers: Customers, people: People) -> list[Item]:
    """One per row; 407 people are there twice, and both rows become contacts."""
    addresses = _addresses(tables)
    return [
        _contact(row, customers.company_ids[row["CompanyName"]], people)
        | {
            user_fields.ADDRESSES: addresses[row["CustomerID"]],
            user_fields.NAME_SUFFIX: given(row["Suffix"]),
        }
        for row in customers.rows
    ]


def _contact(row: Row, company_id: int, people: People) -> Item:
    """`ModifiedDate` is the only date a person has."""
    owner, title = people.sales_person(row["SalesPerson"]), given(row["Title"])
    return items.contact(
        id=int(row["CustomerID"]),
        honorific=HONORIFICS[title] if title else None,
        name=row["FirstName"],
        secondName=given(row["MiddleName"]),
        lastName=row["LastName"],
        companyId=company_id,
        companyIds=[company_id],
        assignedById=owner,
        createdBy=owner,
        updatedBy=owner,
        createdTime=moment(row["ModifiedDate"]),
        updatedTime=moment(row["ModifiedDate"]),
        originatorId=_ORIGINATOR,
        originId=row["rowguid"],
        fm=[
            {"typeId": "PHONE", "valueType": "WORK", "value": row["Phone"]},
            {"typeId": "EMAIL", "valueType": "WORK", "value": row["EmailAddress"]},
        ],
    )


def _addresses(tables: Tables) -> dict[str, list[str]]:
    by_id = {row["AddressID"]: row for row in tables.rows(_SET, "SalesLT.Address")}
    found: dict[str, list[str]] = defaultdict(list)
    parts = ("AddressLine1", "AddressLine2", "City", "StateProvince", "PostalCode", "CountryRegion")
    for link in tables.rows(_SET, "SalesLT.CustomerAddress"):
        address = by_id[link["AddressID"]]
        text = ", ".join(value for part in parts if (value := given(address[part])))
        found[link["CustomerID"]].append(f"{link['AddressType']}: {text}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order with its customer and its lines; it becomes a deal and an item below the deal."""

    row: Row
    customer: Row
    company_id: int
    lines: list[OrderLine]

    @property
    def deal_id(self) -> int:
        return int(self.row["SalesOrderID"])

    @property
    def contact_id(self) -> int:
        return int(self.customer["CustomerID"])

    def shared(self, people: People) -> Item:
        """What the deal and the item below it say alike."""
        row, owner = self.row, people.sales_person(self.customer["SalesPerson"])
        shipped = given(row["ShipDate"])
        return {
            "opportunity": number(row["SubTotal"]),
            "sourceId": "WEB" if row["OnlineOrderFlag"] == "1" else "UC_SALESPERSON",
            "assignedById": owner,
            "createdBy": owner,
            "updatedBy": owner,
            "movedBy": owner,
            "createdTime": moment(row["OrderDate"]),
            "movedTime": moment(shipped or row["OrderDate"]),
            "updatedTime": moment(row["ModifiedDate"]),
            **items.client(self.company_id, self.contact_id),
        }


def orders(tables: Tables, customers: Customers) -> list[Order]:
    lines = order_lines.read(tables)
    found = []
    for row in tables.rows(_SET, "SalesLT.SalesOrderHeader"):
        customer = customers.by_id[row["CustomerID"]]
        found.append(
            Order(
                row=row,
                customer=customer,
                company_id=customers.company_ids[customer["CompanyName"]],
                lines=lines[row["SalesOrderID"]],
            )
        )
    return found


def deals(orders: list[Order], people: People) -> list[Item]:
    return [_deal(order, people) | _deal_user_fields(order) for order in orders]


def _deal(order: Order, people: People) -> Item:
    row, stage = order.row, ORDER_STAGES[order.row["Status"]]
    shipped = given(row["ShipDate"])
    return items.deal(
        **order.shared(people),
        id=order.deal_id,
        title=f"SO{order.deal_id} {order.customer['CompanyName']}",
        categoryId=RESELLER_CATEGORY,
        stageId=directories.deal_stage(stage, RESELLER_CATEGORY),
        stageSemanticId=stage.semantics,
        closed="N" if stage.semantics == "P" else "Y",
        isManualOpportunity="Y",
        begindate=day(row["OrderDate"]),
        closedate=day(shipped) if shipped else None,
        comments=f"PO {row['PurchaseOrderNumber']}, account {row['AccountNumber']}",
        originatorId=_ORIGINATOR,
        originId=row["rowguid"],
    )


def _deal_user_fields(order: Order) -> Item:
    return {
        user_fields.DUE_DATE: day(order.row["DueDate"]),
        user_fields.FREIGHT: money(order.row["Freight"]),
        user_fields.TAX: money(order.row["TaxAmt"]),
        user_fields.ORDER_LINES: [f"{line.quantity} x {line.product}" for line in order.lines],
        # A flag is never empty: a portal shows N for what nobody ticked.
        user_fields.SOLD_AT_LIST_PRICE: "N",
    }


def order_items(orders: list[Order], people: People, enumerations: Enumerations) -> list[Item]:
    return [
        _order_item(item_id, order, people) | _order_user_fields(order, enumerations)
        for item_id, order in enumerate(orders, 1)
    ]


def _order_item(item_id: int, order: Order, people: People) -> Item:
    return items.order(
        **order.shared(people),
        id=item_id,
        title=f"Order {order.row['SalesOrderID']}",
        categoryId=ORDER_CATEGORY,
        stageId=directories.order_stage(ORDER_STAGES[order.row["Status"]]),
        xmlId=order.row["rowguid"],
        parentId2=order.deal_id,
    )


def _order_user_fields(order: Order, enumerations: Enumerations) -> Item:
    shipped = given(order.row["ShipDate"])
    groups = dict.fromkeys(line.group for line in order.lines)
    return {
        user_fields.SHIPPED_AT: moment(shipped) if shipped else None,
        user_fields.SHIP_METHOD: order.row["ShipMethod"],
        user_fields.UNITS: sum(line.quantity for line in order.lines),
        user_fields.WEIGHT: order_lines.weight_in_kg(order.lines),
        user_fields.PRODUCT_GROUPS: [
            enumerations.id_of(user_fields.PRODUCT_GROUPS, group) for group in groups
        ],
        user_fields.PLACED_BY: [f"C_{order.contact_id}", f"CO_{order.company_id}"],
        user_fields.LINES_FILE: order_lines.as_file(f"SO{order.deal_id} lines.csv", order.lines)
        if len(order.lines) <= _LINES_WORTH_A_FILE
        else None,
    }
