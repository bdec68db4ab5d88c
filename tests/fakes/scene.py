"""What the client's tests talk to: a few lines of a portal, and builders around the client."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import requests

from migrator.bitrix.client import PortalClient
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.webhook import Webhook
from tests.fakes.clock import FakeClock
from tests.fakes.transport import FakeAdapter, FakeReply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from migrator.bitrix.records import RequestRecord, Wait

SECRET = "s3cr3tc0de"
URL = f"https://a.bitrix24.test/rest/7/{SECRET}/"


class Scene:
    """A client on a fake clock and a fake transport, with everything it told."""

    def __init__(
        self,
        handler: Callable[[requests.PreparedRequest], FakeReply | BaseException],
        *,
        limits: PortalLimits | None = None,
        before_write: Callable[[], None] | None = None,
        read_only: bool = False,
        url: str = URL,
    ) -> None:
        self.clock = FakeClock()
        self.adapter = FakeAdapter(handler)
        self.records: list[RequestRecord] = []
        self.waits: list[Wait] = []
        self.client = PortalClient(
            Webhook(url),
            limits or PortalLimits(requests_per_second=0),
            clock=self.clock,
            adapter=self.adapter,
            on_request=self.records.append,
            on_wait=self.waits.append,
            before_write=before_write,
            read_only=read_only,
        )

    @property
    def sent(self) -> int:
        return len(self.adapter.requests)


def replying(*replies: FakeReply | BaseException) -> Callable[..., FakeReply | BaseException]:
    """A portal that gives these replies in turn, and the last one for ever."""
    waiting = list(replies)

    def handler(_: requests.PreparedRequest) -> FakeReply | BaseException:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return handler


def ok(result: object, **more: object) -> FakeReply:
    return FakeReply({"result": result, **more})


def refused(code: object, description: str = "", status: int = 400) -> FakeReply:
    return FakeReply({"error": code, "error_description": description}, status)


def html(status: int = 200) -> FakeReply:
    return FakeReply(b"<html><body>nginx</body></html>", status, {"Content-Type": "text/html"})


def sent_json(request: requests.PreparedRequest) -> dict[str, Any]:
    assert request.body is not None
    decoded: dict[str, Any] = json.loads(request.body)
    return decoded


def method_of(request: requests.PreparedRequest) -> str:
    return str(request.url).rpartition("/")[2]


def parse_php_query(query: str) -> dict[str, Any]:
    """`parse_str` of PHP, as far as a batch command needs it: names are decoded, then split."""
    params: dict[str, Any] = {}
    for pair in query.split("&") if query else []:
        name, _, value = pair.partition("=")
        decoded = unquote_plus(name)
        variable = decoded.partition("[")[0]
        place, keys = params, [variable, *re.findall(r"\[([^\]]*)\]", decoded)]
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1] or str(len(place))] = unquote_plus(value)
    return params


class PortalOfItems:
    """Answers `crm.item.list` alone and in batches, with `$result[...]`, pages of 50 and `halt`."""

    def __init__(self, ids: Mapping[int, Sequence[int]]) -> None:
        self.ids = ids
        self.longest_chain = 50
        self.refused_types: dict[int, tuple[str, str]] = {}
        #: Taken out of a page after it was cut, so that it is short though more pages follow.
        self.hidden: frozenset[int] = frozenset()
        self.time: dict[str, object] = {}
        self.chains: list[int] = []

    def __call__(self, request: requests.PreparedRequest) -> FakeReply | BaseException:
        params = sent_json(request)
        if method_of(request) != "batch":
            self.chains.append(1)
            outcome = self._list(params)
            if isinstance(outcome, tuple):
                return refused(*outcome)
            return FakeReply({"result": outcome, "time": self.time})
        self.chains.append(len(params["cmd"]))
        if len(params["cmd"]) > self.longest_chain:
            return requests.ReadTimeout("cut")
        return ok(self._batch(params))

    def _batch(self, params: dict[str, Any]) -> dict[str, Any]:
        results: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for key, command in params["cmd"].items():
            method, _, query = command.partition("?")
            assert method == "crm.item.list"
            outcome = self._list(_resolve(parse_php_query(query), results))
            if isinstance(outcome, tuple):
                errors[key] = {"error": outcome[0], "error_description": outcome[1]}
                if params["halt"]:
                    break
            else:
                results[key] = outcome
        times = dict.fromkeys(results, self.time) if self.time else []
        return {
            "result": results or [],
            "result_error": errors or [],
            "result_total": [],
            "result_next": [],
            "result_time": times,
        }

    def _list(self, params: dict[str, Any]) -> dict[str, Any] | tuple[str, str]:
        type_id = int(params["entityTypeId"])
        if type_id in self.refused_types:
            return self.refused_types[type_id]
        ids = sorted(self.ids.get(type_id, []), reverse=params["order"]["id"] == "DESC")
        for key, value in params["filter"].items():
            if key == ">id":
                if isinstance(value, dict | list):
                    return "INVALID_ARG_VALUE", "Invalid filter: field '>ID' has invalid value"
                ids = [i for i in ids if i > int(value)]
            if key == "@id":
                wanted = value.values() if isinstance(value, dict) else value
                ids = [i for i in ids if i in {int(w) for w in wanted}]
        return {"items": [_row(type_id, i) for i in ids[:50] if i not in self.hidden]}


def _row(type_id: int, item_id: int) -> dict[str, Any]:
    return {"id": item_id, "title": f"{type_id}-{item_id}", "createdTime": _CREATED}


_CREATED = "2024-05-01T10:00:00+03:00"
_REFERENCE = re.compile(r"\$result((?:\[\w+\])+)")


def _resolve(value: Any, results: dict[str, Any]) -> Any:
    """A parameter that is nothing but a reference; a path that ends early gives the last node."""
    if isinstance(value, dict):
        return {key: _resolve(nested, results) for key, nested in value.items()}
    match = _REFERENCE.fullmatch(value)
    if match is None:
        return value
    node: Any = results
    for key in re.findall(r"\[(\w+)\]", match[1]):
        if isinstance(node, list) and int(key) < len(node):
            node = node[int(key)]
        elif isinstance(node, dict) and key in node:
            node = node[key]
        else:
            break
    return node
