"""Where the portal takes its time from, so that a test can hold it still."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def time(self) -> float:
        """Seconds since 1970."""


class SystemClock:
    def time(self) -> float:
        return time.time()


class FixedClock:
    """Stands still until told otherwise."""

    def __init__(self, moment: str) -> None:
        self._seconds = datetime.fromisoformat(moment).timestamp()

    def time(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self._seconds += seconds
