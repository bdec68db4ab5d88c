"""A signal ends the work between two steps, and a long sleep soon after it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from migrator.domain.errors import RetriableError
from migrator.interrupt import Interrupted, InterruptibleClock, StopRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.clock import FakeClock


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    """Listens, and leaves the process's own handlers as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    request = StopRequest()
    request.listen()
    yield request
    for number, handler in before.items():
        signal.signal(number, handler)


def test_without_a_signal_the_work_goes_on(stop: StopRequest, clock: FakeClock) -> None:
    stop.check()
    InterruptibleClock(clock, stop).sleep(5.0)

    assert clock.monotonic() == pytest.approx(5.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heard_at_the_next_step_and_says_how_to_go_on(
    stop: StopRequest, number: signal.Signals
) -> None:
    os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as caught:
        stop.check()
    assert caught.value.signal_number == number
    assert isinstance(caught.value, RetriableError)
    assert caught.value.hint == "run the same command again to resume"


def test_a_second_ctrl_c_takes_the_short_way_out(stop: StopRequest) -> None:
    os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_long_sleep_ends_soon_after_a_signal(stop: StopRequest, clock: FakeClock) -> None:
    class Bell:
        """Rings once, in the middle of the night."""

        monotonic = clock.monotonic
        now = clock.now

        def sleep(self, seconds: float) -> None:
            clock.sleep(seconds)
            if clock.monotonic() > 10 and len(rung) == 0:
                rung.append(clock.monotonic())
                os.kill(os.getpid(), signal.SIGTERM)

    rung: list[float] = []

    with pytest.raises(Interrupted):
        InterruptibleClock(Bell(), stop).sleep(600.0)

    assert clock.monotonic() - rung[0] < 1


def test_after_a_signal_no_sleep_begins(stop: StopRequest, clock: FakeClock) -> None:
    os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        InterruptibleClock(clock, stop).sleep(600.0)

    assert clock.sleeps == []
