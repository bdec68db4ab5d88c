"""A request's way out: paced, sent, read, recorded, and repeated where that is safe."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from migrator.bitrix.answers import Answer, CallTime
from migrator.bitrix.errors import (
    OperationTimeLimit,
    PortalBusy,
    PortalError,
    PortalUnreachable,
    RateLimited,
    RepeatLater,
    UnknownOutcome,
)
from migrator.bitrix.pacing import LeakyBucket, OperatingBudget
from migrator.bitrix.records import InnerUse, RequestRecord, Spent, Wait, WaitReason
from migrator.bitrix.replies import count_items, outcome_of_write
from migrator.bitrix.retry import Attempts, RetryPolicy
from migrator.domain.allowance import Allowance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from migrator.bitrix.limits import PortalLimits
    from migrator.bitrix.records import EarlierRequest
    from migrator.bitrix.replies import ReplyReader
    from migrator.bitrix.transport import Reply
    from migrator.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it is repeated; `commands` are the inner methods of a batch, by key."""

    method: str
    send: Callable[[], Reply]
    read: Callable[[Reply], Answer | PortalError]
    write: bool = False
    items: int | None = None
    commands: Mapping[str, str] = field(default_factory=dict)
    halt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What one sent request came to; `inner` are the outcomes of a batch's commands."""

    sent_at: datetime
    seconds: float
    status: int | None
    outcome: Answer | PortalError
    inner: dict[str, Answer | PortalError]

    @property
    def portal_seconds(self) -> float:
        """How long the portal worked on it; all the time it took where the portal does not say."""
        duration = self.outcome.time.duration if isinstance(self.outcome, Answer) else None
        return self.seconds if duration is None else min(duration, self.seconds)

    def answer(self) -> Answer:
        if isinstance(self.outcome, PortalError):
            raise self.outcome
        return self.outcome


