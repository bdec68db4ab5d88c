"""Who a portal's webhook speaks for: the first request to it, and what may be wrong with it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from migrator.bitrix.answers import Answer, require
from migrator.bitrix.commands import Command
from migrator.bitrix.errors import (
    InvalidCredentials,
    ItemRefused,
    MissingScope,
    PlanWithoutRest,
    PortalError,
    UnknownError,
    UnreadableAnswer,
    UserNotAllowed,
)
from migrator.domain.errors import UsageError
from migrator.domain.records import StructureElement
from migrator.domain.structure import ElementKind
from migrator.plan.portal_rights import USER_FIELD_SCOPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from migrator.bitrix.client import PortalClient

#: Scopes without which nothing can be moved (b24restdocs api-reference/scopes/permissions.md).
REQUIRED_SCOPES = ("crm",)
#: Any of these lets the webhook list users (b24restdocs api-reference/user/user-scope.md).
USER_SCOPES = frozenset({"user", "user_basic", "user_brief"})
#: Without it a department's users are known, but not which department it belongs to
#: (b24restdocs api-reference/departments/department-get.md).
DEPARTMENT_SCOPE = "department"
#: Taken for granted where the portal does not tell: what is refused then says so itself.
_ASSUMED_SCOPES = (*REQUIRED_SCOPES, "user", USER_FIELD_SCOPE, DEPARTMENT_SCOPE)
_UTC_OFFSET = re.compile(r"[+-]\d\d:\d\d$")
#: Answers that stay the same until somebody changes the webhook, its user or the portal.
REFUSALS = (ItemRefused, MissingScope, UnknownError)


class PortalNotUsable(UsageError):
    """The webhook works, or does not, but cannot be used for a migration as it is."""

    reference = "portal-not-usable"


@contextmanager
def indispensable() -> Iterator[None]:
    """Raises: PortalNotUsable where the portal refuses what nothing can be done without."""
    try:
        yield
    except (*REFUSALS, InvalidCredentials, PlanWithoutRest, UserNotAllowed) as error:
        raise PortalNotUsable(error.message, hint=error.hint) from None


@indispensable()
def read_profile(client: PortalClient) -> StructureElement:
    """Who the webhook speaks for, with which scopes, in which time zone.

    This is the first request to a portal, so what is wrong with the webhook is wrong with the
    configuration.

    Raises: PortalNotUsable; RepeatLater where the portal cannot be reached.
    """
    commands = {name: Command(name) for name in ("profile", "scope")}
    commands["time"] = Command("server.time")
    answers = client.batch(commands)
    profile = _profile(client, answers["profile"])
    scopes = _scopes(answers["scope"])
    if scopes is not None:
        _check_scopes(client, scopes)
    if not profile:
        raise PortalNotUsable(
            f"{client.webhook.host}: the webhook's user {client.webhook.user_id} is not active",
            hint="create a webhook as an active portal administrator",
        )
    payload = {
        **profile,
        "scopes": sorted(_ASSUMED_SCOPES if scopes is None else scopes),
        "scopes_told": scopes is not None,
        "utc_offset": _utc_offset(answers["time"]),
    }
    name = " ".join(p for p in (profile.get("NAME"), profile.get("LAST_NAME")) if p)
    return StructureElement(
        kind=ElementKind.PROFILE,
        scope="",
        key="profile",
        name=name or f"user {profile['ID']}",
        payload=payload,
    )


def _profile(client: PortalClient, answer: Answer | PortalError) -> dict[str, Any]:
    """Without `profile`, `user.admin` tells the part that matters.

    Source: b24restdocs api-reference/common/users/user-admin.md
    """
    if not isinstance(answer, REFUSALS):
        return dict(require(answer).mapping())
    try:
        is_admin = client.call("user.admin").result is True
    except REFUSALS:
        raise answer from None
    return {"ID": str(client.webhook.user_id), "ADMIN": is_admin}


def _scopes(answer: Answer | PortalError) -> list[str] | None:
    """None where the portal does not tell."""
    try:
        return [str(name) for name in require(answer).rows()]
    except (*REFUSALS, UnreadableAnswer):
        return None


def _utc_offset(answer: Answer | PortalError) -> str:
    """Shown to people only; every moment carries its own."""
    told = _UTC_OFFSET.search(str(answer.result)) if isinstance(answer, Answer) else None
    return told[0] if told else "+00:00"


def _check_scopes(client: PortalClient, scopes: Iterable[str]) -> None:
    granted = set(scopes)
    missing = [scope for scope in REQUIRED_SCOPES if scope not in granted]
    if not granted & USER_SCOPES:
        missing.append("user")
    if missing:
        listed = ", ".join(missing)
        raise PortalNotUsable(
            f"{client.webhook.host}: the webhook lacks the scope {listed}",
            hint=f"edit the webhook (Developer resources > Other > Inbound webhook) and tick: "
            f"{listed}, {USER_FIELD_SCOPE}",
        )
