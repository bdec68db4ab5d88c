"""The faults of the data are kept as found: a migration has to carry them, not to mend them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from migrator.demo import user_fields
from migrator.demo.portals import source_seed

COMPANY, CONTACT, DEAL = "4", "3", "2"


@pytest.fixture(scope="module")
def seed() -> dict[str, Any]:
    return source_seed()


def test_a_product_spelled_two_ways_is_two_options_one_of_them_unused(seed: dict[str, Any]) -> None:
    names = _option_names(seed, user_fields.PRODUCT)

    sold = Counter(
        names[deal[user_fields.PRODUCT]]
        for deal in seed["items"][DEAL]
        if user_fields.PRODUCT in deal
    )

    assert set(names.values()) - set(sold) == {"GTX Pro"}
    assert sold["GTXPro"] == 1480


def test_a_product_the_catalogue_does_not_know_has_no_list_price(seed: dict[str, Any]) -> None:
    names = _option_names(seed, user_fields.PRODUCT)

    without_price = {
        names[deal[user_fields.PRODUCT]]
        for deal in seed["items"][DEAL]
        if user_fields.PRODUCT in deal and deal[user_fields.LIST_PRICE] is None
    }

    assert without_price == {"GTXPro"}


def test_sixty_five_deals_closed_at_the_list_price(seed: dict[str, Any]) -> None:
    flags = Counter(deal[user_fields.SOLD_AT_LIST_PRICE] for deal in seed["items"][DEAL])

    assert flags == {"Y": 65, "N": 8767}


def test_a_misspelled_sector_is_an_industry(seed: dict[str, Any]) -> None:
    names = {
        row["STATUS_ID"]: row["NAME"] for row in seed["statuses"] if row["ENTITY_ID"] == "INDUSTRY"
    }

    industries = Counter(company["industry"] for company in seed["items"][COMPANY])

    assert names["TECHNOLGY"] == "technolgy"
    assert industries["TECHNOLGY"] == 12


def test_two_companies_end_in_a_space(seed: dict[str, Any]) -> None:
    titles = [company["title"] for company in seed["items"][COMPANY]]

    assert [title for title in titles if title != title.strip()] == [
        "Sleek Bikes ",
        "Great Bikes ",
    ]


def test_a_name_keeps_its_wrongly_encoded_letter(seed: dict[str, Any]) -> None:
    last_names = Counter(contact["lastName"] for contact in seed["items"][CONTACT])

    assert last_names["Mart¡nez"] == 2


def test_a_user_has_an_accent_in_the_e_mail(seed: dict[str, Any]) -> None:
    emails = [row["EMAIL"] for row in seed["users"]]

    assert [email for email in emails if not email.isascii()] == ["josé1@adventure-works.com"]


def test_four_hundred_and_seven_people_are_there_twice(seed: dict[str, Any]) -> None:
    people = Counter(
        (c["name"], c["secondName"], c["lastName"], c["companyId"], c["fm"][1]["value"])
        for c in seed["items"][CONTACT]
    )

    assert Counter(people.values()) == {2: 407, 1: 33}


def test_open_deals_may_have_neither_company_nor_dates(seed: dict[str, Any]) -> None:
    deals = seed["items"][DEAL]

    assert sum(deal["companyId"] == 0 for deal in deals) == 1425
    assert sum(deal["closedate"] is None for deal in deals) == 2089
    assert sum(deal["begindate"] is None for deal in deals) == 500


def test_prospects_without_a_date_share_one_moment(seed: dict[str, Any]) -> None:
    prospects = [deal for deal in seed["items"][DEAL] if deal["stageId"] == "NEW"]

    assert {deal["createdTime"] for deal in prospects} == {"2017-12-31T00:00:00+03:00"}


def test_a_parent_company_may_have_the_higher_id(seed: dict[str, Any]) -> None:
    links = [
        (company["id"], int(parent.removeprefix("CO_")))
        for company in seed["items"][COMPANY]
        if (parent := company.get(user_fields.PARENT_COMPANY))
    ]

    assert len(links) == 15
    assert sum(parent > child for child, parent in links) == 6


def test_one_order_is_older_than_its_customer(seed: dict[str, Any]) -> None:
    contacts = {contact["id"]: contact for contact in seed["items"][CONTACT]}

    too_old = [
        deal["id"]
        for deal in seed["items"][DEAL]
        if deal["contactId"] and deal["createdTime"] < contacts[deal["contactId"]]["createdTime"]
    ]

    assert too_old == [71782]


def _option_names(seed: dict[str, Any], field_name: str) -> dict[int, str]:
    field = next(row for row in seed["userFields"] if row["fieldName"] == field_name)
    return {int(option["id"]): option["value"] for option in field["enum"]}
