"""What a matched item must hold once it is updated, and what of its own it keeps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from migrator.domain.findings import FindingKind
from migrator.domain.values import Money, display, scalars
from migrator.domain.vocabulary import DEAL
from migrator.transform.update import ItemUpdate, fields_to_read, update_of
from tests.fakes.builders import (
    Partners,
    a_deal,
    a_field,
    a_structure,
    a_transform,
    a_type,
    a_user_field,
    field_key,
)

CURRENCY = a_field("currencyId", "crm_currency")
AMOUNT = a_field("opportunity", "double")
BUDGET = a_user_field("UF_CRM_BUDGET", "money")
LINKS = a_user_field("UF_CRM_LINKS", "crm", is_multiple=True, settings={"LEAD": "Y", "DEAL": "Y"})
PORTAL = a_structure(a_type(DEAL, CURRENCY, AMOUNT, BUDGET, LINKS), currencies=["USD", "EUR"])
PARTNERS = Partners(imported={(DEAL, 5): (DEAL, 55)})


def updated(
    ours: dict[str, Any], theirs: dict[str, Any], *, without: str | None = None
) -> ItemUpdate:
    answers = {field_key(DEAL, without): None} if without else {}
    transform = a_transform(PORTAL, PORTAL, answers)
    item = transform.transform(1, a_deal(**ours), PARTNERS.resolve)
    return update_of(transform, item, theirs)


def kept(update: ItemUpdate) -> list[str | None]:
    return [f.field for f in update.findings if f.kind is FindingKind.NOT_OVERWRITTEN]


@pytest.mark.parametrize("without", [None, "opportunity"])
def test_a_currency_is_not_put_on_an_amount_of_the_targets_own(without: str | None) -> None:
    ours = {"currencyId": "EUR", "opportunity": 9 if without else 0}

    update = updated(ours, {"currencyId": "USD", "opportunity": 500}, without=without)

    assert (update.changed, kept(update)) == ((), ["currencyId"])


@pytest.mark.parametrize(
    ("ours", "theirs", "changed"),
    [
        ((9, "EUR"), (500, "USD"), {"currencyId", "opportunity"}),
        ((0, "EUR"), (0, "USD"), {"currencyId"}),
        ((0, "EUR"), (500, "EUR"), set()),
    ],
)
def test_an_amount_brings_its_currency_along(
    ours: tuple[int, str], theirs: tuple[int, str], changed: set[str]
) -> None:
    source, target = (
        {"opportunity": amount, "currencyId": code} for amount, code in (ours, theirs)
    )

    update = updated(source, target)

    assert (set(update.changed), kept(update)) == (changed, [])


def test_an_amount_of_nothing_leaves_the_money_of_the_target() -> None:
    assert updated({"UF_CRM_BUDGET": "0|EUR"}, {"UF_CRM_BUDGET": "500|USD"}).changed == ()
    update = updated({"UF_CRM_BUDGET": "1|EUR"}, {"UF_CRM_BUDGET": "500|USD"})
    assert update.wanted["UF_CRM_BUDGET"] == Money(Decimal(1), "EUR")


def test_nothing_is_added_to_a_list_that_cannot_be_read() -> None:
    ours = {"UF_CRM_LINKS": ["D_5"]}

    readable = updated(ours, {"UF_CRM_LINKS": ["L_7"]})
    unreadable = updated(ours, {"UF_CRM_LINKS": ["L_7", "8"]})

    assert [display(one) for one in scalars(readable.wanted["UF_CRM_LINKS"])] == ["1:7", "2:55"]
    assert (unreadable.changed, kept(unreadable)) == ((), ["UF_CRM_LINKS"])


def test_amounts_are_read_although_nothing_is_carried_into_them() -> None:
    transform = a_transform(PORTAL, PORTAL, {field_key(DEAL, "opportunity"): None})

    assert "opportunity" in fields_to_read(transform)
