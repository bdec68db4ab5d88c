from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from migrator.domain.records import SaveCounts, StagedItem
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, SourceId
from tests.integration.staging.builders import (
    DAWN,
    a_failure,
    a_migration,
    a_pair,
    a_saved_migration,
    an_item,
    ids,
    sources,
)

if TYPE_CHECKING:
    from migrator.staging import Repositories, Staging
    from tests.fakes.clock import FakeClock


def test_an_item_comes_back_as_it_was_saved(repos: Repositories, clock: FakeClock) -> None:
    repos.items.save([an_item(7, title="Big deal", opportunity=10.5, ufCrmNote=["a", None])])

    (item,) = repos.items.get(DEAL, sources(7))

    assert (item.title, item.created_time) == ("Big deal", DAWN + timedelta(days=7))
    assert item.payload == {"id": 7, "opportunity": 10.5, "ufCrmNote": ["a", None]}
    assert item.exported_at == clock.now()


def test_saving_tells_new_items_from_changed_and_unchanged_ones(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2, stageId="NEW")])

    counts = repos.items.save([an_item(1), an_item(2, stageId="WON"), an_item(3)])

    assert counts == SaveCounts(new=1, changed=1, same=1)
    assert repos.items.get(DEAL, sources(2))[0].payload["stageId"] == "WON"


def test_exporting_an_unchanged_item_again_leaves_it_untouched(
    repos: Repositories, clock: FakeClock
) -> None:
    repos.items.save([an_item(1)])
    exported_at = clock.now()
    clock.advance(3600)

    repos.items.save([an_item(1)])

    assert repos.items.get(DEAL, sources(1))[0].exported_at == exported_at


def test_the_same_id_in_two_entity_types_is_two_items(repos: Repositories) -> None:
    counts = repos.items.save([an_item(1), an_item(1, entity_type_id=CONTACT)])

    assert counts.new == 2
    assert repos.items.counts() == {DEAL: 1, CONTACT: 1}
    assert repos.items.count(COMPANY) == 0


def test_saving_a_page_far_above_the_statement_limit_works(repos: Repositories) -> None:
    page = [an_item(number) for number in range(1, 2501)]

    first, second = repos.items.save(page), repos.items.save(page)

    assert (first.new, second.same) == (2500, 2500)


def test_streaming_brings_every_item_once_by_source_id(repos: Repositories) -> None:
    repos.items.save([an_item(number) for number in (5, 3, 9, 1, 7)])

    pages = list(repos.items.stream(DEAL, size=2))

    assert [ids(page) for page in pages] == [[1, 3], [5, 7], [9]]


def test_items_to_import_come_oldest_first_and_then_by_id(repos: Repositories) -> None:
    repos.items.save([an_item(1, day=3), an_item(2, day=1), an_item(4, day=2), an_item(3, day=2)])

    assert ids(repos.items.next_to_import(DEAL, 10)) == [2, 3, 4, 1]


