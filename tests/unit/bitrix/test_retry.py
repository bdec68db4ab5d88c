from __future__ import annotations

import pytest

from migrator.bitrix.errors import (
    AccessDenied,
    CertificateRefused,
    OperationTimeLimit,
    PortalBlocked,
    PortalBusy,
    PortalError,
    PortalUnreachable,
    RateLimited,
    UnknownError,
    UnknownOutcome,
)
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.retry import Attempts, RetryPolicy

LIMITS = PortalLimits(read_retry_seconds=300, read_retry_attempts=10, limit_retry_seconds=1800)


def a(kind: type[PortalError]) -> PortalError:
    return kind(method="crm.item.list", portal="a.bitrix24.test")


def unreachable(kind: type[PortalUnreachable] = PortalUnreachable) -> PortalUnreachable:
    return kind(method="m", portal="a.bitrix24.test", description="", sent=False)


def delay(
    failure: BaseException, *, made: int = 1, elapsed: float = 0, answered: bool = True
) -> float | None:
    policy = RetryPolicy(LIMITS, jitter=lambda: 1.0)
    attempts = Attempts(made=made, elapsed_seconds=elapsed, portal_has_answered=answered)
    return policy.delay(failure, attempts)


@pytest.mark.parametrize("kind", [UnknownOutcome, UnknownError, AccessDenied, PortalBlocked])
def test_only_what_passes_by_itself_is_tried_again(kind: type[PortalError]) -> None:
    assert delay(a(kind)) is None


def test_a_wrong_certificate_is_not_tried_again() -> None:
    assert delay(unreachable(CertificateRefused)) is None


def test_waits_double_up_to_a_minute() -> None:
    assert [delay(a(PortalBusy), made=n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_chance_takes_away_at_most_half_of_a_wait() -> None:
    assert RetryPolicy(LIMITS, jitter=lambda: 0.0).backoff(3) == 2


def test_trouble_is_given_up_after_attempts_or_time() -> None:
    assert delay(a(PortalBusy), made=9, elapsed=200) is not None
    assert delay(a(PortalBusy), made=10, elapsed=200) is None
    assert delay(a(PortalBusy), made=3, elapsed=299) is None


def test_an_address_that_never_answered_is_given_up_soon() -> None:
    assert delay(unreachable(), made=2, answered=False) is not None
    assert delay(unreachable(), made=3, answered=False) is None
    assert delay(unreachable(), made=3, answered=True) is not None


def test_limits_are_waited_for_longer_than_trouble() -> None:
    assert delay(a(RateLimited), made=30, elapsed=1_000) is not None
    assert delay(a(RateLimited), made=30, elapsed=1_800) is None


def test_the_execution_budget_itself_says_when_to_go_on() -> None:
    assert delay(a(OperationTimeLimit), made=5, elapsed=600) == 0
