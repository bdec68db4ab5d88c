"""What stands between the program and a portal, faults included, without a socket.

The program's client has its own transport, its own reading of answers and its own waits; only what
urllib3 would do is done here. The faults are those of `migrator.sandbox.faults`, as its server
carries them out, in simulated time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from migrator.sandbox import FaultKind, FaultPlan, php
from migrator.sandbox import faulty_answers as faulty
from migrator.sandbox.files import content_disposition
from migrator.sandbox.store import StoredFile
from tests.fakes.transport import FakeAdapter, FakeReply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.sandbox import FaultRule, Portal
    from migrator.sandbox.errors import PortalError
    from migrator.sandbox.portal import Reply
    from tests.simulation.world import Life, SimulatedClock

Wire = FakeReply | BaseException


class PortalWire:
    """Carries requests to one portal; lives longer than the processes that send them."""

    def __init__(
        self, portal: Portal, clock: SimulatedClock, faults: FaultPlan, latency: float = 0.0
    ) -> None:
        self.portal = portal
        self.faults = faults
        self._clock = clock
        #: seconds a request is on its way, there and back
        self._latency = latency
        self._down_until = 0.0

    @property
    def webhook_url(self) -> str:
        hook = self.portal.webhook_of(None)
        return f"https://{self.portal.settings.host}/rest/{hook.user_id}/{hook.secret}/"

    def adapter(self, life: Life, patience: float, *, has_points: bool) -> FakeAdapter:
        """The program's end of the wire.

        Args:
            life: of the process that sends
            patience: seconds after which it does not listen any more
            has_points: whether it can die around its requests
        """

        def handle(request: requests.PreparedRequest) -> Wire:
            method = urlsplit(str(request.url)).path.rstrip("/").rsplit("/", 1)[1]
            if has_points:
                life.reach(f"before {method}")
            reply = self._answer(request, method, patience)
            if has_points:
                life.reach(f"answered {method}")
            return reply

        return FakeAdapter(handle)

    def _answer(self, request: requests.PreparedRequest, method: str, patience: float) -> Wire:
        if self._clock.monotonic() < self._down_until:
            return requests.ConnectionError(urllib3.exceptions.NewConnectionError(None, "refused"))  # type: ignore[arg-type]  # only its class matters
        call = _Call(self.portal, request, method)
        rule = self.faults.next(method)
        if rule is None:
            return self._deliver(call.execute(call.params), patience)
        return self._fail(rule, call, patience)

    def _deliver(self, reply: Reply, patience: float, slowly: float = 0.0) -> Wire:
        longest = self.portal.settings.request_time_limit_seconds
        seconds = self._latency + min(reply.seconds, longest) + slowly
        self._clock.sleep(min(seconds, patience))
        if seconds > patience:
            return requests.ReadTimeout()
        if reply.seconds > longest:
            return FakeReply(b"<html>504 Gateway Time-out</html>", 504)
        result = reply.body.get("result")
        if isinstance(result, StoredFile):
            return FakeReply(result.content, reply.http_status, _headers(result))
        return FakeReply(json.dumps(reply.body, default=str).encode(), reply.http_status)

    def _fail(self, rule: FaultRule, call: _Call, patience: float) -> Wire:
        match rule.kind:
            case FaultKind.SLOW_ANSWER if rule.executed:
                return self._deliver(call.execute(call.params), patience, slowly=rule.seconds)
            case FaultKind.SLOW_ANSWER:
                self._clock.sleep(min(rule.seconds, patience))
                return requests.ReadTimeout() if rule.seconds > patience else _cut()
            case FaultKind.TRUNCATED_JSON:
                body = json.dumps(call.execute(call.params).body, default=str)
                return FakeReply(body[: len(body) // 2].encode())
            case FaultKind.REPORTED_FAILED_BUT_CREATED:
                return self._deliver(faulty._denied(call.execute(call.params), rule.item), patience)
            case FaultKind.HTTP_500 | FaultKind.HTTP_502_HTML:
                if rule.executed:
                    call.execute(call.params)
                return _broken(rule.kind)
            case kind if kind in faulty._REFUSALS:
                return _refusal(faulty._REFUSALS[kind])
            case _:
                self._act_beside_the_cut(rule, call)
                return _cut()

    def _act_beside_the_cut(self, rule: FaultRule, call: _Call) -> None:
        match rule.kind:
            case FaultKind.CUT_AFTER:
                call.execute(call.params)
            case FaultKind.EXECUTED_LATE:
                self._clock.later(rule.seconds, lambda: call.execute(call.params))
            case FaultKind.CUT_DURING_BATCH_IMPORT:
                call.execute(faulty._first_items(call.params, rule.item))
            case FaultKind.DOWN_FOR:
                self._down_until = self._clock.monotonic() + rule.seconds
            case _:
                pass


class _Call:
    """A request as the portal reads it."""

    def __init__(self, portal: Portal, request: requests.PreparedRequest, method: str) -> None:
        parts = urlsplit(str(request.url))
        _, _, self._user, self._secret, *_ = parts.path.split("/")
        self.params: dict[str, Any] = php.parse_query(parts.query)
        if request.body:
            self.params |= json.loads(request.body)
        self._portal = portal
        self._method = method

    def execute(self, params: dict[str, Any]) -> Reply:
        return self._portal.handle(self._method, params, php.to_int(self._user), self._secret)


def _headers(found: StoredFile) -> Mapping[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": content_disposition(found.name),
    }


def _cut() -> requests.ConnectionError:
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("cut"))


def _broken(kind: FaultKind) -> FakeReply:
    if kind is FaultKind.HTTP_502_HTML:
        return FakeReply(faulty._BAD_GATEWAY.encode(), 502, {"Content-Type": "text/html"})
    return _refusal(faulty._INTERNAL_ERROR)


def _refusal(error: PortalError) -> FakeReply:
    return FakeReply(error.body(), error.http_status)
