"""What was made in the target: on record before its request, settled after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from migrator.domain.records import CreationState, StructureCreation

if TYPE_CHECKING:
    from migrator.staging import Repositories


def a_creation(source_key: str = "5") -> StructureCreation:
    return StructureCreation(
        kind="category",
        scope="2",
        source_key=source_key,
        name="Retail",
        method="crm.category.add",
        params={"entityTypeId": 2, "fields": {"name": "Retail"}},
        target_scope="2",
        detail="there before: 0",
    )


def test_intents_come_back_in_the_order_they_were_recorded(repos: Repositories) -> None:
    repos.creations.begin([a_creation("9"), a_creation("1"), a_creation("5")])

    found = repos.creations.load()

    assert [one.source_key for one in found] == ["9", "1", "5"]
    assert replace(found[2], sent_at=None) == a_creation()
    assert not found[0].is_settled


def test_an_unknown_outcome_keeps_what_the_creation_can_be_found_by(repos: Repositories) -> None:
    repos.creations.begin([a_creation()])

    repos.creations.settle(a_creation(), CreationState.UNKNOWN)

    (found,) = repos.creations.load()
    assert (found.state, found.detail, found.settled_at) == (
        CreationState.UNKNOWN,
        "there before: 0",
        None,
    )


def test_a_settled_creation_has_the_targets_identifier(repos: Repositories) -> None:
    repos.creations.begin([a_creation(), a_creation("6")])

    repos.creations.settle(a_creation(), CreationState.CREATED, target_key="9")
    repos.creations.settle(a_creation("6"), CreationState.FAILED, detail="no room")

    found = {one.source_key: one for one in repos.creations.load()}
    assert (found["5"].is_there, found["5"].target_key) == (True, "9")
    assert (found["6"].is_there, found["6"].detail) == (False, "no room")
    assert all(one.settled_at is not None for one in found.values())


def test_recording_a_refused_creation_again_opens_it_again(repos: Repositories) -> None:
    repos.creations.begin([a_creation()])
    repos.creations.settle(a_creation(), CreationState.FAILED, detail="no room")

    repos.creations.begin([a_creation()])

    (found,) = repos.creations.load()
    assert (found.state, found.settled_at) == (CreationState.SENT, None)


def test_what_was_not_carried_out_can_be_forgotten(repos: Repositories) -> None:
    repos.creations.begin([a_creation(), a_creation("6")])

    repos.creations.forget(a_creation())

    assert [one.source_key for one in repos.creations.load()] == ["6"]
