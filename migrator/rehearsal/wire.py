"""The way to the emulated target: no socket, and time that passes only where something takes time.

So a rehearsal is paced by the tariff's limits like the real run, and still takes no longer than the
work on this machine: how long the real run will take is what the clock says afterwards.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from migrator.sandbox import php
from migrator.sandbox.files import content_disposition
from migrator.sandbox.store import StoredFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.sandbox import Portal

_JSON = {"Content-Type": "application/json"}


class RehearsalClock:
    """Begins now and goes on as far as somebody waits; the portal reads it, too."""

    def __init__(self, now: datetime) -> None:
        self._begun = now
        self._seconds = 0.0

    def monotonic(self) -> float:
        return self._seconds

    def now(self) -> datetime:
        return self._begun + timedelta(seconds=self._seconds)

    def time(self) -> float:
        """What the emulated portal calls now."""
        return self.now().astimezone(UTC).timestamp()

    def sleep(self, seconds: float) -> None:
        self._seconds += max(0.0, seconds)


class InProcessPortal(BaseAdapter):
    """Carries requests to an emulated portal in this process; each takes its time on the clock."""

    def __init__(
        self, portal: Portal, clock: RehearsalClock, *, seconds_per_request: float
    ) -> None:
        super().__init__()
        self._portal = portal
        self._clock = clock
        self._seconds_per_request = seconds_per_request

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        user, secret, method = str(parts.path).rstrip("/").split("/")[-3:]
        params: dict[str, Any] = php.parse_query(parts.query)
        if request.body:
            params |= json.loads(request.body)
        reply = self._portal.handle(method.removesuffix(".json"), params, int(user), secret)
        # Nobody will read them here, and in a long rehearsal they would fill the memory.
        for kept in (self._portal.requests, self._portal.losses, self._portal.automation_runs):
            kept.clear()
        longest = self._portal.settings.request_time_limit_seconds
        self._clock.sleep(min(reply.seconds, longest) + self._seconds_per_request)
        if reply.seconds > longest:
            # Cut off, its effects stay (b24restdocs limits.md).
            return _response(request, 504, {"Content-Type": "text/html"}, b"<html></html>")
        result = reply.body.get("result")
        if isinstance(result, StoredFile):
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Disposition": content_disposition(result.name),
            }
            return _response(request, reply.http_status, headers, result.content)
        body = json.dumps(reply.body, default=str).encode()
        return _response(request, reply.http_status, _JSON, body)

    def close(self) -> None:
        """There is nothing to close."""


def _response(
    request: requests.PreparedRequest, status: int, headers: Mapping[str, str], body: bytes
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.request = request
    response.url = str(request.url)
    response.headers.update(headers)
    response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
    return response
