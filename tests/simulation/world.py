"""Time, and the moment of death, in a world without threads, sockets and real waiting."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Later than every date that the generated portals hold.
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class SimulatedClock:
    """Goes on when somebody sleeps or waits; what was put off happens on the way.

    The same clock for the program (`monotonic`, `now`, `sleep`) and for both portals (`time`).
    """

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._put_off: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()

    def monotonic(self) -> float:
        return self._elapsed

    def now(self) -> datetime:
        return _BEGIN + timedelta(seconds=self._elapsed)

    def time(self) -> float:
        return self.now().timestamp()

    def sleep(self, seconds: float) -> None:
        until = self._elapsed + max(0.0, seconds)
        while self._put_off and self._put_off[0][0] <= until:
            self._elapsed, _, action = heapq.heappop(self._put_off)
            action()
        self._elapsed = until

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._put_off, (self._elapsed + seconds, next(self._numbers), action))


class Died(BaseException):
    """The process is gone. Not an `Exception`: nothing in the program may catch it and go on."""


class Life:
    """One process: it dies at the point `dies_at`, counted from 1, and does nothing any more."""

    def __init__(self, dies_at: int | None = None) -> None:
        self._dies_at = dies_at
        self.points: list[str] = []
        self.is_over = False

    def reach(self, what: str) -> None:
        """Raises: Died, here and wherever else a dead process would have gone on."""
        if not self.is_over:
            self.points.append(what)
            self.is_over = len(self.points) == self._dies_at
        if self.is_over:
            raise Died(what)
