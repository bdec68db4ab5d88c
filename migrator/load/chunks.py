"""How many items go into one request."""

from __future__ import annotations

from migrator.plan.plan import FIRST_CHUNK, LARGEST_CHUNK, chunk_size

#: How much the newest measurement counts; a slow request must show at once, a quick one may wait.
_NEW_WEIGHT = 0.5


class ChunkSize:
    """Starts small, follows the measured seconds per item, backs off when a request is lost."""

    def __init__(self, seconds_per_item: float | None) -> None:
        self._seconds_per_item = seconds_per_item
        self._most = min(FIRST_CHUNK, chunk_size(seconds_per_item or 0.0))
        self._ceiling = LARGEST_CHUNK

    @property
    def now(self) -> int:
        return self._most

    @property
    def seconds_per_item(self) -> float | None:
        return self._seconds_per_item

    def measured(self, items: int, seconds: float) -> None:
        cost = seconds / items
        known = self._seconds_per_item
        if known is not None and cost < known:
            cost = known + _NEW_WEIGHT * (cost - known)
        self._seconds_per_item = cost
        self._most = min(self._ceiling, chunk_size(cost))
        self._ceiling = min(LARGEST_CHUNK, self._ceiling * 2)

    def lost(self) -> None:
        """The answer to a request did not come: the next ones are smaller, and grow by doubling."""
        self._most = self._ceiling = max(1, self._most // 2)
