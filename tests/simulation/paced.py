"""Whole migrations under the limits of a cloud portal, hours of them in a moment.

The program has its own pacing and the portals enforce their limits; only the clock is simulated,
and stands still while either of them computes.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from pydantic import SecretStr

from migrator.bitrix.client import PortalClient
from migrator.opening import open_app
from migrator.sandbox import FaultPlan, Portal
from migrator.settings import PortalSettings, Settings
from migrator.staging import Staging
from tests.simulation.wire import PortalWire
from tests.simulation.world import Life, SimulatedClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migrator.app import App
    from migrator.bitrix.webhook import Webhook
    from migrator.clock import Clock

#: What the client waits for an answer; longer than the portal's own cut.
_PATIENCE = 75.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a stage said of its end: when, after how many of its items, and how long it would be."""

    at: float
    stage: str
    done: int
    seconds_left: float


@dataclass(slots=True)
class Witness:
    """A progress display that remembers."""

    clock: Clock
    told: list[Told] = field(default_factory=list)
    waits: list[tuple[str, float]] = field(default_factory=list)
    done: int = 0

    def begin(self, what: str, total: int | None) -> None: ...

    def advance(self, count: int) -> None:
        self.done += count

    def end(self) -> None: ...

    def waiting(self, why: str, seconds: float) -> None:
        self.waits.append((why, seconds))

    def left(self, stage: str, seconds: float) -> None:
        self.told.append(Told(self.clock.monotonic(), stage, self.done, seconds))


class PacedMigration:
    """Two portals with limits and what people have set for them, and the program between."""

    def __init__(
        self,
        source: Mapping[str, Any],
        target: Mapping[str, Any],
        staging_url: str,
        *,
        latency: float = 0.0,
        clock: SimulatedClock | None = None,
        **settings: Any,
    ) -> None:
        self.clock = clock or SimulatedClock()
        self.source = Portal.from_seed(dict(source), clock=self.clock)
        self.target = Portal.from_seed(dict(target), clock=self.clock)
        self._wires = [
            PortalWire(portal, self.clock, FaultPlan(()), latency=latency)
            for portal in (self.source, self.target)
        ]
        self._staging_url = staging_url
        self._settings = settings

    @contextmanager
    def opened(self, witness: Witness | None = None) -> Iterator[App]:
        with ExitStack() as stack:
            stack.enter_context(patch("migrator.opening.PortalClient", self._client))
            for module in ("migrator.opening", "migrator.staging.database"):
                stack.enter_context(patch(f"{module}.SystemClock", lambda: self.clock))
            progress = witness or Witness(self.clock)
            source, target = (self._portal_settings(wire) for wire in self._wires)
            settings = Settings(
                source=source,
                target=target,
                staging_url=SecretStr(self._staging_url),
                mapping=None,
            )
            yield stack.enter_context(open_app(settings, "default", progress=progress))

    def move(self, witness: Witness | None = None) -> int:
        """What `migrator run` does; returns how many items differ."""
        with self.opened(witness) as app:
            app.check()
            app.export()
            app.load(app.plan())
            return app.verify().differ

    def ask(self, sql: str) -> list[Any]:
        """The first column of what the staging database answers."""
        with Staging.open(self._staging_url) as staging:
            return [row[0] for row in staging.query_read_only(sql, 10_000).rows]

    def _portal_settings(self, wire: PortalWire) -> PortalSettings:
        return PortalSettings(webhook_url=SecretStr(wire.webhook_url), **self._settings)

    def _client(self, webhook: Webhook, *args: Any, **options: Any) -> PortalClient:
        wire = next(w for w in self._wires if w.portal.settings.host == webhook.host)
        adapter = wire.adapter(Life(), _PATIENCE, has_points=False)
        return PortalClient(webhook, *args, adapter=adapter, **options)


def refusals(portal: Portal) -> Counter[str]:
    """Errors of requests and of commands in batches, by code; and requests that were cut off."""
    found: Counter[str] = Counter()
    for request in portal.requests:
        found.update(code for _, code in [("", request.error), *request.commands] if code)
    return found
