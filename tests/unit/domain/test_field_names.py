"""The naming rule of server-side `Converter`, row by row of what is known about it."""

from __future__ import annotations

import pytest

from migrator.domain.field_names import rest_name, rest_names


@pytest.mark.parametrize(
    ("stored", "rest"),
    [
        ("UF_CRM_1721244707107", "ufCrm_1721244707107"),
        ("UF_CRM_44_1721812760630", "ufCrm44_1721812760630"),
        ("UF_CRM_11_1712074666", "ufCrm11_1712074666"),
        ("UF_CRM_MY_FIELD", "ufCrmMyField"),
        ("UF_CRM_5_MY_FIELD", "ufCrm5MyField"),
        ("UF_CRM_5_FIELD1", "ufCrm_5_FIELD1"),
        ("UF_CRM_LEAD2", "ufCrm_LEAD2"),
        ("UF_CRM_12345_678", "ufCrm_12345_678"),
        ("PARENT_ID_180", "parentId180"),
    ],
)
def test_a_stored_name_becomes_the_name_the_server_shows(stored: str, rest: str) -> None:
    assert rest_name(stored) == rest


@pytest.mark.parametrize(
    ("stored", "rest"),
    [
        ("UF_CRM_3_DIGIT", "ufCrm3Digit"),
        ("UF_CRM_3_1747309727", "ufCrm3_1747309727"),
        ("UF_CRM_3_17_47", "ufCrm3_17_47"),
        ("UF_CRM_3_DIGIT_10", "ufCrm_3_DIGIT_10"),
        ("UF_CRM_566EB0AC9B7FC", "ufCrm_566EB0AC9B7FC"),
        ("UF_LOGO", "ufLogo"),
        ("UF_LOGO2", "ufLOGO2"),
        ("ASSIGNED_BY_ID", "assignedById"),
        ("ID", "id"),
    ],
)
def test_the_documented_examples_hold_too(stored: str, rest: str) -> None:
    assert rest_name(stored) == rest


def test_of_two_fields_with_one_rest_name_the_second_keeps_its_stored_name() -> None:
    names = rest_names(["UF_CRM_MY_FIELD", "UF_CRM_MY__FIELD", "TITLE"])

    assert names == {
        "UF_CRM_MY_FIELD": "ufCrmMyField",
        "UF_CRM_MY__FIELD": "UF_CRM_MY__FIELD",
        "TITLE": "title",
    }
