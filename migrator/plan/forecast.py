"""How long work will take that is paced by a portal's limits: arithmetic, no waiting.

Requests go one after another, so three things can hold them up, and the tightest counts: the
request rate, the method's execution budget, and the time a request takes by itself.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.domain.allowance import Allowance

#: Execution seconds come back a basket of a minute at a time. Source: b24restdocs limits.md
_BASKET_SECONDS = 60.0
#: Executions up to this long are not counted. Source: riester: bitrix/modules/rest/lib/engine/
#: access/loadlimiter.php
UNCOUNTED_SECONDS = 0.1
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Requests of one kind that are still to be sent, one after another."""

    method: str
    requests: float
    #: From one request to the next as long as no limit holds it up: the portal's work, the way
    #: there and back, our own work.
    seconds: float
    #: What one of them takes out of the method's execution budget.
    operating: float
    #: Executions of the method in one request; more than one in a batch.
    calls: float = 1.0


#: How much a measurement counts when the next one has come.
_FADING = 0.95


class Pace:
    """What items have cost lately, by which to tell what the rest of them will."""

    def __init__(self, method: str, page: int | None = None) -> None:
        """`page` is what one call brings at most, where a call brings many items."""
        self.method = method
        self._page = page
        self._items = self._requests = self._calls = 0.0
        self._working = self._beside = self._operating = 0.0

    def add(
        self,
        items: int,
        *,
        requests: int,
        calls: float,
        seconds: float,
        working: float,
        operating: float,
    ) -> None:
        """Some items were done.

        Args:
            items: how many
            requests: in so many requests
            calls: with so many calls of the method in all of them
            seconds: that took, waits for limits not included
            working: of which the portal worked
            operating: taken out of the method's budget
        """
        self._items = self._items * _FADING + items
        self._requests = self._requests * _FADING + requests
        self._calls = self._calls * _FADING + calls
        self._working = self._working * _FADING + working
        self._beside = self._beside * _FADING + max(0.0, seconds - working)
        self._operating = self._operating * _FADING + operating

    def work(self, items: Iterable[int], calls: float | None = None) -> Work | None:
        """The work that is left, with so many calls in a request, by default as lately.

        `items` are those of each type; a request holds items of one type only. None as long as
        nothing is known.
        """
        if not self._items or not self._requests or not self._calls:
            return None
        items = [count for count in items if count]
        of_types = [self._calls_for(count) for count in items]
        calls = calls or self._calls / self._requests
        requests = sum(math.ceil(of_type / calls - _NOTHING) for of_type in of_types)
        if not requests:
            return None
        in_each = sum(items) / requests
        return Work(
            method=self.method,
            requests=requests,
            seconds=in_each * self._working / self._items + self._beside / self._requests,
            operating=in_each * self._operating / self._items,
            calls=sum(of_types) / requests,
        )

    def _calls_for(self, items: int) -> float:
        if self._page is not None:
            return math.ceil(items / self._page)
        return items * self._calls / self._items


def time_needed(works: Iterable[Work], allowance: Allowance) -> float:
    """Seconds until all of it is done, one kind of work after another."""
    elapsed = 0.0
    free = allowance.free_requests
    for work in works:
        took = max(
            work.requests * work.seconds,
            _through_the_bucket(work, free, allowance),
            _through_the_budget(work, allowance, elapsed),
        )
        elapsed += took
        free += took * allowance.requests_per_second - work.requests
        free = max(0.0, min(free, allowance.burst))
    return elapsed


def _through_the_bucket(work: Work, free: float, allowance: Allowance) -> float:
    """Seconds until the last request has left and been answered."""
    rate = allowance.requests_per_second
    if not rate or work.requests <= free:
        return 0.0
    return (work.requests - free) / rate + work.seconds


def _through_the_budget(work: Work, allowance: Allowance, later: float) -> float:
    """Seconds until the last of the work has been executed, beginning in `later` seconds."""
    left = work.requests * work.operating
    if not allowance.budget_seconds or left <= _NOTHING:
        return 0.0
    account = _Account(
        allowance,
        limit=_usable(work, allowance),
        speed=work.operating / max(work.seconds, _NOTHING),
        baskets=allowance.used.get(work.method.lower(), ()),
        later=later,
    )
    return account.spend(left)


def _usable(work: Work, allowance: Allowance) -> float:
    """What is in use on average when a method has to stop, half a request beyond where it may go.

    A call may begin as long as less than the budget is in use; of a batch every call but the last
    must end below it. What stays below the line for certain may go a little further.
    """
    of_a_call = work.operating / max(work.calls, 1.0)
    crossing = allowance.budget_seconds - (work.operating - of_a_call)
    below = allowance.full_seconds - work.operating
    return max(of_a_call, max(crossing, below) + work.operating / 2)


class _Account:
    """One method's budget while it is being spent as fast as it permits."""

    def __init__(
        self,
        allowance: Allowance,
        *,
        limit: float,
        speed: float,
        baskets: Iterable[tuple[float, float]],
        later: float,
    ) -> None:
        self._window = allowance.window_seconds
        self._limit = limit
        self._eased_from = min(limit, allowance.eased_from_seconds)
        self._speed = speed
        self._eased_speed = min(speed, allowance.eased_speed)
        self._baskets = deque((at - later, seconds) for at, seconds in baskets if at > later)
        self._used = sum(seconds for _, seconds in self._baskets)
        self._now = 0.0

    def spend(self, left: float) -> float:
        """Seconds until so much has been executed."""
        # Once a window has passed, each is like the last, so most need not be followed.
        of_a_window = min(self._limit, self._eased_speed * self._window)
        skipped = max(0, int(left / of_a_window) - 2)
        left -= skipped * of_a_window
        while left > _NOTHING:
            self._drop_expired()
            left -= self._step(left)
        return self._now + skipped * self._window

    def _drop_expired(self) -> None:
        while self._baskets and self._baskets[0][0] <= self._now + _NOTHING:
            self._used -= self._baskets.popleft()[1]

    def _step(self, left: float) -> float:
        """Go on until something changes; returns what was executed meanwhile."""
        eased = self._used >= self._eased_from - _NOTHING
        speed = self._eased_speed if eased else self._speed
        room = (self._limit if eased else self._eased_from) - self._used
        until = self._baskets[0][0] if self._baskets else self._now + self._window
        if room <= _NOTHING:
            self._now = until
            return 0.0
        seconds = min(room / speed, left / speed, _BASKET_SECONDS, until - self._now)
        done = seconds * speed
        self._baskets.append((self._now + self._window, done))
        self._used += done
        self._now += seconds
        return done
