"""Items are deleted many in a request; asked twice, nothing happens the second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from migrator.bitrix.answers import Answer
from migrator.bitrix.errors import NotFound, UnknownOutcome, WriteRefused
from tests.fakes.scene import Scene, html, ok, replying, sent_json

if TYPE_CHECKING:
    from tests.fakes.transport import FakeReply


def _answer(results: object = (), errors: object = ()) -> FakeReply:
    return ok({"result": results, "result_error": errors, "result_time": []})


def test_items_are_deleted_by_their_ids_in_one_batch() -> None:
    scene = Scene(replying(_answer({"i7": [], "i9": []})))

    scene.client.delete_items(2, [7, 9])

    assert sent_json(scene.adapter.requests[0]) == {
        "halt": 0,
        "cmd": {
            "i7": "crm.item.delete?entityTypeId=2&id=7",
            "i9": "crm.item.delete?entityTypeId=2&id=9",
        },
    }


def test_an_item_that_is_gone_is_told_from_one_that_was_deleted() -> None:
    gone = {"error": "NOT_FOUND", "error_description": "Item not found"}
    scene = Scene(replying(_answer({"i7": []}, {"i9": gone})))

    outcomes = scene.client.delete_items(2, [7, 9]).inner

    assert isinstance(outcomes["i7"], Answer)
    assert isinstance(outcomes["i9"], NotFound)


def test_a_lost_answer_is_told_and_not_repeated_by_the_client() -> None:
    scene = Scene(replying(html(500)))

    with pytest.raises(UnknownOutcome):
        scene.client.delete_items(2, [7])

    assert scene.sent == 1


def test_a_client_that_only_reads_deletes_nothing() -> None:
    scene = Scene(replying(_answer()), read_only=True)

    with pytest.raises(WriteRefused):
        scene.client.delete_items(2, [7])

    assert scene.sent == 0


def test_the_record_of_the_request_says_how_many_items_it_was_about() -> None:
    scene = Scene(replying(_answer({"i7": [], "i9": []})))

    scene.client.delete_items(2, [7, 9])

    (record,) = scene.records
    assert (record.method, record.items, record.commands) == ("batch", 2, 2)
