"""Import everything the plan names: type after type, then the links that had to wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.correlation import CorrelationField
from migrator.domain.records import LinkState
from migrator.load.chunks import ChunkSize
from migrator.load.files import FileFetcher
from migrator.load.in_flight import InFlight
from migrator.load.items import LoadOptions, TypeImport
from migrator.load.ledger import ImportLedger, LoadCounts, measured_cost
from migrator.load.links import DeferredLinks
from migrator.load.matched import MatchedUpdates, keep_matched
from migrator.load.outlook import STAGE, ImportOutlook
from migrator.load.preparation import KnownItems
from migrator.outlook import Outlook
from migrator.plan.plan import (
    UPDATE_METHOD,
    Blueprint,
    ImportCost,
    target_type_setting,
)
from migrator.transform.item import build_transforms
from migrator.workspace import exported_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.bitrix.client import PortalClient
    from migrator.domain.vocabulary import EntityTypeId
    from migrator.workspace import Workspace


@dataclass(slots=True)
class LoadResult:
    by_type: dict[EntityTypeId, LoadCounts] = field(default_factory=dict)
    links_updated: int = 0


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
        InFlight(
            self._workspace,
            self._target,
            self._blueprint.target,
            self._known,
            self._options.request_cutoff_seconds,
        ).settle()
        pending = {t: self._pending(t) for t in self._blueprint.plan.order}
        outlook = self._outlook(pending)
        for entity_type_id, items in pending.items():
            if items:
                result.by_type[entity_type_id] = self._import(entity_type_id, items, outlook)
        result.links_updated = self._set_links()
        return result

    def _pending(self, entity_type_id: EntityTypeId) -> int:
        """How many items are to be created, and how many are to be taken over."""
        return self._to_create(entity_type_id) + self._matched(entity_type_id)

    def _to_create(self, entity_type_id: EntityTypeId) -> int:
        with self._workspace.read() as repositories:
            return repositories.items.to_import_count(
                entity_type_id, retry_failed=self._options.retry_failed
            )

    def _matched(self, entity_type_id: EntityTypeId) -> int:
        retry = self._options.retry_failed
        with self._workspace.read() as repositories:
            return repositories.matched_pairs.open_count(entity_type_id, retry_failed=retry)

    def _import(
        self, entity_type_id: EntityTypeId, pending: int, outlook: ImportOutlook
    ) -> LoadCounts:
        title = self._blueprint.source.entity_types[entity_type_id].title
        self._workspace.progress.begin(f"Importing {title}", pending)
        work = self._type_import(entity_type_id, outlook)
        has_matches = self._matched(entity_type_id) > 0
        if has_matches:
            self._take_over(work)
        if self._to_create(entity_type_id):
            existed = work.correlation.ensure()
            self._remember_target_type(entity_type_id)
            if existed and not has_matches:
                self._adopt(work)
            work.run()
        self._workspace.progress.end()
        return work.ledger.counts

    def _take_over(self, work: TypeImport) -> None:
        """Map what is the same in both portals, before anything refers to it.

        What was created by us comes first: of a lost migration, it is the nearer partner.
        """
        self._remember_target_type(work.transform.entity_type_id)
        if work.correlation.exists():
            self._adopt(work)
        if work.transform.entity_type_id not in self._blueprint.updates_matched:
            keep_matched(self._workspace, self._target, work.ledger)
            return
        MatchedUpdates(
            workspace=self._workspace,
            target=self._target,
            transform=work.transform,
            known=self._known,
            ledger=work.ledger,
            options=self._options,
        ).run()

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

    def _type_import(self, entity_type_id: EntityTypeId, outlook: ImportOutlook) -> TypeImport:
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
            chunk=ChunkSize(self._cost().seconds_per_item),
            outlook=outlook,
        )

    def _ledger(self, entity_type_id: EntityTypeId, target_type_id: EntityTypeId) -> ImportLedger:
        return ImportLedger(
            workspace=self._workspace,
            entity_type_id=entity_type_id,
            target_type_id=target_type_id,
            known=self._known,
        )

    def _cost(self) -> ImportCost:
        """What importing has cost so far, in this process or in an earlier one."""
        return measured_cost(self._workspace)

    def _outlook(self, pending: Mapping[EntityTypeId, int]) -> ImportOutlook:
        updates = self._blueprint.plan.updates
        return ImportOutlook(self._workspace, self._target, self._cost(), pending, updates)

    def _set_links(self) -> int:
        with self._workspace.read() as repositories:
            counts = repositories.deferred_links.counts()
        pending = sum(count for state, count in counts.items() if state is not LinkState.DONE)
        if not pending:
            return 0
        self._workspace.progress.begin("Setting deferred links", pending)
        outlook = Outlook(
            self._target,
            self._workspace.clock,
            self._workspace.progress,
            stage=STAGE,
            method=UPDATE_METHOD,
        )
        outlook.expect([counts.get(LinkState.PENDING, 0)])
        links = DeferredLinks(
            workspace=self._workspace,
            outlook=outlook,
            target=self._target,
            transforms=self._transforms,
            known=self._known,
        )
        done = links.run(retry_failed=self._options.retry_failed)
        self._workspace.progress.end()
        return done
