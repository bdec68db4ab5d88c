"""Requests that were under way when a process died: what became of them, asked of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.correlation import CorrelationField
from migrator.domain.errors import TerminalError
from migrator.domain.vocabulary import EntityTypeId
from migrator.load.ledger import ImportLedger, measured_cost
from migrator.load.requests import ImportMethod
from migrator.load.settlement import Settlement
from migrator.plan.plan import target_type_setting

if TYPE_CHECKING:
    from datetime import datetime

    from migrator.bitrix.client import PortalClient
    from migrator.domain.records import InFlightBatch
    from migrator.domain.structure import Structure
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
        correlation = self._correlation(entity_type_id, target_type_id)
        settlement = Settlement(self._workspace, entity_type_id, correlation, self._cutoff_seconds)
        ledger = ImportLedger(
            workspace=self._workspace,
            entity_type_id=entity_type_id,
            target_type_id=target_type_id,
            known=self._known,
        )
        for batch in batches:
            outcomes, findings = settlement.outcomes(batch.items, noticed_at)
            method = ImportMethod(batch.method)
            cost = measured_cost(self._workspace)
            ledger.record(batch.batch_id, method, outcomes, findings, cost)

    def _correlation(
        self, entity_type_id: EntityTypeId, target_type_id: EntityTypeId
    ) -> CorrelationField:
        target_type = self._structure.entity_types.get(target_type_id)
        if target_type is None:
            raise CannotSettle(
                f"requests for entity type {entity_type_id} are in flight, but the target has no "
                f"type {target_type_id} any more",
                hint="migrator audit --sql \"SELECT * FROM import_batch WHERE state <> 'settled'\"",
            )
        fields = self._structure.fields[target_type_id]
        correlation = CorrelationField(self._target, target_type, fields, self._workspace.clock)
        if not correlation.exists():
            raise CannotSettle(
                f"requests for '{target_type.title}' are in flight, but the target's user field "
                f"{correlation.name}, which tells what became of them, is gone",
                hint="restore the field with its values, or check by hand which items arrived: "
                "migrator audit --sql \"SELECT * FROM import_batch WHERE state <> 'settled'\"",
            )
        return correlation
