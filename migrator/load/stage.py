"""Import everything the plan names: type after type, then the links that had to wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.correlation import CorrelationField
from migrator.domain.errors import TerminalError
from migrator.domain.records import LinkState
from migrator.domain.vocabulary import EntityTypeId
from migrator.load.chunks import ChunkSize
from migrator.load.files import FileFetcher
from migrator.load.items import LoadOptions, TypeImport
from migrator.load.ledger import ImportLedger, LoadCounts
from migrator.load.links import DeferredLinks, LinkCounts
from migrator.load.preparation import KnownItems
from migrator.load.requests import ImportMethod
from migrator.load.settlement import Settlement
from migrator.plan.plan import SECONDS_PER_ITEM, Blueprint, target_type_setting
from migrator.transform.item import build_transforms
from migrator.workspace import exported_types

if TYPE_CHECKING:
    from datetime import datetime

    from migrator.bitrix.client import PortalClient
    from migrator.domain.records import InFlightBatch
    from migrator.workspace import Workspace


@dataclass(slots=True)
class LoadResult:
    by_type: dict[EntityTypeId, LoadCounts] = field(default_factory=dict)
    links: LinkCounts = field(default_factory=LinkCounts)


class CannotSettle(TerminalError):
    """What became of requests in flight cannot be found out; sending again could double items."""

    reference = "cannot-settle"


class Load:
    """Imports into the target what a blueprint says; whatever is done already is left alone."""

    def __init__(
        self,
        workspace: Workspace,
        source: PortalClient,
        target: PortalClient,
        blueprint: Blueprint,
        options: LoadOptions,
    ) -> None:
        self._workspace = workspace
        self._source = source
        self._target = target
        self._blueprint = blueprint
        self._options = options
        self._transforms = build_transforms(blueprint.source, blueprint.target, blueprint.mapping)
        with workspace.read() as repositories:
            exported = exported_types(repositories)
        self._known = KnownItems(blueprint.mapping, exported)

    def run(self) -> LoadResult:
        """Settle what was under way, import type after type, set deferred links."""
        result = LoadResult()
        self._settle_in_flight()
        for entity_type_id in self._blueprint.plan.order:
            pending = self._pending(entity_type_id)
            if pending:
                result.by_type[entity_type_id] = self._import(entity_type_id, pending)
        result.links = self._set_links()
        return result

    def _in_flight(self) -> dict[EntityTypeId, list[InFlightBatch]]:
        found: dict[EntityTypeId, list[InFlightBatch]] = {}
        with self._workspace.read() as repositories:
            for batch in repositories.batches.in_flight():
                found.setdefault(batch.entity_type_id, []).append(batch)
        return found

    def _pending(self, entity_type_id: EntityTypeId) -> int:
        with self._workspace.read() as repositories:
            return repositories.items.to_import_count(
                entity_type_id, retry_failed=self._options.retry_failed
            )

    def _settle_in_flight(self) -> None:
        """Requests under way when a process died, of whatever type this run is narrowed to."""
        noticed_at = self._workspace.clock.now()
        for entity_type_id, batches in self._in_flight().items():
            items = sum(len(batch.items) for batch in batches)
            self._workspace.progress.begin("Settling requests in flight", items)
            self._settle_type(entity_type_id, batches, noticed_at)
            self._workspace.progress.end()

    def _settle_type(
        self, entity_type_id: EntityTypeId, batches: list[InFlightBatch], noticed_at: datetime
    ) -> None:
        """Settle where the requests went, whatever the mapping says of the type by now."""
        with self._workspace.read() as repositories:
            remembered = repositories.settings.get(target_type_setting(entity_type_id))
        target_type_id = EntityTypeId(int(remembered or 0))
        target_type = self._blueprint.target.entity_types.get(target_type_id)
        if target_type is None:
            raise CannotSettle(
                f"requests for entity type {entity_type_id} are in flight, but the target has no "
                f"type {target_type_id} any more",
                hint="migrator audit --sql \"SELECT * FROM import_batch WHERE state <> 'settled'\"",
            )
        fields = self._blueprint.target.fields[target_type_id]
        correlation = CorrelationField(self._target, target_type, fields, self._workspace.clock)
        if not correlation.exists():
            raise CannotSettle(
                f"requests for '{target_type.title}' are in flight, but the target's user field "
                f"{correlation.name}, which tells what became of them, is gone",
                hint="restore the field with its values, or check by hand which items arrived: "
                "migrator audit --sql \"SELECT * FROM import_batch WHERE state <> 'settled'\"",
            )
        settlement = Settlement(
            self._workspace, entity_type_id, correlation, self._options.request_cutoff_seconds
        )
        ledger = self._ledger(entity_type_id, target_type_id)
        for batch in batches:
            outcomes, findings = settlement.outcomes(batch.items, noticed_at)
            method = ImportMethod(batch.method)
            ledger.record(batch.batch_id, method, outcomes, findings, self._seconds_per_item())

    def _import(self, entity_type_id: EntityTypeId, pending: int) -> LoadCounts:
        title = self._blueprint.source.entity_types[entity_type_id].title
        self._workspace.progress.begin(f"Importing {title}", pending)
        work = self._type_import(entity_type_id)
        existed = work.correlation.ensure()
        self._remember_target_type(entity_type_id)
        if existed:
            self._adopt(work)
        counts = work.run()
        self._workspace.progress.end()
        return counts

    def _remember_target_type(self, entity_type_id: EntityTypeId) -> None:
        """From now on items of this type are in that type of the target, whatever mappings say."""
        target_type = self._transforms[entity_type_id].target_type_id
        with self._workspace.write() as repositories:
            repositories.settings.set(target_type_setting(entity_type_id), target_type)

    def _adopt(self, work: TypeImport) -> None:
        """Take over what an earlier migration from this source has left in the target.

        Its staging database may be lost, or this migration may have another name: the items carry
        where they came from, and sending them again would double them.
        """
        entity_type_id = work.transform.entity_type_id
        for found in work.correlation.scan(self._workspace.migration, entity_type_id):
            work.ledger.adopt(found, work.transform)

    def _type_import(self, entity_type_id: EntityTypeId) -> TypeImport:
        blueprint, transform = self._blueprint, self._transforms[entity_type_id]
        profile = blueprint.target.profile
        target_type = blueprint.target.entity_types[transform.target_type_id]
        may_import = entity_type_id not in blueprint.without_import_right
        return TypeImport(
            workspace=self._workspace,
            ledger=self._ledger(entity_type_id, transform.target_type_id),
            target=self._target,
            files=FileFetcher(self._source, transform),
            transform=transform,
            correlation=CorrelationField(
                self._target, target_type, transform.target_fields, self._workspace.clock
            ),
            known=self._known,
            options=self._options,
            may_import=may_import,
            keeps_history=may_import and profile is not None and profile.is_admin,
            chunk=ChunkSize(self._seconds_per_item()),
        )

    def _ledger(self, entity_type_id: EntityTypeId, target_type_id: EntityTypeId) -> ImportLedger:
        return ImportLedger(
            workspace=self._workspace,
            entity_type_id=entity_type_id,
            target_type_id=target_type_id,
            known=self._known,
        )

    def _seconds_per_item(self) -> float | None:
        with self._workspace.read() as repositories:
            measured: float | None = repositories.settings.get(SECONDS_PER_ITEM)
        return measured

    def _set_links(self) -> LinkCounts:
        with self._workspace.read() as repositories:
            counts = repositories.deferred_links.counts()
        pending = sum(count for state, count in counts.items() if state is not LinkState.DONE)
        if not pending:
            return LinkCounts()
        self._workspace.progress.begin("Setting deferred links", pending)
        links = DeferredLinks(
            workspace=self._workspace,
            target=self._target,
            transforms=self._transforms,
            known=self._known,
        )
        done = links.run(retry_failed=self._options.retry_failed)
        self._workspace.progress.end()
        return done
