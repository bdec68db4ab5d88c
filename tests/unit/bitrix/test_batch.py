"""Batches: what is sent, the maps PHP prints, and an outcome for every command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.answers import Answer
from migrator.bitrix.commands import Command
from migrator.bitrix.errors import (
    MissingScope,
    OperationTimeLimit,
    PortalError,
    UnreadableAnswer,
)
from migrator.bitrix.records import InnerUse, WaitReason
from tests.fakes.scene import Scene, html, ok, replying, sent_json

if TYPE_CHECKING:
    from tests.fakes.transport import FakeReply

TWO = {"user": Command("user.get", {"ID": 1}), "types": Command("crm.type.list")}


def batch_reply(
    results: object = (), errors: object = (), times: object = (), totals: object = ()
) -> FakeReply:
    return ok(
        {
            "result": results,
            "result_error": errors,
            "result_total": totals,
            "result_next": [],
            "result_time": times,
        }
    )


def result_of(outcome: Answer | PortalError) -> Any:
    assert isinstance(outcome, Answer)
    return outcome.result


def test_a_batch_sends_its_commands_as_query_strings() -> None:
    scene = Scene(replying(batch_reply({"user": [], "types": []})))

    scene.client.batch(TWO)

    assert sent_json(scene.adapter.requests[0]) == {
        "halt": 0,
        "cmd": {"user": "user.get?ID=1", "types": "crm.type.list"},
    }


def test_each_command_has_its_own_answer_or_error() -> None:
    scene = Scene(
        replying(
            batch_reply(
                {"user": [{"ID": "1"}]},
                {"types": {"error": "insufficient_scope", "error_description": ""}},
                {"user": {"duration": 0.3, "operating": 2}},
                {"user": 1},
            )
        )
    )

    outcomes = scene.client.batch(TWO)

    user, types = outcomes["user"], outcomes["types"]
    assert isinstance(user, Answer)
    assert (user.result, user.total, user.time.operating) == ([{"ID": "1"}], 1, 2)
    assert isinstance(types, MissingScope)
    assert types.method == "crm.type.list"


def test_maps_that_php_prints_as_lists_keep_their_commands() -> None:
    scene = Scene(replying(batch_reply(["a", "b"], [])))

    outcomes = scene.client.batch({"0": Command("profile"), "1": Command("scope")})

    assert [result_of(outcome) for outcome in outcomes.values()] == ["a", "b"]


def test_after_a_halt_later_commands_are_absent() -> None:
    errors = {"user": {"error": "NOT_FOUND", "error_description": ""}}
    scene = Scene(replying(batch_reply([], errors)))

    assert list(scene.client.batch(TWO, halt=True)) == ["user"]


@pytest.mark.parametrize("halt", [False, True])
def test_a_command_the_portal_says_nothing_about_is_an_error(halt: bool) -> None:
    scene = Scene(replying(batch_reply({"user": []})))

    assert isinstance(scene.client.batch(TWO, halt=halt)["types"], UnreadableAnswer)


def test_a_null_result_is_a_result() -> None:
    scene = Scene(replying(batch_reply({"user": None, "types": []})))

    assert result_of(scene.client.batch(TWO)["user"]) is None


def test_a_batch_as_a_whole_is_repeated_like_any_read() -> None:
    scene = Scene(replying(html(502), batch_reply({"user": [], "types": []})))

    scene.client.batch(TWO)

    assert scene.sent == 2


@pytest.mark.parametrize(
    "commands",
    [
        {},
        {str(n): Command("profile") for n in range(51)},
        {"a": Command("crm.item.add", {"entityTypeId": 2})},
        {"a": Command("batch")},
        {"a[0]": Command("profile")},
    ],
)
def test_what_does_not_belong_into_a_batch_is_refused_unsent(commands: dict[str, Command]) -> None:
    scene = Scene(replying(batch_reply()))

    with pytest.raises(ValueError, match=r"batch|command"):
        scene.client.batch(commands)

    assert scene.sent == 0


def test_a_command_over_its_budget_is_left_to_the_caller_and_its_method_waits() -> None:
    errors = {"types": {"error": "OPERATION_TIME_LIMIT", "error_description": ""}}
    scene = Scene(
        replying(batch_reply({"user": []}, errors), batch_reply({"user": [], "types": []}))
    )

    assert isinstance(scene.client.batch(TWO)["types"], OperationTimeLimit)
    assert scene.waits == []
    scene.client.batch(TWO)

    assert [(w.method, w.reason) for w in scene.waits] == [("crm.type.list", WaitReason.OPERATING)]


def test_the_record_of_a_batch_tells_what_its_methods_cost() -> None:
    scene = Scene(
        replying(
            batch_reply(
                {"a": {"items": [{"id": 1}]}, "b": {"items": [{"id": 2}, {"id": 3}]}},
                {"c": {"error": "ACCESS_DENIED", "error_description": ""}},
                {"a": {"duration": 0.5}, "b": {"duration": 0.25}},
            )
        )
    )

    scene.client.batch(
        {
            "a": Command("crm.item.list", {"entityTypeId": 1}),
            "b": Command("crm.item.list", {"entityTypeId": 2}),
            "c": Command("crm.type.list"),
        }
    )

    record = scene.records[0]
    assert (record.method, record.commands, record.items) == ("batch", 3, 3)
    assert record.operating_s == 0.75
    assert record.inner == {
        "crm.item.list": InnerUse(count=2, operating_s=0.75, errors=0),
        "crm.type.list": InnerUse(count=1, operating_s=0, errors=1),
    }
