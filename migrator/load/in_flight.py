"""Requests that were under way when a process died: what became of them, asked of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.bitrix.errors import ItemRefused, NotFound
from migrator.correlation import CorrelationField
from migrator.domain.errors import TerminalError
from migrator.domain.records import BatchOutcome, ItemOutcome
from migrator.domain.vocabulary import EntityTypeId
from migrator.load.ledger import ImportLedger, measured_cost
from migrator.load.requests import ImportMethod
from migrator.load.settlement import Settlement
from migrator.plan.plan import target_type_setting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from migrator.bitrix.client import PortalClient
    from migrator.domain.findings import Finding
    from migrator.domain.records import BatchItem, InFlightBatch
    from migrator.domain.structure import EntityType, Structure
    from migrator.load.preparation import KnownItems
    from migrator.workspace import Workspace


class CannotSettle(TerminalError):
    """What became of requests in flight cannot be found out; sending again could double items."""

    reference = "cannot-settle"


class InFlight:
    """Settles requests of every entity type, whatever a command is narrowed to."""

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        structure: Structure,
        known: KnownItems,
        cutoff_seconds: float,
    ) -> None:
        self._workspace = workspace
        self._target = target
        self._structure = structure
        self._known = known
        self._cutoff_seconds = cutoff_seconds

    def settle(self) -> None:
        """Put on record what is in the target of them. Raises: CannotSettle."""
        noticed_at = self._workspace.clock.now()
        for entity_type_id, batches in self._by_type().items():
            items = sum(len(batch.items) for batch in batches)
            self._workspace.progress.begin("Settling requests in flight", items)
            self._settle_type(entity_type_id, batches, noticed_at)
            self._workspace.progress.end()

    def _by_type(self) -> dict[EntityTypeId, list[InFlightBatch]]:
        found: dict[EntityTypeId, list[InFlightBatch]] = {}
        with self._workspace.read() as repositories:
            for batch in repositories.batches.in_flight():
                found.setdefault(batch.entity_type_id, []).append(batch)
        return found

    def _settle_type(
        self, entity_type_id: EntityTypeId, batches: list[InFlightBatch], noticed_at: datetime
    ) -> None:
        """Settle where the requests went, whatever the mapping says of the type by now."""
        with self._workspace.read() as repositories:
            remembered = repositories.settings.get(target_type_setting(entity_type_id))
        target_type_id = EntityTypeId(int(remembered or 0))
        outcomes_of = self._outcomes(entity_type_id, target_type_id)
        ledger = ImportLedger(
            workspace=self._workspace,
            entity_type_id=entity_type_id,
            target_type_id=target_type_id,
            known=self._known,
        )
        for batch in batches:
            outcomes, findings = outcomes_of(batch.items, noticed_at)
            method = ImportMethod(batch.method)
            cost = measured_cost(self._workspace)
            ledger.record(batch.batch_id, method, outcomes, findings, cost)

    def _outcomes(
        self, entity_type_id: EntityTypeId, target_type_id: EntityTypeId
    ) -> Callable[[Sequence[BatchItem], datetime], tuple[list[ItemOutcome], list[Finding]]]:
        target_type = self._structure.entity_types.get(target_type_id)
        if target_type is not None:
            correlation = self._correlation(target_type)
            return Settlement(
                self._workspace, entity_type_id, correlation, self._cutoff_seconds
            ).outcomes
        if not self._is_gone(target_type_id):
            raise CannotSettle(
                f"requests for entity type {entity_type_id} are in flight, and the webhook of the "
                f"target may not see type {target_type_id} any more, where they went",
                hint="give its user the right to read that type, then run it again",
            )
        return _gone_with_their_type

    def _is_gone(self, target_type_id: EntityTypeId) -> bool:
        """Asked by itself: a list of types may lack what the webhook's user may not see."""
        try:
            self._target.call("crm.item.fields", {"entityTypeId": target_type_id})
        except ItemRefused as error:
            return isinstance(error, NotFound)
        return False

    def _correlation(self, target_type: EntityType) -> CorrelationField:
        fields = self._structure.fields[target_type.entity_type_id]
        correlation = CorrelationField(self._target, target_type, fields, self._workspace.clock)
        if not correlation.exists():
            raise CannotSettle(
                f"requests for '{target_type.title}' are in flight, but the target's user field "
                f"{correlation.name}, which tells what became of them, is gone",
                hint="restore the field with its values, or check by hand which items arrived: "
                "migrator audit --sql \"SELECT * FROM import_batch WHERE state <> 'settled'\"",
            )
        return correlation


def _gone_with_their_type(
    items: Sequence[BatchItem], _: datetime
) -> tuple[list[ItemOutcome], list[Finding]]:
    """Somebody has deleted the type: whatever arrived there is gone, and no more can come."""
    gone = BatchOutcome.ABSENT
    return [ItemOutcome(source_id=item.source_id, outcome=gone) for item in items], []
