"""A write is asked about at the last moment: the pause for the limits may have been long."""

from __future__ import annotations

import pytest

from migrator.bitrix.limits import PortalLimits
from migrator.domain.errors import TerminalError
from tests.fakes.scene import Scene, ok, replying

ONE_AT_ONCE = PortalLimits(requests_per_second=0.01, burst=1)


class Lost(TerminalError):
    """Somebody else has taken over."""


def test_what_is_lost_during_the_pause_for_the_limits_prevents_the_write() -> None:
    def still_owned() -> None:
        if scene.clock.sleeps:
            raise Lost("taken over")

    scene = Scene(replying(ok(True)), limits=ONE_AT_ONCE, before_write=still_owned)
    scene.client.call("crm.item.update")

    with pytest.raises(Lost):
        scene.client.call("crm.item.update")

    assert scene.sent == 1


def test_reading_is_not_asked_about() -> None:
    def never() -> None:
        raise Lost("taken over")

    scene = Scene(replying(ok({})), before_write=never)

    scene.client.call("crm.item.get")

    assert scene.sent == 1
