"""Whatever a portal holds and whatever befalls its migration: nothing is lost, nothing is twice.

Random portals and random trouble, in simulated time (tests/simulation). Here a few of them, many
more with `make torture TORTURE_ARGS="--attack portals"`.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.simulation.fault_strategies import Trouble, troubles
from tests.simulation.portal_strategies import PortalPair, portal_pairs
from tests.simulation.promises import (
    Databases,
    complaints_about_plan,
    complaints_about_resumed,
    complaints_about_straight,
    complaints_about_transform,
    move_straight,
    move_through,
)


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases(tmp_path_factory.mktemp("databases"))


def a_few(examples: int) -> settings:
    """The same ones every time; as they come, since each try of making them smaller takes long."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@a_few(4)
@given(pair=portal_pairs())
def test_every_item_arrives_with_every_field_and_a_further_run_changes_nothing(
    databases: Databases, pair: PortalPair
) -> None:
    straight = move_straight(databases, pair)

    assert complaints_about_straight(straight) == []


@a_few(6)
@given(pair=portal_pairs(), trouble=troubles())
def test_a_resumed_migration_equals_a_straight_one_field_for_field(
    databases: Databases, pair: PortalPair, trouble: Trouble
) -> None:
    straight = move_straight(databases, pair)

    resumed = move_through(databases, pair, straight, trouble)

    assert complaints_about_resumed(resumed, straight) == []


@a_few(4)
@given(pair=portal_pairs())
def test_the_plan_is_a_topological_order_of_what_it_does_not_defer(
    databases: Databases, pair: PortalPair
) -> None:
    assert complaints_about_plan(move_straight(databases, pair)) == []


@a_few(4)
@given(pair=portal_pairs())
def test_an_item_becomes_the_same_whatever_the_order_of_its_fields_and_what_came_before(
    databases: Databases, pair: PortalPair
) -> None:
    assert complaints_about_transform(move_straight(databases, pair)) == []
