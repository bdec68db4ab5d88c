"""Calls: what is sent, what comes back, what is repeated and what is not."""

from __future__ import annotations

import pytest
import requests
import urllib3

from migrator.bitrix.errors import (
    AccessDenied,
    CertificateRefused,
    InvalidCredentials,
    NotAPortal,
    OperationTimeLimit,
    PortalBusy,
    PortalError,
    PortalUnreachable,
    RateLimited,
    RequestTooLarge,
    UnknownError,
    UnknownOutcome,
    UnreadableAnswer,
    WriteRefused,
)
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.records import WaitReason
from tests.fakes.scene import Scene, html, ok, refused, replying, sent_json
from tests.fakes.transport import FakeReply

NEVER_CONNECTED: list[Exception] = [
    requests.ConnectTimeout("connect"),
    requests.ConnectionError(
        urllib3.exceptions.MaxRetryError(
            None,  # type: ignore[arg-type]  # urllib3 itself passes no pool in its tests
            "/",
            urllib3.exceptions.NewConnectionError(None, "refused"),  # type: ignore[arg-type]  # ditto
        )
    ),
]
LOST: list[Exception] = [
    requests.ReadTimeout("read"),
    requests.ConnectionError(
        urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))
    ),
    requests.exceptions.ChunkedEncodingError("cut"),
]
UNREADABLE = [
    html(200),
    html(500),
    html(502),
    html(503),
    FakeReply(b'{"result": {"item": {"id": 1'),
    FakeReply(b""),
    FakeReply(b"[]"),
    FakeReply({"time": {}}),
    FakeReply({"nothing": "known"}, 500),
    refused("INTERNAL_SERVER_ERROR", "Internal server error", 500),
    refused("ERROR_UNEXPECTED_ANSWER", "", 500),
    refused("BRAND_NEW", "", 500),
]


def test_a_call_posts_json_to_the_method_and_returns_the_result() -> None:
    scene = Scene(
        replying(
            ok(
                {"items": []},
                total=4,
                next=50,
                time={
                    "duration": 0.59,
                    "processing": 0.24,
                    "operating": 1.5,
                    "operating_reset_at": 1721724954,
                },
            )
        )
    )

    answer = scene.client.call("crm.item.list", {"entityTypeId": 2, "filter": {">id": 1}})

    request = scene.adapter.requests[0]
    assert request.method == "POST"
    assert request.url == "https://a.bitrix24.test/rest/7/s3cr3tc0de/crm.item.list"
    assert sent_json(request) == {"entityTypeId": 2, "filter": {">id": 1}}
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"].startswith("migrator/")
    assert (answer.result, answer.total, answer.next) == ({"items": []}, 4, 50)
    assert (answer.time.duration, answer.time.operating) == (0.59, 1.5)
    assert answer.time.operating_reset_at is not None
    assert answer.time.operating_reset_at.isoformat() == "2024-07-23T08:55:54+00:00"


def test_what_an_answer_leaves_out_is_none() -> None:
    answer = Scene(replying(ok(None))).client.call("crm.item.list")

    assert (answer.result, answer.total, answer.next) == (None, None, None)
    assert answer.time.operating is None


@pytest.mark.parametrize("time", [[], "soon", {"operating": {}, "operating_reset_at": "never"}])
def test_a_strange_time_block_does_not_spoil_an_executed_write(time: object) -> None:
    answer = Scene(replying(ok({"item": {"id": 1}}, time=time))).client.call("crm.item.import")

    assert answer.mapping("item") == {"id": 1}


def test_an_error_in_the_body_wins_over_http_200() -> None:
    scene = Scene(replying(refused("ACCESS_DENIED", "Access denied", 200)))

    with pytest.raises(AccessDenied):
        scene.client.call("crm.contact.company.items.get", {"id": 1})


@pytest.mark.parametrize(("code", "text"), [(0, "0"), ("", ""), (200040300010, "200040300010")])
def test_a_code_of_any_kind_is_kept_as_text(code: object, text: str) -> None:
    scene = Scene(replying(refused(code)))

    with pytest.raises(PortalError) as error:
        scene.client.call("crm.type.get", {"id": 1})

    assert error.value.code == text


@pytest.mark.parametrize("reply", UNREADABLE)
def test_a_read_without_a_readable_answer_is_repeated(reply: FakeReply) -> None:
    scene = Scene(replying(reply, reply, ok("yes")))

    assert scene.client.call("crm.item.list").result == "yes"
    assert scene.sent == 3
    assert [wait.reason for wait in scene.waits] == [WaitReason.TROUBLE] * 2
    assert scene.clock.sleeps == [wait.seconds for wait in scene.waits]


@pytest.mark.parametrize("reply", UNREADABLE)
def test_a_write_without_a_readable_answer_is_in_doubt_and_never_repeated(
    reply: FakeReply,
) -> None:
    scene = Scene(replying(reply))

    with pytest.raises(UnknownOutcome):
        scene.client.call("crm.item.batchImport", {"data": []})

    assert scene.sent == 1


@pytest.mark.parametrize("loss", LOST)
def test_a_write_whose_connection_was_lost_is_in_doubt_and_never_repeated(loss: Exception) -> None:
    scene = Scene(replying(loss))

    with pytest.raises(UnknownOutcome):
        scene.client.call("crm.item.batchImport", {"data": []})

    assert scene.sent == 1


