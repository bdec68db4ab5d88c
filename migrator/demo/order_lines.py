"""The lines of the AdventureWorks orders.

Product rows are not moved by this version, so the lines travel as texts and as a small file.
"""

from __future__ import annotations

import base64
import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from migrator.demo.formats import number
from migrator.demo.tables import Tables, given

if TYPE_CHECKING:
    from collections.abc import Sequence

_SET = "adventureworks_lt"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    product: str
    #: Bikes, Components, Clothing or Accessories: the top of the catalogue's tree.
    group: str
    quantity: int
    unit_price: str
    discount: str
    #: Grams; None where the catalogue does not say.
    weight: Decimal | None


def groups(tables: Tables) -> list[str]:
    return [
        row["Name"]
        for row in tables.rows(_SET, "SalesLT.ProductCategory")
        if given(row["ParentProductCategoryID"]) is None
    ]


def read(tables: Tables) -> dict[str, list[OrderLine]]:
    """The lines of each order, by SalesOrderID, in the order of the file."""
    products = {row["ProductID"]: row for row in tables.rows(_SET, "SalesLT.Product")}
    group_of = _group_of_category(tables)
    lines: dict[str, list[OrderLine]] = defaultdict(list)
    for row in tables.rows(_SET, "SalesLT.SalesOrderDetail"):
        product = products[row["ProductID"]]
        weight = given(product["Weight"])
        lines[row["SalesOrderID"]].append(
            OrderLine(
                product=product["Name"],
                group=group_of[product["ProductCategoryID"]],
                quantity=int(row["OrderQty"]),
                unit_price=row["UnitPrice"],
                discount=row["UnitPriceDiscount"],
                weight=Decimal(weight) if weight else None,
            )
        )
    return lines


def weight_in_kg(lines: Sequence[OrderLine]) -> float | None:
    """What is known of the weight; None when nothing is, since a portal cannot keep a 0 there."""
    grams = sum(line.weight * line.quantity for line in lines if line.weight is not None)
    return float(number(Decimal(grams) / 1000)) or None


def as_file(name: str, lines: Sequence[OrderLine]) -> dict[str, str]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Product", "Quantity", "Unit price", "Discount"])
    writer.writerows(
        [line.product, line.quantity, line.unit_price, line.discount] for line in lines
    )
    content = base64.b64encode(text.getvalue().encode())
    return {"name": name, "content_base64": content.decode("ascii")}


def _group_of_category(tables: Tables) -> dict[str, str]:
    """The top category's name by any category's id; the tree is two levels deep."""
    rows = tables.rows(_SET, "SalesLT.ProductCategory")
    names = {row["ProductCategoryID"]: row["Name"] for row in rows}
    return {
        row["ProductCategoryID"]: names[
            given(row["ParentProductCategoryID"]) or row["ProductCategoryID"]
        ]
        for row in rows
    }
