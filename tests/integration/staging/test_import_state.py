"""Batches in flight, deferred links, checkpoints and settings: what a resumed run goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.records import (
    BatchItem,
    BatchOutcome,
    BatchState,
    Checkpoint,
    ItemOutcome,
    LinkState,
)
from migrator.domain.vocabulary import CONTACT, DEAL, SourceId, TargetId
from tests.integration.staging.builders import a_link, sources

if TYPE_CHECKING:
    from migrator.staging import Repositories
    from tests.fakes.clock import FakeClock


def test_a_batch_is_in_flight_until_it_is_settled(repos: Repositories, clock: FakeClock) -> None:
    batch_id = repos.batches.open(
        DEAL, "crm.item.batchImport", [(SourceId(5), "m/2/5"), (SourceId(3), "m/2/3")]
    )

    (batch,) = repos.batches.in_flight()

    assert (batch.batch_id, batch.entity_type_id, batch.state) == (batch_id, DEAL, BatchState.SENT)
    assert (batch.method, batch.sent_at) == ("crm.item.batchImport", clock.now())
    assert batch.items == (
        BatchItem(source_id=SourceId(5), correlation="m/2/5"),
        BatchItem(source_id=SourceId(3), correlation="m/2/3"),
    )


def test_a_settled_batch_is_not_in_flight_any_more(repos: Repositories) -> None:
    batch_id = repos.batches.open(DEAL, "crm.item.batchImport", [(SourceId(1), "c")])
    other = repos.batches.open(DEAL, "crm.item.batchImport", [(SourceId(2), "d")])
    created = ItemOutcome(
        source_id=SourceId(1), outcome=BatchOutcome.CREATED, target_id=TargetId(9)
    )

    repos.batches.settle(batch_id, [created])

    assert [batch.batch_id for batch in repos.batches.in_flight()] == [other]


def test_a_batch_with_an_unknown_outcome_stays_in_flight_and_says_why(repos: Repositories) -> None:
    batch_id = repos.batches.open(DEAL, "crm.item.batchImport", [(SourceId(1), "c")])

    repos.batches.mark_unknown(batch_id, "the connection was cut")

    (batch,) = repos.batches.in_flight()
    assert (batch.state, batch.detail) == (BatchState.UNKNOWN, "the connection was cut")


def test_pending_links_of_an_item_always_come_together(repos: Repositories) -> None:
    links = [a_link(1, 8, field="parentId2"), a_link(1, 9, field="contactIds"), a_link(2, 9)]
    repos.deferred_links.replace_for_items(DEAL, sources(1, 2), links)

    first = repos.deferred_links.pending(1)
    last = first[-1]
    second = repos.deferred_links.pending(1, (last.entity_type_id, last.source_id))

    assert [(link.source_id, link.field) for link in first] == [(1, "contactIds"), (1, "parentId2")]
    assert [(link.source_id, link.field) for link in second] == [(2, "parentId2")]


def test_links_that_are_done_or_failed_are_not_pending(repos: Repositories) -> None:
    done, failed, pending = a_link(1, 9), a_link(2, 9), a_link(3, 9)
    repos.deferred_links.replace_for_items(DEAL, sources(1, 2, 3), [done, failed, pending])

    repos.deferred_links.set_state([done], LinkState.DONE)
    repos.deferred_links.set_state([failed], LinkState.FAILED, "refused")

    assert [link.source_id for link in repos.deferred_links.pending(10)] == [3]
    assert repos.deferred_links.counts() == {
        LinkState.DONE: 1,
        LinkState.FAILED: 1,
        LinkState.PENDING: 1,
    }
    assert repos.deferred_links.for_items(DEAL, sources(2))[0].detail == "refused"


def test_replacing_the_links_of_items_leaves_other_items_alone(repos: Repositories) -> None:
    repos.deferred_links.replace_for_items(DEAL, sources(1, 2), [a_link(1, 8), a_link(2, 8)])

    repos.deferred_links.replace_for_items(DEAL, sources(1), [a_link(1, 9)])

    refers_to = [link.refers_to_source_id for link in repos.deferred_links.pending(10)]
    assert refers_to == [9, 8]


def test_a_checkpoint_is_overwritten_by_the_next_one(repos: Repositories) -> None:
    repos.checkpoints.set(Checkpoint(stage="export", entity_type_id=DEAL, position=50))

    repos.checkpoints.set(
        Checkpoint(stage="export", entity_type_id=DEAL, position=100, done=True, detail={"n": 1})
    )

    found = repos.checkpoints.get("export", DEAL)
    assert found is not None
    assert (found.position, found.done, found.detail) == (100, True, {"n": 1})


def test_checkpoints_are_cleared_for_one_entity_type_or_for_the_whole_stage(
    repos: Repositories,
) -> None:
    for stage in ("export", "verify"):
        for entity_type_id in (DEAL, CONTACT):
            repos.checkpoints.set(Checkpoint(stage=stage, entity_type_id=entity_type_id))

    repos.checkpoints.clear("export", DEAL)
    repos.checkpoints.clear("verify")

    assert [c.entity_type_id for c in repos.checkpoints.all("export")] == [CONTACT]
    assert repos.checkpoints.all("verify") == []
    assert repos.checkpoints.get("export") is None


def test_settings_keep_any_json_value_and_tell_none_from_missing(repos: Repositories) -> None:
    repos.settings.set("seconds_per_item", {"2": 1.25})
    repos.settings.set("nothing", None)
    repos.settings.set("seconds_per_item", {"2": 1.5})

    assert repos.settings.get("seconds_per_item") == {"2": 1.5}
    assert repos.settings.get("nothing", "default") is None
    assert repos.settings.get("missing", "default") == "default"
    assert repos.settings.all() == {"nothing": None, "seconds_per_item": {"2": 1.5}}
