"""Which items are drawn, and what they take along."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.domain.values import Reference
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, EntityTypeId, SourceId
from migrator.plan.sample import InvalidShare, RandomDraw, Referring, Share
from tests.fakes.builders import a_field, a_structure, a_type

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = EntityTypeId(1302)
_STRATA = ["new", "won", "lost"]


@pytest.mark.parametrize(("text", "percent"), [("5%", "5"), (" 0.5 % ", "0.5"), ("100%", "100")])
def test_a_share_is_a_percentage(text: str, percent: str) -> None:
    assert Share.parse(text) == Share(Decimal(percent))


@pytest.mark.parametrize("text", ["5", "0%", "101%", "-1%", "five%", "", "%", "1e2%"])
def test_anything_else_is_no_share(text: str) -> None:
    with pytest.raises(InvalidShare, match="no size of a sample"):
        Share.parse(text)


@pytest.mark.parametrize(("items", "drawn"), [(0, 0), (1, 1), (19, 1), (20, 1), (21, 2), (100, 5)])
def test_of_few_items_there_is_one_in_the_sample(items: int, drawn: int) -> None:
    assert Share.parse("5%").of(items) == drawn


def _draw(share: str, pages: Sequence[Sequence[int]]) -> list[SourceId]:
    draw = RandomDraw(Share.parse(share), DEAL)
    drawn = [
        one
        for page in pages
        for one in draw.draw((SourceId(i), _STRATA[i % len(_STRATA)]) for i in page)
    ]
    return sorted([*drawn, *draw.rest()])


@given(st.sets(st.integers(1, 10**9), max_size=60), st.integers(1, 20), st.randoms())
def test_the_same_items_give_the_same_sample_however_they_come(
    ids: set[int], size: int, order: object
) -> None:
    shuffled = sorted(ids, key=lambda _: order.random())  # type: ignore[attr-defined]  # a Random
    pages = [shuffled[i : i + size] for i in range(0, len(shuffled), size)]

    assert _draw("10%", pages) == _draw("10%", [sorted(ids)])


@given(st.sets(st.integers(1, 10**9), max_size=60))
def test_every_stage_that_has_items_is_in_the_sample(ids: set[int]) -> None:
    drawn = _draw("1%", [sorted(ids)])

    assert {one % 3 for one in drawn} == {one % 3 for one in ids}


def test_about_as_many_are_drawn_as_were_asked_for() -> None:
    assert 900 < len(_draw("5%", [range(1, 20_001)])) < 1_100


def test_everything_is_drawn_where_everything_is_asked_for() -> None:
    assert _draw("100%", [range(1, 50)]) == list(range(1, 50))


def test_a_larger_share_holds_the_smaller_one() -> None:
    ids = [range(1, 2_001)]

    assert {*_draw("5%", ids)} <= {*_draw("10%", ids)}


def test_an_item_takes_along_what_any_of_its_fields_refers_to() -> None:
    fields = [
        a_field("companyId", "crm_company"),
        a_field("contactIds", "crm_contact", is_multiple=True),
        a_field("parentId1302", "crm_entity", parent_entity_type_id=PROJECT),
        a_field("UF_CRM_LINK", "crm", is_multiple=True, settings={"DEAL": "Y", "COMPANY": "Y"}),
        a_field("leadId", "crm_lead", is_read_only=True),
        a_field("title", "string"),
    ]
    source = a_structure(a_type(DEAL, *fields))
    payload = {
        "companyId": 4,
        "contactIds": [5, 6],
        "parentId1302": 7,
        "UF_CRM_LINK": ["D_8", "CO_9"],
        "leadId": 10,
        "title": "D_11",
    }
    unreadable = {"companyId": "nonsense", "contactIds": [12]}

    found = list(Referring(source, DEAL).of([payload, unreadable]))

    assert found == [
        Reference(COMPANY, 4),
        Reference(CONTACT, 5),
        Reference(CONTACT, 6),
        Reference(PROJECT, 7),
        Reference(DEAL, 8),
        Reference(COMPANY, 9),
        Reference(CONTACT, 12),
    ]
