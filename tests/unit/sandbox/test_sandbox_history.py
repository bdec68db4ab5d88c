"""Section 1 of the server's rules: history fields on import."""

from __future__ import annotations

from typing import Any

import pytest

from migrator.sandbox import Portal
from migrator.sandbox.clock import FixedClock

NOW = "2024-06-01T12:00:00+03:00"
REFUSED = "CRM_FIELD_ERROR_VALUE_NOT_VALID"


def a_portal(**parts: Any) -> Portal:
    users = [{"ID": "1", "ADMIN": True}, {"ID": "2", "ADMIN": False, "IMPORT": True}]
    return Portal.from_seed({"users": users, **parts}, clock=FixedClock(NOW))


def import_deal(portal: Portal, user_id: int = 1, **fields: Any) -> dict[str, Any]:
    params = {"entityTypeId": 2, "fields": {"title": "deal", **fields}}
    return portal.call("crm.item.import", params, user_id=user_id)


def test_all_six_history_fields_are_kept() -> None:
    portal = a_portal()
    history: dict[str, Any] = {
        "createdTime": "2024-01-10T10:00:00+03:00",
        "movedTime": "2024-02-10T10:00:00+03:00",
        "updatedTime": "2024-03-10T10:00:00+03:00",
        "createdBy": 2,
        "movedBy": 2,
        "updatedBy": 2,
    }

    import_deal(portal, **history)

    assert portal.items(2)[1].items() >= history.items()
    assert portal.losses == []


def test_times_are_read_in_their_own_offset_and_kept_to_the_second() -> None:
    portal = a_portal()

    import_deal(portal, createdTime="2024-01-10T10:00:00.750-05:00")

    assert portal.items(2)[1]["createdTime"] == "2024-01-10T18:00:00+03:00"


def test_without_an_offset_a_time_is_server_time() -> None:
    portal = a_portal()

    import_deal(portal, createdTime="2024-01-10 10:00:00")

    assert portal.items(2)[1]["createdTime"] == "2024-01-10T10:00:00+03:00"


def test_an_item_older_than_the_row_with_the_highest_id_is_refused() -> None:
    portal = a_portal()
    import_deal(portal, createdTime="2024-02-01T00:00:00+03:00")

    answer = import_deal(portal, createdTime="2024-01-31T23:59:59+03:00")

    assert answer["error"] == REFUSED
    assert len(portal.items(2)) == 1


def test_an_item_as_old_as_the_row_with_the_highest_id_is_accepted() -> None:
    portal = a_portal()
    import_deal(portal, createdTime="2024-02-01T00:00:00+03:00")

    answer = import_deal(portal, createdTime="2024-02-01T00:00:00+03:00")

    assert answer["result"] == {"item": {"id": 2}}


def test_only_the_highest_id_decides_and_not_the_latest_date() -> None:
    rows = [
        {"id": 1, "title": "late", "createdTime": "2024-05-01T00:00:00+03:00"},
        {"id": 2, "title": "early", "createdTime": "2024-01-01T00:00:00+03:00"},
    ]
    portal = a_portal(items={"2": rows})

    answer = import_deal(portal, createdTime="2024-02-01T00:00:00+03:00")

    assert answer["result"] == {"item": {"id": 3}}


def test_the_row_that_decides_may_stand_in_another_pipeline() -> None:
    row = {"id": 1, "categoryId": 4, "createdTime": "2024-05-01T00:00:00+03:00"}
    portal = a_portal(
        categories=[{"id": 4, "entityTypeId": 2, "name": "Second"}], items={"2": [row]}
    )

    assert import_deal(portal, createdTime="2024-02-01T00:00:00+03:00")["error"] == REFUSED


def test_another_entity_type_does_not_decide() -> None:
    portal = a_portal(items={"2": [{"id": 1, "createdTime": "2024-05-01T00:00:00+03:00"}]})
    company = {"title": "company", "createdTime": "2024-02-01T00:00:00+03:00"}

    assert "result" in portal.call("crm.item.import", {"entityTypeId": 4, "fields": company})


