from __future__ import annotations

import pytest

from migrator.sandbox import naming


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
        ("UF_CRM_3_DIGIT_10", "ufCrm_3_DIGIT_10"),
        ("UF_CRM_566EB0AC9B7FC", "ufCrm_566EB0AC9B7FC"),
        ("PARENT_ID_180", "parentId180"),
    ],
)
def test_a_stored_name_gets_the_name_the_server_prints(stored: str, rest: str) -> None:
    assert naming.rest_name(stored) == rest


@pytest.mark.parametrize(
    ("camel", "upper"),
    [
        ("assignedById", "ASSIGNED_BY_ID"),
        ("parentId1220", "PARENT_ID_1220"),
        ("mycompanyId", "MYCOMPANY_ID"),
        ("isManualOpportunity", "IS_MANUAL_OPPORTUNITY"),
        ("id", "ID"),
    ],
)
def test_every_field_has_an_upper_case_twin(camel: str, upper: str) -> None:
    assert naming.upper_name(camel) == upper


def test_of_two_names_that_collide_the_second_keeps_its_stored_name() -> None:
    names = naming.rest_names(["UF_CRM_MY_FIELD", "UF_CRM_MY__FIELD"], taken=[])

    assert names == {"UF_CRM_MY_FIELD": "ufCrmMyField", "UF_CRM_MY__FIELD": "UF_CRM_MY__FIELD"}
