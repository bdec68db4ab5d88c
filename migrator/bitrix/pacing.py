"""When the next request may leave: the leaky bucket and the execution budget of each method.

Both are arithmetic over a Clock: they say how long to wait, the client does the waiting.
Sources: b24restdocs limits.md; riester: bitrix/modules/rest/lib/engine/access/loadlimiter.php
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.bitrix.answers import CallTime
    from migrator.bitrix.limits import PortalLimits
    from migrator.clock import Clock

#: Requests bunch up on their way, so the portal may count a fuller bucket than we do.
_BUCKET_MARGIN = 0.05
#: Execution is added up in baskets of a minute; a refusal ends when one of them is dropped.
_BASKET_SECONDS = 60.0
#: Shorter executions are not counted.
_COUNTED_FROM_SECONDS = 0.1
#: From this part of the budget on a method goes no faster than it regains budget.
_EASE_FROM = 0.9
#: What a call must not find used: the portal refuses one that finds the whole budget used, and its
#: figure may be a call behind.
_CEILING = 0.95
#: What may be used up by calls whose cost is known, so that none of them crosses the line.
_FULL = 0.98
#: Reset times are whole seconds, cut off.
_CUT_OFF_SECONDS = 1.0
_ROUNDING = 1e-6


class LeakyBucket:
    """The request rate of one portal and this machine's address."""

    def __init__(self, limits: PortalLimits, clock: Clock) -> None:
        self._rate = limits.requests_per_second
        self._capacity = float(max(1, limits.burst - math.ceil(limits.burst * _BUCKET_MARGIN)))
        self._burst = float(limits.burst)
        self._clock = clock
        self._level = 0.0
        self._at = clock.monotonic()

    def remember(self, seconds_ago: Iterable[float]) -> None:
        """Count the requests of an earlier process as far as they have not leaked yet."""
        ages = sorted(seconds_ago, reverse=True)
        level, before = 0.0, max(ages, default=0.0)
        for age in ages:
            level = max(0.0, level - (before - age) * self._rate) + 1
            before = age
        self._level = max(self._level, level - before * self._rate)

    @property
    def capacity(self) -> float:
        return self._capacity

    def free(self) -> float:
        """How many requests may leave at once."""
        self._leak()
        return max(0.0, self._capacity - self._level)

    def delay(self) -> float:
        """Seconds until one more request fits."""
        if self._rate <= 0:
            return 0.0
        self._leak()
        return max(0.0, (self._level + 1 - self._capacity) / self._rate)

    def take(self) -> None:
        """Count a request that leaves now."""
        self._leak()
        self._level += 1

    def overflowed(self) -> None:
        """The portal says it is full: others share it, or it was left full by an earlier run."""
        self._leak()
        self._level = max(self._level, self._burst)

    def _leak(self) -> None:
        now = self._clock.monotonic()
        self._level = max(0.0, self._level - (now - self._at) * self._rate)
        self._at = now


@dataclass(slots=True)
class _Basket:
    expires_at: float
    seconds: float


@dataclass(slots=True)
class _Account:
    """One method's use of its budget, oldest basket first."""

    baskets: deque[_Basket] = field(default_factory=deque)
    reported: float | None = None
    reset_at: float | None = None
    blocked_until: float = 0.0
    call_cost: float = 0.0
    eased_until: float = 0.0

    def drop_expired(self, now: float) -> None:
        while self.baskets and self.baskets[0].expires_at <= now:
            self.baskets.popleft()

    def used(self) -> float:
        return sum(basket.seconds for basket in self.baskets)

    def room_at(self, room: float) -> float:
        """When enough baskets will have been dropped to leave no more than `room` in use."""
        left = self.used()
        for basket in self.baskets:
            left -= basket.seconds
            if left <= room + _ROUNDING:
                return basket.expires_at
        return 0.0

    def book(self, seconds: float, at: float, window: float) -> None:
        newest = self.baskets[-1] if self.baskets else None
        if newest is None or newest.expires_at - window + _BASKET_SECONDS <= at:
            self.baskets.append(_Basket(expires_at=at + window, seconds=seconds))
        else:
            newest.seconds += seconds

    def settle(self, reported: float, oldest_expiry: float) -> None:
        """Make the baskets add up to what the portal reports, the oldest ending when it says."""
        surplus = reported - self.used()
        if surplus > 0 and self.baskets and self.baskets[0].expires_at <= oldest_expiry + 1:
            self.baskets[0].seconds += surplus
        elif surplus > 0:
            # Used before this process began: all that is known of it is when its oldest part ends.
            self.baskets.appendleft(_Basket(expires_at=oldest_expiry, seconds=surplus))
        while surplus < 0 and self.baskets:
            oldest = self.baskets[0]
            taken = min(oldest.seconds, -surplus)
            oldest.seconds -= taken
            surplus += taken
            if oldest.seconds > 0:
                break
            self.baskets.popleft()
        if self.baskets:
            self.baskets[0].expires_at = oldest_expiry


