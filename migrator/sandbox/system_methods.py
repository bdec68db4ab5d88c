"""Methods about the connection itself (b24restdocs api-reference/common/system/*.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sandbox import entity_types
from migrator.sandbox.registry import METHODS, Answer, Call, method

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

_ALL_SCOPES = (
    "bizproc",
    "catalog",
    "crm",
    "department",
    "user",
    "user_basic",
    "user_brief",
    "userfieldconfig",
)


@method("server.time", scope=None)
def server_time(portal: Portal, call: Call) -> Answer:
    del call
    return Answer(portal.now())


@method("scope", scope=None)
def scope(portal: Portal, call: Call) -> Answer:
    del portal
    return Answer(list(_ALL_SCOPES if call.get("full") else call.webhook.scopes))


@method("methods", scope=None)
def methods(portal: Portal, call: Call) -> Answer:
    del portal
    wanted = call.get("scope")
    return Answer(
        [
            one.name
            for one in METHODS.values()
            if (wanted in one.scopes if wanted else _allowed(one.scopes, call))
        ]
    )


@method("method.get", scope=None)
def method_get(portal: Portal, call: Call) -> Answer:
    del portal
    found = METHODS.get(str(call.get("name") or ""))
    available = found is not None and _allowed(found.scopes, call)
    return Answer({"isExisting": found is not None, "isAvailable": available})


def _allowed(scopes: tuple[str, ...], call: Call) -> bool:
    return not scopes or bool(set(scopes) & set(call.webhook.scopes))


@method("crm.settings.mode.get")
def mode(portal: Portal, call: Call) -> Answer:
    """1: with leads, 2: without (b24restdocs api-reference/crm/crm-settings-mode-get.md)."""
    del call
    return Answer(portal.settings.crm_mode)


@method("crm.enum.ownertype")
def owner_types(portal: Portal, call: Call) -> Answer:
    del call
    known = [*entity_types.SYSTEM_CODES, *portal.types.by_entity_type_id]
    return Answer(
        [
            {
                "ID": etid,
                "NAME": portal.types.title(etid),
                "SYMBOL_CODE": entity_types.name_code(etid),
                "SYMBOL_CODE_SHORT": entity_types.short_code(etid),
            }
            for etid in known
        ]
    )
