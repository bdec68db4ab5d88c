"""Many small questions in few requests: single calls and first pages of lists in one batch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from migrator.bitrix.commands import MOST_COMMANDS, Command
from migrator.bitrix.errors import AccessDenied, MissingScope, PortalError, UnreadableAnswer
from migrator.bitrix.lists import PAGE
from migrator.plan.check.facts import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migrator.bitrix.answers import Answer
    from migrator.bitrix.client import PortalClient


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A list; `key` is where its rows stand in the result, None for the result itself."""

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    #: Read to its end; otherwise the first page and the total will do.
    is_whole: bool = False

    def command(self, start: int = 0) -> Command:
        return Command(self.method, {**self.params, "start": start} if start else self.params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    rows: list[dict[str, Any]]
    #: What the portal counts, or the rows that came where it counts nothing.
    total: int


def ask(client: PortalClient, commands: Mapping[str, Command]) -> dict[str, Answer | PortalError]:
    """The outcome of each command; a refusal of one is its outcome. Raises: PortalError."""
    outcomes: dict[str, Answer | PortalError] = {}
    for part in _portions(commands):
        outcomes.update(client.batch(part))
    return outcomes


def _portions(commands: Mapping[str, Command]) -> Iterator[dict[str, Command]]:
    rest = iter(commands.items())
    while part := dict(islice(rest, MOST_COMMANDS)):
        yield part


def read_list(
    client: PortalClient, query: ListQuery, first: Answer | PortalError
) -> Listing | PortalError:
    """A list whose first page has been answered, read on where the whole of it is wanted."""
    if isinstance(first, PortalError):
        return first
    try:
        page = first.rows(query.key)
        rows = _rest(client, query, page, first.total or 0) if query.is_whole else page
    except PortalError as error:
        return error
    return Listing(rows=rows, total=max(first.total or 0, len(rows)))


def _rest(
    client: PortalClient, query: ListQuery, page: list[dict[str, Any]], total: int
) -> list[dict[str, Any]]:
    """Where a total is told its pages are asked for at once, otherwise one after the other.

    The total of crm.currency.list is always 0, and a method that does not know `start` sends its
    first page again. Source: b24restdocs settings/how-to-call-rest-api/list-methods-pecularities.md
    """
    rows = {_identity(row): row for row in page}
    starts = list(range(PAGE, total, PAGE)) if total > PAGE else [PAGE]
    while len(page) >= PAGE:
        commands = {f"s{start}": query.command(start) for start in starts}
        known = len(rows)
        for answer in _answers(ask(client, commands).values()):
            page = answer.rows(query.key)
            rows.update((_identity(row), row) for row in page)
        if len(rows) == known:
            break
        starts = [starts[-1] + PAGE]
    return list(rows.values())


def _identity(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def _answers(outcomes: Iterable[Answer | PortalError]) -> Iterator[Answer]:
    for outcome in outcomes:
        if isinstance(outcome, PortalError):
            raise outcome
        yield outcome


def refusal(error: PortalError) -> Refusal:
    """Why there is no answer; a hint only where following it brings one."""
    match error:
        case MissingScope():
            message, hint = "the webhook lacks the permission for it", error.hint
        case UnreadableAnswer():
            message, hint = "the portal says nothing about it", None
        case AccessDenied() if "context" in error.description.lower():
            message, hint = "the portal tells it to applications only, not to a webhook", None
        case _:
            message, hint = error.description or error.meaning, error.hint
    return Refusal(message=f"{message} ({error.method})", hint=hint)