def test_the_next_page_to_import_begins_after_the_last_item_of_the_page_before(
    repos: Repositories,
) -> None:
    repos.items.save([an_item(number, day=number // 3) for number in range(1, 9)])
    seen: list[int] = []
    after = None

    while page := repos.items.next_to_import(DEAL, 3, after):
        seen += ids(page)
        after = (page[-1].created_time, page[-1].source_id)

    assert seen == list(range(1, 9))


@pytest.mark.parametrize("hours", [-5, 3])
def test_a_page_begins_at_the_same_moment_in_whatever_time_zone_it_is_told(
    repos: Repositories, hours: int
) -> None:
    repos.items.save([an_item(number, day=number) for number in (1, 2, 3)])
    second = (DAWN + timedelta(days=2)).astimezone(timezone(timedelta(hours=hours)))

    assert ids(repos.items.next_to_import(DEAL, 10, (second, SourceId(0)))) == [2, 3]


def test_the_newest_item_to_import_is_not_one_that_is_there_or_has_failed(
    repos: Repositories,
) -> None:
    repos.items.save([an_item(number, day=number) for number in (1, 2, 3)])
    repos.id_map.add([a_pair(3)])
    repos.failed_items.add([a_failure(2)])

    assert repos.items.newest_to_import(DEAL) == DAWN + timedelta(days=1)
    assert repos.items.newest_to_import(DEAL, retry_failed=True) == DAWN + timedelta(days=2)
    assert repos.items.newest_to_import(CONTACT) is None


def test_what_is_imported_or_has_failed_is_not_offered_again(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2), an_item(3)])
    repos.id_map.add([a_pair(1)])
    repos.failed_items.add([a_failure(2)])

    assert ids(repos.items.next_to_import(DEAL, 10)) == [3]
    assert repos.items.to_import_count(DEAL) == 1


def test_failed_items_are_offered_again_when_asked_for(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2), an_item(3)])
    repos.id_map.add([a_pair(1)])
    repos.failed_items.add([a_failure(2), a_failure(1)])

    assert ids(repos.items.next_to_import(DEAL, 10, retry_failed=True)) == [2, 3]
    assert repos.items.to_import_count(DEAL, retry_failed=True) == 2


def test_only_items_strictly_older_count_as_late(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2), an_item(3)])
    repos.id_map.add([a_pair(1)])
    day_three = DAWN + timedelta(days=3)

    assert repos.items.count_older_than(DEAL, day_three) == 1
    assert repos.items.count_older_than(DEAL, day_three, not_imported=False) == 2


def test_late_items_that_have_failed_can_be_left_out_of_the_count(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2), an_item(3)])
    repos.failed_items.add([a_failure(2)])
    day_three = DAWN + timedelta(days=3)

    assert repos.items.count_older_than(DEAL, day_three) == 2
    assert repos.items.count_older_than(DEAL, day_three, refused=False) == 1


def test_the_oldest_item_may_be_asked_for_among_those_still_to_import(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2)])
    repos.id_map.add([a_pair(1)])

    assert repos.items.oldest(DEAL) == DAWN + timedelta(days=1)
    assert repos.items.oldest(DEAL, not_imported=True) == DAWN + timedelta(days=2)
    assert repos.items.oldest(CONTACT) is None


def test_only_items_that_are_staged_are_said_to_exist(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2)])

    assert repos.items.existing(DEAL, sources(2, 99)) == {SourceId(2)}
    assert repos.items.created_times(DEAL, sources(2, 99)) == {
        SourceId(2): DAWN + timedelta(days=2)
    }


def test_moments_of_any_zone_come_back_in_utc(repos: Repositories) -> None:
    moscow = timezone(timedelta(hours=3))
    when = datetime(2024, 3, 1, 1, 30, 15, 250, tzinfo=moscow)

    repos.items.save([_created_at(when)])

    (item,) = repos.items.get(DEAL, sources(2))
    assert item.created_time == when
    assert item.created_time.tzinfo == UTC


def test_a_moment_without_a_zone_is_refused(staging: Staging) -> None:
    naive = datetime(2024, 3, 1)  # noqa: DTZ001

    with pytest.raises(Exception, match="without a time zone"), staging.begin() as tx:
        tx.of(a_migration(tx).migration_id).items.save([_created_at(naive)])


def test_migrations_in_one_database_do_not_see_each_other(staging: Staging) -> None:
    one = a_saved_migration(staging, "one")
    other = a_saved_migration(staging, "other")

    with staging.begin() as tx:
        tx.of(one.migration_id).items.save([an_item(1), an_item(2)])
        tx.of(other.migration_id).items.save([an_item(1)])
        tx.of(other.migration_id).id_map.add([a_pair(1)])

    with staging.read() as tx:
        assert tx.of(one.migration_id).items.to_import_count(DEAL) == 2
        assert tx.of(other.migration_id).items.to_import_count(DEAL) == 0


def _created_at(when: datetime) -> StagedItem:
    return replace(an_item(2), created_time=when)