@pytest.mark.parametrize(
    "history",
    [
        {"createdTime": "2024-06-01T13:00:00+03:00"},
        {"createdTime": "2024-01-02T00:00:00+03:00", "updatedTime": "2024-01-01T00:00:00+03:00"},
        {"createdTime": "2024-01-02T00:00:00+03:00", "updatedTime": "2025-01-01T00:00:00+03:00"},
        {"updatedTime": "2024-01-02T00:00:00+03:00"},
        {"createdTime": "2024-01-02T00:00:00+03:00", "movedTime": "2024-01-03T00:00:00+03:00"},
        {
            "createdTime": "2024-01-02T00:00:00+03:00",
            "updatedTime": "2024-01-04T00:00:00+03:00",
            "movedTime": "2024-01-05T00:00:00+03:00",
        },
        {"createdBy": -1},
    ],
    ids=[
        "created in the future",
        "updated before created",
        "updated in the future",
        "updated in the past without created",
        "moved after created without updated",
        "moved after updated",
        "negative user",
    ],
)
def test_history_outside_its_bounds_is_refused(history: dict[str, Any]) -> None:
    portal = a_portal()

    assert import_deal(portal, **history)["error"] == REFUSED
    assert portal.items(2) == {}


def test_a_move_at_the_moment_of_creation_needs_no_update_time() -> None:
    moment = "2024-01-02T00:00:00+03:00"

    assert "result" in import_deal(a_portal(), createdTime=moment, movedTime=moment)


def test_only_the_portal_administrator_may_set_history() -> None:
    portal = a_portal()

    answer = import_deal(portal, user_id=2, createdTime="2024-01-02T00:00:00+03:00")

    assert answer["error"] == REFUSED


@pytest.mark.parametrize(
    "history", [{"createdTime": "2024-06-01T11:59:59+03:00"}, {"createdBy": 2}]
)
def test_a_time_within_a_second_of_now_and_the_caller_as_author_count_as_not_sent(
    history: dict[str, Any],
) -> None:
    portal = a_portal()

    assert "result" in import_deal(portal, user_id=2, **history)
    assert portal.items(2)[1]["createdTime"] == NOW


def test_an_unreadable_created_time_becomes_now_and_closes_the_past() -> None:
    portal = a_portal()

    first = import_deal(portal, createdTime="10 January 2024")
    second = import_deal(portal, createdTime="2024-01-11T00:00:00+03:00")

    assert "result" in first
    assert portal.items(2)[1]["createdTime"] == NOW
    assert second["error"] == REFUSED
    assert [(loss.kind, loss.field) for loss in portal.losses] == [
        ("unreadable-date", "createdTime")
    ]


def test_an_unknown_author_is_stored_and_recorded() -> None:
    portal = a_portal()

    import_deal(portal, createdBy=77)

    assert portal.items(2)[1]["createdBy"] == 77
    assert [(loss.kind, loss.field, loss.value) for loss in portal.losses] == [
        ("unknown-user", "createdBy", 77)
    ]


def test_with_created_time_alone_the_other_two_become_the_import_moment() -> None:
    portal = a_portal()

    import_deal(portal, createdTime="2024-01-02T00:00:00+03:00")

    item = portal.items(2)[1]
    assert (item["updatedTime"], item["movedTime"], item["lastActivityTime"]) == (NOW, NOW, NOW)


def test_a_history_field_the_type_lacks_is_ignored() -> None:
    portal = a_portal()
    fields = {"title": "company", "movedTime": "2024-01-02T00:00:00+03:00"}

    answer = portal.call("crm.item.import", {"entityTypeId": 4, "fields": fields})

    assert "result" in answer
    assert [(loss.kind, loss.field) for loss in portal.losses] == [("unknown-field", "movedTime")]


def test_adding_and_updating_reset_history_in_silence() -> None:
    portal = a_portal()
    fields = {"title": "deal", "createdTime": "2024-01-02T00:00:00+03:00"}

    portal.call("crm.item.add", {"entityTypeId": 2, "fields": fields})

    assert portal.items(2)[1]["createdTime"] == NOW
    assert [loss.kind for loss in portal.losses] == ["history-on-write"]
