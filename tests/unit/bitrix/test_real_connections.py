"""What requests and urllib3 really raise when a connection on loopback goes wrong."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from migrator.bitrix.client import PortalClient
from migrator.bitrix.errors import PortalUnreachable, UnknownOutcome
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.webhook import Webhook
from tests.acceptance.waiting import wait_until
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHOLE = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"result": 1}'
)
CUT_SHORT = WHOLE[:-5]
LIMITS = PortalLimits(requests_per_second=0, read_retry_attempts=2)
#: For a server of which no answer is to come; others are given the time that a busy machine takes.
SHORT = replace(LIMITS, read_timeout_seconds=0.2)


@contextmanager
def a_server(
    behave: Callable[[socket.socket], None], clock: FakeClock | None = None
) -> Iterator[tuple[PortalClient, list[int]]]:
    """A client of a server that does one thing with each connection, and the connections made."""
    connections: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(1)
                with connection:
                    behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        client = PortalClient(
            Webhook(f"http://127.0.0.1:{port}/rest/1/secret0001/"),
            SHORT if behave is never_answering else LIMITS,
            clock=clock or FakeClock(),
        )
        try:
            yield client, connections
        finally:
            client.close()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def answering(reply: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(reply)

    return behave


def answering_for_ever(connection: socket.socket) -> None:
    while connection.recv(65_536):
        connection.sendall(WHOLE)


def never_answering(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


def test_a_whole_answer_is_read() -> None:
    with a_server(answering(WHOLE)) as (client, _):
        assert client.call("profile").result == 1


@pytest.mark.parametrize(
    "behave",
    [answering(b""), answering(CUT_SHORT), never_answering],
    ids=["closed", "cut short", "silent"],
)
def test_a_write_that_left_is_in_doubt(behave: Callable[[socket.socket], None]) -> None:
    with a_server(behave) as (client, connections):
        with pytest.raises(UnknownOutcome):
            client.call("crm.item.import", {"fields": {}})
        wait_until(lambda: len(connections) >= 1)

    assert len(connections) == 1


@pytest.mark.parametrize(
    "behave",
    [answering(b""), answering(CUT_SHORT), never_answering],
    ids=["closed", "cut short", "silent"],
)
def test_a_read_that_left_is_repeated(behave: Callable[[socket.socket], None]) -> None:
    with a_server(behave) as (client, connections):
        with pytest.raises(PortalUnreachable) as error:
            client.call("profile")

        wait_until(lambda: len(connections) >= 2)

    assert error.value.sent
    assert len(connections) == 2


def test_a_refused_connection_never_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    webhook = Webhook(f"http://127.0.0.1:{port}/rest/1/secret0001/")

    with pytest.raises(PortalUnreachable) as error:
        PortalClient(webhook, LIMITS, clock=FakeClock()).call("crm.item.import")

    assert not error.value.sent
    assert "refused" in error.value.description


def test_a_connection_is_kept_for_the_next_call() -> None:
    with a_server(answering_for_ever) as (client, connections):
        client.call("profile")
        client.call("profile")

        assert len(connections) == 1


def test_a_connection_left_idle_is_not_trusted_with_a_write() -> None:
    clock = FakeClock()
    with a_server(answering_for_ever, clock) as (client, connections):
        client.call("profile")
        clock.advance(30)
        client.call("crm.item.import", {"fields": {}})

        assert len(connections) == 2


def test_loopback_is_reached_without_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    with a_server(answering(WHOLE)) as (client, _):
        assert client.call("profile").result == 1
