"""The three ways to create items, and what their answers say about each item."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from migrator.bitrix.errors import AccessDenied, ItemRefused, UnknownOutcome
from migrator.domain.records import BatchOutcome, ItemOutcome
from migrator.domain.vocabulary import DEAL, SourceId
from migrator.load.requests import ImportMethod, Sendable, send
from tests.fakes.scene import Scene, html, method_of, ok, refused, replying, sent_json
from tests.fakes.transport import FakeReply


def sendables(*ids: int) -> list[Sendable]:
    return [
        Sendable(source_id=SourceId(n), correlation=f"old/D_{n}", fields={"title": f"Deal {n}"})
        for n in ids
    ]


def created(target_id: int) -> dict[str, Any]:
    return {"item": {"id": target_id}}


def an_error(code: str, text: str = "") -> dict[str, str]:
    return {"error": code, "error_description": text}


def outcomes(
    reply: FakeReply | BaseException,
    *ids: int,
    method: ImportMethod = ImportMethod.BATCH_IMPORT,
) -> list[ItemOutcome]:
    found, _ = send(Scene(replying(reply)).client, method, DEAL, sendables(*ids))
    return found


def summary(found: list[ItemOutcome]) -> list[tuple[int, str, int | None]]:
    return [(one.source_id, one.outcome.value, one.target_id) for one in found]


def test_a_batch_is_sent_with_a_key_for_each_item() -> None:
    scene = Scene(replying(ok({"items": {"i7": created(107), "i8": created(108)}})))

    send(scene.client, ImportMethod.BATCH_IMPORT, DEAL, sendables(7, 8))

    (request,) = scene.adapter.requests
    assert method_of(request) == "crm.item.batchImport"
    assert sent_json(request) == {
        "entityTypeId": 2,
        "useOriginalUfNames": "Y",
        "data": {"i7": {"title": "Deal 7"}, "i8": {"title": "Deal 8"}},
    }


def test_what_became_of_an_item_is_found_under_its_key_and_not_by_position() -> None:
    found = outcomes(ok({"items": {"i8": created(108), "i7": created(107)}}), 7, 8)

    assert summary(found) == [(7, "created", 107), (8, "created", 108)]


def test_a_portal_that_answers_with_a_list_answers_in_order() -> None:
    found = outcomes(ok({"items": [created(107), created(108)]}), 7, 8)

    assert summary(found) == [(7, "created", 107), (8, "created", 108)]


def test_one_failed_item_does_not_make_the_others_fail() -> None:
    items = {"i7": an_error("CRM_FIELD_ERROR_REQUIRED", "Name is required"), "i8": created(108)}

    failed, fine = outcomes(ok({"items": items}), 7, 8)

    assert failed.outcome is BatchOutcome.FAILED
    assert (failed.error, failed.error_description) == (
        "CRM_FIELD_ERROR_REQUIRED",
        "Name is required",
    )
    assert fine.outcome is BatchOutcome.CREATED


@pytest.mark.parametrize("code", ["", 0, 100])
def test_a_failure_without_a_proper_code_is_a_failure(code: object) -> None:
    (failed,) = outcomes(ok({"items": {"i7": {"error": code}}}), 7)

    assert (failed.outcome, failed.error) == (BatchOutcome.FAILED, str(code))


@pytest.mark.parametrize(
    "items",
    [
        {"i7": created(107)},
        [created(107)],
        [created(107), created(108), created(109)],
        {},
        [],
        None,
        {"i7": created(107), "i8": {"item": {}}},
        {"i7": created(107), "i8": {"item": {"id": 0}}},
        {"i7": created(107), "i8": {"item": []}},
        {"i7": created(107), "i8": None},
    ],
)
def test_an_answer_that_is_silent_about_an_item_leaves_the_whole_request_in_doubt(
    items: object,
) -> None:
    with pytest.raises(UnknownOutcome):
        outcomes(ok({"items": items}), 7, 8)


@pytest.mark.parametrize(
    "reply", [html(), html(502), requests.ReadTimeout("cut"), FakeReply(b'{"result": {"ite')]
)
def test_an_answer_that_does_not_come_leaves_the_request_in_doubt_and_is_not_repeated(
    reply: FakeReply | BaseException,
) -> None:
    scene = Scene(replying(reply))

    with pytest.raises(UnknownOutcome):
        send(scene.client, ImportMethod.BATCH_IMPORT, DEAL, sendables(7))

    assert scene.sent == 1


def test_a_request_refused_as_a_whole_says_nothing_about_its_items() -> None:
    with pytest.raises(ItemRefused) as caught:
        outcomes(refused("MAX_IMPORT_BATCH_SIZE_EXCEEDED"), 7, 8)

    assert caught.value.code == "MAX_IMPORT_BATCH_SIZE_EXCEEDED"


@pytest.mark.parametrize("method", [ImportMethod.IMPORT, ImportMethod.ADD])
def test_an_item_that_goes_alone_is_sent_as_such(method: ImportMethod) -> None:
    scene = Scene(replying(ok(created(107))))

    found, _ = send(scene.client, method, DEAL, sendables(7))

    (request,) = scene.adapter.requests
    assert method_of(request) == method
    assert sent_json(request)["fields"] == {"title": "Deal 7"}
    assert summary(found) == [(7, "created", 107)]


def test_an_item_that_goes_alone_fails_alone() -> None:
    reply = refused("CRM_FIELD_ERROR_VALUE_NOT_VALID", "Invalid value")

    (failed,) = outcomes(reply, 7, method=ImportMethod.IMPORT)

    assert (failed.error, failed.error_description) == (
        "CRM_FIELD_ERROR_VALUE_NOT_VALID",
        "Invalid value",
    )


def test_a_right_that_is_missing_is_no_fault_of_the_item() -> None:
    with pytest.raises(AccessDenied):
        outcomes(refused("ACCESS_DENIED"), 7, method=ImportMethod.IMPORT)


def test_an_item_that_goes_alone_and_gets_no_number_is_in_doubt() -> None:
    with pytest.raises(UnknownOutcome):
        outcomes(ok({"item": {}}), 7, method=ImportMethod.IMPORT)
