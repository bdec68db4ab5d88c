"""A transport for requests that hands each prepared request to a plain function."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter


@dataclass(frozen=True)
class FakeReply:
    """`body` is sent as JSON unless it is bytes already."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Handler = Callable[[requests.PreparedRequest], "FakeReply | BaseException"]


class FakeAdapter(BaseAdapter):
    """Answers as the handler says, or raises what it returns; keeps every request."""

    def __init__(self, handler: Handler) -> None:
        super().__init__()
        self._handler = handler
        self.requests: list[requests.PreparedRequest] = []

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        self.requests.append(request)
        reply = self._handler(request)
        if isinstance(reply, BaseException):
            raise reply
        return _response(request, reply)

    def close(self) -> None:
        pass


def _response(request: requests.PreparedRequest, reply: FakeReply) -> requests.Response:
    response = requests.Response()
    response.status_code = reply.status
    response.request = request
    response.url = request.url or ""
    response.headers.update({"Content-Type": "application/json", **reply.headers})
    response.raw = urllib3.HTTPResponse(io.BytesIO(reply.content()), preload_content=False)
    return response
