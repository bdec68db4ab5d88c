"""May this be tried again, and when? A decision without a clock and without a connection."""

from __future__ import annotations

from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

from migrator.bitrix.errors import (
    CertificateRefused,
    OperationTimeLimit,
    PortalUnreachable,
    RateLimited,
    RepeatLater,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.bitrix.limits import PortalLimits

_RANDOM = SystemRandom()
_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0
#: An address that never answered is more likely wrong than down: say so soon.
_ATTEMPTS_BEFORE_FIRST_ANSWER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What has been tried so far with one request."""

    made: int
    elapsed_seconds: float
    #: Whether this portal has answered anything at all to this client.
    portal_has_answered: bool


class RetryPolicy:
    """Repeats only `RepeatLater`: an ambiguous write has become `UnknownOutcome` before it."""

    def __init__(self, limits: PortalLimits, jitter: Callable[[], float] = _RANDOM.random) -> None:
        self._limits = limits
        self._jitter = jitter

    def delay(self, failure: BaseException, attempts: Attempts) -> float | None:
        """Seconds to wait before the next try, or None to give up."""
        if not isinstance(failure, RepeatLater) or isinstance(failure, CertificateRefused):
            return None
        if isinstance(failure, OperationTimeLimit):
            # The budget knows when the method opens again and holds the next try back itself.
            return self._within(self._limits.limit_retry_seconds, 0.0, attempts)
        delay = self.backoff(attempts.made)
        if isinstance(failure, RateLimited):
            return self._within(self._limits.limit_retry_seconds, delay, attempts)
        if attempts.made >= self._most_attempts(failure, attempts):
            return None
        return self._within(self._limits.read_retry_seconds, delay, attempts)

    def backoff(self, attempt: int) -> float:
        """Doubling up to a minute; half of it is left to chance, so that clients spread."""
        longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(attempt, 10) / 2)
        return longest * (0.5 + self._jitter() / 2)

    def _most_attempts(self, failure: RepeatLater, attempts: Attempts) -> int:
        most = self._limits.read_retry_attempts
        if isinstance(failure, PortalUnreachable) and not attempts.portal_has_answered:
            return min(most, _ATTEMPTS_BEFORE_FIRST_ANSWER)
        return most

    def _within(self, patience: float, delay: float, attempts: Attempts) -> float | None:
        return delay if attempts.elapsed_seconds + delay < patience else None
