"""The table of REST methods: each module registers its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.sandbox import php
from migrator.sandbox.errors import access_denied

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal
    from migrator.sandbox.settings import Webhook
    from migrator.sandbox.users import User


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    params: dict[str, Any]
    user: User
    webhook: Webhook

    def get(self, *names: str) -> Any:
        """The first parameter present; classic methods take upper and lower case."""
        for name in names:
            if name in self.params:
                return self.params[name]
        return None

    def array(self, *names: str) -> dict[str, Any]:
        """A parameter that is a PHP array, as pairs."""
        return dict(php.array_items(self.get(*names)))

    def require_administrator(self) -> None:
        if not self.user.crm_admin:
            raise access_denied()

    @property
    def original_names(self) -> bool:
        return self.get("useOriginalUfNames") in ("Y", "y", True, "true")


@dataclass(frozen=True, slots=True)
class Answer:
    result: Any
    total: int | None = None
    next: int | None = None


Handler = Callable[["Portal", Call], Answer]


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    #: None: needs no scope (b24restdocs api-reference/scopes/permissions.md, `basic`)
    scopes: tuple[str, ...]
    handler: Handler


METHODS: dict[str, Method] = {}


def method(*names: str, scope: str | None = "crm") -> Callable[[Handler], Handler]:
    """Register a handler under one or more method names.

    `scope` may name alternatives: "user|user_basic|user_brief".
    """

    def register(handler: Handler) -> Handler:
        for name in names:
            scopes = tuple(scope.split("|")) if scope else ()
            METHODS[name.lower()] = Method(name, scopes, handler)
        return handler

    return register


#: Fixed page size of every list method (b24restdocs .../list-methods-pecularities.md).
PAGE = 50


def page(rows: list[Any], start: Any) -> tuple[list[Any], int | None, int | None]:
    """Cut a page: rows, total, next.

    `start` is rounded down to a multiple of 50, `next` appears only when more rows remain and
    -1 leaves both out (riester: bitrix/modules/rest/lib/engine/restmanager.php).
    """
    first = php.to_int(start)
    if first < 0:
        return rows[:PAGE], None, None
    first -= first % PAGE
    following = first + PAGE
    return rows[first:following], len(rows), following if following < len(rows) else None
