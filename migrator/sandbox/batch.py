"""The method batch.

Sources: b24restdocs settings/how-to-call-rest-api/batch.md;
riester: bitrix/modules/rest/classes/general/rest_util.php, rest_provider.php
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from migrator.sandbox import files, php
from migrator.sandbox.errors import PortalError
from migrator.sandbox.registry import Call

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

_MOST_COMMANDS = 50
_REFERENCE = re.compile(r"\$result((?:\[[^\[\]]*\])+)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_NOT_ALLOWED = {"batch", files.DOWNLOAD.lower()}


def run(portal: Portal, call: Call, log: list[tuple[str, str | None]]) -> dict[str, Any]:
    """Run the commands in order; failures stay inside the answer, HTTP stays 200."""
    halt = not php.is_empty(call.get("halt"))
    maps: dict[str, dict[str, Any]] = {
        name: {} for name in ("result", "result_error", "result_total", "result_next")
    }
    maps["result_time"] = {}
    for index, (key, command) in enumerate(php.array_items(call.get("cmd"))):
        try:
            name, body = _run_command(portal, call, index, command, maps["result"], log)
        except PortalError as error:
            maps["result_error"][key] = error.body()
            if halt:
                break
            continue
        log.append((name, None))
        maps["result"][key] = body["result"]
        maps["result_time"][key] = body["time"]
        for part in ("total", "next"):
            if part in body:
                maps[f"result_{part}"][key] = body[part]
    return {name: php.as_array(one) for name, one in maps.items()}


def _run_command(
    portal: Portal,
    call: Call,
    index: int,
    command: Any,
    results: dict[str, Any],
    log: list[tuple[str, str | None]],
) -> tuple[str, dict[str, Any]]:
    name, _, query = str(command).partition("?")
    name = name.strip("/").removesuffix(".json")
    try:
        if index >= _MOST_COMMANDS:
            raise PortalError("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
        if name.lower() in _NOT_ALLOWED:
            raise PortalError(
                "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage", 405
            )
        params = {key: _resolve(one, results) for key, one in php.parse_query(query).items()}
        inner = Call(name, params, call.user, call.webhook)
        return name, portal.execute(inner, portal.clock.time())
    except PortalError as error:
        log.append((name, str(error.code)))
        raise


def _resolve(value: Any, results: dict[str, Any]) -> Any:
    """Replace `$result[...]` in every value of the parameters."""
    if isinstance(value, dict):
        return {key: _resolve(item, results) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, results) for item in value]
    if not isinstance(value, str) or "$result" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        # Nothing but the reference: the value keeps its type.
        return _look_up(whole[1], results)
    return _REFERENCE.sub(lambda match: _as_text(_look_up(match[1], results)), value)


def _look_up(path: str, results: dict[str, Any]) -> Any:
    """The node a path leads to; where it ends early, the deepest one reached."""
    node: Any = results
    for part in _PART.findall(path):
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return node
    return node


def _as_text(value: Any) -> str:
    """Only strings are substituted inside other text."""
    if php.is_array(value) or value is None:
        return ""
    return str(value)
