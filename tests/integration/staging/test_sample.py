"""The sample: which items are in it, and what narrows to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.records import SampleReason
from migrator.domain.vocabulary import COMPANY, DEAL, SourceId
from tests.integration.staging.builders import (
    DAWN,
    a_failure,
    a_pair,
    a_saved_migration,
    an_item,
    ids,
    sources,
)

if TYPE_CHECKING:
    from migrator.staging import Repositories, Staging


def test_an_item_is_taken_once_and_keeps_its_first_reason(repos: Repositories) -> None:
    assert repos.sample.add(DEAL, sources(2, 1), SampleReason.DRAWN) == [1, 2]
    assert repos.sample.add(DEAL, sources(2, 3, 3), SampleReason.REFERRED_TO) == [3]
    assert repos.sample.add(COMPANY, sources(2), SampleReason.REFERRED_TO) == [2]

    assert repos.sample.counts() == {
        DEAL: {SampleReason.DRAWN: 2, SampleReason.REFERRED_TO: 1},
        COMPANY: {SampleReason.REFERRED_TO: 1},
    }


def test_a_sample_can_be_forgotten(repos: Repositories) -> None:
    repos.sample.add(DEAL, sources(1), SampleReason.DRAWN)

    repos.sample.clear()

    assert repos.sample.counts() == {}


def test_the_oldest_items_come_in_the_order_of_import(repos: Repositories) -> None:
    repos.items.save([an_item(1, day=9), an_item(2, day=3), an_item(3, day=3), an_item(4, day=1)])

    assert list(repos.sample.oldest(DEAL, 3)) == [[4, 2, 3]]
    assert list(repos.sample.oldest(DEAL, 10)) == [[4, 2, 3, 1]]
    assert list(repos.sample.oldest(COMPANY, 10)) == []


def test_strata_are_pipeline_and_stage_as_the_portal_sent_them(repos: Repositories) -> None:
    repos.items.save([an_item(1, categoryId=5, stageId="C5:NEW"), an_item(2, stageId=None)])

    assert list(repos.sample.strata(DEAL)) == [[(1, ("5", "C5:NEW")), (2, (None, None))]]


def test_what_is_counted_streamed_and_imported_is_the_sample_only(staging: Staging) -> None:
    migration = a_saved_migration(staging).migration_id
    with staging.begin() as tx:
        all_items = tx.of(migration)
        all_items.items.save([an_item(n) for n in range(1, 8)])
        all_items.sample.add(DEAL, sources(2, 4, 5, 6), SampleReason.DRAWN)
        all_items.id_map.add([a_pair(1), a_pair(2)])
        all_items.failed_items.add([a_failure(4)])

        sampled = tx.of(migration, sampled=True).items

        assert ids(sampled.next_to_import(DEAL, 10)) == [5, 6]
        assert ids(sampled.next_to_import(DEAL, 10, retry_failed=True)) == [4, 5, 6]
        assert sampled.to_import_count(DEAL) == 2
        assert (sampled.count(DEAL), sampled.mapped_count(DEAL)) == (4, 1)
        assert sampled.counts() == {DEAL: 4}
        assert [ids(page) for page in sampled.stream(DEAL, 3)] == [[2, 4, 5], [6]]
        assert sampled.count_older_than(DEAL, an_item(6).created_time) == 2
        assert ids(sampled.get(DEAL, sources(1, 2))) == [1, 2]
        assert sampled.existing(DEAL, sources(3)) == {3}
        assert all_items.items.to_import_count(DEAL) == 4


def test_left_behind_are_older_items_that_neither_the_sample_nor_the_target_has(
    repos: Repositories,
) -> None:
    repos.items.save([an_item(n, day=n) for n in range(1, 10)])
    repos.items.save([an_item(1, entity_type_id=COMPANY)])
    repos.sample.add(DEAL, sources(1, 2, 6), SampleReason.DRAWN)
    repos.id_map.add([a_pair(3)])

    assert repos.sample.left_behind(DEAL) == 2  # the fourth and the fifth
    assert repos.sample.left_behind(COMPANY) == 0


def test_an_item_as_old_as_the_newest_of_the_sample_is_not_late(repos: Repositories) -> None:
    repos.items.save([an_item(1, day=3), an_item(2, day=3)])
    repos.sample.add(DEAL, [SourceId(1)], SampleReason.DRAWN)

    assert repos.items.get(DEAL, sources(2))[0].created_time > DAWN
    assert repos.sample.left_behind(DEAL) == 0
