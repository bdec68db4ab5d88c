"""What undo notes in staging and what it makes staging forget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.findings import FindingKind, Phase
from migrator.domain.records import BatchOutcome, ItemOutcome, Origin
from migrator.domain.undoing import KeepReason, KeptItem
from migrator.domain.vocabulary import CONTACT, DEAL, SourceId, TargetId
from tests.integration.staging.builders import (
    a_difference,
    a_failure,
    a_finding,
    a_link,
    a_migration,
    a_pair,
    an_item,
    ids,
    sources,
)

if TYPE_CHECKING:
    from migrator.domain.vocabulary import EntityTypeId
    from migrator.staging import Repositories, Staging
    from tests.fakes.clock import FakeClock


def a_kept(
    source_id: int,
    reason: KeepReason = KeepReason.CHANGED,
    *,
    target_id: int | None = None,
    entity_type_id: EntityTypeId = DEAL,
) -> KeptItem:
    return KeptItem(
        entity_type_id=entity_type_id,
        source_id=SourceId(source_id),
        target_entity_type_id=entity_type_id,
        target_id=TargetId(source_id + 1000 if target_id is None else target_id),
        reason=reason,
        detail="somebody did something",
    )


def _reasons(repos: Repositories) -> dict[int, KeepReason]:
    return {item.source_id: item.reason for item in repos.kept_items.list()}


def test_the_first_reason_to_keep_an_item_stands(repos: Repositories) -> None:
    repos.kept_items.add([a_kept(1)])

    new = repos.kept_items.add([a_kept(1, KeepReason.REFERRED_TO), a_kept(2), a_kept(2)])

    assert [item.source_id for item in new] == [2]
    assert _reasons(repos) == {1: KeepReason.CHANGED, 2: KeepReason.CHANGED}


def test_a_copy_makes_way_for_the_item_itself(repos: Repositories) -> None:
    repos.kept_items.add([a_kept(1, KeepReason.COPY, target_id=77)])

    repos.kept_items.add([a_kept(1, KeepReason.CHANGED)])

    assert _reasons(repos) == {1: KeepReason.CHANGED}


def test_kept_items_are_counted_by_type_and_reason(repos: Repositories) -> None:
    referred = a_kept(3, KeepReason.REFERRED_TO, entity_type_id=CONTACT)
    repos.kept_items.add([a_kept(1), a_kept(2), referred])

    assert repos.kept_items.counts() == {
        DEAL: {KeepReason.CHANGED: 2},
        CONTACT: {KeepReason.REFERRED_TO: 1},
    }


def test_kept_items_are_listed_page_by_page(repos: Repositories) -> None:
    others = [a_kept(n, entity_type_id=CONTACT) for n in (1, 4)]
    repos.kept_items.add([*others, a_kept(2), a_kept(3)])

    first = repos.kept_items.list(limit=3)
    rest = repos.kept_items.list(limit=3, after=first[-1])

    found = [[(one.entity_type_id, one.source_id) for one in page] for page in (first, rest)]
    assert found == [[(DEAL, 2), (DEAL, 3), (CONTACT, 1)], [(CONTACT, 4)]]


def test_items_are_taken_the_newest_first_without_those_that_stay(repos: Repositories) -> None:
    repos.id_map.add([a_pair(1), a_pair(2), a_pair(3), a_pair(4)])
    repos.kept_items.add([a_kept(3), a_kept(2, KeepReason.COPY, target_id=77)])

    first = repos.undo.newest_pairs(DEAL, DEAL, 2)
    rest = repos.undo.newest_pairs(DEAL, DEAL, 2, first[-1].target_id)

    assert [pair.source_id for pair in first] == [4, 2]
    assert [pair.source_id for pair in rest] == [1]


def test_the_types_that_hold_items_of_a_source_type_are_told(repos: Repositories) -> None:
    repos.id_map.add([a_pair(1), a_pair(2, target_entity_type_id=CONTACT)])

    assert repos.undo.target_types(DEAL) == [DEAL, CONTACT]


def test_types_are_told_with_the_moment_of_their_first_item(
    repos: Repositories, clock: FakeClock
) -> None:
    repos.id_map.add([a_pair(1, entity_type_id=CONTACT)])
    early = clock.now()
    clock.sleep(60)
    repos.id_map.add([a_pair(2, entity_type_id=CONTACT), a_pair(3)])

    assert repos.undo.first_imported() == {CONTACT: early, DEAL: clock.now()}


def test_an_item_is_known_by_its_number_in_the_target(repos: Repositories) -> None:
    repos.id_map.add([a_pair(1, 11), a_pair(2, 12), a_pair(3, 11, entity_type_id=CONTACT)])

    found = repos.undo.pairs_of_targets(DEAL, [11, 99])

    assert {target: pair.source_id for target, pair in found.items()} == {11: 1}


def test_what_this_migration_sent_is_told_from_what_it_found(repos: Repositories) -> None:
    batch = repos.batches.open(DEAL, "crm.item.batchImport", [(s, f"c{s}") for s in sources(1, 2)])
    lost = ItemOutcome(
        source_id=SourceId(1), outcome=BatchOutcome.ADOPTED, target_id=TargetId(1001)
    )
    absent = ItemOutcome(source_id=SourceId(2), outcome=BatchOutcome.ABSENT)
    repos.batches.settle(batch, [lost, absent])

    assert repos.undo.sent_from_here(DEAL, sources(1, 2, 3)) == {1}


def test_items_another_migration_has_are_named_with_it(staging: Staging) -> None:
    with staging.begin() as tx:
        mine = tx.of(a_migration(tx, "again").migration_id)
        other = tx.of(a_migration(tx, "first").migration_id)
        other.id_map.add([a_pair(1, 11), a_pair(2, 12)])
        mine.id_map.add([a_pair(1, 11, origin=Origin.ADOPTED)])

        found = mine.undo.mapped_elsewhere(DEAL, [11, 13])

        assert found == {11: "first"}


def test_everything_recorded_of_an_item_is_forgotten_and_the_item_stays(
    repos: Repositories,
) -> None:
    repos.items.save([an_item(1), an_item(2)])
    repos.id_map.add([a_pair(1), a_pair(2)])
    repos.deferred_links.replace_for_items(DEAL, sources(1, 2), [a_link(1, 2), a_link(2, 1)])
    repos.differences.add([a_difference(1), a_difference(2)])
    found = [a_finding(FindingKind.LATE_ITEM, source_id=n) for n in (1, 2)]
    for phase in (Phase.IMPORT, Phase.VERIFY, Phase.EXPORT):
        repos.findings.add(phase, found)

    repos.undo.forget_items(DEAL, sources(1))

    assert list(repos.id_map.lookup(DEAL, sources(1, 2))) == [2]
    assert [link.source_id for link in repos.deferred_links.for_items(DEAL, sources(1, 2))] == [2]
    assert [one.source_id for one in repos.differences.list()] == [2]
    kept = repos.findings.for_items(DEAL, sources(1))
    assert len(kept) == 1
    assert repos.findings.list(phase=Phase.EXPORT)[0] == kept[0]
    assert ids(repos.items.get(DEAL, sources(1, 2))) == [1, 2]


def test_what_failed_is_offered_again_and_what_stays_keeps_its_records(
    repos: Repositories,
) -> None:
    repos.items.save([an_item(1), an_item(2)])
    batch = repos.batches.open(DEAL, "crm.item.batchImport", [(s, f"c{s}") for s in sources(1, 2)])
    created = ItemOutcome(
        source_id=SourceId(1), outcome=BatchOutcome.CREATED, target_id=TargetId(1001)
    )
    failed = ItemOutcome(source_id=SourceId(2), outcome=BatchOutcome.FAILED, error="E")
    repos.batches.settle(batch, [created, failed])
    repos.id_map.add([a_pair(1)])
    repos.failed_items.add([a_failure(2)])

    is_empty = repos.undo.forget_rest(DEAL)

    assert not is_empty
    assert ids(repos.items.next_to_import(DEAL, 9)) == [2]
    assert repos.undo.sent_from_here(DEAL, sources(1)) == {1}


def test_a_type_without_items_in_the_target_is_as_if_it_had_never_been_imported(
    repos: Repositories,
) -> None:
    batch = repos.batches.open(DEAL, "crm.item.batchImport", [(SourceId(1), "c")])
    failed = ItemOutcome(source_id=SourceId(1), outcome=BatchOutcome.FAILED, error="E")
    repos.batches.settle(batch, [failed])
    repos.failed_items.add([a_failure(1)])

    assert repos.undo.forget_rest(DEAL)

    assert repos.failed_items.count() == 0
    assert repos.batches.in_flight() == []


def test_a_link_can_be_opened_again(repos: Repositories) -> None:
    repos.deferred_links.save([a_link(1, 2), a_link(1, 2)])

    assert [link.source_id for link in repos.deferred_links.pending(9)] == [1]


def test_a_setting_that_is_removed_has_its_default_again(repos: Repositories) -> None:
    repos.settings.set("key", 1)

    repos.settings.remove("key")

    assert repos.settings.get("key", "default") == "default"
