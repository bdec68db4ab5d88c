"""Which candidates are pairs, and what becomes of them, on both databases."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.findings import Phase
from migrator.domain.records import (
    MatchCandidate,
    MatchState,
    Origin,
    SampleReason,
    SharedValue,
)
from migrator.domain.vocabulary import COMPANY, DEAL, SourceId, TargetId
from migrator.staging.errors import StagingLost
from migrator.staging.key_index import Key, KeyIndex
from tests.integration.staging.builders import (
    a_failure,
    a_finding,
    a_link,
    a_pair,
    an_item,
    ids,
    sources,
)

if TYPE_CHECKING:
    from migrator.staging import Repositories, Staging


def a_candidate(source_id: int, target_id: int, field: str = "email") -> MatchCandidate:
    return MatchCandidate(
        entity_type_id=DEAL,
        source_id=SourceId(source_id),
        target_id=TargetId(target_id),
        field=field,
        value="x",
        target_title=f"T{target_id}",
    )


def test_what_many_items_share_is_told_with_how_many_they_are(repos: Repositories) -> None:
    shared = [a_candidate(source, target) for source in (1, 2, 3) for target in (11, 12)]
    own = [a_candidate(4, 14, "phone"), a_candidate(4, 15, "phone"), a_candidate(5, 16)]
    repos.matches.save([*shared, *own])
    repos.matches.decide(DEAL)

    assert repos.matches.most_shared(DEAL, 5) == [
        SharedValue(field="email", value="x", source_items=3, target_items=2)
    ]


def decided(repos: Repositories) -> list[tuple[int, int, str]]:
    repos.matches.decide(DEAL)
    found = [(one.source_id, one.target_id, one.state.value) for one in repos.matches.first(99)]
    return sorted(found)


def test_only_what_is_one_to_one_is_a_pair(repos: Repositories) -> None:
    repos.matches.save(
        [a_candidate(*ends) for ends in ((1, 11), (2, 12), (2, 13), (3, 14), (4, 14))]
    )

    assert decided(repos) == [
        (1, 11, "pair"),
        (2, 12, "ambiguous"),
        (2, 13, "ambiguous"),
        (3, 14, "ambiguous"),
        (4, 14, "ambiguous"),
    ]
    assert repos.matched_pairs.open_count(DEAL) == 1
    assert repos.matches.ambiguous_count(DEAL) == 3


def test_of_each_item_the_first_field_that_found_something_counts(repos: Repositories) -> None:
    repos.matches.save(
        [
            a_candidate(1, 11, "phone"),
            a_candidate(1, 12, "email"),
            a_candidate(2, 13, "phone"),
            a_candidate(2, 14, "title"),
        ]
    )

    repos.matches.keep_best(DEAL, ["email", "phone", "title"])

    assert decided(repos) == [(1, 12, "pair"), (2, 13, "pair")]


def test_an_answer_takes_its_item_from_the_others(repos: Repositories) -> None:
    repos.matches.save(
        [a_candidate(*ends) for ends in ((1, 11), (2, 11), (3, 12), (3, 13), (4, 13))]
    )

    repos.matches.answer(DEAL, SourceId(1), a_candidate(1, 11, "answers"))
    repos.matches.answer(DEAL, SourceId(3), None)

    assert decided(repos) == [(1, 11, "pair"), (4, 13, "pair")]


def test_pairs_are_not_imported_and_do_not_count_as_late(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2), an_item(3)])
    repos.matches.save([a_candidate(1, 11), a_candidate(2, 12), a_candidate(2, 13)])
    repos.matches.decide(DEAL)

    assert ids(repos.items.next_to_import(DEAL, 10)) == [2, 3]
    assert repos.items.to_import_count(DEAL, retry_failed=True) == 2
    assert repos.items.count_older_than(DEAL, an_item(3).created_time) == 1


def test_pairs_are_taken_over_at_once_and_nothing_else_is(repos: Repositories) -> None:
    repos.items.save([an_item(n) for n in range(1, 6)])
    repos.id_map.add([a_pair(5, 15)])
    repos.failed_items.add([a_failure(1)])
    candidates = ((1, 11), (2, 12), (2, 13), (4, 15))
    repos.matches.save([a_candidate(*ends) for ends in candidates])
    repos.matches.decide(DEAL)

    taken = repos.matched_pairs.take_over(DEAL, COMPANY)
    again = repos.matched_pairs.take_over(DEAL, DEAL)

    assert (taken, again) == (2, 0)
    assert repos.id_map.lookup(DEAL, sources(1, 2, 4)) == {1: (COMPANY, 11), 4: (COMPANY, 15)}
    assert repos.id_map.count_of(Origin.MATCHED) == 2
    assert repos.failed_items.list() == []
    repos.matches.forget_open(DEAL)
    assert repos.matched_pairs.left_alone(DEAL, sources(1, 2, 3, 4), keeps_pairs=False) == {1, 4}


def test_an_item_of_the_target_that_has_a_partner_is_not_taken_over(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(5)])
    repos.id_map.add([a_pair(5, 11)])
    repos.matches.save([a_candidate(1, 11)])
    repos.matches.decide(DEAL)

    assert repos.matched_pairs.take_over(DEAL, DEAL) == 0


def test_refused_updates_are_offered_again_on_demand_only(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2)])
    repos.matches.save([a_candidate(1, 11), a_candidate(2, 12)])
    repos.matches.decide(DEAL)
    repos.failed_items.add([a_failure(1)])

    def offered(**options: Any) -> list[int]:
        return [
            one.source_id for one in repos.matched_pairs.open_page(DEAL, 9, SourceId(0), **options)
        ]

    assert offered() == [2]
    assert offered(retry_failed=True) == [1, 2]
    assert ids(repos.items.next_to_import(DEAL, 10, retry_failed=True)) == []


def test_a_pair_whose_update_was_sent_is_settled_before_anything_else(
    repos: Repositories,
) -> None:
    repos.items.save([an_item(1), an_item(2)])
    repos.matches.save([a_candidate(1, 11, "phone"), a_candidate(2, 12)])
    repos.matches.decide(DEAL)
    repos.matched_pairs.mark_sent(a_candidate(1, 11))

    repos.matches.forget_open(DEAL)
    repos.matches.answer(DEAL, SourceId(1), a_candidate(1, 11, "answers"))
    repos.matches.save([a_candidate(2, 12)])
    repos.matches.keep_best(DEAL, ["email", "phone"])
    repos.matches.decide(DEAL)
    one, _ = repos.matched_pairs.open_page(DEAL, 9, SourceId(0))

    assert repos.matched_pairs.in_flight(DEAL) == {1: 11}
    assert (one.source_id, one.target_id, one.sent_at is not None) == (1, 11, True)
    assert repos.items.take_out(DEAL) == 1
    assert ids(repos.items.get(DEAL, sources(1, 2))) == [1]


def test_what_an_earlier_attempt_to_create_a_kept_item_left_is_forgotten(
    repos: Repositories,
) -> None:
    repos.items.save([an_item(1), an_item(2)])
    for number in (1, 2):
        repos.deferred_links.save([a_link(number, 9)])
        repos.findings.add(Phase.IMPORT, [a_finding(source_id=number)])
    repos.matches.save([a_candidate(1, 11)])
    repos.matches.decide(DEAL)

    repos.matched_pairs.take_over(DEAL, DEAL)

    left = repos.deferred_links.for_items(DEAL, sources(1, 2))
    assert [link.source_id for link in left] == [2]
    found = repos.findings.for_items(DEAL, sources(1, 2), Phase.IMPORT)
    assert [finding.source_id for finding in found] == [2]


def test_what_is_on_record_of_an_update_is_kept_when_matches_are_looked_for_again(
    repos: Repositories,
) -> None:
    repos.items.save([an_item(1)])
    one = a_candidate(1, 11)
    repos.matches.save([one])
    repos.matches.decide(DEAL)
    repos.matched_pairs.mark_sent(one)
    (sent,) = repos.matched_pairs.open_page(DEAL, 9, SourceId(0))
    repos.matched_pairs.mark_updated(one)
    repos.id_map.add([a_pair(1, 11, origin=Origin.MATCHED)])
    repos.matches.forget_open(DEAL)
    repos.matches.decide(DEAL)

    assert (sent.sent_at is not None, sent.state) == (True, MatchState.PAIR)
    assert repos.matched_pairs.updated(DEAL, sources(1)) == {1}
    assert repos.matched_pairs.left_alone(DEAL, sources(1), keeps_pairs=True) == set()


@pytest.mark.parametrize(("is_updated", "filled"), [(False, []), (True, [("comments", 1)])])
def test_nothing_is_carried_over_of_a_matched_item_that_was_kept(
    staging: Staging,
    is_updated: bool,
    filled: list[tuple[str, int]],
) -> None:
    with staging.begin() as tx:
        migration = tx.migrations.get_or_create("m", source_portal="a", target_portal="b")
        repos = tx.of(migration.migration_id)
        repos.items.save([an_item(1, comments="text")])
        one = a_candidate(1, 11)
        repos.matches.save([one])
        repos.id_map.add([a_pair(1, 11, origin=Origin.MATCHED)])
        if is_updated:
            repos.matched_pairs.mark_updated(one)

    found = staging.query_read_only("SELECT field, filled FROM v_coverage")

    assert [tuple(row) for row in found.rows] == filled


def test_keys_lead_to_the_items_that_have_them_in_the_same_field() -> None:
    with KeyIndex() as index:
        index.add(
            [(Key(0, "a"), SourceId(1)), (Key(1, "a"), SourceId(2)), (Key(0, "a"), SourceId(3))]
        )

        assert index.find([Key(0, "a"), Key(2, "a"), Key(0, "b")]) == {Key(0, "a"): [1, 3]}
        assert [index.use(Key(0, "a")) for _ in range(3)] == [1, 2, 3]
        assert not index.is_empty


def test_a_full_disk_under_the_keys_is_said_and_may_be_tried_again() -> None:
    with pytest.raises(StagingLost, match="disk is full"), KeyIndex():
        raise sqlite3.OperationalError("database or disk is full")


def test_of_a_sample_only_its_own_pairs_are_taken_over(staging: Staging) -> None:
    with staging.begin() as tx:
        migration = tx.migrations.get_or_create("m", source_portal="a", target_portal="b")
        repos = tx.of(migration.migration_id)
        repos.items.save([an_item(1), an_item(2)])
        repos.matches.save([a_candidate(1, 11), a_candidate(2, 12)])
        repos.matches.decide(DEAL)
        repos.sample.add(DEAL, sources(2), SampleReason.DRAWN)
        sampled = tx.of(migration.migration_id, sampled=True)

        assert sampled.matched_pairs.open_count(DEAL) == 1
        assert sampled.matched_pairs.take_over(DEAL, DEAL) == 1
        assert list(repos.id_map.lookup(DEAL, sources(1, 2))) == [2]
