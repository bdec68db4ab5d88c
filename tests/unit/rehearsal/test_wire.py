"""The way to the emulated target."""

from __future__ import annotations

from datetime import UTC, datetime

from migrator.bitrix.client import PortalClient
from migrator.bitrix.webhook import Webhook
from migrator.rehearsal.wire import InProcessPortal, RehearsalClock
from migrator.sandbox import Portal


def test_a_long_rehearsal_does_not_fill_the_memory_with_what_nobody_reads() -> None:
    clock = RehearsalClock(datetime(2026, 3, 1, tzinfo=UTC))
    portal = Portal.from_seed({}, clock)
    hook = portal.webhook_of(None)
    way = InProcessPortal(portal, clock, seconds_per_request=0.0)
    webhook = Webhook(f"{portal.origin}/rest/{hook.user_id}/{hook.secret}/")
    client = PortalClient(webhook, clock=clock, adapter=way)

    fields = {"title": "Deal", "noSuchField": 1}
    client.call("crm.item.add", {"entityTypeId": 2, "fields": fields})

    assert len(portal.items(2)) == 1
    assert not portal.requests
    assert not portal.losses
    assert not portal.automation_runs
