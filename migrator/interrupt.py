"""Stop between two steps, not in the middle of one.

The first Ctrl-C (or SIGTERM) asks the work to end: the request in flight is settled, then the
process leaves. A second one takes Python's own way out at once, which is no different from a kill.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from migrator.domain.errors import RetriableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from migrator.clock import Clock

#: How long a sleep may go on after a signal, in seconds.
_SLICE = 0.2


class Interrupted(RetriableError):
    """The operator, or the system, asked the process to end; everything done is on record."""

    reference = "interrupted"

    def __init__(self, signal_number: int) -> None:
        super().__init__("stopped on request", hint="run the same command again to resume")
        self.signal_number = signal_number


class StopRequest:
    """Remembers the first signal; `check` raises once there was one."""

    def __init__(self, on_signal: Callable[[], None] = lambda: None) -> None:
        """`on_signal` is called in the signal handler: it must take no lock and raise nothing."""
        self._signal_number: int | None = None
        self._on_signal = on_signal

    def listen(self) -> None:
        """Take over SIGINT and SIGTERM until the first of them comes."""
        signal.signal(signal.SIGINT, self._receive)
        signal.signal(signal.SIGTERM, self._receive)

    def _receive(self, signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._signal_number = signal_number
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._on_signal()

    def check(self) -> None:
        """Raises: Interrupted, if a signal has come."""
        if self._signal_number is not None:
            raise Interrupted(self._signal_number)


class InterruptibleClock:
    """A clock whose sleep ends with Interrupted soon after a signal."""

    def __init__(self, clock: Clock, stop: StopRequest) -> None:
        self._clock = clock
        self._stop = stop
        self.monotonic = clock.monotonic
        self.now = clock.now

    def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        self._stop.check()
        while (rest := until - self.monotonic()) > 0:
            self._clock.sleep(min(rest, _SLICE))
            self._stop.check()
