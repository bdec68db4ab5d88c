"""From an HTTP reply to an answer, or to the error it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.bitrix.answers import Answer, parse_json, php_map, read_time, whole_number
from migrator.bitrix.errors import (
    NotAPortal,
    PortalBusy,
    PortalError,
    PortalUnreachable,
    RateLimited,
    RequestTooLarge,
    UnknownError,
    UnknownOutcome,
    UnreadableAnswer,
    error_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from migrator.bitrix.transport import Reply
    from migrator.bitrix.webhook import Webhook


class ReplyReader:
    """Reads the replies of one portal; whatever is quoted of them is cleared of the secret."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    def answer(self, method: str, reply: Reply) -> Answer | PortalError:
        """`error` in the body wins whatever the HTTP status; without it only 2xx is a result.

        Source: b24restdocs error-codes.md
        """
        body = parse_json(reply.content)
        if isinstance(body, dict) and "error" in body:
            return self.error(method, body, reply.status)
        if not isinstance(body, dict):
            return self.not_rest(method, reply)
        if "result" not in body or reply.status >= 300:
            return self._without_result(method, reply.status)
        return Answer(
            result=body["result"],
            total=whole_number(body.get("total")),
            next=whole_number(body.get("next")),
            time=read_time(body.get("time")),
            method=method,
            portal=self._webhook.host,
        )

    def batch(
        self, methods: Mapping[str, str], answer: Answer, *, halted: bool
    ) -> dict[str, Answer | PortalError]:
        """Each command's own answer or error, in the order of the commands.

        A command that the portal says nothing about is an error, never a success, unless an
        earlier one halted the batch.
        """
        parts = answer.mapping()
        results, errors, totals, nexts, times = (
            php_map(parts.get(name))
            for name in ("result", "result_error", "result_total", "result_next", "result_time")
        )
        outcomes: dict[str, Answer | PortalError] = {}
        for key, method in methods.items():
            if key in errors:
                outcomes[key] = self.error(method, errors[key], 200)
            elif key in results:
                outcomes[key] = Answer(
                    result=results[key],
                    total=whole_number(totals.get(key)),
                    next=whole_number(nexts.get(key)),
                    time=read_time(times.get(key)),
                    method=method,
                    portal=self._webhook.host,
                )
            elif not (halted and errors):
                outcomes[key] = self.made(
                    UnreadableAnswer, method, 200, "the batch says nothing about this command"
                )
        return outcomes

    def error(self, method: str, body: object, http_status: int) -> PortalError:
        """The error of a body or of one command; codes may be "", 0, numbers or sentences."""
        facts = body if isinstance(body, dict) else {"error": body}
        return error_for(
            self._text(facts.get("error")),
            self._text(facts.get("error_description")),
            http_status,
            method,
            self._webhook.host,
        )

    def not_rest(self, method: str, reply: Reply) -> PortalError:
        """What a body that is no REST answer means; it is described, never quoted."""
        what = f"{reply.content_type or 'a body without a type'}, {len(reply.content)} bytes"
        match reply.status:
            case 429:
                kind: type[PortalError] = RateLimited
            case 413:
                kind = RequestTooLarge
            case status if status >= 500:
                kind = PortalBusy
            case status if status < 400 or status == 408:
                kind = UnreadableAnswer
            case _:
                kind = NotAPortal
        return self.made(kind, method, reply.status, what)

    def _without_result(self, method: str, status: int) -> PortalError:
        kind = UnreadableAnswer if status < 300 else PortalBusy if status >= 500 else UnknownError
        return self.made(kind, method, status, "JSON without a result")

    def made(
        self, kind: type[PortalError], method: str, status: int, description: str
    ) -> PortalError:
        return kind(
            method=method,
            portal=self._webhook.host,
            http_status=status,
            description=description,
        )

    def _text(self, value: Any) -> str:
        return "" if value is None else self._webhook.redact(str(value))


def outcome_of_write(error: PortalError) -> PortalError:
    """The error a write really met: an ambiguous one becomes `UnknownOutcome`.

    Refusals by the limits are known not to have been executed, and so are requests that never left.
    """
    match error:
        case PortalUnreachable(sent=sent):
            ambiguous = sent
        case PortalBusy() | NotAPortal():
            ambiguous = True
        case _:
            ambiguous = False
    if not ambiguous:
        return error
    return UnknownOutcome(
        code=error.code,
        description=error.description or error.meaning,
        http_status=error.http_status,
        method=error.method,
        portal=error.portal,
    )


def count_items(outcomes: Iterable[Answer | PortalError]) -> int | None:
    """How many items lists brought, where any of the outcomes is a list of items."""
    counts = [
        len(items)
        for outcome in outcomes
        if isinstance(outcome, Answer)
        and isinstance(outcome.result, dict)
        and isinstance(items := outcome.result.get("items"), list | dict)
    ]
    return sum(counts) if counts else None
