"""Carrying out faults over HTTP: what the client sees, and what the portal did nevertheless."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from migrator.sandbox import php
from migrator.sandbox.errors import PortalError
from migrator.sandbox.faults import FaultKind, FaultRule
from migrator.sandbox.portal import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Refusals before anything is executed (b24restdocs _includes/system-errors.md, limits.md).
_REFUSALS = {
    FaultKind.RATE_LIMITED: PortalError("QUERY_LIMIT_EXCEEDED", "Too many requests", 503),
    FaultKind.OPERATION_TIME_LIMIT: PortalError(
        "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.", 429
    ),
    FaultKind.EXPIRED_TOKEN: PortalError(
        "expired_token", "The access token provided has expired.", 401
    ),
    FaultKind.OVERLOAD_LIMIT: PortalError(
        "OVERLOAD_LIMIT", "REST API is blocked due to overload", 503
    ),
}
_INTERNAL_ERROR = PortalError("INTERNAL_SERVER_ERROR", "Internal server error", 500)
#: An error of what happens after the row is saved: relations, the second save
#: (b24_clear: bitrix/modules/crm/lib/Service/Operation.php). Its code is not documented.
_AFTER_SAVING = PortalError("ERROR_CORE", "The item was saved, its relations were not")
_BAD_GATEWAY = (
    "<html><head><title>502 Bad Gateway</title></head>"
    "<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request under a fault, with the ways a server has to deal with it."""

    request: web.Request
    params: dict[str, Any]
    execute: Callable[[dict[str, Any]], Reply]
    deliver: Callable[[Reply], Awaitable[web.StreamResponse]]
    go_down: Callable[[float], None]


async def answer(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    """Let the request meet the fault."""
    match rule.kind:
        case FaultKind.SLOW_ANSWER:
            return await _answer_slowly(rule, exchange)
        case FaultKind.TRUNCATED_JSON:
            return _truncated(exchange.execute(exchange.params))
        case FaultKind.REPORTED_FAILED_BUT_CREATED:
            return await exchange.deliver(_denied(exchange.execute(exchange.params), rule.item))
        case FaultKind.HTTP_500 | FaultKind.HTTP_502_HTML:
            if rule.executed:
                exchange.execute(exchange.params)
            return _broken(rule.kind)
        case kind if kind in _REFUSALS:
            return _refusal(_REFUSALS[kind])
        case _:
            _execute_beside_the_cut(rule, exchange)
            return _cut(exchange)


def _execute_beside_the_cut(rule: FaultRule, exchange: Exchange) -> None:
    """What the portal does with a request whose connection is cut."""
    match rule.kind:
        case FaultKind.CUT_AFTER:
            exchange.execute(exchange.params)
        case FaultKind.EXECUTED_LATE:
            loop = asyncio.get_running_loop()
            loop.call_later(rule.seconds, exchange.execute, exchange.params)
        case FaultKind.CUT_DURING_BATCH_IMPORT:
            exchange.execute(_first_items(exchange.params, rule.item))
        case FaultKind.DOWN_FOR:
            exchange.go_down(rule.seconds)
        case _:
            pass


def _cut(exchange: Exchange) -> web.Response:
    """Close the connection; the answer returned here reaches nobody."""
    transport = exchange.request.transport
    if transport is not None:
        transport.abort()
    return web.Response(status=500)


async def _answer_slowly(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    reply = exchange.execute(exchange.params) if rule.executed else None
    await asyncio.sleep(rule.seconds)
    return _cut(exchange) if reply is None else await exchange.deliver(reply)


def _first_items(params: dict[str, Any], count: int) -> dict[str, Any]:
    """The request a portal would have executed up to the cut: no transaction surrounds it.

    Source: b24_clear: bitrix/modules/crm/lib/controller/item.php
    """
    return params | {"data": dict(php.array_items(params.get("data"))[:count])}


def _denied(reply: Reply, position: int) -> Reply:
    """The answer with the success of one item turned into a failure."""
    result = reply.body.get("result")
    if not isinstance(result, dict):
        return reply
    if "items" not in result:
        return Reply(_AFTER_SAVING.http_status, _AFTER_SAVING.body(), reply.seconds)
    items = dict(php.array_items(result["items"]))
    for key in list(items)[position : position + 1]:
        items[key] = _AFTER_SAVING.body()
    body = reply.body | {"result": result | {"items": php.as_array(items)}}
    return Reply(reply.http_status, body, reply.seconds)


def _truncated(reply: Reply) -> web.Response:
    text = json.dumps(reply.body, default=str)
    return web.Response(
        status=reply.http_status, text=text[: len(text) // 2], content_type="application/json"
    )


def _broken(kind: FaultKind) -> web.Response:
    if kind is FaultKind.HTTP_502_HTML:
        return web.Response(status=502, text=_BAD_GATEWAY, content_type="text/html")
    return _refusal(_INTERNAL_ERROR)


def _refusal(error: PortalError) -> web.Response:
    return web.json_response(error.body(), status=error.http_status)
