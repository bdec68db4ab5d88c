"""Values the mapping file decides about: other types, other currencies, users by default."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.findings import Effect, FindingKind
from migrator.domain.mapping import Mapping, UserDefaults
from migrator.domain.values import Money, Reference
from migrator.domain.vocabulary import COMPANY, DEAL
from migrator.plan.pairing import Pairing
from migrator.transform.item import TypeTransform
from tests.fakes.builders import (
    RESPONSIBLE,
    a_deal,
    a_field,
    a_list_field,
    a_list_value,
    a_structure,
    a_type,
    a_user,
    a_user_field,
    currency_key,
    field_key,
    nowhere,
    type_key,
)

if TYPE_CHECKING:
    from collections.abc import Mapping as Lookup

    from migrator.domain.fields import Field
    from migrator.domain.mapping import PairKey
    from migrator.domain.structure import Structure
    from migrator.transform.transformed import TransformedItem

DESCRIPTION = a_field("sourceDescription", "text")
CURRENCY = a_field("currencyId", "crm_currency")
AMOUNT = a_field("opportunity", "double")
OBSERVERS = a_field("observers", "user", is_multiple=True)
BUDGET = a_user_field("UF_CRM_BUDGET", "money", is_multiple=True)


def moved(
    source: Structure,
    target: Structure,
    answers: dict[PairKey, str | None] | None = None,
    *,
    rates: Lookup[str, str] | None = None,
    defaults: UserDefaults | None = None,
    filtered: bool = False,
    **values: Any,
) -> TransformedItem:
    pairs = Pairing(source, target, answers or {}, defaults).pairs()
    mapping = Mapping(
        pairs,
        rates={code: Decimal(rate) for code, rate in (rates or {}).items()},
        filtered=frozenset({COMPANY}) if filtered else frozenset(),
    )
    transform = TypeTransform(
        DEAL, source=source, target=target, mapping=mapping, fallback_user_id=1
    )
    return transform.transform(1, a_deal(**values), nowhere)


def told(item: TransformedItem) -> list[tuple[FindingKind, str | None, str | None, str | None]]:
    return [(one.kind, one.field, one.value, one.sent) for one in item.findings]


# Fields into other fields


def into_another(ours: Field, theirs: Field, value: Any) -> TransformedItem:
    answers: dict[PairKey, str | None] = {field_key(DEAL, ours.name): theirs.name}
    source, target = a_structure(a_type(DEAL, ours)), a_structure(a_type(DEAL, theirs))
    return moved(source, target, answers, **{ours.name: value})


def test_a_user_field_fills_the_system_field_it_is_given_to() -> None:
    item = into_another(a_user_field("UF_CRM_CITY"), DESCRIPTION, "Riga")

    assert (item.values, item.findings) == ({"sourceDescription": "Riga"}, [])


def test_a_list_value_is_written_out_in_a_field_of_text() -> None:
    colours = a_list_field(a_list_value(1, "Red"), a_list_value(2, "Odd"), is_multiple=True)

    item = into_another(colours, a_user_field("UF_CRM_TEXT", is_multiple=True), [2, 1])

    assert (item.values, item.findings) == ({"UF_CRM_TEXT": ("Odd", "Red")}, [])


@pytest.mark.parametrize(("text", "sent"), [("12.50", 12.5), ("about 12", None)])
def test_a_text_goes_into_a_field_of_numbers_if_it_is_one(text: str, sent: float | None) -> None:
    item = into_another(a_user_field("UF_CRM_A"), a_user_field("UF_CRM_B", "double"), text)

    lost = [] if sent else [(FindingKind.INCONVERTIBLE_VALUE, "UF_CRM_A", text, None)]
    assert (item.values, told(item)) == ({"UF_CRM_B": sent}, lost)


def test_a_zero_written_out_is_no_text_the_server_keeps() -> None:
    item = into_another(a_user_field("UF_CRM_A", "integer"), DESCRIPTION, 0)

    assert item.values == {"sourceDescription": None}
    assert [one.kind for one in item.findings] == [FindingKind.UNSENDABLE_VALUE]


def test_a_long_text_given_to_the_title_is_cut_like_a_title() -> None:
    item = into_another(a_user_field("UF_CRM_A"), a_field("title"), "x" * 300)

    assert item.values == {"title": "x" * 255}
    assert [one.kind for one in item.findings] == [FindingKind.TOO_LONG]


# Currencies

DOLLARS = a_structure(a_type(DEAL, CURRENCY, AMOUNT, BUDGET), currencies=["USD", "GBP"])
EUROS = replace(
    a_structure(a_type(DEAL, CURRENCY, AMOUNT, BUDGET), currencies=["EUR", "GBP", "JPY"]),
    currency_decimals={"EUR": 2, "JPY": 0},
)
TO_EURO: dict[PairKey, str | None] = {currency_key("USD"): "EUR"}


def test_amounts_are_converted_by_the_currency_they_are_in_and_each_is_on_record() -> None:
    item = moved(
        DOLLARS,
        EUROS,
        TO_EURO,
        rates={"USD": "0.92"},
        currencyId="USD",
        opportunity=10.05,
        UF_CRM_BUDGET=["100|USD", "7|GBP"],
    )

    assert item.values == {
        "currencyId": "EUR",
        "opportunity": 9.25,
        "UF_CRM_BUDGET": (Money(Decimal("92.00"), "EUR"), Money(Decimal(7), "GBP")),
    }
    assert told(item) == [
        (FindingKind.AMOUNT_CONVERTED, "opportunity", "10.05|USD", "9.25|EUR"),
        (FindingKind.AMOUNT_CONVERTED, "UF_CRM_BUDGET", "100|USD", "92.00|EUR"),
    ]
    assert {one.effect for one in item.findings} == {Effect.ADJUSTED}


def test_a_currency_without_decimals_gets_whole_amounts() -> None:
    answers: dict[PairKey, str | None] = {currency_key("USD"): "JPY"}

    item = moved(
        DOLLARS, EUROS, answers, rates={"USD": "157.25"}, currencyId="USD", opportunity=2.0
    )

    assert item.values["opportunity"] == 314.0  # 314.5, to the even neighbour


def test_a_rate_of_one_and_an_amount_of_nothing_leave_no_trace() -> None:
    same = moved(DOLLARS, EUROS, TO_EURO, rates={"USD": "1"}, currencyId="USD", opportunity=10.055)
    none = moved(DOLLARS, EUROS, TO_EURO, rates={"USD": "0.92"}, currencyId="USD", opportunity=0)

    assert (same.values["opportunity"], same.findings) == (10.055, [])
    assert none.findings == []


def test_numbers_in_fields_that_are_no_amounts_are_left_alone() -> None:
    deal = a_type(DEAL, CURRENCY, a_user_field("UF_CRM_SIZE", "double"))
    source, target = a_structure(deal, currencies=["USD"]), a_structure(deal, currencies=["EUR"])

    item = moved(source, target, TO_EURO, rates={"USD": "2"}, currencyId="USD", UF_CRM_SIZE=5.0)

    assert (item.values["UF_CRM_SIZE"], item.findings) == (5.0, [])


# Users


def test_a_user_by_default_is_set_and_each_time_on_record() -> None:
    deal = a_type(DEAL, RESPONSIBLE, OBSERVERS)
    source = a_structure(deal, users=[a_user(5, "bob@x.example", "Bob"), a_user(6)])
    target = a_structure(deal, users=[a_user(73)])

    item = moved(
        source, target, defaults=UserDefaults(everybody="73"), assignedById=5, observers=[5, 6]
    )

    assert item.values == {"assignedById": 73, "observers": (73,)}
    assert told(item) == [
        (FindingKind.DEFAULT_USER, "assignedById", "5", "73"),
        (FindingKind.DEFAULT_USER, "observers", "5", "73"),
        (FindingKind.DEFAULT_USER, "observers", "6", "73"),
    ]


# Links to what is left out


@pytest.mark.parametrize(
    ("answers", "filtered", "why"),
    [
        ({}, False, "item 8 of entity type 4 is not among the exported items"),
        ({}, True, "item 8 of entity type 4 was left out by the mapping file's filter"),
        ({type_key(COMPANY): None}, False, "the mapping file drops its entity type"),
    ],
)
def test_a_lost_link_says_what_left_its_end_out(
    answers: dict[PairKey, str | None], filtered: bool, why: str
) -> None:
    deal = a_type(DEAL, a_field("companyId", "crm_company"))
    portal = a_structure(deal, a_type(COMPANY))

    item = moved(portal, portal, answers, filtered=filtered, companyId=8)

    (finding,) = item.findings
    assert finding.kind is FindingKind.DANGLING_REFERENCE
    assert why in finding.detail
    assert item.dangling[0].refers_to == Reference(COMPANY, 8)
