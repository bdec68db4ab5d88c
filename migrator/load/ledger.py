"""What is written to staging around a request: the intent before it, the outcome after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from migrator.domain.findings import Effect, Finding, FindingKind, Phase, Severity
from migrator.domain.records import (
    BatchId,
    BatchOutcome,
    DeferredLink,
    FailedItem,
    IdPair,
    ItemOutcome,
    LinkState,
    Origin,
    StagedItem,
)
from migrator.domain.values import Reference
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.load.requests import ImportMethod
from migrator.plan.plan import (
    IMPORT_GRANTED,
    SECONDS_PER_ITEM,
    SECONDS_PER_REQUEST,
    ImportCost,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from migrator.domain.records import MatchCandidate
    from migrator.load.preparation import KnownItems, Prepared
    from migrator.transform.history import LateItem
    from migrator.transform.item import TypeTransform
    from migrator.transform.transformed import TransformedItem
    from migrator.workspace import Workspace

#: The item was refused by the setting, not by the server.
LATE_ITEM_ERROR = "LATE_ITEM"

#: The item of the target that it was the same as was deleted.
NOT_THERE_ERROR = "NOT_FOUND"


@dataclass(slots=True)
class LoadCounts:
    created: int = 0
    adopted: int = 0
    failed: int = 0
    #: in the target before, and taken over
    matched: int = 0

    @property
    def done(self) -> int:
        return self.created + self.adopted + self.failed + self.matched


@dataclass(slots=True, kw_only=True)
class ImportLedger:
    """The staging side of importing one entity type; each method is one transaction."""

    workspace: Workspace
    entity_type_id: EntityTypeId
    target_type_id: EntityTypeId
    known: KnownItems
    counts: LoadCounts = field(default_factory=LoadCounts)

    def open(self, method: ImportMethod, chunk: Sequence[Prepared]) -> BatchId:
        """Commit the intent: what is about to be sent, and what is adjusted or lost with it."""
        ids = [prepared.staged.source_id for prepared in chunk]
        findings = [finding for prepared in chunk for finding in prepared.item.findings]
        with self.workspace.write() as repositories:
            repositories.findings.replace_for_items(
                Phase.IMPORT, self.entity_type_id, ids, findings
            )
            links = [link for prepared in chunk for link in links_of(prepared.item)]
            repositories.deferred_links.replace_for_items(self.entity_type_id, ids, links)
            files = [file for prepared in chunk for file in prepared.files.staged]
            repositories.files.replace_for_items(self.entity_type_id, ids, files)
            return repositories.batches.open(
                self.entity_type_id,
                method,
                [(p.staged.source_id, p.sendable.correlation) for p in chunk],
            )

    def record(
        self,
        batch_id: BatchId,
        method: ImportMethod,
        outcomes: Sequence[ItemOutcome],
        findings: Sequence[Finding],
        cost: ImportCost,
    ) -> None:
        """Commit the outcome with the ID map, failures and measurements: all or nothing."""
        mapped = [o for o in outcomes if o.target_id is not None]
        failed = [o for o in outcomes if o.outcome is BatchOutcome.FAILED]
        despite = [self._despite_error(o) for o in mapped if o.error is not None]
        with self.workspace.write() as repositories:
            repositories.id_map.add([self._pair(o, method) for o in mapped])
            repositories.failed_items.clear(self.entity_type_id, [o.source_id for o in mapped])
            repositories.failed_items.add([self._failure(o) for o in failed])
            repositories.findings.add(Phase.IMPORT, [*findings, *despite])
            repositories.batches.settle(batch_id, outcomes)
            repositories.settings.set(SECONDS_PER_ITEM, cost.seconds_per_item)
            repositories.settings.set(SECONDS_PER_REQUEST, cost.seconds_per_request)
        for outcome in mapped:
            reference = Reference(self.target_type_id, outcome.target_id or 0)
            self.known.add(self.entity_type_id, outcome.source_id, reference)
        self._count(outcomes)

    def _count(self, outcomes: Sequence[ItemOutcome]) -> None:
        kinds = [outcome.outcome for outcome in outcomes]
        self.counts.created += kinds.count(BatchOutcome.CREATED)
        self.counts.adopted += kinds.count(BatchOutcome.ADOPTED)
        self.counts.failed += kinds.count(BatchOutcome.FAILED)
        self.workspace.progress.advance(len(kinds) - kinds.count(BatchOutcome.ABSENT))

    def _pair(self, outcome: ItemOutcome, method: ImportMethod) -> IdPair:
        origin = Origin.ADD if method is ImportMethod.ADD else Origin.IMPORT
        if outcome.target_id is None:
            raise ValueError(f"item {outcome.source_id} has no partner")
        return IdPair(
            entity_type_id=self.entity_type_id,
            source_id=outcome.source_id,
            target_entity_type_id=self.target_type_id,
            target_id=outcome.target_id,
            origin=Origin.ADOPTED if outcome.outcome is BatchOutcome.ADOPTED else origin,
        )

    def _failure(self, outcome: ItemOutcome) -> FailedItem:
        return FailedItem(
            entity_type_id=self.entity_type_id,
            source_id=outcome.source_id,
            error=outcome.error or "",
            error_description=outcome.error_description or "",
        )

    def _despite_error(self, outcome: ItemOutcome) -> Finding:
        return Finding(
            kind=FindingKind.CREATED_DESPITE_ERROR,
            severity=Severity.WARNING,
            effect=Effect.NONE,
            entity_type_id=self.entity_type_id,
            source_id=outcome.source_id,
            value=outcome.error,
            detail=f"reported as failed ({outcome.error}: {outcome.error_description}), but the "
            f"target has it as item {outcome.target_id}; verify tells what it lacks",
        )

    def forget_failures(self, source_ids: Sequence[SourceId]) -> None:
        """Take back failures that turned out to be the portal's."""
        with self.workspace.write() as repositories:
            repositories.failed_items.clear(self.entity_type_id, source_ids)

    def forget_rights(self) -> None:
        """The right to import was granted once and is not any more: it is asked for again."""
        with self.workspace.write() as repositories:
            repositories.settings.set(IMPORT_GRANTED, [])

    def adopt(self, found: Mapping[SourceId, Sequence[TargetId]], transform: TypeTransform) -> None:
        """Map staged items without a partner to items of the target that came from them.

        Which of their links were set is not known, so all are looked at in the second pass; those
        that are set already cost no update.
        """
        with self.workspace.write() as repositories:
            staged = repositories.items.existing(self.entity_type_id, list(found))
            mapped = repositories.id_map.lookup(self.entity_type_id, list(found))
            new = [
                ItemOutcome(
                    source_id=source_id,
                    outcome=BatchOutcome.ADOPTED,
                    target_id=min(found[source_id]),
                )
                for source_id in sorted(staged - mapped.keys())
            ]
            pairs = [self._pair(outcome, ImportMethod.BATCH_IMPORT) for outcome in new]
            repositories.id_map.add(pairs)
            ids = [outcome.source_id for outcome in new]
            repositories.failed_items.clear(self.entity_type_id, ids)
            links = [
                DeferredLink(
                    entity_type_id=self.entity_type_id,
                    source_id=item.source_id,
                    field=name,
                    refers_to_entity_type_id=reference.entity_type_id,
                    refers_to_source_id=SourceId(reference.item_id),
                )
                for item in repositories.items.get(self.entity_type_id, ids)
                for name, reference in _unique_references(transform, item)
            ]
            repositories.deferred_links.replace_for_items(self.entity_type_id, ids, links)
        self._count(new)

    def take_over(self) -> None:
        """Make partners of what was found to be the same; nothing is sent."""
        with self.workspace.write() as repositories:
            taken = repositories.matched_pairs.take_over(self.entity_type_id, self.target_type_id)
        self.counts.matched += taken
        self.workspace.progress.advance(taken)

    def forget_matches(self, gone: Sequence[MatchCandidate]) -> None:
        """Their items of the target were deleted meanwhile: the next plan looks for others."""
        with self.workspace.write() as repositories:
            repositories.failed_items.add([self._gone(one) for one in gone])
            for one in gone:
                repositories.matched_pairs.forget(one)
        self.counts.failed += len(gone)
        self.workspace.progress.advance(len(gone))

    def _gone(self, one: MatchCandidate) -> FailedItem:
        return FailedItem(
            entity_type_id=self.entity_type_id,
            source_id=one.source_id,
            error=NOT_THERE_ERROR,
            error_description=f"item {one.target_id} is not in the target any more",
        )

    def record_update(
        self,
        one: MatchCandidate,
        findings: Sequence[Finding],
        links: Sequence[DeferredLink],
    ) -> None:
        """A matched item holds what its source item fills: they are partners now."""
        ids = [one.source_id]
        pair = IdPair(
            entity_type_id=self.entity_type_id,
            source_id=one.source_id,
            target_entity_type_id=self.target_type_id,
            target_id=one.target_id,
            origin=Origin.MATCHED,
        )
        with self.workspace.write() as repositories:
            repositories.id_map.add([pair])
            repositories.failed_items.clear(self.entity_type_id, ids)
            repositories.findings.replace_for_items(
                Phase.IMPORT, self.entity_type_id, ids, findings
            )
            repositories.deferred_links.replace_for_items(self.entity_type_id, ids, links)
            repositories.matched_pairs.mark_updated(one)
        self.counts.matched += 1
        self.workspace.progress.advance(1)

    def refuse_update(self, one: MatchCandidate, error: str, description: str) -> None:
        failed = FailedItem(
            entity_type_id=self.entity_type_id,
            source_id=one.source_id,
            error=error,
            error_description=description,
        )
        with self.workspace.write() as repositories:
            repositories.failed_items.add([failed])
            repositories.matched_pairs.mark_refused(one)
        self.counts.failed += 1
        self.workspace.progress.advance(1)

    def refuse_late(self, staged: StagedItem, late: LateItem) -> None:
        failed = FailedItem(
            entity_type_id=self.entity_type_id,
            source_id=staged.source_id,
            error=LATE_ITEM_ERROR,
            error_description=f"created {staged.created_time.isoformat()}, but the target's newest "
            f"row of this type is from {late.floor.astimezone(UTC).isoformat()} "
            "(MIGRATOR_ON_LATE_ITEM=fail)",
        )
        with self.workspace.write() as repositories:
            repositories.failed_items.add([failed])
        self.counts.failed += 1
        self.workspace.progress.advance(1)


def measured_cost(workspace: Workspace) -> ImportCost:
    """What importing has cost so far, in this process or in an earlier one."""
    with workspace.read() as repositories:
        return ImportCost(
            seconds_per_item=repositories.settings.get(SECONDS_PER_ITEM),
            seconds_per_request=repositories.settings.get(SECONDS_PER_REQUEST),
        )


def _unique_references(
    transform: TypeTransform, item: StagedItem
) -> dict[tuple[str, Reference], None]:
    pairs = transform.references(item.payload)
    return dict.fromkeys((source_field.name, reference) for source_field, reference in pairs)


def links_of(item: TransformedItem) -> list[DeferredLink]:
    """The item's links that are not set with it: to be set later, or never."""
    states = {
        **{(one.field, one.refers_to): LinkState.UNRESOLVABLE for one in item.dangling},
        **{(one.field, one.refers_to): LinkState.PENDING for one in item.deferred},
    }
    return [
        DeferredLink(
            entity_type_id=item.entity_type_id,
            source_id=SourceId(item.source_id),
            field=name,
            refers_to_entity_type_id=refers_to.entity_type_id,
            refers_to_source_id=SourceId(refers_to.item_id),
            state=state,
        )
        for (name, refers_to), state in states.items()
    ]
