"""Rights the webhook lacks, users without a partner, and items that come too late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import twin_structure
from tests.acceptance.whole_portal import whole_portal

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair, Pair

OLD, MIDDLE, NEW = (f"2024-0{month}-01T12:00:00+00:00" for month in (1, 2, 3))


def _without_rights(import_right: Any) -> dict[str, Any]:
    """A target whose webhook belongs to somebody who is no administrator."""
    target = twin_structure(whole_portal())
    owner = target["portal"]["webhooks"][0]["user_id"]
    for user in target["users"]:
        if int(user["ID"]) == int(owner):
            user.update({"ADMIN": False, "IMPORT": import_right, "CRM_ADMIN": True})
    return target


def test_without_import_right_nothing_is_written_by_default(portals: MakePair) -> None:
    pair = portals(whole_portal(), target=_without_rights([]))

    outcome = pair.migrator("run")

    assert outcome.code == 2
    assert "no-import-right" in outcome.err
    assert "MIGRATOR_WITHOUT_IMPORT_RIGHT" in outcome.err
    assert all(not pair.target.items(t) for t in (1, 2, 3, 4, 7))


def test_without_import_right_items_can_be_added_and_the_loss_is_on_record(
    portals: MakePair,
) -> None:
    pair = portals(
        whole_portal(),
        target=_without_rights([]),
        MIGRATOR_WITHOUT_IMPORT_RIGHT="add",
    )

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err + outcome.out
    assert len(pair.target.items(2)) == 3
    assert {row["origin"] for row in pair.rows("SELECT origin FROM id_map")} == {"add"}
    lost = pair.rows("SELECT DISTINCT field FROM finding WHERE kind = 'history-lost'")
    assert {row["field"] for row in lost} >= {"createdTime", "createdBy", "updatedTime"}
    assert pair.target.losses == []


def test_a_user_without_a_partner_is_replaced_and_recorded(portals: MakePair) -> None:
    pair = portals(whole_portal(), target=_without_user("boris@firm.test"))

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    found = pair.rows(
        "SELECT DISTINCT value, sent FROM finding WHERE kind = 'unmapped-user' AND phase = 'import'"
    )
    fallback = pair.target.dump()["portal"]["webhooks"][0]["user_id"]
    assert found == [{"value": "23", "sent": str(fallback)}]
    assert pair.target.losses == []


def test_a_user_without_a_partner_can_block(portals: MakePair) -> None:
    pair = portals(
        whole_portal(),
        target=_without_user("boris@firm.test"),
        MIGRATOR_ON_UNMAPPED_USER="block",
    )

    outcome = pair.migrator("run")

    assert outcome.code == 2
    assert outcome.err.count("Boris Berg <boris@firm.test>") == 1  # whatever types name him
    assert pair.writes() == []


def _without_user(email: str) -> dict[str, Any]:
    target = twin_structure(whole_portal())
    target["users"] = [user for user in target["users"] if user["EMAIL"] != email]
    return target


def _dated(*times: str) -> list[dict[str, Any]]:
    return [
        {"id": number, "title": f"Deal {number}", "createdTime": time, "updatedTime": time}
        for number, time in enumerate(times, start=1)
    ]


def _late_pair(portals: MakePair, policy: str) -> Pair:
    """The target already holds a deal from the middle of the source's time."""
    seed = {"items": {"2": _dated(OLD, MIDDLE, NEW)}}
    target = twin_structure(seed)
    target["items"] = {"2": [{"id": 1, "title": "Theirs", "createdTime": MIDDLE}]}
    return portals(seed, target=target, MIGRATOR_ON_LATE_ITEM=policy)


def _user(pair: Pair) -> int:
    return int(pair.target.dump()["portal"]["webhooks"][0]["user_id"])


def test_the_plan_says_how_many_items_come_late(portals: MakePair) -> None:
    pair = _late_pair(portals, "clamp")
    assert pair.migrator("export").code == 0

    plan = pair.migrator("plan", "--json").json

    (deals,) = plan["types"]
    assert deals["late"] == 1
    assert [f["kind"] for f in plan["findings"] if f["severity"] == "warning"] == ["late-item"]


