"""Which values are identifiers of something else."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from migrator.domain.mapping import PairKey, PairKind
from migrator.domain.references import (
    ItemPlace,
    implied_by_list,
    is_ignored,
    place_of,
    structural_key,
)
from migrator.domain.values import Money, Scalar
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, LEAD
from migrator.domain.writability import is_portal_local, is_written
from tests.fakes.builders import (
    CATEGORY,
    CREATED,
    CREATED_BY,
    SPA,
    STAGE,
    TITLE,
    a_category,
    a_deal,
    a_field,
    a_list_field,
    a_status,
    a_structure,
    a_type,
    a_user_field,
    category_key,
    currency_key,
    list_value_key,
    stage_key,
    status_key,
    user_key,
)

if TYPE_CHECKING:
    from migrator.domain.fields import Field

REPAIRS = ItemPlace(entity_type_id=DEAL, stage_directory="DEAL_STAGE_5")
A_PORTAL = a_structure(
    a_type(
        DEAL,
        CATEGORY,
        STAGE,
        categories=[a_category(0, "Sales"), a_category(5, "Repairs")],
        stages={0: [a_status("NEW")], 5: [a_status("C5:NEW")]},
    ),
    a_type(
        SPA,
        STAGE,
        categories=[a_category(9, "Main")],
        stages={9: [a_status("DT1302_9:NEW")]},
    ),
)


@pytest.mark.parametrize(
    ("field", "value", "key"),
    [
        (CATEGORY, 5, category_key(DEAL, 5)),
        (STAGE, "C5:NEW", stage_key("DEAL_STAGE_5", "C5:NEW")),
        (
            a_field("sourceId", "crm_status", status_type="SOURCE"),
            "CALL",
            status_key("SOURCE", "CALL"),
        ),
        (a_list_field(), 79, list_value_key(DEAL, "UF_CRM_COLOUR", 79)),
        (CREATED_BY, 7, user_key(7)),
        (a_user_field(type_="employee"), 7, user_key(7)),
        (a_field("currencyId", "crm_currency"), "USD", currency_key("USD")),
        (a_user_field(type_="money"), Money(Decimal(1), "USD"), currency_key("USD")),
    ],
)
def test_every_identifier_of_structure_has_a_key_in_the_mapping(
    field: Field, value: Scalar, key: PairKey
) -> None:
    assert structural_key(field, value, REPAIRS) == key


@pytest.mark.parametrize("value", ["text", 5, Money(Decimal(1), "")])
def test_what_is_no_identifier_has_none(value: Scalar) -> None:
    types = {str: "string", int: "integer", Money: "money"}

    assert structural_key(a_user_field(type_=types[type(value)]), value, REPAIRS) is None


def test_a_status_whose_directory_nobody_names_is_not_taken_for_a_text() -> None:
    nameless = a_user_field(type_="crm_status", status_type=None)

    assert structural_key(nameless, "CALL", REPAIRS) == PairKey(PairKind.STATUS, "", "CALL")


def test_an_items_stage_belongs_to_the_pipeline_it_is_in() -> None:
    deal = a_deal(categoryId=5, stageId="C5:NEW")

    place = place_of(A_PORTAL, DEAL, A_PORTAL.fields[DEAL], deal)

    assert place == REPAIRS


def test_a_stage_leads_to_its_pipeline_where_the_portal_does_not_print_that() -> None:
    item = {"id": 1, "stageId": "DT1302_9:NEW"}

    place = place_of(A_PORTAL, SPA, A_PORTAL.fields[SPA], item)

    assert place.stage_directory == "DYNAMIC_1302_STAGE_9"


def test_a_stage_nobody_knows_stays_with_the_items_pipeline() -> None:
    deal = a_deal(categoryId=5, stageId="C5:GONE")

    assert place_of(A_PORTAL, DEAL, A_PORTAL.fields[DEAL], deal).stage_directory == "DEAL_STAGE_5"


def test_a_single_contact_repeats_the_first_of_the_list() -> None:
    assert implied_by_list(DEAL, "contactId") == "contactIds"


def test_the_company_of_a_contact_repeats_its_list_but_that_of_a_deal_does_not() -> None:
    assert implied_by_list(CONTACT, "companyId") == "companyIds"
    assert implied_by_list(DEAL, "companyId") is None
    assert implied_by_list(LEAD, "companyId") is None


@pytest.mark.parametrize(
    "name", ["id", "entityTypeId", "contacts", "UF_CRM_MIGRATOR_SOURCE", "UF_CRM_5_MIGRATOR_SOURCE"]
)
def test_identity_and_what_an_earlier_migration_left_play_no_part(name: str) -> None:
    assert is_ignored(a_field(name))


def test_the_six_history_fields_may_be_imported_although_they_are_read_only() -> None:
    assert is_written(CREATED)
    assert is_written(CREATED_BY)
    assert is_written(TITLE)
    assert not is_written(a_field("lastActivityTime", "datetime", is_read_only=True))
    assert not is_written(a_field("id", "integer"))


def test_forms_and_places_mean_something_in_one_portal_only() -> None:
    assert is_portal_local(a_field("webformId", "integer"))
    assert is_portal_local(a_user_field(type_="iblock_element"))
    assert not is_portal_local(a_field("companyId", "crm_company"))


def test_a_companys_own_directory_is_not_mistaken_for_a_pipelines() -> None:
    portal = a_structure(a_type(COMPANY, categories=[a_category(3, "Vendors")]))

    place = place_of(portal, COMPANY, portal.fields[COMPANY], {"categoryId": 3})

    assert place.stage_directory is None
