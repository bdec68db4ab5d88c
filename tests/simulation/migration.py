"""Whole migrations in this process: lives that end anywhere, and what they leave behind.

Everything is the program's own but three things at its edges, which are put in from outside: the
clock, the wire to each portal, and the end of the process at any commit or request. So a migration
with hours of waiting takes a fraction of a second, and the same plan always takes the same course.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from pydantic import SecretStr
from sqlalchemy import create_engine, text

from migrator.bitrix.client import PortalClient
from migrator.bitrix.limits import PortalLimits
from migrator.domain.errors import MigratorError
from migrator.opening import open_app
from migrator.sandbox import FaultPlan, Portal
from migrator.settings import PortalSettings, Settings
from migrator.staging.engine import parse_url
from tests.simulation.wire import PortalWire
from tests.simulation.world import Died, Life, SimulatedClock
from tests.torture.kill_points import CommitPoints

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from migrator.app import App
    from migrator.bitrix.webhook import Webhook
    from migrator.plan.plan import Blueprint
    from migrator.sandbox import FaultRule

_PATIENCE = PortalLimits().read_timeout_seconds
#: After so many processes the portals are left in peace, so that every migration ends.
_LIVES_UNDER_FAULTS = 12
_MOST_LIVES = 20
#: Seconds between a stop or a death and the next process.
_UNTIL_SOMEBODY_COMES = 60.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended: through (neither), by its own decision, or dead at a point."""

    points: tuple[str, ...]
    error: MigratorError | None = None
    died: bool = False

    @property
    def is_through(self) -> bool:
        return self.error is None and not self.died


class Migration:
    """Two portals and a staging database, worked on by one process after another."""

    def __init__(
        self,
        source: Mapping[str, Any],
        target: Mapping[str, Any],
        staging_url: str,
        *,
        source_rules: Sequence[FaultRule] = (),
        target_rules: Sequence[FaultRule] = (),
    ) -> None:
        self.clock = SimulatedClock()
        self.source = Portal.from_seed(dict(source), clock=self.clock)
        self.target = Portal.from_seed(dict(target), clock=self.clock)
        self._wires = {
            "source": PortalWire(self.source, self.clock, FaultPlan(source_rules)),
            "target": PortalWire(self.target, self.clock, FaultPlan(target_rules)),
        }
        self._staging_url = staging_url
        self.blueprint: Blueprint | None = None
        self.lives = self.deaths = self.stops = 0
        self.faults: Counter[str] = Counter()

    def live(self, dies_at: int | None = None, *, retry_failed: bool = False) -> Ending:
        """One process doing what `migrator run` does."""
        life = Life(dies_at)
        self.lives += 1
        try:
            with self._opened(life) as app:
                self._work(app, retry_failed=retry_failed)
        except Died:
            self.deaths += 1
            return Ending(tuple(life.points), died=True)
        except MigratorError as error:
            self.stops += 1
            return Ending(tuple(life.points), error)
        if life.is_over:
            raise AssertionError(f"death at {life.points[-1]} was caught, and the program went on")
        return Ending(tuple(life.points))

    def live_to_the_end(self, deaths: Sequence[int] = ()) -> Ending:
        """Begin again after every death and every stop; `deaths` are those of the first lives."""
        ending = Ending(())
        for dies_at in [*deaths, *[None] * _MOST_LIVES]:
            if self.lives == _LIVES_UNDER_FAULTS:
                self.leave_in_peace()
            ending = self.live(dies_at)
            if ending.is_through:
                break
            self.clock.sleep(_UNTIL_SOMEBODY_COMES)
        return ending

    def _work(self, app: App, *, retry_failed: bool) -> None:
        app.check()
        app.export()
        self.blueprint = app.plan(retry_failed=retry_failed)
        app.load(self.blueprint, retry_failed=retry_failed)
        app.verify()

    def leave_in_peace(self) -> None:
        """Count what has happened and let nothing happen any more."""
        for wire in self._wires.values():
            self.faults.update(wire.faults.by_kind())
            wire.faults = FaultPlan()

    def ask(self, sql: str) -> list[dict[str, Any]]:
        engine = create_engine(parse_url(self._staging_url))
        try:
            with engine.connect() as connection:
                return [dict(row._mapping) for row in connection.execute(text(sql))]
        finally:
            engine.dispose()

    @contextmanager
    def _opened(self, life: Life) -> Iterator[App]:
        with ExitStack() as stack:
            client = partial(self._client, life)
            stack.enter_context(patch("migrator.opening.PortalClient", client))
            for module in ("migrator.opening", "migrator.staging.database"):
                stack.enter_context(patch(f"{module}.SystemClock", lambda: self.clock))
            stack.enter_context(CommitPoints(life.reach).heard())
            yield stack.enter_context(open_app(self._settings(), "default"))

    def _client(self, life: Life, webhook: Webhook, *args: Any, **options: Any) -> PortalClient:
        is_target = webhook.host == self.target.settings.host
        wire = self._wires["target" if is_target else "source"]
        adapter = wire.adapter(life, _PATIENCE, has_points=is_target)
        return PortalClient(webhook, *args, adapter=adapter, **options)

    def _settings(self) -> Settings:
        source, target = (
            PortalSettings(webhook_url=SecretStr(wire.webhook_url)) for wire in self._wires.values()
        )
        return Settings(
            source=source, target=target, staging_url=SecretStr(self._staging_url), mapping=None
        )
