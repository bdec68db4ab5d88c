"""Codes of the vendor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.domain.mapping import PairKind, directory_kind
from migrator.domain.vocabulary import (
    COMPANY,
    CONTACT,
    DEAL,
    LEAD,
    QUOTE,
    SMART_INVOICE,
    SYSTEM_TYPES,
    EntityTypeId,
    entity_type_of_short_code,
    entity_type_of_stages,
    short_code,
    stage_entity_id,
)
from tests.fakes.builders import SPA


@pytest.mark.parametrize(
    ("entity_type_id", "code"),
    [(DEAL, "D"), (COMPANY, "CO"), (SMART_INVOICE, "SI"), (128, "T80"), (177, "Tb1")],
)
def test_short_codes_are_those_of_the_documentation(entity_type_id: int, code: str) -> None:
    assert short_code(EntityTypeId(entity_type_id)) == code


@given(st.one_of(st.integers(min_value=128), st.sampled_from(sorted(SYSTEM_TYPES))))
def test_a_short_code_leads_back_to_its_entity_type(number: int) -> None:
    entity_type_id = EntityTypeId(number)

    assert entity_type_of_short_code(short_code(entity_type_id)) == entity_type_id


@pytest.mark.parametrize("code", ["O", "I", "RQ", "", "T", "Tzz", "T1"])
def test_codes_of_what_is_not_moved_name_no_entity_type(code: str) -> None:
    assert entity_type_of_short_code(code) is None


@pytest.mark.parametrize(
    ("entity_type_id", "category_id", "directory"),
    [
        (LEAD, None, "STATUS"),
        (QUOTE, None, "QUOTE_STATUS"),
        (DEAL, 0, "DEAL_STAGE"),
        (DEAL, None, "DEAL_STAGE"),
        (DEAL, 5, "DEAL_STAGE_5"),
        (SMART_INVOICE, 3, "SMART_INVOICE_STAGE_3"),
        (SPA, 9, "DYNAMIC_1302_STAGE_9"),
        (SPA, None, None),
        (CONTACT, 2, None),
        (COMPANY, 2, None),
    ],
)
def test_each_pipeline_has_its_own_directory_of_stages(
    entity_type_id: EntityTypeId, category_id: int | None, directory: str | None
) -> None:
    assert stage_entity_id(entity_type_id, category_id) == directory


@given(st.sampled_from([LEAD, DEAL, QUOTE, SMART_INVOICE, SPA]), st.none() | st.integers(0))
def test_a_directory_of_stages_leads_back_to_its_entity_type(
    entity_type_id: EntityTypeId, category_id: int | None
) -> None:
    directory = stage_entity_id(entity_type_id, category_id)

    assert directory is None or entity_type_of_stages(directory) == entity_type_id


@pytest.mark.parametrize("directory", ["SOURCE", "DEAL_TYPE", "DEAL_STAGE_", "MY_STATUS", ""])
def test_any_other_directory_belongs_to_no_entity_type(directory: str) -> None:
    assert entity_type_of_stages(directory) is None


@pytest.mark.parametrize(
    "directory",
    ["STATUS", "QUOTE_STATUS", "DEAL_STAGE", "DEAL_STAGE_5", "DYNAMIC_1302_STAGE_9"],
)
def test_the_stages_of_a_pipeline_are_told_from_plain_directories(directory: str) -> None:
    assert directory_kind(directory) is PairKind.STAGE


@pytest.mark.parametrize("directory", ["SOURCE", "DEAL_TYPE", "HONORIFIC", "CONTACT_TYPE"])
def test_plain_directories_hold_no_stages(directory: str) -> None:
    assert directory_kind(directory) is PairKind.STATUS


def test_sections_of_the_mapping_file_are_called_what_they_hold() -> None:
    assert [kind.section for kind in PairKind] == [
        "entity_types",
        "categories",
        "stages",
        "statuses",
        "fields",
        "enumerations",
        "users",
        "currencies",
    ]