class Requester:
    """Carries out requests to one portal and tells about each."""

    def __init__(
        self,
        portal: str,
        limits: PortalLimits,
        replies: ReplyReader,
        *,
        clock: Clock,
        on_request: Callable[[RequestRecord], None] | None,
        on_wait: Callable[[Wait], None] | None,
        before_write: Callable[[], None] | None = None,
    ) -> None:
        self._portal = portal
        self._replies = replies
        self._clock = clock
        self._on_request = on_request
        self._on_wait = on_wait
        self._before_write = before_write
        self._bucket = LeakyBucket(limits, clock)
        self._budget = OperatingBudget(limits, clock)
        self._limits = limits
        self._policy = RetryPolicy(limits)
        self._has_answered = False
        self.spent = Spent()

    def remember(self, requests: Iterable[EarlierRequest]) -> None:
        """Count what an earlier process asked for against the request rate and the budgets."""
        earlier = sorted(requests, key=lambda one: one.seconds_ago, reverse=True)
        self._bucket.remember(one.seconds_ago for one in earlier)
        for one in earlier:
            if one.operating_s:
                self._budget.remember(one.method, one.operating_s, one.seconds_ago)

    def allowance(self) -> Allowance:
        """What the limits permit from now on."""
        limits = self._limits
        return Allowance(
            requests_per_second=limits.requests_per_second,
            free_requests=self._bucket.free(),
            burst=self._bucket.capacity,
            budget_seconds=self._budget.ceiling,
            full_seconds=self._budget.full,
            eased_from_seconds=self._budget.eased_from,
            eased_speed=limits.operating_limit_seconds / limits.operating_window_seconds,
            window_seconds=limits.operating_window_seconds,
            used=self._budget.used(),
        )

    def run(self, request: Request) -> Exchange:
        """Send until it is answered or the policy gives up; the last error is raised as it is."""
        begun = self._clock.monotonic()

        def delay(state: RetryCallState) -> float | None:
            failure = state.outcome.exception() if state.outcome else None
            if failure is None:
                return None
            attempts = Attempts(
                made=state.attempt_number,
                elapsed_seconds=self._clock.monotonic() - begun,
                portal_has_answered=self._has_answered,
            )
            return self._policy.delay(failure, attempts)

        retrying = Retrying(
            retry=retry_if_exception_type(RepeatLater),
            stop=lambda state: delay(state) is None,
            wait=lambda state: delay(state) or 0.0,
            sleep=lambda seconds: self._sleep(request.method, seconds, WaitReason.TROUBLE),
            reraise=True,
        )
        return retrying(self.run_once, request)

    def run_once(self, request: Request) -> Exchange:
        """Send once.

        Raises:
            PortalError: also where the request as a whole was answered with one.
        """
        self._pace(request)
        if request.write and self._before_write is not None:
            self._before_write()
        sent_at, begun = self._clock.now(), self._clock.monotonic()
        status, outcome = self._send(request)
        if request.write and isinstance(outcome, PortalError):
            outcome = outcome_of_write(outcome)
        exchange = Exchange(
            sent_at=sent_at,
            seconds=self._clock.monotonic() - begun,
            status=status,
            outcome=outcome,
            inner=self._inner(request, outcome),
        )
        self._book(request, exchange)
        if isinstance(outcome, PortalError):
            raise outcome
        return exchange

    def back_off(self, method: str, attempt: int) -> None:
        self._sleep(method, self._policy.backoff(attempt), WaitReason.TROUBLE)

    def _pace(self, request: Request) -> None:
        for method, calls in _executions(request).items():
            self._sleep(method, self._budget.delay(method, calls), WaitReason.OPERATING)
        self._sleep(request.method, self._bucket.delay(), WaitReason.RATE)
        self._bucket.take()
        self.spent.requests += 1

    def _send(self, request: Request) -> tuple[int | None, Answer | PortalError]:
        try:
            reply = request.send()
        except PortalError as error:
            return None, error
        self._has_answered = True
        return reply.status, request.read(reply)

    def _inner(
        self, request: Request, outcome: Answer | PortalError
    ) -> dict[str, Answer | PortalError]:
        if not request.commands or isinstance(outcome, PortalError):
            return {}
        return self._replies.batch(request.commands, outcome, halted=request.halt)

    def _book(self, request: Request, exchange: Exchange) -> None:
        """Bring the bucket and the budgets up to date and tell about the request."""
        if isinstance(exchange.outcome, RateLimited):
            self._bucket.overflowed()
        self.spent.worked += exchange.portal_seconds
        uses = {
            method: self._use(method, outcomes)
            for method, outcomes in _by_method(request, exchange.inner).items()
        }
        if request.commands:
            operating = sum(use.operating_s for use in uses.values())
        else:
            operating = self._execution(request.method, exchange.outcome, exchange.seconds)
        if self._on_request is not None:
            self._on_request(self._record(request, exchange, operating, uses))

    def _use(self, method: str, outcomes: list[Answer | PortalError]) -> InnerUse:
        return InnerUse(
            count=len(outcomes),
            operating_s=sum(self._execution(method, outcome, None) for outcome in outcomes),
            errors=sum(isinstance(outcome, PortalError) for outcome in outcomes),
        )

    def _execution(
        self, method: str, outcome: Answer | PortalError, measured_seconds: float | None
    ) -> float:
        """Book one execution; a refused one costs nothing, a lost one what it took."""
        match outcome:
            case Answer(time=time):
                cost = self._budget.executed(method, time, measured_seconds)
                so_far = self.spent.operating.get(method.lower(), 0.0)
                self.spent.operating[method.lower()] = so_far + cost
                return cost
            case OperationTimeLimit():
                self._budget.refused(method)
                return 0.0
            case PortalBusy() | UnknownOutcome() | PortalUnreachable(sent=True) if measured_seconds:
                return self._budget.executed(method, CallTime(), measured_seconds)
            case _:
                return 0.0

    def _record(
        self,
        request: Request,
        exchange: Exchange,
        operating: float,
        uses: Mapping[str, InnerUse],
    ) -> RequestRecord:
        outcome = exchange.outcome
        error = outcome if isinstance(outcome, PortalError) else None
        items = request.items
        if items is None:
            items = count_items(exchange.inner.values() if request.commands else [outcome])
        return RequestRecord(
            portal=self._portal,
            method=request.method,
            sent_at=exchange.sent_at,
            duration_s=exchange.seconds,
            operating_s=operating if error is None else None,
            status=exchange.status,
            error=(error.code or error.reference) if error is not None else None,
            items=items,
            commands=len(request.commands),
            inner=uses,
        )

    def _sleep(self, method: str, seconds: float, reason: WaitReason) -> None:
        if seconds <= 0:
            return
        if self._on_wait is not None:
            self._on_wait(Wait(portal=self._portal, method=method, seconds=seconds, reason=reason))
        self.spent.waited += seconds
        self._clock.sleep(seconds)


def _executions(request: Request) -> Mapping[str, int]:
    """How often each method is to be executed; a batch is charged to the methods in it.

    Source: b24restdocs limits.md
    """
    return Counter(request.commands.values()) if request.commands else {request.method: 1}


def _by_method(
    request: Request, inner: Mapping[str, Answer | PortalError]
) -> dict[str, list[Answer | PortalError]]:
    grouped: dict[str, list[Answer | PortalError]] = {}
    for key, outcome in inner.items():
        grouped.setdefault(request.commands[key], []).append(outcome)
    return grouped
