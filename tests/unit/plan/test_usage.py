"""What the items really use: only what occurs can be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.values import Reference
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, EntityTypeId
from migrator.plan.order import Edge
from migrator.plan.usage import Usage, UsageCounter
from tests.fakes.builders import (
    CATEGORY,
    CREATED_BY,
    RESPONSIBLE,
    SPA,
    STAGE,
    TITLE,
    a_category,
    a_deal,
    a_field,
    a_list_field,
    a_list_value,
    a_status,
    a_structure,
    a_type,
    a_user_field,
    category_key,
    currency_key,
    list_value_key,
    stage_key,
    user_key,
)

if TYPE_CHECKING:
    from migrator.domain.fields import Field

CONTACTS = a_field("contactIds", "crm_contact", is_multiple=True)
COMPANIES = a_field("companyIds", "crm_company", is_multiple=True)


def count(
    *items: dict[str, Any], fields: list[Field], entity_type_id: EntityTypeId = DEAL
) -> Usage:
    usage = Usage()
    portal = a_structure(
        a_type(
            entity_type_id,
            *fields,
            categories=[a_category(0, "Sales"), a_category(5, "Repair")],
            stages={0: [a_status("NEW")], 5: [a_status("C5:NEW")]},
        )
    )
    counter = UsageCounter(usage, portal, entity_type_id)
    for item in items:
        counter.add(item)
    return usage


def test_items_are_counted_and_not_their_values() -> None:
    colours = a_list_field(a_list_value(1, "Red"), a_list_value(2, "Blue"), is_multiple=True)

    usage = count(
        a_deal(1, UF_CRM_COLOUR=[1, 2, 1]), a_deal(2, UF_CRM_COLOUR=[1]), fields=[colours]
    )

    assert usage.items[DEAL] == 2
    assert usage.filled[DEAL, "UF_CRM_COLOUR"] == 2
    assert usage.needed[DEAL, list_value_key(DEAL, "UF_CRM_COLOUR", 1)] == 2
    assert usage.needed[DEAL, list_value_key(DEAL, "UF_CRM_COLOUR", 2)] == 1


@pytest.mark.parametrize(
    ("type_", "raw"), [("string", ""), ("boolean", "N"), ("integer", 0), ("user", "0")]
)
def test_what_an_unset_field_reads_as_does_not_count_as_filled(type_: str, raw: object) -> None:
    usage = count(a_deal(x=raw), fields=[a_field("x", type_)])

    assert usage.filled[DEAL, "x"] == 0


def test_the_pipeline_0_is_one_that_has_to_be_mapped() -> None:
    usage = count(a_deal(categoryId=0), fields=[CATEGORY])

    assert usage.needed[DEAL, category_key(DEAL, 0)] == 1


def test_a_stage_is_needed_in_the_pipeline_it_is_used_in() -> None:
    usage = count(a_deal(categoryId=5, stageId="C5:NEW"), fields=[CATEGORY, STAGE])

    assert usage.needed[DEAL, stage_key("DEAL_STAGE_5", "C5:NEW")] == 1
    assert usage.needed[DEAL, stage_key("DEAL_STAGE", "C5:NEW")] == 0


def test_a_user_who_does_two_things_for_one_item_is_needed_by_one_item() -> None:
    usage = count(a_deal(assignedById=7, createdBy=7), fields=[RESPONSIBLE, CREATED_BY])

    assert usage.needed[DEAL, user_key(7)] == 1


def test_the_author_of_an_item_is_needed_although_his_field_is_read_only() -> None:
    usage = count(a_deal(createdBy=7), fields=[CREATED_BY])

    assert usage.needed[DEAL, user_key(7)] == 1


def test_nobody_is_needed_for_a_field_that_is_not_carried() -> None:
    last_active = a_field("lastActivityBy", "user", is_read_only=True)

    usage = count(a_deal(lastActivityBy=7), fields=[last_active])

    assert usage.filled[DEAL, "lastActivityBy"] == 1
    assert usage.needed[DEAL, user_key(7)] == 0


def test_the_currency_inside_an_amount_is_needed() -> None:
    usage = count(a_deal(UF_CRM_FEE="5|BTC"), fields=[a_user_field("UF_CRM_FEE", "money")])

    assert usage.needed[DEAL, currency_key("BTC")] == 1


def test_references_that_occur_become_edges() -> None:
    binding = a_user_field("UF_CRM_SEE", "crm", is_multiple=True)

    usage = count(a_deal(UF_CRM_SEE=["T516_1", "T516_2", "CO_3"]), fields=[binding])

    assert usage.ordering_edges() == [
        Edge(entity_type_id=DEAL, field="UF_CRM_SEE", refers_to=COMPANY, items=1),
        Edge(entity_type_id=DEAL, field="UF_CRM_SEE", refers_to=SPA, items=1),
    ]


def test_a_companys_contacts_are_no_reason_to_defer_anything() -> None:
    usage = count({"id": 1, "contactIds": [5]}, fields=[CONTACTS], entity_type_id=COMPANY)

    assert usage.edges[COMPANY, "contactIds", CONTACT] == 1
    assert usage.ordering_edges() == []


def test_a_contacts_companies_have_to_be_there_first() -> None:
    usage = count({"id": 1, "companyIds": [5]}, fields=[COMPANIES], entity_type_id=CONTACT)

    assert [(e.entity_type_id, e.refers_to) for e in usage.ordering_edges()] == [(CONTACT, COMPANY)]


def test_a_field_that_repeats_a_list_is_not_counted_beside_it() -> None:
    single = a_field("contactId", "crm_contact")

    usage = count(a_deal(contactId=5, contactIds=[5]), fields=[single, CONTACTS])

    assert usage.filled[DEAL, "contactId"] == 0
    assert usage.filled[DEAL, "contactIds"] == 1


def test_a_single_field_counts_where_the_portal_has_no_list() -> None:
    usage = count(a_deal(contactId=5), fields=[a_field("contactId", "crm_contact")])

    assert usage.edges[DEAL, "contactId", CONTACT] == 1


def test_a_value_that_cannot_be_read_is_counted_and_the_rest_of_the_item_too() -> None:
    odd = a_field("begindate", "date")

    usage = count(a_deal(begindate="soon"), fields=[odd, TITLE])

    assert usage.unreadable[DEAL, "begindate"] == 1
    assert usage.filled[DEAL, "begindate"] == 0
    assert usage.filled[DEAL, "title"] == 1


def test_links_into_the_void_and_to_later_items_are_noted_once_an_item() -> None:
    usage = Usage()
    counter = UsageCounter(usage, a_structure(a_type(DEAL, CONTACTS)), DEAL)
    lost = [("contactIds", Reference(CONTACT, 8)), ("contactIds", Reference(CONTACT, 9))]

    counter.note_dangling(lost)
    counter.note_forward(["UF_CRM_NEXT", "UF_CRM_NEXT"])

    assert usage.dangling == {(DEAL, "contactIds", CONTACT): 1}
    assert usage.forward == {(DEAL, "UF_CRM_NEXT"): 1}


def test_an_item_tells_what_it_refers_to_field_by_field() -> None:
    counter = UsageCounter(Usage(), a_structure(a_type(DEAL, CONTACTS)), DEAL)

    assert counter.add(a_deal(contactIds=[8, 9])) == [
        ("contactIds", Reference(CONTACT, 8)),
        ("contactIds", Reference(CONTACT, 9)),
    ]
