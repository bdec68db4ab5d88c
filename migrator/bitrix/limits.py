"""What a portal's tariff permits, and how long the client is patient with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalLimits:
    """The limits of one portal.

    Source: b24restdocs limits.md
    """

    #: What the leaky bucket drains in a second (2, Enterprise 5); 0 switches pacing off.
    requests_per_second: float = 2.0
    #: How deep the bucket is (50, Enterprise 250).
    burst: int = 50
    #: Execution seconds one method may use within the window; 0 when the portal sets no limit.
    operating_limit_seconds: float = 480.0
    operating_window_seconds: float = 600.0
    connect_timeout_seconds: float = 10.0
    #: Longer than the cloud's own cut at 60 s, so that its answer, however late, is still heard.
    read_timeout_seconds: float = 75.0
    #: How long a portal that cannot be reached, or is in trouble, is asked again.
    read_retry_seconds: float = 300.0
    read_retry_attempts: int = 10
    #: How long a request waits for limits that are known to pass.
    limit_retry_seconds: float = 1800.0