def test_a_late_item_is_clamped_to_the_oldest_permitted_time(portals: MakePair) -> None:
    pair = _late_pair(portals, "clamp")

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    rows = pair.rows(
        "SELECT value, sent FROM finding"
        " WHERE kind = 'late-item' AND phase = 'import' AND field = 'createdTime'"
    )
    assert rows == [{"value": OLD, "sent": MIDDLE}]


def test_dropping_the_dates_of_late_items_keeps_those_of_all_others(portals: MakePair) -> None:
    pair = _late_pair(portals, "drop")

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    lost = pair.rows(
        "SELECT DISTINCT source_id FROM finding WHERE kind = 'late-item' AND phase = 'import'"
    )
    assert lost == [{"source_id": 1}]


def test_a_late_item_that_must_fail_is_listed_and_the_exit_code_is_1(portals: MakePair) -> None:
    pair = _late_pair(portals, "fail")

    outcome = pair.migrator("run")

    assert outcome.code == 1, outcome.err
    failed = pair.rows("SELECT source_id, error FROM v_failed_items")
    assert failed == [{"source_id": 1, "error": "LATE_ITEM"}]
    assert sorted(d["title"] for d in pair.target.items(2).values()) == [
        "Deal 2",
        "Deal 3",
        "Theirs",
    ]


def test_failed_items_are_sent_again_only_when_asked(portals: MakePair) -> None:
    pair = _late_pair(portals, "fail")
    assert pair.migrator("run").code == 1
    pair.extra["MIGRATOR_ON_LATE_ITEM"] = "clamp"

    without, asked = pair.migrator("run"), pair.migrator("run", "--retry-failed")

    assert without.code == 1
    assert asked.code == 0, asked.err
    assert len(pair.target.items(2)) == 4


def test_an_item_the_target_refuses_is_recorded_with_the_servers_words(portals: MakePair) -> None:
    seed = {"items": {"2": _dated(OLD, MIDDLE)}}
    target = twin_structure(seed)
    target["portal"]["enforce_required_fields"] = True
    target["userFields"] = [
        {
            "id": "9",
            "entityId": "CRM_DEAL",
            "fieldName": "UF_CRM_MUST",
            "userTypeId": "string",
            "mandatory": "Y",
        }
    ]
    pair = portals(seed, target=target)

    outcome = pair.migrator("run")

    assert outcome.code == 1, outcome.err
    rows = pair.rows("SELECT source_id, error, error_description FROM v_failed_items")
    assert [row["source_id"] for row in rows] == [1, 2]
    assert {row["error"] for row in rows} == {"CRM_FIELD_ERROR_REQUIRED"}


def test_verify_finds_what_somebody_changed_in_the_target(portals: MakePair) -> None:
    pair = portals(whole_portal())
    assert pair.migrator("run").code == 0
    item_id, item = next(
        (i, d) for i, d in pair.target.items(2).items() if d["title"] == "Won deal"
    )
    pair.target.call(
        "crm.item.update",
        {"entityTypeId": 2, "id": item_id, "fields": {"opportunity": 6, "comments": "changed"}},
        user_id=_user(pair),
    )

    outcome = pair.migrator("verify")

    assert outcome.code == 1
    assert item["title"] == "Won deal"
    rows = pair.rows("SELECT source_id, field, expected, actual FROM difference ORDER BY field")
    assert [(row["source_id"], row["field"]) for row in rows][:2] == [
        (53, "comments"),
        (53, "opportunity"),
    ]
    assert rows[1]["expected"] == "5"
    assert rows[1]["actual"] == "6"


def test_an_item_deleted_in_the_target_is_a_difference(portals: MakePair) -> None:
    pair = portals(whole_portal())
    assert pair.migrator("run").code == 0
    (quote,) = pair.target.items(7)
    pair.target.call("crm.item.delete", {"entityTypeId": 7, "id": quote}, user_id=_user(pair))

    outcome = pair.migrator("verify")

    assert outcome.code == 1
    rows = pair.rows("SELECT field, expected, actual FROM difference WHERE entity_type_id = 7")
    assert rows == [{"field": "id", "expected": str(quote), "actual": None}]
