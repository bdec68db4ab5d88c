"""Maven's accounts and opportunities as companies and deals."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from migrator.demo import directories, items, user_fields
from migrator.demo.directories import OPPORTUNITY_STAGES
from migrator.demo.formats import cents, day, day_before, moment, money, number

if TYPE_CHECKING:
    from migrator.demo.items import Item
    from migrator.demo.people import People
    from migrator.demo.tables import Row, Tables
    from migrator.demo.user_fields import Enumerations

_SET = "maven_crm"


def sectors(tables: Tables) -> list[str]:
    return list(dict.fromkeys(row["sector"] for row in tables.rows(_SET, "accounts")))


def products(tables: Tables) -> list[str]:
    """The catalogue, then the spelling `GTXPro`, which only the pipeline knows."""
    catalogue = [row["product"] for row in tables.rows(_SET, "products")]
    sold = [row["product"] for row in tables.rows(_SET, "sales_pipeline")]
    return list(dict.fromkeys([*catalogue, *sold]))


def companies(tables: Tables, people: People) -> list[Item]:
    accounts = tables.rows(_SET, "accounts")
    company_ids = _company_ids(accounts)
    deals_of: dict[str, list[Row]] = defaultdict(list)
    for row in tables.rows(_SET, "sales_pipeline"):
        if row["account"] and row["engage_date"]:
            deals_of[row["account"]].append(row)
    return [_company(row, deals_of[row["account"]], company_ids, people) for row in accounts]


def deals(tables: Tables, people: People, enumerations: Enumerations) -> list[Item]:
    pipeline = tables.rows(_SET, "sales_pipeline")
    accounts = tables.rows(_SET, "accounts")
    company_ids = _company_ids(accounts)
    sector_of = {row["account"]: row["sector"] for row in accounts}
    list_prices = {row["product"]: row["sales_price"] for row in tables.rows(_SET, "products")}
    last_day = max(max(row["engage_date"], row["close_date"]) for row in pipeline)
    return [
        _deal(deal_id, row, last_day, company_ids, people)
        | _deal_user_fields(row, people, enumerations, list_prices, sector_of)
        for deal_id, row in enumerate(pipeline, 1)
    ]


def _company_ids(accounts: list[Row]) -> dict[str, int]:
    return {row["account"]: company_id for company_id, row in enumerate(accounts, 1)}


def _company(row: Row, deals_of_it: list[Row], company_ids: dict[str, int], people: People) -> Item:
    """The file has no dates for an account: it is a day older than its first deal."""
    first = min(deals_of_it, key=lambda deal: deal["engage_date"])
    last = max(deals_of_it, key=_last_date)
    owner = people.agent(first["sales_agent"])
    parent = row["subsidiary_of"]
    return items.company(
        id=company_ids[row["account"]],
        title=row["account"],
        typeId="CUSTOMER",
        industry=directories.industry(row["sector"]),
        employees=directories.employees(int(row["employees"])),
        revenue=number(cents(row["revenue"]) * 1_000_000),  # the file counts in millions
        assignedById=owner,
        createdBy=owner,
        updatedBy=people.agent(last["sales_agent"]),
        createdTime=moment(day_before(first["engage_date"])),
        updatedTime=moment(_last_date(last)),
    ) | {
        user_fields.HEADQUARTERS: row["office_location"],
        user_fields.YEAR_ESTABLISHED: int(row["year_established"]),
        user_fields.EMPLOYEES_EXACT: int(row["employees"]),
        user_fields.PARENT_COMPANY: f"CO_{company_ids[parent]}" if parent else None,
    }


def _deal(
    deal_id: int, row: Row, last_day: str, company_ids: dict[str, int], people: People
) -> Item:
    """Prospects have no date at all and stand at the end: created on the last day of the file."""
    agent, account = row["sales_agent"], row["account"]
    stage = OPPORTUNITY_STAGES[row["deal_stage"]]
    created = row["engage_date"] or last_day
    changed = row["close_date"] or created
    owner = people.agent(agent)
    subject = f"{row['product']} / {account}" if account else row["product"]
    return items.deal(
        id=deal_id,
        title=f"{subject} ({row['opportunity_id']})",
        categoryId=0,
        stageId=directories.deal_stage(stage, 0),
        stageSemanticId=stage.semantics,
        closed="N" if stage.semantics == "P" else "Y",
        opportunity=number(row["close_value"] or "0"),
        # Whoever closed the deal wrote the amount; until then it is what the portal computes.
        isManualOpportunity="Y" if row["close_value"] else "N",
        assignedById=owner,
        createdBy=owner,
        updatedBy=owner,
        movedBy=owner,
        createdTime=moment(created),
        updatedTime=moment(changed),
        movedTime=moment(changed),
        begindate=day(row["engage_date"]) or None,
        closedate=day(row["close_date"]) or None,
        observers=[people.manager_of(agent)],
        **items.client(company_ids[account] if account else 0, 0),
    )


def _deal_user_fields(
    row: Row,
    people: People,
    enumerations: Enumerations,
    list_prices: dict[str, str],
    sector_of: dict[str, str],
) -> Item:
    """A product the catalogue does not know under that name has no list price."""
    agent, account, product = row["sales_agent"], row["account"], row["product"]
    price = list_prices.get(product)
    sold_at_list_price = price is not None and row["close_value"] == price
    return {
        user_fields.OPPORTUNITY_CODE: row["opportunity_id"],
        user_fields.REGIONAL_OFFICE: enumerations.id_of(
            user_fields.REGIONAL_OFFICE, people.office_of(agent)
        ),
        user_fields.SALES_MANAGER: people.manager_of(agent),
        user_fields.PRODUCT: enumerations.id_of(user_fields.PRODUCT, product),
        user_fields.LIST_PRICE: money(price) if price else None,
        user_fields.SOLD_AT_LIST_PRICE: "Y" if sold_at_list_price else "N",
        user_fields.CUSTOMER_SECTOR: directories.industry(sector_of[account]) if account else None,
    }


def _last_date(deal: Row) -> str:
    return deal["close_date"] or deal["engage_date"]
