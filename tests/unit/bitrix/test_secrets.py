"""The webhook's secret stands in every URL, and in nothing a person gets to see."""

from __future__ import annotations

import logging
import traceback

import pytest
import requests

from migrator.bitrix.client import PortalClient
from migrator.bitrix.commands import Command
from migrator.bitrix.errors import PortalError
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.webhook import Webhook
from tests.fakes.clock import FakeClock
from tests.fakes.scene import SECRET, URL, Scene, html, refused, replying
from tests.fakes.transport import FakeReply

FAILURES = [
    requests.ConnectionError(f"HTTPSConnectionPool: Max retries exceeded with url: {URL}"),
    requests.ReadTimeout(URL),
    requests.exceptions.InvalidURL(URL),
    requests.exceptions.SSLError(URL),
    requests.exceptions.ChunkedEncodingError(URL),
    html(404),
    FakeReply(f"<html>{URL}".encode(), 502),
    FakeReply(b"", 302, {"Location": f"http://a.bitrix24.test/rest/7/{SECRET}/profile"}),
    refused(f"{URL} is wrong", f"no such thing at {URL}"),
    refused("BRAND_NEW", URL),
]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("method", ["crm.item.list", "crm.item.import"])
def test_no_error_shows_the_secret(
    failure: FakeReply | Exception, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scene = Scene(replying(failure))

    with pytest.raises(PortalError) as error:
        scene.client.call(method)

    shown = [*traceback.format_exception(error.value), repr(error.value), str(error.value)]
    shown += [str(vars(error.value)), str(error.value.hint), caplog.text]
    shown += [repr(record) for record in scene.records] + [repr(wait) for wait in scene.waits]
    assert SECRET not in "".join(shown)
    assert error.value.__context__ is None or SECRET not in repr(error.value.__context__)


def test_a_refused_batch_does_not_show_the_secret() -> None:
    body = {
        "result": {"result": [], "result_error": {"a": {"error": URL, "error_description": URL}}}
    }
    scene = Scene(replying(FakeReply(body)))

    outcome = scene.client.batch({"a": Command("profile")})["a"]

    assert SECRET not in f"{outcome}{outcome!r}"


def test_the_http_libraries_log_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    webhook = Webhook(f"http://127.0.0.1:9/rest/7/{SECRET}/")
    client = PortalClient(webhook, PortalLimits(), clock=FakeClock())

    with pytest.raises(PortalError) as error:
        client.call("profile")
    logging.getLogger("urllib3.connectionpool").warning("Failed to parse headers (url=%s)", URL)

    client.close()
    assert "urllib3.connectionpool" in caplog.text
    assert SECRET not in caplog.text + "".join(traceback.format_exception(error.value))


def test_a_client_is_shown_by_its_host() -> None:
    client = Scene(replying(html())).client

    assert f"{client!r} {client}" == "PortalClient(a.bitrix24.test) PortalClient(a.bitrix24.test)"
