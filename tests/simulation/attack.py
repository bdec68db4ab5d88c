"""Hundreds of random portals, each moved twice: undisturbed, and through every kind of trouble."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.simulation.fault_strategies import Trouble, troubles
from tests.simulation.portal_strategies import PortalPair, portal_pairs
from tests.simulation.promises import (
    complaints_about_plan,
    complaints_about_resumed,
    complaints_about_straight,
    complaints_about_transform,
    move_straight,
    move_through,
)

if TYPE_CHECKING:
    from tests.simulation.migration import Migration
    from tests.simulation.promises import Databases

#: The first portals of a seed are the simplest ones, so there are many to each.
PORTALS_OF_A_SEED = 20


@dataclass(slots=True)
class Attacked:
    """What came of the portals of one seed."""

    migrations: int = 0
    lives: int = 0
    deaths: int = 0
    stops: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def count(self, migration: Migration) -> None:
        self.migrations += 1
        self.lives += migration.lives
        self.deaths += migration.deaths
        self.stops += migration.stops
        self.faults.update(migration.faults)


def attack_portals(databases: Databases, number: int) -> Attacked:
    """Move the portals of a seed; the same seed gives the same portals and the same trouble."""
    attacked = Attacked()

    @seed(number)
    @settings(
        max_examples=PORTALS_OF_A_SEED,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(portal_pairs(), troubles())
    def attack(pair: PortalPair, trouble: Trouble) -> None:
        name = f"portal {attacked.migrations // 2 + 1} {pair}"
        try:
            complaints = _attack(databases, attacked, pair, trouble)
        except Exception:  # noqa: BLE001 - a bug of the program is a complaint like any other
            complaints = [traceback.format_exc()]
        attacked.complaints += [f"{name}: {complaint}" for complaint in complaints]

    attack()
    return attacked


def _attack(
    databases: Databases, attacked: Attacked, pair: PortalPair, trouble: Trouble
) -> list[str]:
    straight = move_straight(databases, pair)
    complaints = [
        *complaints_about_plan(straight),
        *complaints_about_transform(straight),
        *complaints_about_straight(straight),
    ]
    attacked.count(straight.migration)
    resumed = move_through(databases, pair, straight, trouble)
    complaints += complaints_about_resumed(resumed, straight)
    attacked.count(resumed)
    return complaints
