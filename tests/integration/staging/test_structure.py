from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from migrator.domain.mapping import Decision, Pair, PairKind
from migrator.domain.vocabulary import Role
from tests.integration.staging.builders import DAWN, a_request, a_saved_migration, an_element

if TYPE_CHECKING:
    from migrator.staging import Repositories, Staging
    from tests.fakes.clock import FakeClock


def test_reading_a_portal_again_replaces_its_structure_and_leaves_the_other_portals(
    repos: Repositories, clock: FakeClock
) -> None:
    repos.structure.save(
        Role.SOURCE, [an_element("user", "1", "Ada"), an_element("user", "2", "B")]
    )
    repos.structure.save(Role.TARGET, [an_element("user", "7", "Ada")])

    repos.structure.save(Role.SOURCE, [an_element("user", "1", "Ada L.")])

    found = repos.structure.load(Role.SOURCE)
    assert found == [replace(an_element("user", "1", "Ada L."), read_at=clock.now())]
    assert [element.key for element in repos.structure.load(Role.TARGET)] == ["7"]


def test_structure_can_be_loaded_by_kind(repos: Repositories) -> None:
    repos.structure.save(
        Role.SOURCE, [an_element("user", "1", "Ada"), an_element("status", "NEW", "New", scope="X")]
    )

    assert [element.scope for element in repos.structure.load(Role.SOURCE, "status")] == ["X"]


def test_pairs_come_back_as_they_were_decided(repos: Repositories) -> None:
    user, stage = a_user_pair("5", target_key=None), a_stage_pair()
    repos.pairs.replace([a_user_pair("1", target_key="2")])

    repos.pairs.replace([user, stage], {user.pair_key: 12})

    assert repos.pairs.load() == [stage, user]


def test_how_many_items_need_a_pair_is_kept_for_auditors(staging: Staging) -> None:
    migration = a_saved_migration(staging)
    pair = a_user_pair("5", target_key=None)

    with staging.begin() as tx:
        tx.of(migration.migration_id).pairs.replace([pair], {pair.pair_key: 12})

    rows = staging.query_read_only("SELECT source_key, items_affected FROM structure_pair").rows
    assert rows == [("5", 12)]


def test_requests_are_logged_for_a_migration_or_for_none(staging: Staging) -> None:
    migration = a_saved_migration(staging)

    with staging.begin() as tx:
        tx.request_log.add([a_request("profile")])
        tx.of(migration.migration_id).request_log.add([a_request(), a_request(status=None)])

    with staging.read() as tx:
        assert tx.request_log.count() == 1
        assert tx.of(migration.migration_id).request_log.count() == 2


def test_the_latest_requests_to_a_portal_are_those_of_every_migration(staging: Staging) -> None:
    migration = a_saved_migration(staging)
    mine = a_request("batch:crm.item.list", operating_s=12.5, sent_at=DAWN + timedelta(seconds=1))
    with staging.begin() as tx:
        tx.request_log.add([a_request("profile"), a_request("profile", portal="new.example.com")])
        tx.of(migration.migration_id).request_log.add([mine])

    with staging.read() as tx:
        assert tx.request_log.latest("old.example.com", 10) == [mine, a_request("profile")]
        assert tx.request_log.latest("old.example.com", 1) == [mine]


def a_user_pair(source_key: str, *, target_key: str | None) -> Pair:
    return Pair(
        kind=PairKind.USER,
        scope="",
        source_key=source_key,
        source_name="Ada",
        decision=Decision.OPEN if target_key is None else Decision.IDENTITY,
        target_key=target_key,
    )


def a_stage_pair() -> Pair:
    return Pair(
        kind=PairKind.STAGE,
        scope="DEAL_STAGE",
        source_key="NEW",
        source_name="New",
        decision=Decision.MAPPING,
        target_key="C5:NEW",
        target_name="Neu",
        target_scope="DEAL_STAGE_5",
    )
