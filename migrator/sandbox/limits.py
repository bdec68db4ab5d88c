"""The two limits of a cloud portal: request rate and execution time.

Sources: b24restdocs limits.md; riester: bitrix/modules/rest/lib/engine/access/loadlimiter.php
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from migrator.sandbox.errors import PortalError

if TYPE_CHECKING:
    from migrator.sandbox.settings import Limits

#: An execution budget is kept in this many buckets.
_BUCKETS = 10
#: Executions up to this many seconds are not counted.
_FREE_SECONDS = 0.1


class LeakyBucket:
    """Fills by one per HTTP request, drains at the tariff's rate; a batch counts once."""

    def __init__(self, limits: Limits | None) -> None:
        self._limits = limits
        self._level = 0.0
        self._at = 0.0

    def take(self, now: float) -> None:
        if self._limits is None:
            return
        drained = max(now - self._at, 0.0) * self._limits.requests_per_second
        level = max(self._level - drained, 0.0)
        self._at = now
        if level + 1 > self._limits.burst:
            self._level = level
            raise PortalError("QUERY_LIMIT_EXCEEDED", "Too many requests", 503)
        self._level = level + 1


class OperatingBudget:
    """Seconds spent per account, a method of one webhook, within the window.

    Checked before a call, so the call that crosses the line still completes.
    """

    def __init__(self, limits: Limits | None) -> None:
        self._limits = limits
        self._window = limits.operating_window_seconds if limits else 600.0
        #: account -> [number of the bucket, its first write, its seconds]
        self._spent: dict[str, deque[tuple[int, float, float]]] = {}

    def check(self, account: str, now: float) -> None:
        if self._limits and self.operating(account, now) >= self._limits.operating_limit_seconds:
            raise PortalError(
                "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.", 429
            )

    def spend(self, account: str, seconds: float, now: float) -> None:
        if seconds <= _FREE_SECONDS:
            return
        number = int(now // (self._window / _BUCKETS))
        buckets = self._spent.setdefault(account, deque())
        if buckets and buckets[-1][0] == number:
            _, first_write, so_far = buckets.pop()
            buckets.append((number, first_write, so_far + seconds))
        else:
            buckets.append((number, now, seconds))

    def operating(self, account: str, now: float) -> float:
        return sum(seconds for _, _, seconds in self._live(account, now))

    def reset_at(self, account: str, now: float) -> int:
        """The first write of the oldest bucket plus the window."""
        buckets = self._live(account, now)
        return int((buckets[0][1] if buckets else now) + self._window)

    def _live(self, account: str, now: float) -> deque[tuple[int, float, float]]:
        buckets = self._spent.get(account, deque())
        while buckets and buckets[0][1] + self._window <= now:
            buckets.popleft()
        return buckets
