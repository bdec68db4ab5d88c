"""A source item becomes what the target must hold: every identifier translated, no loss unsaid."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.domain.findings import Effect, FindingKind, Severity
from migrator.domain.values import FileValue, Money, Multifield
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL
from migrator.transform.item import build_transforms
from tests.fakes.builders import (
    CATEGORY,
    CREATED,
    CREATED_BY,
    RESPONSIBLE,
    SPA,
    STAGE,
    TITLE,
    Partners,
    a_category,
    a_deal,
    a_field,
    a_list_field,
    a_list_value,
    a_profile,
    a_status,
    a_structure,
    a_transform,
    a_type,
    a_user,
    a_user_field,
    field_key,
    nowhere,
    pair_up,
    stage_key,
    status_key,
    type_key,
    user_key,
)

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.domain.mapping import PairKey
    from migrator.domain.structure import Structure
    from migrator.transform.transformed import TransformedItem

CONTACTS = a_field("contactIds", "crm_contact", is_multiple=True)
COMPANY_FIELD = a_field("companyId", "crm_company")
SOURCE_FIELD = a_field("sourceId", "crm_status", status_type="SOURCE")


def transformed(
    *fields: Field,
    into: tuple[Field, ...] | None = None,
    answers: dict[PairKey, str | None] | None = None,
    **values: Any,
) -> TransformedItem:
    """One deal with these fields and values, moved into a portal with the same fields."""
    source = a_structure(a_type(DEAL, *fields))
    target = a_structure(a_type(DEAL, *(fields if into is None else into)))
    return a_transform(source, target, answers).transform(1, a_deal(**values), nowhere)


def kinds(item: TransformedItem) -> list[tuple[FindingKind, str | None, Effect]]:
    return [(one.kind, one.field, one.effect) for one in item.findings]


# Plain values


def test_texts_and_times_are_carried_as_they_are() -> None:
    item = transformed(TITLE, CREATED, title="Ship it", createdTime="2024-01-01T03:00:00+03:00")

    assert item.values == {"title": "Ship it", "createdTime": datetime(2024, 1, 1, tzinfo=UTC)}
    assert item.findings == []


@pytest.mark.parametrize(
    "name", ["originId", "originatorId", "originVersion", "xmlId", "utmSource"]
)
def test_what_other_systems_know_an_item_by_survives(name: str) -> None:
    portal = a_structure(a_type(DEAL, a_field(name)))

    item = a_transform(portal, portal).transform(1, {"id": 1, name: "A-1/ü"}, nowhere)

    assert item.values == {name: "A-1/ü"}


def test_an_empty_field_is_sent_as_empty_lest_the_portal_takes_a_default() -> None:
    several = a_user_field(is_multiple=True)

    assert transformed(SOURCE_FIELD, several).values == {"sourceId": None, "UF_CRM_COLOUR": ()}


def test_a_field_the_target_computes_is_not_sent() -> None:
    theirs = a_field("closed", "boolean", is_read_only=True)

    assert transformed(a_field("closed", "boolean"), into=(theirs,), closed="Y").values == {}


def test_a_contact_that_repeats_the_list_is_not_sent_beside_it() -> None:
    single = a_field("contactId", "crm_contact")

    assert "contactId" not in transformed(single, CONTACTS, contactId=5, contactIds=[5]).values


def test_a_title_that_is_too_long_is_cut_where_the_portal_would_and_on_record() -> None:
    item = transformed(TITLE, title="x" * 300)

    assert item.values["title"] == "x" * 255
    (finding,) = item.findings
    assert finding.kind is FindingKind.TOO_LONG
    assert (finding.value, finding.sent) == ("x" * 300, "x" * 255)


@pytest.mark.parametrize(
    ("field", "held", "sent", "lost"),
    [
        (a_user_field("UF_CRM_NOTE"), "0", None, "0"),
        (a_user_field("UF_CRM_NOTES", is_multiple=True), ["a", "0"], ("a",), "0"),
        (
            a_field("fm", "crm_multifield", is_multiple=True),
            [
                {"typeId": "PHONE", "valueType": "WORK", "value": "0"},
                {"typeId": "WEB", "valueType": "WORK", "value": "x"},
            ],
            (Multifield("WEB", "WORK", "x"),),
            "PHONE WORK 0",
        ),
    ],
)
def test_a_text_the_server_takes_for_nothing_is_left_out_on_record(
    field: Field, held: Any, sent: Any, lost: str
) -> None:
    item = transformed(field, **{field.name: held})

    assert item.values[field.name] == sent
    assert [(f.kind, f.field, f.value) for f in item.findings] == [
        (FindingKind.UNSENDABLE_VALUE, field.name, lost)
    ]


def test_equal_values_of_a_list_are_all_kept() -> None:
    numbers = a_user_field("UF_CRM_N", "integer", is_multiple=True)
    fm = a_field("fm", "crm_multifield", is_multiple=True)
    phone = {"typeId": "PHONE", "valueType": "WORK", "value": "1"}

    item = transformed(numbers, fm, UF_CRM_N=[5, 5], fm=[phone, phone])

    assert item.values["UF_CRM_N"] == (5, 5)
    assert item.values["fm"] == (Multifield("PHONE", "WORK", "1"),) * 2


def test_a_number_becomes_a_text_where_the_operator_pairs_it_with_one() -> None:
    item = transformed(
        a_user_field("UF_CRM_N", "double"),
        into=(a_user_field("UF_CRM_T"),),
        answers={field_key(DEAL, "UF_CRM_N"): "UF_CRM_T"},
        UF_CRM_N=1.5,
    )

    assert item.values == {"UF_CRM_T": "1.5"}


def test_an_unreadable_value_is_lost_on_record_and_the_field_is_sent_as_empty() -> None:
    item = transformed(TITLE, a_field("begindate", "date"), begindate="soon")

    assert item.values == {"title": "Deal 1", "begindate": None}
    assert kinds(item) == [(FindingKind.UNREADABLE_VALUE, "begindate", Effect.LOST)]
    assert item.findings[0].value == "soon"


# Structure


def test_stage_and_pipeline_are_translated_together() -> None:
    source = a_structure(
        a_type(
            DEAL,
            CATEGORY,
            STAGE,
            categories=[a_category(5, "Repair")],
            stages={5: [a_status("C5:NEW", "New")]},
        )
    )
    target = a_structure(
        a_type(
            DEAL,
            CATEGORY,
            STAGE,
            categories=[a_category(9, "Repair")],
            stages={9: [a_status("C9:NEW", "New")]},
        )
    )

    item = a_transform(source, target).transform(1, a_deal(categoryId=5, stageId="C5:NEW"), nowhere)

    assert item.values == {"categoryId": 9, "stageId": "C9:NEW"}


def test_a_deal_in_an_unmapped_stage_is_reported_and_its_stage_left_out() -> None:
    item = transformed(TITLE, STAGE, stageId="NEW")

    assert item.values == {"title": "Deal 1", "stageId": None}
    assert kinds(item) == [(FindingKind.UNMAPPED_STAGE, "stageId", Effect.LOST)]


def directory_portals() -> tuple[Structure, Structure]:
    source = a_structure(
        a_type(DEAL, SOURCE_FIELD),
        directories={"SOURCE": [a_status("7", "Fair"), a_status("8", "Call")]},
    )
    target = a_structure(
        a_type(DEAL, SOURCE_FIELD),
        directories={"SOURCE": [a_status("70", "Fair"), a_status("71", "Call")]},
    )
    return source, target


def test_a_directory_entry_is_translated_and_stays_a_text() -> None:
    item = a_transform(*directory_portals()).transform(1, a_deal(sourceId="7"), nowhere)

    assert item.values == {"sourceId": "70"}


def test_an_entry_left_out_on_purpose_is_on_record() -> None:
    answers: dict[PairKey, str | None] = {status_key("SOURCE", "7"): None}

    item = a_transform(*directory_portals(), answers).transform(1, a_deal(sourceId="7"), nowhere)

    assert item.values == {"sourceId": None}
    (finding,) = item.findings
    assert (finding.kind, finding.severity) == (FindingKind.DROPPED_BY_MAPPING, Severity.INFO)


def test_a_status_is_never_copied_because_nobody_names_its_directory() -> None:
    item = transformed(a_user_field("UF_CRM_S", "crm_status"), UF_CRM_S="CALL")

    assert item.values == {"UF_CRM_S": None}
    assert kinds(item) == [(FindingKind.UNMAPPED_STATUS, "UF_CRM_S", Effect.LOST)]


def test_list_values_are_translated_one_by_one_and_the_lost_ones_named() -> None:
    ours = a_list_field(a_list_value(1, "Red"), a_list_value(2, "Odd"), is_multiple=True)
    theirs = a_list_field(a_list_value(81, "red"), is_multiple=True)

    item = transformed(ours, into=(theirs,), UF_CRM_COLOUR=[1, 2])

    assert item.values == {"UF_CRM_COLOUR": (81,)}
    assert kinds(item) == [(FindingKind.UNMAPPED_ENUMERATION, "UF_CRM_COLOUR", Effect.LOST)]
    assert item.findings[0].value == "2"


def test_two_values_that_become_the_same_one_are_sent_once() -> None:
    observers = a_field("observers", "user", is_multiple=True)
    source = a_structure(a_type(DEAL, observers), users=[a_user(7), a_user(8)])
    target = a_structure(a_type(DEAL, observers), users=[a_user(70)])
    answers: dict[PairKey, str | None] = {user_key(7): "70", user_key(8): "70"}

    item = a_transform(source, target, answers).transform(1, a_deal(observers=[7, 8]), nowhere)

    assert item.values == {"observers": (70,)}


def test_money_changes_its_currency_code_and_keeps_its_digits() -> None:
    fee = a_user_field("UF_CRM_FEE", "money", is_multiple=True)
    portal = a_structure(a_type(DEAL, fee), currencies=["EUR"])

    item = a_transform(portal, portal).transform(1, a_deal(UF_CRM_FEE=["1.50|EUR"] * 2), nowhere)

    assert item.values == {"UF_CRM_FEE": (Money(Decimal("1.50"), "EUR"),) * 2}


def test_money_in_a_currency_the_target_has_not_is_lost_and_not_relabelled() -> None:
    item = transformed(a_user_field("UF_CRM_FEE", "money"), UF_CRM_FEE="1|BTC")

    assert item.values == {"UF_CRM_FEE": None}
    assert kinds(item) == [(FindingKind.UNMAPPED_CURRENCY, "UF_CRM_FEE", Effect.LOST)]


# People


def test_people_are_translated_wherever_they_stand() -> None:
    observers = a_field("observers", "user", is_multiple=True)
    employee = a_user_field("UF_CRM_WHO", "employee")
    fields = (RESPONSIBLE, CREATED_BY, observers, employee)
    source = a_structure(a_type(DEAL, *fields), users=[a_user(7, "ada@example.com")])
    target = a_structure(a_type(DEAL, *fields), users=[a_user(70, "ada@example.com")])
    deal = a_deal(assignedById=7, createdBy=7, observers=[7], UF_CRM_WHO="7")

    item = a_transform(source, target).transform(1, deal, nowhere)

    assert item.values == {
        "assignedById": 70,
        "createdBy": 70,
        "observers": (70,),
        "UF_CRM_WHO": 70,
    }


def test_a_user_without_a_partner_becomes_the_webhooks_user_on_record() -> None:
    portal = a_structure(a_type(DEAL, RESPONSIBLE))

    item = a_transform(portal, portal, fallback_user_id=99).transform(
        1, a_deal(assignedById=404), nowhere
    )

    assert item.values == {"assignedById": 99}
    (finding,) = item.findings
    assert (finding.kind, finding.effect) == (FindingKind.UNMAPPED_USER, Effect.ADJUSTED)
    assert (finding.value, finding.sent) == ("404", "99")


def with_user_7_left_out(field: Field, raw: Any) -> TransformedItem:
    portal = a_structure(a_type(DEAL, field), users=[a_user(7)])
    transform = a_transform(portal, portal, {user_key(7): None}, fallback_user_id=99)
    return transform.transform(1, {"id": 1, field.name: raw}, nowhere)


def test_a_user_left_out_on_purpose_leaves_no_trace_in_lists_and_user_fields() -> None:
    observers = a_field("observers", "user", is_multiple=True)

    assert with_user_7_left_out(observers, [7]).values == {"observers": ()}
    assert with_user_7_left_out(a_user_field(type_="employee"), 7).values == {"UF_CRM_COLOUR": None}


def test_where_the_portal_insists_on_somebody_a_user_left_out_becomes_the_webhooks() -> None:
    item = with_user_7_left_out(RESPONSIBLE, 7)

    assert item.values == {"assignedById": 99}
    (finding,) = item.findings
    assert (finding.kind, finding.effect) == (FindingKind.DROPPED_BY_MAPPING, Effect.ADJUSTED)
    assert finding.sent == "99"


# What cannot be carried


def test_a_field_without_a_partner_is_reported_for_the_items_that_fill_it() -> None:
    size = a_user_field("UF_CRM_SIZE")

    assert kinds(transformed(size, into=(), UF_CRM_SIZE="big")) == [
        (FindingKind.UNMAPPED_FIELD, "UF_CRM_SIZE", Effect.LOST)
    ]
    assert transformed(size, into=(), UF_CRM_SIZE="").findings == []


def test_a_field_left_out_on_purpose_is_reported_for_the_items_that_fill_it() -> None:
    size = a_user_field("UF_CRM_SIZE")

    item = transformed(size, answers={field_key(DEAL, "UF_CRM_SIZE"): None}, UF_CRM_SIZE="big")

    assert item.values == {}
    assert kinds(item) == [(FindingKind.DROPPED_BY_MAPPING, "UF_CRM_SIZE", Effect.LOST)]


def test_a_form_number_is_not_copied_into_a_portal_where_it_means_another_form() -> None:
    item = transformed(a_field("webformId", "integer"), webformId=3)

    assert item.values == {"webformId": None}
    assert kinds(item) == [(FindingKind.PORTAL_LOCAL_VALUE, "webformId", Effect.LOST)]


def test_no_form_is_no_loss() -> None:
    assert transformed(a_field("webformId", "integer"), webformId=0).findings == []


def test_a_file_without_a_link_is_lost_on_record() -> None:
    item = transformed(a_field("photo", "file"), photo=5)

    assert item.values == {"photo": None}
    assert kinds(item) == [(FindingKind.FILE_NOT_READABLE, "photo", Effect.LOST)]


def test_a_file_with_a_link_is_carried() -> None:
    item = transformed(a_user_field("UF_F", "file"), UF_F={"id": 5, "urlMachine": "/rest/f"})

    assert item.values == {"UF_F": FileValue(5)}


# Final stages


@pytest.mark.parametrize(("semantics", "is_final"), [("S", True), ("F", True), ("", False)])
def test_an_item_is_final_by_the_meaning_of_its_stage_in_the_target(
    semantics: str, is_final: bool
) -> None:
    def portal(category_id: int, stage: str) -> Structure:
        return a_structure(
            a_type(
                DEAL,
                CATEGORY,
                STAGE,
                categories=[a_category(category_id, "Repair")],
                stages={category_id: [a_status(stage, "Over", semantics)]},
            )
        )

    transform = a_transform(portal(5, "C5:X"), portal(9, "C9:Y"))

    deal = a_deal(categoryId=5, stageId="C5:X")
    assert transform.transform(1, deal, nowhere).is_final is is_final


def test_a_stage_is_final_where_a_type_has_no_pipelines() -> None:
    lead = a_type(DEAL, STAGE, stages={None: [a_status("WON", "Won", "S", is_system=True)]})
    portal = a_structure(lead)

    answers: dict[PairKey, str | None] = {stage_key("DEAL_STAGE", "WON"): "WON"}
    item = a_transform(portal, portal, answers).transform(1, a_deal(stageId="WON"), nowhere)

    assert item.is_final


# All types at once


def test_there_is_a_transform_for_every_type_with_a_partner() -> None:
    source = a_structure(a_type(DEAL, TITLE), a_type(COMPANY, TITLE), a_type(SPA, TITLE))
    target = a_structure(a_type(DEAL, TITLE), a_type(COMPANY, TITLE), profile=a_profile(99))
    mapping = pair_up(source, target, {type_key(COMPANY): None})

    assert list(build_transforms(source, target, mapping)) == [DEAL]


def test_a_type_without_a_partner_cannot_be_transformed() -> None:
    with pytest.raises(ValueError, match="no partner"):
        a_transform(a_structure(a_type(SPA)), a_structure(), entity_type_id=SPA)


payloads = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text(max_size=300),
        "sourceId": st.sampled_from(["7", "8", "9", ""]),
        "companyId": st.integers(0, 3),
        "contactIds": st.lists(st.integers(1, 4), max_size=4),
        "assignedById": st.integers(0, 9),
        "createdTime": st.sampled_from(["2024-01-01T00:00:00+00:00", "soon", None]),
        "UF_CRM_COLOUR": st.lists(st.integers(0, 5), max_size=3),
    },
)


@given(payloads)
def test_transforming_twice_gives_the_same_and_leaves_the_item_as_it_was(
    values: dict[str, Any],
) -> None:
    colours = a_list_field(a_list_value(1, "Red"), a_list_value(2, "Blue"), is_multiple=True)
    fields = (TITLE, SOURCE_FIELD, COMPANY_FIELD, CONTACTS, RESPONSIBLE, CREATED, colours)
    portal = a_structure(
        a_type(DEAL, *fields), directories={"SOURCE": [a_status("7"), a_status("8")]}
    )
    partners = Partners(imported={(CONTACT, 1): (CONTACT, 101)}, staged={(COMPANY, 2)})
    transform = a_transform(portal, portal)
    before = repr(values)

    first = transform.transform(1, values, partners.resolve)

    assert transform.transform(1, values, partners.resolve) == first
    assert repr(values) == before
    assert first.values.keys() == {one.name for one in fields}
