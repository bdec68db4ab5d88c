"""Section 4 of the server's rules: request rate and execution time."""

from __future__ import annotations

from typing import Any

from migrator.sandbox import Portal
from migrator.sandbox.clock import FixedClock

NOW = "2024-06-01T12:00:00+03:00"


def a_portal(
    clock: FixedClock, limits: dict[str, Any], cost: dict[str, float] | None = None
) -> Portal:
    return Portal.from_seed({"portal": {"limits": limits, "cost": cost}}, clock=clock)


def errors(
    portal: Portal, method: str, times: int, params: dict[str, Any] | None = None
) -> list[Any]:
    return [portal.call(method, params or {}).get("error") for _ in range(times)]


def test_the_bucket_overflows_at_its_depth_and_drains_with_time() -> None:
    clock = FixedClock(NOW)
    portal = a_portal(clock, {"requests_per_second": 2, "burst": 5})

    assert errors(portal, "profile", 6) == [None] * 5 + ["QUERY_LIMIT_EXCEEDED"]
    clock.advance(1)
    assert errors(portal, "profile", 3) == [None, None, "QUERY_LIMIT_EXCEEDED"]


def test_too_many_requests_is_http_503() -> None:
    portal = a_portal(FixedClock(NOW), {"burst": 1})

    errors(portal, "profile", 2)

    assert portal.requests[-1].http_status == 503


def test_a_batch_counts_once() -> None:
    portal = a_portal(FixedClock(NOW), {"burst": 1})

    answer = portal.call("batch", {"cmd": {f"c{n}": "profile" for n in range(50)}})

    assert len(answer["result"]["result"]) == 50


def an_import(items: int) -> dict[str, Any]:
    return {"entityTypeId": 2, "data": [{"title": str(n)} for n in range(items)]}


def test_the_call_that_crosses_the_budget_completes_and_the_next_is_blocked() -> None:
    clock = FixedClock(NOW)
    portal = a_portal(
        clock, {"operating_limit_seconds": 15, "burst": 1000}, {"seconds_per_imported_item": 1.0}
    )

    assert errors(portal, "crm.item.batchImport", 3, an_import(10)) == [
        None,
        None,
        "OPERATION_TIME_LIMIT",
    ]
    assert portal.requests[-1].http_status == 429


def test_another_method_is_not_blocked() -> None:
    portal = a_portal(
        FixedClock(NOW), {"operating_limit_seconds": 5}, {"seconds_per_imported_item": 1.0}
    )

    errors(portal, "crm.item.batchImport", 2, an_import(10))

    assert errors(portal, "crm.item.list", 1, {"entityTypeId": 2}) == [None]


def test_another_webhook_is_not_blocked() -> None:
    hooks = [{"user_id": 1, "secret": secret} for secret in ("first", "second")]
    settings = {"webhooks": hooks, "limits": {"operating_limit_seconds": 5}}
    settings["cost"] = {"seconds_per_imported_item": 1.0}
    portal = Portal.from_seed({"portal": settings}, clock=FixedClock(NOW))

    def import_as(secret: str) -> int:
        return portal.handle("crm.item.batchImport", an_import(10), 1, secret).http_status

    assert [import_as(one) for one in ("first", "first", "second")] == [200, 429, 200]


def test_the_budget_comes_back_when_its_oldest_bucket_leaves_the_window() -> None:
    clock = FixedClock(NOW)
    portal = a_portal(
        clock,
        {"operating_limit_seconds": 5, "operating_window_seconds": 600},
        {"seconds_per_imported_item": 1.0},
    )
    first = portal.call("crm.item.batchImport", an_import(10))["time"]

    clock.advance(first["operating_reset_at"] - clock.time() - 1)
    assert errors(portal, "crm.item.batchImport", 1, an_import(1)) == ["OPERATION_TIME_LIMIT"]
    clock.advance(1)
    assert errors(portal, "crm.item.batchImport", 1, an_import(1)) == [None]


def test_the_time_block_tells_what_the_method_has_used() -> None:
    clock = FixedClock(NOW)
    portal = a_portal(clock, {}, {"seconds_per_imported_item": 0.5})

    answers = [portal.call("crm.item.batchImport", an_import(4)) for _ in range(2)]

    assert [answer["time"]["operating"] for answer in answers] == [2.0, 4.0]
    assert answers[0]["time"]["operating_reset_at"] == int(clock.time()) + 600


def test_executions_up_to_a_tenth_of_a_second_are_free() -> None:
    portal = a_portal(FixedClock(NOW), {}, {"seconds_per_imported_item": 0.01})

    assert portal.call("crm.item.batchImport", an_import(10))["time"]["operating"] == 0


def test_commands_of_a_batch_spend_their_own_methods_budget() -> None:
    portal = a_portal(
        FixedClock(NOW), {"operating_limit_seconds": 1}, {"seconds_per_imported_item": 1.0}
    )
    command = "crm.item.import?entityTypeId=2&fields[title]=x"

    result = portal.call("batch", {"cmd": {"a": command, "b": command}})["result"]

    assert result["result_time"]["a"]["operating"] == 1
    assert result["result_error"]["b"]["error"] == "OPERATION_TIME_LIMIT"


def test_error_replies_carry_no_time() -> None:
    portal = a_portal(FixedClock(NOW), {})

    assert set(portal.call("no.such.method")) == {"error", "error_description"}
