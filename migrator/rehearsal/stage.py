"""Rehearse: plan, import and verify against an emulated copy of the target; report what came."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from migrator.app import App
from migrator.bitrix.client import PortalClient
from migrator.bitrix.errors import PortalError
from migrator.bitrix.webhook import Webhook
from migrator.domain.mapping import Mapping as PortalMapping
from migrator.domain.structure import ElementKind, build_structure
from migrator.domain.vocabulary import EntityTypeId, Role, TargetId
from migrator.opening import BATCH_OF, limits_of
from migrator.plan.plan import (
    IMPORT_GRANTED,
    SECONDS_PER_ITEM,
    SECONDS_PER_REQUEST,
    ImportCost,
    estimate,
)
from migrator.plan.structure.phases import created_pairs
from migrator.planning.pairing_in_force import partners_in_force
from migrator.planning.stage import load_structures
from migrator.rehearsal.assumptions import list_assumptions
from migrator.rehearsal.contents import owner_counts, stage_counts
from migrator.rehearsal.likeness import SECRET, Assumptions, Likeness
from migrator.rehearsal.matched import bring_matched_items
from migrator.rehearsal.result import (
    Outcome,
    RehearsalResult,
    Requests,
)
from migrator.rehearsal.staging import Copying, own_folder, own_workspace
from migrator.rehearsal.stand_in import SourceFromStaging
from migrator.rehearsal.wire import InProcessPortal, RehearsalClock
from migrator.sandbox.disk import ItemFile
from migrator.staging.errors import StagingLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from migrator.bitrix.keyset import NewestItem
    from migrator.domain.records import StructureElement
    from migrator.domain.structure import Structure
    from migrator.plan.plan import Blueprint
    from migrator.plan.sample import Share
    from migrator.progress import Progress
    from migrator.sandbox import Portal
    from migrator.settings import Settings
    from migrator.workspace import Workspace

T = TypeVar("T")

#: How items are read, here and by the export.
_READING = f"{BATCH_OF}crm.item.list"


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalOptions:
    only: frozenset[EntityTypeId] = frozenset()
    #: None rehearses everything that is staged.
    share: Share | None = None
    #: Whether what the target lacks of the structure is made first, as `run --with-structure` does.
    with_structure: bool = True
    #: Whether the contents of files are fetched from the source.
    with_files: bool = False
    checks_required_fields: bool = False


class RehearsalProgress:
    """Tells that it is a rehearsal; nobody waits for the limits it is paced by."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.advance = progress.advance
        self.end = progress.end

    def begin(self, what: str, total: int | None) -> None:
        self._progress.begin(f"Rehearsal: {what}", total)

    def waiting(self, why: str, seconds: float) -> None: ...

    def left(self, stage: str, seconds: float) -> None: ...


