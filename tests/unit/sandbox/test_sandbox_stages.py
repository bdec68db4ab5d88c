"""Pipelines, stages and what a final stage does."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.sandbox import Portal
from migrator.sandbox.clock import FixedClock

NOW = "2024-06-01T12:00:00+03:00"
REFUSED = "CRM_FIELD_ERROR_VALUE_NOT_VALID"
SECOND = {"id": 4, "entityTypeId": 2, "name": "Second"}
PURCHASE = {
    "id": 7,
    "title": "Purchase",
    "entityTypeId": 1046,
    "isStagesEnabled": "Y",
    "isCategoriesEnabled": "Y",
    "isBeginCloseDatesEnabled": "Y",
}


def a_portal(**portal: Any) -> Portal:
    seed = {"portal": portal, "categories": [SECOND], "types": [PURCHASE]}
    return Portal.from_seed(seed, clock=FixedClock(NOW))


def import_item(portal: Portal, entity_type_id: int = 2, **fields: Any) -> dict[str, Any]:
    params = {"entityTypeId": entity_type_id, "fields": {"title": "item", **fields}}
    return portal.call("crm.item.import", params)


def test_an_empty_stage_is_the_first_of_the_pipeline() -> None:
    portal = a_portal()

    import_item(portal, categoryId=4, stageId="")

    assert portal.items(2)[1]["stageId"] == "C4:NEW"


@pytest.mark.parametrize(
    "fields",
    [
        {"stageId": "NOPE"},
        {"stageId": "C4:WON"},
        {"stageId": "WON", "categoryId": 4},
        {"categoryId": 9},
    ],
)
def test_a_stage_of_another_pipeline_and_an_unknown_pipeline_are_refused(
    fields: dict[str, Any],
) -> None:
    assert import_item(a_portal(), **fields)["error"] == REFUSED


def test_the_first_stage_of_the_default_pipeline_counts_as_not_set_elsewhere() -> None:
    portal = a_portal()

    import_item(portal, categoryId=4, stageId="NEW")

    assert portal.items(2)[1]["stageId"] == "C4:NEW"
    assert [(loss.kind, loss.value) for loss in portal.losses] == [("stage-replaced", "NEW")]


def test_an_unknown_currency_is_refused_and_an_empty_one_is_the_base() -> None:
    portal = a_portal()

    assert import_item(portal, currencyId="XXX")["error"] == REFUSED
    import_item(portal, currencyId="")
    assert portal.items(2)[1]["currencyId"] == "USD"


@pytest.mark.parametrize(
    ("stage", "semantics", "closed"), [("NEW", "P", "N"), ("WON", "S", "Y"), ("LOSE", "F", "Y")]
)
def test_the_meaning_of_the_stage_is_printed(stage: str, semantics: str, closed: str) -> None:
    portal = a_portal()
    import_item(portal, stageId=stage)

    item = portal.call("crm.item.get", {"entityTypeId": 2, "id": 1})["result"]["item"]

    assert (item["stageSemanticId"], item["closed"]) == (semantics, closed)


@pytest.mark.parametrize(
    ("entity_type_id", "stage", "closed_on"),
    [
        (2, "WON", "2020-01-01"),
        (7, "APPROVED", "2020-01-01"),
        (31, "DT31_6:P", "2024-06-01"),
        (1046, "DT1046_5:FAIL", "2024-06-01"),
    ],
)
def test_import_into_a_final_stage_overwrites_the_close_date_but_not_of_deals_and_quotes(
    entity_type_id: int, stage: str, closed_on: str
) -> None:
    portal = a_portal()
    category = portal.categories.default_id(entity_type_id)
    stage = stage.replace("_5:", f"_{category}:").replace("_6:", f"_{category}:")

    import_item(portal, entity_type_id, stageId=stage, closedate="2020-01-01")

    assert portal.items(entity_type_id)[1]["closedate"] == closed_on


def test_the_close_date_of_deals_is_overwritten_when_the_portal_says_so() -> None:
    portal = a_portal(close_date_on_final_stage={"deal": True})

    import_item(portal, stageId="WON", closedate="2020-01-01")

    assert portal.items(2)[1]["closedate"] == "2024-06-01"


def test_an_open_stage_keeps_the_close_date() -> None:
    portal = a_portal()

    import_item(portal, 31, closedate="2020-01-01")

    assert portal.items(31)[1]["closedate"] == "2020-01-01"


def test_a_lead_imported_into_a_final_stage_is_closed_now() -> None:
    portal = a_portal()

    import_item(portal, 1, stageId="JUNK")

    assert portal.items(1)[1]["dateClosed"] == NOW
