"""Pairs that follow from decisions of the mapping file: fields given away, users by default."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from migrator.domain.findings import Effect, FindingKind, Severity
from migrator.domain.mapping import Decision, Mapping, PairKey, UserDefaults
from migrator.domain.vocabulary import DEAL
from migrator.plan.currencies import currency_findings
from migrator.plan.pairing import Pairing
from migrator.plan.usage import Usage
from tests.fakes.builders import (
    TITLE,
    a_field,
    a_list_field,
    a_list_value,
    a_status,
    a_structure,
    a_type,
    a_user,
    a_user_field,
    currency_key,
    field_key,
    list_value_key,
    pair_up,
    type_key,
    user_key,
)

DESCRIPTION = a_field("sourceDescription", "text", title="Source details")
CITY = a_user_field("UF_CRM_CITY", title="City")


def decided(mapping: Mapping, key: PairKey) -> tuple[str | None, Decision]:
    pair = mapping.get(key)
    assert pair is not None
    return pair.target_key, pair.decision


def test_a_field_given_to_another_leaves_the_one_that_would_have_had_it_open() -> None:
    portal = a_structure(a_type(DEAL, TITLE, DESCRIPTION, CITY))

    mapping = pair_up(portal, portal, {field_key(DEAL, "UF_CRM_CITY"): "sourceDescription"})

    assert decided(mapping, field_key(DEAL, "UF_CRM_CITY")) == (
        "sourceDescription",
        Decision.MAPPING,
    )
    assert decided(mapping, field_key(DEAL, "sourceDescription")) == (None, Decision.OPEN)
    assert decided(mapping, field_key(DEAL, "title")) == ("title", Decision.IDENTITY)


def test_two_fields_can_change_places() -> None:
    portal = a_structure(a_type(DEAL, CITY, a_user_field("UF_CRM_TOWN")))
    answers: dict[PairKey, str | None] = {
        field_key(DEAL, "UF_CRM_CITY"): "UF_CRM_TOWN",
        field_key(DEAL, "UF_CRM_TOWN"): "UF_CRM_CITY",
    }

    mapping = pair_up(portal, portal, answers)

    assert {key.key: mapping.target_key(key) for key in answers} == {
        "UF_CRM_CITY": "UF_CRM_TOWN",
        "UF_CRM_TOWN": "UF_CRM_CITY",
    }


def test_values_of_a_list_become_their_text_in_a_field_of_text() -> None:
    source = a_structure(a_type(DEAL, a_list_field(a_list_value(1, "Red"))))
    target = a_structure(a_type(DEAL, DESCRIPTION))
    answers = {field_key(DEAL, "UF_CRM_COLOUR"): "sourceDescription"}

    mapping = pair_up(source, target, answers)

    assert mapping.target_key(list_value_key(DEAL, "UF_CRM_COLOUR", 1)) == "Red"
    other = {list_value_key(DEAL, "UF_CRM_COLOUR", 1): "Rouge"}
    assert (
        pair_up(source, target, {**answers, **other}).target_key(
            list_value_key(DEAL, "UF_CRM_COLOUR", 1)
        )
        == "Rouge"
    )


def test_values_of_a_list_become_the_entries_of_their_name_in_a_directory() -> None:
    red, odd = a_list_value(1, "red"), a_list_value(2, "Odd")
    source = a_structure(a_type(DEAL, a_list_field(red, odd)))
    target = a_structure(
        a_type(DEAL, a_field("sourceId", "crm_status", status_type="SOURCE")),
        directories={"SOURCE": [a_status("UC_7", "Red")]},
    )

    mapping = pair_up(source, target, {field_key(DEAL, "UF_CRM_COLOUR"): "sourceId"})

    assert mapping.target_key(list_value_key(DEAL, "UF_CRM_COLOUR", 1)) == "UC_7"
    assert decided(mapping, list_value_key(DEAL, "UF_CRM_COLOUR", 2)) == (None, Decision.OPEN)


ANN, BOB, EVE = a_user(1, "ann@x.example"), a_user(2, "bob@x.example"), a_user(3, "eve@x.example")
SOURCE = replace(
    a_structure(
        users=[
            ANN,
            replace(BOB, departments=(12,)),
            replace(EVE, departments=(20,)),
            a_user(4, "dan@x.example"),
        ]
    ),
    departments={12: 10, 10: None, 20: None},
)
TARGET = a_structure(users=[a_user(70, "ann@x.example"), a_user(71), a_user(72), a_user(73)])


def users_of(
    defaults: UserDefaults, overrides: dict[PairKey, str | None] | None = None
) -> dict[str, tuple[str | None, Decision]]:
    pairs = Pairing(SOURCE, TARGET, overrides or {}, defaults).pairs()
    return {pair.source_key: (pair.target_key, pair.decision) for pair in pairs}


def test_an_own_line_and_an_e_mail_come_before_the_department_and_that_before_the_default() -> None:
    defaults = UserDefaults(everybody="73", departments={10: "72"})

    found = users_of(defaults, {user_key(3): "71"})

    assert found == {
        "1": ("70", Decision.IDENTITY),
        "2": ("72", Decision.DEFAULT),
        "3": ("71", Decision.MAPPING),
        "4": ("73", Decision.DEFAULT),
    }


def test_a_user_who_is_left_out_gets_no_default() -> None:
    found = users_of(UserDefaults(everybody="73"), {user_key(4): None})

    assert found["4"] == (None, Decision.DROPPED)


def test_without_a_default_for_all_the_others_stay_open() -> None:
    assert users_of(UserDefaults(departments={10: "72"}))["3"] == (None, Decision.OPEN)


def test_users_whom_the_source_does_not_list_get_the_default_for_all() -> None:
    deal = a_type(DEAL)
    source, target = a_structure(deal), a_structure(deal, users=[a_user(73)])
    pairing = Pairing(source, target, {}, UserDefaults(everybody="73"))

    pairs = pairing.with_loose(pairing.pairs(), [(DEAL, user_key(99))])

    (loose,) = [pair for pair in pairs if pair.pair_key == user_key(99)]
    assert (loose.target_key, loose.decision) == ("73", Decision.DEFAULT)


def findings_of(rates: dict[str, str]) -> list[tuple[FindingKind, Severity, Effect, int]]:
    deal = a_type(DEAL)
    source, target = a_structure(deal, currencies=["USD"]), a_structure(deal, currencies=["EUR"])
    pairs = Pairing(source, target, {currency_key("USD"): "EUR"}).pairs()
    mapping = Mapping(pairs, rates={code: Decimal(rate) for code, rate in rates.items()})
    usage = Usage()
    usage.needed[DEAL, currency_key("USD")] = 3
    return [(f.kind, f.severity, f.effect, f.items) for f in currency_findings(mapping, usage)]


def test_a_currency_mapped_to_another_blocks_until_a_rate_is_given() -> None:
    assert findings_of({}) == [
        (FindingKind.CURRENCY_WITHOUT_RATE, Severity.BLOCKING, Effect.ADJUSTED, 3)
    ]


def test_a_rate_adjusts_amounts_and_a_rate_of_one_leaves_them() -> None:
    assert findings_of({"USD": "0.92"}) == [
        (FindingKind.AMOUNT_CONVERTED, Severity.INFO, Effect.ADJUSTED, 3)
    ]
    assert findings_of({"USD": "1"}) == [
        (FindingKind.AMOUNT_CONVERTED, Severity.INFO, Effect.NONE, 3)
    ]


def test_a_currency_of_items_that_stay_behind_needs_no_rate() -> None:
    deal = a_type(DEAL)
    source, target = a_structure(deal, currencies=["USD"]), a_structure(deal, currencies=["EUR"])
    answers = {currency_key("USD"): "EUR", type_key(DEAL): None}
    usage = Usage()
    usage.needed[DEAL, currency_key("USD")] = 3

    assert list(currency_findings(Mapping(Pairing(source, target, answers).pairs()), usage)) == []