class OperatingBudget:
    """The execution time each method may use within the window; methods do not share it."""

    def __init__(self, limits: PortalLimits, clock: Clock) -> None:
        self._limit = limits.operating_limit_seconds
        self._window = limits.operating_window_seconds
        self._clock = clock
        self._accounts: dict[str, _Account] = {}

    @property
    def ceiling(self) -> float:
        """What a method may have used before its next call; 0 without a limit."""
        return self._limit * _CEILING

    @property
    def full(self) -> float:
        """What calls may add up to that do not cross the line; 0 without a limit."""
        return self._limit * _FULL

    @property
    def eased_from(self) -> float:
        return self._limit * _EASE_FROM

    def delay(self, method: str, calls: int = 1) -> float:
        """Seconds to wait before `calls` more executions of a method may be asked for."""
        account = self._accounts.get(method.lower())
        if account is None:
            return 0.0
        now = self._clock.monotonic()
        account.drop_expired(now)
        until = account.blocked_until
        if self._limit > 0:
            # The call that crosses the line completes; those before it in a batch must not.
            # Source: b24restdocs limits.md
            crossing = self.ceiling - account.call_cost * (calls - 1)
            room = max(0.0, crossing, self.full - account.call_cost * calls)
            if account.used() > room:
                until = max(until, account.room_at(room))
            elif account.used() > self.eased_from:
                until = max(until, account.eased_until)
        return max(0.0, until - now)

    def executed(self, method: str, time: CallTime, measured_seconds: float | None) -> float:
        """Book one execution; returns the seconds it took out of the budget.

        `measured_seconds` is our own measure, used where the portal reports nothing.
        """
        account = self._accounts.setdefault(method.lower(), _Account())
        now = self._clock.monotonic()
        account.reset_at = self._reset_at(time, now)
        # The portal's figure may hold a basket that ended while the call was under way.
        account.drop_expired(now if account.reset_at is None else account.reset_at - _ROUNDING)
        cost = self._cost(account, time, measured_seconds)
        if cost:
            account.book(cost, now, self._window)
        if time.operating is not None:
            oldest = account.baskets[0].expires_at if account.baskets else now + self._window
            account.settle(time.operating, account.reset_at or oldest)
        account.reported = time.operating
        account.call_cost = cost if not account.call_cost else (account.call_cost + cost) / 2
        if self._limit > 0:
            rest = cost * max(0.0, self._window / self._limit - 1)
            account.eased_until = max(account.eased_until, now) + rest
        return cost

    def remember(self, method: str, seconds: float, seconds_ago: float) -> None:
        """Count what an earlier process has used; oldest first."""
        if seconds_ago < self._window:
            account = self._accounts.setdefault(method.lower(), _Account())
            account.book(seconds, self._clock.monotonic() - seconds_ago, self._window)

    def used(self) -> dict[str, tuple[tuple[float, float], ...]]:
        """By method: in how many seconds how much of what is used now will be given back."""
        now = self._clock.monotonic()
        for account in self._accounts.values():
            account.drop_expired(now)
        return {
            method: tuple((one.expires_at - now, one.seconds) for one in account.baskets)
            for method, account in self._accounts.items()
        }

    def refused(self, method: str) -> None:
        """OPERATION_TIME_LIMIT: closed until the oldest basket is dropped.

        Error replies carry no `time`, so the moment is the one the last good answer told; where
        that is unknown or already past, a basket's length from now.
        """
        account = self._accounts.setdefault(method.lower(), _Account())
        now = self._clock.monotonic()
        reset_at = account.reset_at or 0.0
        account.blocked_until = reset_at if reset_at > now else now + _BASKET_SECONDS

    def _cost(self, account: _Account, time: CallTime, measured: float | None) -> float:
        """What the portal's figure has grown by, at most what the call took: others use it, too."""
        seconds = next(
            (s for s in (time.duration, time.processing, measured) if s is not None), 0.0
        )
        seconds = seconds if seconds > _COUNTED_FROM_SECONDS else 0.0
        if time.operating is None or account.reported is None:
            return seconds
        # Less what has been given back since.
        grown = time.operating - min(account.reported, account.used())
        return min(grown, seconds) if grown >= 0 else seconds

    def _reset_at(self, time: CallTime, now: float) -> float | None:
        if time.operating_reset_at is None:
            return None
        portal_now = time.finish or self._clock.now()
        seconds = (time.operating_reset_at - portal_now).total_seconds()
        return now + seconds + _CUT_OFF_SECONDS if abs(seconds) <= self._window * 2 else None
