"""What a portal's limits still permit at a moment: plain figures, to be reckoned with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The state of one portal's request rate and execution budgets.

    Seconds are counted from the moment this was made.
    """

    #: 0 where requests are not paced.
    requests_per_second: float = 0.0
    #: Requests that may leave at once, now and after a long pause.
    free_requests: float = 0.0
    burst: float = 0.0
    #: Execution seconds a method may have used before its next call; 0 where there is no budget.
    budget_seconds: float = 0.0
    #: Execution seconds that calls which stay below the line may add up to.
    full_seconds: float = 0.0
    #: From this use on a method spends no faster than `eased_speed`, in seconds a second.
    eased_from_seconds: float = 0.0
    eased_speed: float = 1.0
    window_seconds: float = 600.0
    #: By method (lower case): (gone in so many seconds, execution seconds), soonest first.
    used: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
