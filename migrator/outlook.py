"""When a stage will be done: measured while it works, forecast by what the limits hold in store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrator.plan.forecast import Pace, time_needed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from migrator.bitrix.client import PortalClient
    from migrator.clock import Clock
    from migrator.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """What happened between two moments; `seconds` without the waits for limits."""

    seconds: float
    #: of which the portal worked
    working: float
    requests: int
    operating: Mapping[str, float]


class Stopwatch:
    """Measures the work of one client in laps."""

    def __init__(self, client: PortalClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._at = clock.monotonic()
        self._spent = client.spent

    def lap(self) -> Lap:
        """What happened since the last lap."""
        now, spent = self._clock.monotonic(), self._client.spent
        before, since = self._spent, self._at
        self._at, self._spent = now, spent
        return Lap(
            seconds=max(0.0, now - since - (spent.waited - before.waited)),
            working=spent.worked - before.worked,
            requests=spent.requests - before.requests,
            operating={
                method: used - before.operating.get(method, 0.0)
                for method, used in spent.operating.items()
            },
        )


class Outlook:
    """Of a stage whose items cost about the same: export, verify, deferred links."""

    def __init__(
        self,
        client: PortalClient,
        clock: Clock,
        progress: Progress,
        *,
        stage: str,
        method: str,
        page: int | None = None,
    ) -> None:
        self._client = client
        self._progress = progress
        self._stage = stage
        self._pace = Pace(method, page)
        self._watch = Stopwatch(client, clock)
        self._left: list[int] = []

    def expect(self, items: Iterable[int]) -> None:
        """So many items of one type after another are to come; what was before is not measured.

        Without any, nothing is told: where it is not known how much there is.
        """
        self._left = list(items)
        self._watch.lap()

    def done(self, items: int, *, calls: int = 1, next_calls: int | None = None) -> None:
        """So many of the type under way are done since the last time, with so many calls.

        `next_calls` is how many calls the next request will hold, where that changes.
        """
        lap = self._watch.lap()
        if self._left:
            self._left[0] = max(0, self._left[0] - items)
        self._pace.add(
            items,
            requests=lap.requests,
            calls=calls,
            seconds=lap.seconds,
            working=lap.working,
            operating=lap.operating.get(self._pace.method.lower(), 0.0),
        )
        self._tell(next_calls)

    def next_type(self) -> None:
        """The type under way, or this reading of it, has come to its end."""
        self._left = self._left[1:]

    def _tell(self, next_calls: int | None) -> None:
        if not self._left:
            return
        work = self._pace.work(self._left, next_calls)
        works = [] if work is None else [work]
        self._progress.left(self._stage, time_needed(works, self._client.allowance()))