@pytest.mark.parametrize("loss", LOST)
def test_a_read_whose_connection_was_lost_is_repeated(loss: Exception) -> None:
    scene = Scene(replying(loss, ok("yes")))

    assert scene.client.call("crm.item.list").result == "yes"


@pytest.mark.parametrize("failure", NEVER_CONNECTED)
def test_a_write_that_never_left_is_repeated(failure: Exception) -> None:
    scene = Scene(replying(failure, ok({"item": {"id": 1}})))

    scene.client.call("crm.item.import", {"fields": {}})

    assert scene.sent == 2


@pytest.mark.parametrize("failure", NEVER_CONNECTED)
def test_a_write_that_can_never_leave_is_unreachable_not_in_doubt(failure: Exception) -> None:
    scene = Scene(replying(failure))

    with pytest.raises(PortalUnreachable) as error:
        scene.client.call("crm.item.import", {"fields": {}})

    assert not error.value.sent
    assert scene.sent == 3


@pytest.mark.parametrize(
    "refusal",
    [
        refused("QUERY_LIMIT_EXCEEDED", "Too many requests", 503),
        refused("OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.", 429),
        html(429),
    ],
)
def test_a_write_refused_by_the_limits_was_not_executed_and_is_repeated(
    refusal: FakeReply,
) -> None:
    scene = Scene(replying(refusal, refusal, ok({"item": {"id": 1}})))

    scene.client.call("crm.item.import", {"fields": {}})

    assert scene.sent == 3


def test_a_method_over_its_budget_waits_before_the_next_try() -> None:
    scene = Scene(replying(refused("OPERATION_TIME_LIMIT", "", 429), ok([])))

    scene.client.call("crm.item.batchImport")

    assert [(w.reason, w.seconds) for w in scene.waits] == [(WaitReason.OPERATING, 60)]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refused("QUERY_LIMIT_EXCEEDED", "", 503), RateLimited),
        (refused("OPERATION_TIME_LIMIT", "", 429), OperationTimeLimit),
        (html(502), PortalBusy),
        (html(200), UnreadableAnswer),
        (requests.ReadTimeout(), PortalUnreachable),
    ],
)
def test_patience_ends(reply: FakeReply | Exception, kind: type[PortalError]) -> None:
    scene = Scene(replying(reply))

    with pytest.raises(kind):
        scene.client.call("crm.item.list")

    assert 1 < scene.sent < 100
    assert scene.clock.monotonic() <= 1_900


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refused("INVALID_CREDENTIALS", "", 401), InvalidCredentials),
        (refused("BRAND_NEW", "", 400), UnknownError),
        (html(404), NotAPortal),
        (html(413), RequestTooLarge),
    ],
)
def test_a_refusal_is_not_repeated(reply: FakeReply, kind: type[PortalError]) -> None:
    scene = Scene(replying(reply))

    with pytest.raises(kind):
        scene.client.call("crm.item.list")

    assert scene.sent == 1


def test_a_reading_client_refuses_to_write_before_anything_is_sent() -> None:
    scene = Scene(replying(ok([])), read_only=True)

    with pytest.raises(WriteRefused):
        scene.client.call("crm.item.add", {"fields": {}})

    assert scene.sent == 0


def test_a_batch_cannot_be_smuggled_through_call() -> None:
    scene = Scene(replying(ok([])), read_only=True)

    with pytest.raises(ValueError, match="batch"):
        scene.client.call("batch", {"cmd": {"a": "crm.item.delete?id=1"}})

    assert scene.sent == 0


def test_the_bucket_of_the_tariff_is_kept() -> None:
    limits = PortalLimits(requests_per_second=2, burst=10)
    scene = Scene(replying(ok([])), limits=limits)

    for _ in range(30):
        scene.client.call("crm.item.list")

    assert scene.clock.monotonic() == pytest.approx((30 - 9) / 2)
    assert {wait.reason for wait in scene.waits} == {WaitReason.RATE}


def test_every_request_is_recorded_with_what_it_cost() -> None:
    scene = Scene(
        replying(html(502), ok({"items": [{"id": 1}, {"id": 2}]}, time={"duration": 0.4}))
    )

    scene.client.call("crm.item.list")

    failed, answered = scene.records
    assert (failed.status, failed.error, failed.operating_s) == (502, "portal-busy", None)
    assert (answered.portal, answered.method) == ("a.bitrix24.test", "crm.item.list")
    assert (answered.status, answered.error) == (200, None)
    assert (answered.items, answered.operating_s) == (2, 0.4)
    assert answered.sent_at > failed.sent_at


def test_a_record_of_a_write_holds_how_many_items_were_sent() -> None:
    scene = Scene(replying(html(502)))

    with pytest.raises(UnknownOutcome):
        scene.client.call("crm.item.batchImport", {"data": []}, items=20)

    assert scene.records[0].items == 20


def test_a_certificate_of_somebody_else_is_a_reason_to_stop() -> None:
    import ssl

    wrong = requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "certificate has expired"))
    scene = Scene(replying(wrong))

    with pytest.raises(CertificateRefused):
        scene.client.call("profile")

    assert scene.sent == 1
