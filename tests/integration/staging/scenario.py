"""A migration in the middle of its life, with a row of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.findings import Effect, FindingKind, Phase, Severity
from migrator.domain.mapping import Decision, Pair, PairKind
from migrator.domain.records import (
    BatchOutcome,
    ItemOutcome,
    LinkState,
    MatchCandidate,
    VerifiedItem,
    VerifiedState,
)
from migrator.domain.vocabulary import DEAL, QUOTE, EntityTypeId, Role, SourceId, TargetId
from tests.integration.staging.builders import (
    a_difference,
    a_failure,
    a_finding,
    a_link,
    a_migration,
    a_pair,
    a_request,
    an_element,
    an_item,
    sources,
)

if TYPE_CHECKING:
    from migrator.staging import Repositories, Staging

SPA = EntityTypeId(1302)
SPA_IN_TARGET = EntityTypeId(1046)


def play(staging: Staging, name: str = "default") -> None:
    """Deals 1 to 5: verified, different, imported, failed, waiting. A quote and an SPA besides."""
    with staging.begin() as tx:
        repos = tx.of(a_migration(tx, name).migration_id)
        tx.request_log.add([a_request("profile")])
        _export(repos)
        _plan(repos)
        _import(repos)
        _verify(repos)


def match(staging: Staging, name: str = "default") -> None:
    """Deal 5 has two candidates in the target; the first schema has no room for them."""
    with staging.begin() as tx:
        repos = tx.of(a_migration(tx, name).migration_id)
        for number in (51, 52):
            one = MatchCandidate(
                entity_type_id=DEAL,
                source_id=SourceId(5),
                target_id=TargetId(number),
                field="originId",
                value="a-1",
            )
            repos.matches.save([one])


def _export(repos: Repositories) -> None:
    repos.structure.save(
        Role.SOURCE,
        [
            an_element("entity_type", "2", "Deal"),
            an_element("entity_type", "1302", "Project"),
            # The same key elsewhere must not be taken for the name of an entity type.
            an_element("user", "2", "Ada"),
            an_element("status", "NEW", "New", scope="DEAL_STAGE"),
        ],
    )
    repos.structure.save(Role.TARGET, [an_element("entity_type", "2", "Geschäft")])
    repos.items.save(
        [
            an_item(1, title="One", stageId="NEW", comments="text", opportunity=0, fm=[]),
            an_item(2, title="Two", stageId="NEW", comments="", ufCrmUser=5),
            an_item(3, title="Three", stageId="NEW", companyId=0, ufCrmUser=6),
            an_item(4, title="Four", stageId="NEW"),
            an_item(5, title="Five", day=2, stageId="NEW"),
            an_item(9, entity_type_id=QUOTE, title="Offer"),
            an_item(7, entity_type_id=SPA, title="Bridge", parentId2=1),
        ]
    )
    repos.request_log.add(
        [
            a_request(items=50, commands=3, operating_s=1.25),
            a_request(items=20, operating_s=2.5),
            a_request(status=None, error="time-out"),
        ]
    )


def _plan(repos: Repositories) -> None:
    user = Pair(
        kind=PairKind.USER,
        scope="",
        source_key="5",
        source_name="Ada",
        decision=Decision.OPEN,
    )
    repos.pairs.replace([user], {user.pair_key: 2})
    stage = a_finding(FindingKind.UNMAPPED_STAGE, severity=Severity.BLOCKING, items=4)
    repos.findings.replace(Phase.PLAN, [stage])


def _import(repos: Repositories) -> None:
    batch = repos.batches.open(
        DEAL, "crm.item.batchImport", [(SourceId(n), f"m:2:{n}") for n in (1, 2, 3, 4)]
    )
    created = [
        ItemOutcome(
            source_id=SourceId(n), outcome=BatchOutcome.CREATED, target_id=TargetId(1000 + n)
        )
        for n in (1, 2, 3)
    ]
    failed = ItemOutcome(source_id=SourceId(4), outcome=BatchOutcome.FAILED, error="NO")
    repos.batches.settle(batch, [*created, failed])
    repos.id_map.add([a_pair(1), a_pair(2), a_pair(3)])
    repos.id_map.add([a_pair(7, 70, entity_type_id=SPA, target_entity_type_id=SPA_IN_TARGET)])
    repos.failed_items.add([a_failure(4)])
    repos.findings.add(
        Phase.IMPORT,
        [
            a_finding(source_id=2, field="ufCrmUser", effect=Effect.LOST),
            a_finding(source_id=3, field="ufCrmUser", effect=Effect.ADJUSTED),
        ],
    )
    repos.deferred_links.replace_for_items(
        DEAL, sources(1, 2), [a_link(1, 2), a_link(1, 4), a_link(2, 5), a_link(2, 99)]
    )
    repos.deferred_links.set_state([a_link(1, 2)], LinkState.DONE)
    repos.deferred_links.set_state([a_link(2, 99)], LinkState.UNRESOLVABLE, "deleted in the source")


def _verify(repos: Repositories) -> None:
    repos.differences.replace_for_items(DEAL, sources(1, 2), [a_difference(2, "stageId")])
    repos.id_map.mark_verified(
        DEAL,
        [
            VerifiedItem(source_id=SourceId(1), state=VerifiedState.AGREES, target_title="One"),
            VerifiedItem(source_id=SourceId(2), state=VerifiedState.DIFFERS, target_title="Zwei"),
        ],
    )
