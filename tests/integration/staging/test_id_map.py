from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from migrator.domain.records import IdPair, VerifiedItem, VerifiedState
from migrator.domain.vocabulary import CONTACT, DEAL, EntityTypeId, SourceId, TargetId
from migrator.staging import AlreadyMapped, Repositories
from tests.integration.staging.builders import a_pair, sources

if TYPE_CHECKING:
    from tests.fakes.clock import FakeClock

SPA = EntityTypeId(1302)
SPA_IN_TARGET = EntityTypeId(1046)


def test_partners_are_found_with_the_entity_type_they_have_in_the_target(
    repos: Repositories,
) -> None:
    repos.id_map.add([a_pair(1, 51, entity_type_id=SPA, target_entity_type_id=SPA_IN_TARGET)])

    assert repos.id_map.lookup(SPA, sources(1, 2)) == {SourceId(1): (SPA_IN_TARGET, TargetId(51))}


def test_partners_of_several_entity_types_are_found_at_once(repos: Repositories) -> None:
    repos.id_map.add([a_pair(1, 51), a_pair(1, 61, entity_type_id=CONTACT)])
    wanted = [(DEAL, SourceId(1)), (CONTACT, SourceId(1)), (CONTACT, SourceId(2))]

    found = repos.id_map.lookup_many(wanted)

    assert found == {
        (DEAL, SourceId(1)): (DEAL, TargetId(51)),
        (CONTACT, SourceId(1)): (CONTACT, TargetId(61)),
    }


@pytest.mark.parametrize(
    "second",
    [a_pair(1, 52), a_pair(2, 51), a_pair(1, 51)],
    ids=["same source item", "same target item", "same pair"],
)
def test_no_item_is_mapped_twice(repos: Repositories, second: IdPair) -> None:
    repos.id_map.add([a_pair(1, 51)])

    with pytest.raises(AlreadyMapped, match=f"2:{second.source_id} -> {second.target_id}"):
        repos.id_map.add([second])


def test_mapped_items_are_counted_per_entity_type(repos: Repositories) -> None:
    repos.id_map.add([a_pair(1), a_pair(2), a_pair(1, entity_type_id=CONTACT)])

    assert repos.id_map.counts() == {DEAL: 2, CONTACT: 1}
    assert repos.id_map.count(DEAL) == 2


def test_the_highest_target_id_is_known_for_each_type_of_the_target(repos: Repositories) -> None:
    spa = EntityTypeId(1046)
    repos.id_map.add([a_pair(1, 30), a_pair(2, 70), a_pair(3, 5, target_entity_type_id=spa)])

    assert repos.id_map.highest_targets() == {DEAL: 70, spa: 5}


def test_pages_to_verify_go_up_by_target_id(repos: Repositories) -> None:
    repos.id_map.add([a_pair(1, 30), a_pair(2, 10), a_pair(3, 20)])

    first = repos.id_map.page_to_verify(DEAL, TargetId(0), 2, into=[DEAL])
    second = repos.id_map.page_to_verify(DEAL, first[-1].target_id, 2, into=[DEAL])

    assert [pair.target_id for pair in first] == [10, 20]
    assert [pair.target_id for pair in second] == [30]


def test_the_target_types_of_a_source_type_are_known(repos: Repositories) -> None:
    other = EntityTypeId(1046)
    repos.id_map.add([a_pair(1), a_pair(2), a_pair(3, target_entity_type_id=other)])
    repos.id_map.add([a_pair(1, 9, entity_type_id=CONTACT)])

    assert sorted(repos.id_map.target_types(DEAL)) == [DEAL, other]


def test_what_verify_found_is_kept_with_the_pair(repos: Repositories, clock: FakeClock) -> None:
    repos.id_map.add([a_pair(1, 10), a_pair(2, 20), a_pair(3, 30)])

    repos.id_map.mark_verified(
        DEAL,
        [
            VerifiedItem(source_id=SourceId(1), state=VerifiedState.AGREES, target_title="One"),
            VerifiedItem(source_id=SourceId(2), state=VerifiedState.DIFFERS),
        ],
    )

    pairs = repos.id_map.page_to_verify(DEAL, TargetId(0), 10, into=[DEAL])
    assert [pair.verified_state for pair in pairs] == ["agrees", "differs", None]
    assert [pair.verified_at for pair in pairs] == [clock.now(), clock.now(), None]