class RehearsedApp(App):
    """The application between staging and the emulated target; the source is not asked again."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        source: PortalClient,
        target: PortalClient,
        *,
        real_target: PortalClient,
        profile: StructureElement,
    ) -> None:
        super().__init__(settings, workspace, source, target)
        self._real_target = real_target
        # What the real target was found to refuse, its copy may not know.
        self._profiles[Role.TARGET] = profile

    @property
    def asked_for_matches(self) -> PortalClient:
        """The emulated target holds no items of people."""
        return self._real_target

    def _stage_structure(self, role: Role) -> Structure:
        if role is Role.TARGET:
            return super()._stage_structure(role)
        source, _ = load_structures(self.workspace)
        return source


class Rehearsal:
    """Works from what `app` has exported; its target is only asked for its newest rows."""

    def __init__(self, app: App, options: RehearsalOptions) -> None:
        self._app = app
        self._options = options
        self._clock = RehearsalClock(app.workspace.clock.now())
        self._requests = Requests()
        self._seconds: dict[str, float] = {}

    def run(self) -> RehearsalResult:
        real = self._app.workspace
        with real.read() as repositories:
            elements = repositories.structure.load(Role.TARGET)
            cost = ImportCost(
                seconds_per_item=repositories.settings.get(SECONDS_PER_ITEM),
                seconds_per_request=repositories.settings.get(SECONDS_PER_REQUEST),
            )
            granted = repositories.settings.get(IMPORT_GRANTED, [])
            reading = repositories.request_log.operating_per_item(Role.SOURCE, _READING) or 0.0
        target = build_structure(elements)
        newest = self._newest(target)
        used_ids = self._used_ids(newest)
        assumed = Assumptions(
            limits=limits_of(self._app.settings.target),
            importable=frozenset(map(EntityTypeId, granted)),
            checks_required_fields=self._options.checks_required_fields,
            seconds_per_item=cost.of_an_item,
            seconds_per_item_read=reading,
        )
        host = self._app.client(Role.TARGET).webhook.host
        likeness = Likeness(host=host, elements=elements, newest=newest, used_ids=used_ids)
        with self._stage(likeness, assumed) as (portal, own):
            Copying(real, own).copy(self._options.share, self._types())
            with self._target(portal, assumed, cost) as client:
                work = RehearsedApp(
                    self._app.settings,
                    own,
                    self._source(own),
                    client,
                    real_target=self._app.client(Role.TARGET),
                    profile=next(e for e in elements if e.kind == ElementKind.PROFILE),
                )
                return self._rehearse(work, portal, used_ids, assumed)

    @contextmanager
    def _stage(
        self, likeness: Likeness, assumed: Assumptions
    ) -> Iterator[tuple[Portal, Workspace]]:
        """The emulated target and a staging database, both of which are gone afterwards.

        Raises: StagingLost where the disk is full.
        """
        real = self._app.workspace
        progress = RehearsalProgress(real.progress)
        with (
            own_folder(real) as folder,
            own_workspace(real, folder, self._clock, progress) as own,
            closing(ItemFile(folder / "target.db")) as items,
        ):
            portal = likeness.portal(assumed, self._clock, items.make_table)
            portal.files = items.make_file_store()
            portal.origin = self._app.client(Role.TARGET).webhook.origin
            try:
                yield portal, own
            except sqlite3.Error as error:
                raise StagingLost(
                    f"the emulated target cannot be kept in {folder}: {error}",
                    hint="make room on the disk, or rehearse a part: migrator rehearse --sample 5%",
                ) from None

    def _used_ids(
        self, newest: Mapping[EntityTypeId, NewestItem | None]
    ) -> dict[EntityTypeId, int]:
        """By entity type of the target, the highest id that is taken, or was before a deletion."""
        with self._app.workspace.read() as repositories:
            used: dict[EntityTypeId, int] = dict(repositories.id_map.highest_targets())
        for entity_type_id, row in newest.items():
            if row is not None:
                used[entity_type_id] = max(row.id, used.get(entity_type_id, 0))
        return used

    def _types(self) -> list[EntityTypeId]:
        with self._app.workspace.read() as repositories:
            staged = repositories.items.counts()
        return [t for t in staged if not self._options.only or t in self._options.only]

    def _newest(self, target: Structure) -> dict[EntityTypeId, NewestItem | None]:
        """The newest row of each type of the target that something goes to, as for a plan."""
        types = self._partners(target)
        rows = self._app.client(Role.TARGET).newest(types) if types else {}
        newest: dict[EntityTypeId, NewestItem | None] = {}
        for entity_type_id in types:
            row = rows[entity_type_id]
            if isinstance(row, PortalError):
                raise row
            newest[entity_type_id] = row
        return newest

    def _partners(self, target: Structure) -> list[EntityTypeId]:
        """The entity types of the target, as it is now, that staged items go to."""
        source, _ = load_structures(self._app.workspace)
        with self._app.workspace.read() as repositories:
            created = created_pairs(repositories.creations.load())
        pair_up = partners_in_force(self._app.settings.mapping, created)
        mapping = PortalMapping(pair_up(source, target))
        found = {mapping.target_type(one) for one in self._types()}
        return sorted(one for one in found if one is not None)

    def _target(self, portal: Portal, assumed: Assumptions, cost: ImportCost) -> PortalClient:
        hook = portal.webhook_of(None)
        return PortalClient(
            Webhook(f"{portal.origin}/rest/{hook.user_id}/{SECRET}/"),
            assumed.limits,
            clock=self._clock,
            adapter=InProcessPortal(portal, self._clock, seconds_per_request=cost.beside),
            on_request=self._requests.count,
        )

    def _source(self, own: Workspace) -> PortalClient:
        source = self._app.client(Role.SOURCE)
        return source if self._options.with_files else SourceFromStaging(source.webhook, own)

    def _rehearse(
        self,
        work: App,
        portal: Portal,
        used_ids: Mapping[EntityTypeId, int],
        assumed: Assumptions,
    ) -> RehearsalResult:
        only = self._options.only
        structure = None
        if self._options.with_structure:
            structure = self._timed("structure", work.apply_structure)
        blueprint = self._timed("plan", lambda: work.plan(only))
        whole = self._whole(work, blueprint)
        outcome = None
        if not blueprint.plan.blocking:
            above = self._there_before(work, blueprint, used_ids)
            bring_matched_items(work.workspace, blueprint, self._app.client(Role.TARGET), portal)
            self._timed("import", lambda: work.load(blueprint))
            self._timed("verify", lambda: work.verify(only, above))
            outcome = self._outcome(work, portal, blueprint, used_ids)
        with work.workspace.read() as repositories:
            copied = repositories.items.counts()
        return RehearsalResult(
            migration=self._app.migration,
            share=self._options.share,
            items=sum(copied[t] for t in self._types()),
            staged_items=self._staged(),
            types=only,
            blueprint=blueprint,
            structure=structure,
            outcome=outcome,
            requests=self._requests,
            seconds=self._seconds,
            whole_import_seconds=whole,
            limits=assumed.limits,
            assumptions=self._told(blueprint, assumed),
        )

    def _timed(self, stage: str, work: Callable[[], T]) -> T:
        begun = self._clock.monotonic()
        done = work()
        self._seconds[stage] = self._clock.monotonic() - begun
        return done

    def _there_before(
        self, work: App, blueprint: Blueprint, used_ids: Mapping[EntityTypeId, int]
    ) -> dict[EntityTypeId, TargetId]:
        """The highest target id of each source type that the rehearsal has not made itself.

        Items that are in the real target already are not in the emulated one to be compared.
        """
        found = {}
        with work.workspace.read() as repositories:
            for entity_type_id in blueprint.plan.order:
                if repositories.id_map.count(entity_type_id):
                    partner = blueprint.mapping.target_type(entity_type_id)
                    used = used_ids.get(partner, 0) if partner is not None else 0
                    found[entity_type_id] = TargetId(used)
        return found

    def _outcome(
        self,
        work: App,
        portal: Portal,
        blueprint: Blueprint,
        used_ids: Mapping[EntityTypeId, int],
    ) -> Outcome:
        name = self._app.migration.name
        audit = work.workspace.staging.audit
        return Outcome(
            progress=audit.run("progress", migration=name),
            findings=audit.run("findings", migration=name),
            failed_items=audit.run("failed-items", migration=name),
            differences=audit.run("differences", migration=name),
            unresolved=audit.run("unresolved-references", migration=name),
            stages=list(stage_counts(portal, blueprint, used_ids)),
            owners=list(owner_counts(portal, blueprint, used_ids)),
        )

    def _staged(self) -> int:
        with self._app.workspace.read() as repositories:
            counts = repositories.items.counts()
        return sum(counts[t] for t in self._types())

    def _whole(self, work: App, blueprint: Blueprint) -> float | None:
        """What the import of everything would take, from what the sample has."""
        if self._options.share is None:
            return None
        with self._app.workspace.read() as repositories:
            to_import = [repositories.items.to_import_count(t) for t in self._types()]
            cost = ImportCost(
                seconds_per_item=repositories.settings.get(SECONDS_PER_ITEM),
                seconds_per_request=repositories.settings.get(SECONDS_PER_REQUEST),
            )
        sampled = sum(row.to_import for row in blueprint.plan.types)
        updates = round(blueprint.plan.updates * sum(to_import) / sampled) if sampled else 0
        allowance = work.client(Role.TARGET).allowance()
        return estimate(to_import, updates, cost, allowance).duration.total_seconds()

    def _told(self, blueprint: Blueprint, assumed: Assumptions) -> list[str]:
        with self._app.workspace.read() as repositories:
            measured = repositories.settings.get(SECONDS_PER_ITEM)
            in_doubt = sum(len(batch.items) for batch in repositories.batches.in_flight())
        return list_assumptions(
            assumed,
            blueprint,
            is_measured=measured is not None,
            in_doubt=in_doubt,
            with_files=self._options.with_files,
        )
