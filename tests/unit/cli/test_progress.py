"""What stands on stderr while work goes on: a bar, or lines where there is no terminal."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from migrator.cli.progress import BarProgress, Bars, LineProgress
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

WHY = "the execution budget of crm.item.batchImport on new.bitrix24.test"


def local(clock: FakeClock, seconds: float) -> str:
    """The time of day in so many seconds, as a clock on the wall here shows it."""
    return f"{(clock.now() + timedelta(seconds=seconds)).astimezone():%H:%M:%S}"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 3, 1, 9, 30, tzinfo=UTC))


@pytest.fixture
def lines(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> LineProgress:
    caplog.set_level(logging.INFO, logger="migrator")
    return LineProgress(clock)


@pytest.fixture
def bars(clock: FakeClock) -> tuple[BarProgress, Callable[[], str]]:
    """A bar, and what it looks like on a terminal of the usual width."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    progress = Bars(clock, console, auto_refresh=False)

    def shown() -> str:
        with console.capture() as capture:
            console.print(progress.get_renderable())
        return " ".join(capture.get().split())

    return BarProgress(progress, clock), shown


def test_a_line_says_what_a_pause_waits_for_and_until_when(
    lines: LineProgress, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    lines.begin("Importing Deal", 1_000)

    lines.waiting(WHY, 125.0)

    assert caplog.messages[-1] == f"waiting for {WHY}, until {local(clock, 125)}"


def test_a_bar_says_what_a_pause_waits_for_and_until_when(
    bars: tuple[BarProgress, Callable[[], str]], clock: FakeClock
) -> None:
    bar, shown = bars
    bar.begin("Importing Deal", 1_000)

    bar.waiting(WHY, 125.0)

    assert f"waiting for {WHY}, until {local(clock, 125)}" in shown()


def test_a_pause_between_two_pieces_of_work_is_told_as_long_as_it_lasts(
    bars: tuple[BarProgress, Callable[[], str]], clock: FakeClock
) -> None:
    bar, shown = bars

    bar.waiting(WHY, 125.0)
    begun = shown()
    clock.sleep(125.0)

    assert f"waiting for {WHY}, until {local(clock, 0)}" in begun
    assert "waiting" not in shown()


def test_once_the_work_goes_on_the_bar_does_not_speak_of_waiting_any_more(
    bars: tuple[BarProgress, Callable[[], str]],
) -> None:
    bar, shown = bars
    bar.begin("Importing Deal", 1_000)
    bar.waiting(WHY, 125.0)

    bar.advance(20)

    assert "waiting" not in shown()


def test_a_pause_of_less_than_a_second_is_not_told(
    lines: LineProgress, caplog: pytest.LogCaptureFixture
) -> None:
    lines.begin("Importing Deal", 1_000)
    before = list(caplog.messages)

    lines.waiting("the request rate of new.bitrix24.test", 0.5)

    assert caplog.messages == before


def test_lines_tell_how_far_the_work_is_and_when_the_stage_will_be_done(
    lines: LineProgress, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    lines.begin("Importing Deal", 1_000)
    lines.left("import", 7_265.0)
    clock.advance(15)

    lines.advance(20)

    assert caplog.messages[-1] == "Importing Deal: 20 of 1,000, import: 2:00:50 left"


def test_a_bar_tells_when_the_stage_will_be_done_and_counts_down_while_it_stands_still(
    bars: tuple[BarProgress, Callable[[], str]], clock: FakeClock
) -> None:
    bar, shown = bars
    bar.begin("Importing Deal", 1_000)
    bar.left("import", 7_265.0)
    at_once = shown()

    clock.advance(600)

    assert "import: 2:01:05 left" in at_once
    assert "import: 1:51:05 left" in shown()


def test_before_anything_is_measured_no_time_left_is_made_up(
    bars: tuple[BarProgress, Callable[[], str]], clock: FakeClock
) -> None:
    bar, shown = bars
    bar.begin("Importing Deal", 1_000)
    clock.advance(10)

    bar.advance(1)

    assert "left" not in shown()


def test_the_next_piece_of_work_begins_without_the_last_ones_time(
    lines: LineProgress, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    lines.begin("Importing Deal", 20)
    lines.left("import", 60.0)
    lines.end()
    lines.begin("Verifying Deal", 20)
    clock.advance(15)

    lines.advance(20)

    assert caplog.messages[-1] == "Verifying Deal: 20 of 20"


def test_a_bar_says_at_once_that_the_end_is_waited_for(
    bars: tuple[BarProgress, Callable[[], str]],
) -> None:
    progress, shown = bars
    progress.begin("Importing Deal", 100)

    progress.stopping()

    assert "stopping once the request in flight has ended" in shown()


def test_a_line_says_at_once_that_the_end_is_waited_for(
    lines: LineProgress, capfd: pytest.CaptureFixture[str]
) -> None:
    lines.stopping()

    assert capfd.readouterr().err == (
        "stopping once the request in flight has ended; Ctrl-C again ends at once\n"
    )
