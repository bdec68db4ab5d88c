"""Real time, but for the waits: they are counted in full and skipped."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from tests.simulation.world import SimulatedClock


class SkippingClock(SimulatedClock):
    """What program and portal compute takes as long as it takes; what they wait for is added."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._epoch = datetime.now(UTC)

    @property
    def computing(self) -> float:
        """Seconds that have really gone by."""
        return time.monotonic() - self._began

    def monotonic(self) -> float:
        return super().monotonic() + self.computing

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.monotonic())
