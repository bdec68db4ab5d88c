"""What is taken out of staging when a filter changes, and what has to stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.findings import Phase
from migrator.domain.vocabulary import CONTACT, DEAL, SourceId
from tests.integration.staging.builders import a_failure, a_finding, a_link, a_pair, an_item

if TYPE_CHECKING:
    from migrator.staging.repositories import Repositories


def test_only_items_that_neither_are_nor_may_be_in_the_target_are_taken_out(
    repos: Repositories,
) -> None:
    repos.items.save([an_item(number) for number in (1, 2, 3, 4)])
    repos.items.save([an_item(3, entity_type_id=CONTACT)])
    repos.id_map.add([a_pair(1)])
    repos.batches.open(DEAL, "crm.item.batchImport", [(SourceId(2), "m:2:2")])
    repos.failed_items.add([a_failure(3)])

    removed = repos.items.take_out(DEAL)

    assert removed == 2
    assert [item.source_id for item in repos.items.get(DEAL, [SourceId(n) for n in range(5)])] == [
        1,
        2,
    ]
    assert repos.items.whole_count(CONTACT) == 1
    assert repos.failed_items.count() == 0


def test_what_attempts_to_import_them_have_left_goes_with_them(repos: Repositories) -> None:
    repos.items.save([an_item(1), an_item(2)])
    repos.id_map.add([a_pair(1)])
    for number in (1, 2):
        repos.deferred_links.save([a_link(number, 9)])
        repos.findings.add(Phase.IMPORT, [a_finding(source_id=number)])
    repos.findings.add(Phase.PLAN, [a_finding(source_id=None)])

    repos.items.take_out(DEAL)

    both = [SourceId(1), SourceId(2)]
    assert [one.source_id for one in repos.deferred_links.for_items(DEAL, both)] == [1]
    found = repos.findings.for_items(DEAL, both, Phase.IMPORT)
    assert [one.source_id for one in found] == [1]
    assert len(repos.findings.list(phase=Phase.PLAN)) == 1
