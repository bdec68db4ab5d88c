"""The source portal of the demo is one a real portal could be: nothing in it points nowhere."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections import Counter
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from migrator.demo import user_fields
from migrator.demo.portals import source_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

Item = dict[str, Any]

COMPANY, CONTACT, DEAL, ORDER = "4", "3", "2", "1302"
SHORT_CODES = {"C": CONTACT, "CO": COMPANY}
USER_FIELD_OWNERS = {COMPANY: "CRM_COMPANY", CONTACT: "CRM_CONTACT", DEAL: "CRM_DEAL"}
STATUS_FIELDS = {
    COMPANY: {"typeId": "COMPANY_TYPE", "industry": "INDUSTRY", "employees": "EMPLOYEES"},
    CONTACT: {"typeId": "CONTACT_TYPE", "honorific": "HONORIFIC", "sourceId": "SOURCE"},
    DEAL: {"typeId": "DEAL_TYPE", "sourceId": "SOURCE"},
    ORDER: {"sourceId": "SOURCE"},
}


@pytest.fixture(scope="module")
def seed() -> dict[str, Any]:
    return source_seed()


def test_the_same_files_give_the_same_seed() -> None:
    assert source_seed() == source_seed()


def test_the_seed_is_json_and_nothing_else(seed: dict[str, Any]) -> None:
    assert json.loads(json.dumps(seed)) == seed


def test_both_data_sets_are_there_whole(seed: dict[str, Any]) -> None:
    counts = {entity_type: len(items) for entity_type, items in seed["items"].items()}

    assert counts == {COMPANY: 85 + 439, CONTACT: 847, DEAL: 8800 + 32, ORDER: 32}
    assert len(seed["users"]) == 1 + 6 + 35 + 9


def test_no_two_rows_of_a_kind_share_an_id(seed: dict[str, Any]) -> None:
    kinds = {
        "users": [row["ID"] for row in seed["users"]],
        "e-mails": [row["EMAIL"] for row in seed["users"]],
        "departments": [row["ID"] for row in seed["departments"]],
        "statuses": [row["ID"] for row in seed["statuses"]],
        "status codes": [(row["ENTITY_ID"], row["STATUS_ID"]) for row in seed["statuses"]],
        "user fields": [row["id"] for row in seed["userFields"]],
        "field names": [(row["entityId"], row["fieldName"]) for row in seed["userFields"]],
        "options": [o["id"] for row in seed["userFields"] for o in row.get("enum", [])],
        **{kind: [item["id"] for item in items] for kind, items in seed["items"].items()},
    }

    twice = {kind: [k for k, n in Counter(keys).items() if n > 1] for kind, keys in kinds.items()}

    assert {kind: keys for kind, keys in twice.items() if keys} == {}


def test_every_user_an_item_names_exists(seed: dict[str, Any]) -> None:
    users = {int(row["ID"]) for row in seed["users"]}

    named = {
        user_id
        for _, item in _all_items(seed)
        for key in ("assignedById", "createdBy", "updatedBy", "movedBy", "lastActivityBy")
        if key in item
        for user_id in (item[key], *item.get("observers", []))
    } | {value for field, value in _values(seed) if field["userTypeId"] == "employee"}

    assert named <= users


def test_every_user_and_every_department_head_belongs_to_a_department_that_exists(
    seed: dict[str, Any],
) -> None:
    departments = {row["ID"] for row in seed["departments"]}
    users = {row["ID"] for row in seed["users"]}

    assert {str(d) for row in seed["users"] for d in row["UF_DEPARTMENT"]} <= departments
    assert {row["PARENT"] for row in seed["departments"] if "PARENT" in row} <= departments
    assert {row["UF_HEAD"] for row in seed["departments"] if "UF_HEAD" in row} <= users


def test_every_reference_points_at_an_item_that_exists(seed: dict[str, Any]) -> None:
    ids = {kind: {item["id"] for item in items} for kind, items in seed["items"].items()}

    named: dict[str, set[int]] = {COMPANY: set(), CONTACT: set(), DEAL: set()}
    for kind, item in _all_items(seed):
        named[COMPANY] |= {item.get("companyId", 0), *item.get("companyIds", [])} - {0}
        named[CONTACT] |= {item.get("contactId", 0), *item.get("contactIds", [])} - {0}
        if kind == ORDER:
            named[DEAL].add(item["parentId2"])
    for field, value in _values(seed):
        if field["userTypeId"] == "crm":
            code, _, item_id = value.partition("_")
            named[SHORT_CODES[code]].add(int(item_id))

    assert {kind: numbers - ids[kind] for kind, numbers in named.items()} == {
        COMPANY: set(),
        CONTACT: set(),
        DEAL: set(),
    }


def test_the_first_contact_is_the_main_one_and_the_first_company_too(seed: dict[str, Any]) -> None:
    for kind, item in _all_items(seed):
        if kind in {DEAL, ORDER}:
            assert item["contactId"] == next(iter(item["contactIds"]), 0)
        if kind == CONTACT:
            assert item["companyId"] == item["companyIds"][0]


def test_company_and_contact_agree_that_they_belong_together(seed: dict[str, Any]) -> None:
    seen_by_companies = {
        (company["id"], contact_id)
        for company in seed["items"][COMPANY]
        for contact_id in company["contactIds"]
    }
    seen_by_contacts = {
        (company_id, contact["id"])
        for contact in seed["items"][CONTACT]
        for company_id in contact["companyIds"]
    }

    assert seen_by_companies == seen_by_contacts
    assert len(seen_by_contacts) == 847


def test_every_status_is_an_entry_of_its_own_directory(seed: dict[str, Any]) -> None:
    directory = {(row["ENTITY_ID"], row["STATUS_ID"]) for row in seed["statuses"]}

    used = {
        (entity_id, item[key])
        for kind, item in _all_items(seed)
        for key, entity_id in STATUS_FIELDS[kind].items()
        if item[key] is not None
    } | {
        (field["settings"]["ENTITY_TYPE"], value)
        for field, value in _values(seed)
        if field["userTypeId"] == "crm_status"
    }

    assert used <= directory


def test_every_stage_belongs_to_the_pipeline_its_item_is_in(seed: dict[str, Any]) -> None:
    semantics = {
        (row["ENTITY_ID"], row["STATUS_ID"]): row["SEMANTICS"] or "P" for row in seed["statuses"]
    }
    pipelines = {
        (DEAL, 0): "DEAL_STAGE",
        (DEAL, 1): "DEAL_STAGE_1",
        (ORDER, 9): "DYNAMIC_1302_STAGE_9",
    }

    for kind, item in _all_items(seed):
        if kind in {DEAL, ORDER}:
            stage = (pipelines[kind, item["categoryId"]], item["stageId"])
            assert stage in semantics
            assert item.get("stageSemanticId", semantics[stage]) == semantics[stage]


def test_a_pipeline_lists_open_stages_before_the_won_one_and_that_before_the_lost(
    seed: dict[str, Any],
) -> None:
    orders: dict[str, list[str]] = {}
    for row in seed["statuses"]:
        if "STAGE" in row["ENTITY_ID"]:
            orders.setdefault(row["ENTITY_ID"], []).append(row["SEMANTICS"] or "P")

    assert {pipeline: "".join(order) for pipeline, order in orders.items()} == {
        "DEAL_STAGE": "PPSF",
        "DEAL_STAGE_1": "PPPSFF",
        "DYNAMIC_1302_STAGE_9": "PPPSFF",
    }


def test_every_option_an_item_holds_is_one_of_that_field(seed: dict[str, Any]) -> None:
    for field, value in _values(seed):
        if field["userTypeId"] == "enumeration":
            assert str(value) in {option["id"] for option in field["enum"]}


def test_an_item_holds_only_user_fields_that_its_type_has_and_in_their_shape(
    seed: dict[str, Any],
) -> None:
    declared = {(row["entityId"], row["fieldName"]): row for row in seed["userFields"]}

    for kind, item in _all_items(seed):
        for name in (key for key in item if key.startswith("UF_")):
            field = declared[USER_FIELD_OWNERS.get(kind, "CRM_7"), name]
            assert isinstance(item[name], list) == (field["multiple"] == "Y")


def test_every_user_field_is_filled_somewhere(seed: dict[str, Any]) -> None:
    declared = {row["fieldName"] for row in seed["userFields"]}

    assert {field["fieldName"] for field, _ in _values(seed)} == declared


def test_user_fields_of_twelve_types_travel_some_with_several_values(
    seed: dict[str, Any],
) -> None:
    single = {row["userTypeId"] for row in seed["userFields"] if row["multiple"] == "N"}
    multiple = {row["userTypeId"] for row in seed["userFields"] if row["multiple"] == "Y"}

    assert single | multiple == {
        *("string", "integer", "double", "boolean", "date", "datetime", "money"),
        *("enumeration", "employee", "crm", "crm_status", "file"),
    }
    assert multiple == {"string", "enumeration", "crm"}


def test_no_user_field_holds_what_a_portal_takes_for_empty(seed: dict[str, Any]) -> None:
    empty = [(field["fieldName"], value) for field, value in _values(seed) if value in (0, "", "0")]

    assert empty == []


def test_every_date_can_be_read(seed: dict[str, Any]) -> None:
    for field, value in _values(seed):
        if field["userTypeId"] == "date":
            date.fromisoformat(value)
        if field["userTypeId"] == "datetime":
            assert datetime.fromisoformat(value).tzinfo
    for kind, item in _all_items(seed):
        if kind == DEAL:
            for day in filter(None, (item["begindate"], item["closedate"])):
                date.fromisoformat(day)


def test_an_item_is_created_then_moved_then_changed_and_all_that_long_ago(
    seed: dict[str, Any],
) -> None:
    for _, item in _all_items(seed):
        times = [item[key] for key in ("createdTime", "movedTime", "updatedTime") if key in item]
        assert [datetime.fromisoformat(time).utcoffset() for time in times]
        assert times == sorted(times)
        assert times[-1] < "2018-01-02"


def test_deals_and_orders_say_who_moved_them_and_when(seed: dict[str, Any]) -> None:
    for kind, item in _all_items(seed):
        assert ("movedTime" in item) == ("movedBy" in item) == (kind in {DEAL, ORDER})


def test_open_deals_have_an_amount_nobody_typed(seed: dict[str, Any]) -> None:
    manual = Counter((deal["stageId"], deal["isManualOpportunity"]) for deal in seed["items"][DEAL])

    assert manual == {
        ("NEW", "N"): 500,
        ("PREPARATION", "N"): 1589,
        ("WON", "Y"): 4238,
        ("LOSE", "Y"): 2473,
        ("C1:WON", "Y"): 32,
    }


def test_the_webhook_belongs_to_the_administrator(seed: dict[str, Any]) -> None:
    administrators = [int(row["ID"]) for row in seed["users"] if row["ADMIN"]]

    assert [hook["user_id"] for hook in seed["portal"]["webhooks"]] == administrators


def test_an_order_is_a_deal_and_an_item_below_it(seed: dict[str, Any]) -> None:
    deals = {deal["id"]: deal for deal in seed["items"][DEAL]}

    for order in seed["items"][ORDER]:
        deal = deals[order["parentId2"]]
        assert order["xmlId"] == deal["originId"]
        assert order["opportunity"] == deal["opportunity"]
        assert order["contactIds"] == deal["contactIds"]


def test_nineteen_orders_carry_their_lines_as_a_file(seed: dict[str, Any]) -> None:
    files = {
        order["parentId2"]: order[user_fields.LINES_FILE]
        for order in seed["items"][ORDER]
        if order[user_fields.LINES_FILE]
    }
    texts = {
        deal_id: base64.b64decode(file["content_base64"]).decode()
        for deal_id, file in files.items()
    }

    assert len(files) == 19
    assert files[71774]["name"] == "SO71774 lines.csv"
    assert list(csv.reader(io.StringIO(texts[71774], newline=""))) == [
        ["Product", "Quantity", "Unit price", "Discount"],
        ["ML Road Frame-W - Yellow, 48", "1", "356.898", "0.00"],
        ["ML Road Frame-W - Yellow, 38", "1", "356.898", "0.00"],
    ]


def _all_items(seed: dict[str, Any]) -> Iterator[tuple[str, Item]]:
    for kind, items in seed["items"].items():
        for item in items:
            yield kind, item


def _values(seed: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every single value of a user field with the field's declaration; no absent ones."""
    declared = {row["fieldName"]: row for row in seed["userFields"]}
    for _, item in _all_items(seed):
        for name in (key for key in item if key.startswith("UF_")):
            values = item[name] if isinstance(item[name], list) else [item[name]]
            yield from ((declared[name], value) for value in values if value is not None)
