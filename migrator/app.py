"""A migration's commands: each joins the stages that it needs.

Nothing here prints or decides on exit codes: that is the command line's part.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from migrator.bitrix.errors import ItemRefused, PortalError
from migrator.check.disk import read_disk
from migrator.check.stage import Check, CheckOptions
from migrator.domain.findings import FindingKind, Phase
from migrator.domain.mapping import PairKey, PairKind
from migrator.domain.policy import OnUnmappedUser, WithoutImportRight
from migrator.domain.records import (
    LinkState,
    MatchCandidate,
    Migration,
    Origin,
    SaveCounts,
    StructureElement,
)
from migrator.domain.structure import build_structure, read_as_profile
from migrator.domain.undoing import KeepReason, KeptItem
from migrator.domain.vocabulary import EntityTypeId, Role, TargetId
from migrator.export.items import ItemExport
from migrator.export.profile import PortalNotUsable, read_profile
from migrator.export.structure import read_structure
from migrator.load.in_flight import InFlight
from migrator.load.items import LoadOptions
from migrator.load.preparation import KnownItems
from migrator.load.stage import Load, LoadResult
from migrator.plan.blocked import BlockedByFindings
from migrator.plan.check.facts import Policies, Refusal
from migrator.plan.check.judge import in_order, unreachable
from migrator.plan.check.report import CheckReport, PortalState
from migrator.plan.check.structure import (
    judge_structure,
    structure_not_compared,
    structure_refused,
)
from migrator.plan.portal_rights import judge_profile
from migrator.plan.structure.phases import created_pairs
from migrator.planning.mapping_file import MappingFile, MappingFileError, read_mapping_file
from migrator.planning.pairing_in_force import (
    pairs_in_force,
    partners_in_force,
    refuse_mistakes,
)
from migrator.planning.sample import SampleDrawing
from migrator.planning.stage import Planning, PlanOptions, load_structures
from migrator.planning.staged_export import (
    require_export,
    require_types,
    require_whole_export,
)
from migrator.structure.execution import settle_creations
from migrator.structure.stage import ApplyResult, StructureNotReadable, StructureStage
from migrator.undo.stage import Undo, UndoOptions, UndoResult, require_no_undo
from migrator.verify.stage import Verify, VerifyCounts
from migrator.workspace import Workspace, staged_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.bitrix.client import PortalClient
    from migrator.domain.structure import Structure
    from migrator.plan.check.line import Line
    from migrator.plan.plan import Blueprint
    from migrator.plan.sample import Share
    from migrator.plan.structure.lines import StructureDiff
    from migrator.planning.sample import DrawnSample
    from migrator.settings import Settings

#: How many candidates of an entity type are written into a mapping file at once.
_WRITTEN_MATCHES = 1000


class App:
    """One migration between two portals, with everything it needs at hand."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        source: PortalClient,
        target: PortalClient,
    ) -> None:
        self.settings = settings
        self.workspace = workspace
        self._clients = {Role.SOURCE: source, Role.TARGET: target}
        self._profiles: dict[Role, StructureElement] = {}
        self._structures: dict[Role, Structure] = {}

    @property
    def migration(self) -> Migration:
        return self.workspace.migration

    def client(self, role: Role) -> PortalClient:
        return self._clients[role]

    def check(self) -> list[PortalState]:
        """Ask both portals who the webhooks speak for. Raises: PortalNotUsable, PortalError."""
        return [self._sign_in(role) for role in self._clients]

    def check_everything(self) -> CheckReport:
        """Ask both portals all that a migration should know beforehand; keeps nothing of it.

        A portal that cannot be used is a line of the report.

        Raises: PortalError where a portal fails on the way, ProbeAccepted, MappingFileError.
        """
        before = len(self.workspace.requests)
        created = self._created()
        file = self._mapping_file()
        options = CheckOptions(
            policies=Policies(
                on_late_item=self.settings.on_late_item,
                on_unmapped_user=self.settings.on_unmapped_user,
                without_import_right=self.settings.without_import_right,
            ),
            pair_up=partners_in_force(self.settings.mapping, created),
            filtered=file.filtered,
            rates=file.currency_rates,
            filters_of=file.item_filters,
            disk=read_disk(self.workspace.staging),
        )
        states: list[PortalState] = []
        lines: list[Line] = []
        for role in self._clients:
            try:
                states.append(self._sign_in(role))
            except (PortalNotUsable, PortalError) as error:
                lines.append(unreachable(role, Refusal(message=error.message, hint=error.hint)))
        signed_in = {one.role: (self._clients[one.role], one.profile) for one in states}
        lines += Check(self.workspace, options).run(signed_in)
        if len(signed_in) == len(Role):
            lines.append(self._structure_line())
        requests = len(self.workspace.requests) - before
        return CheckReport(portals=tuple(states), lines=tuple(in_order(lines)), requests=requests)

    def _structure_line(self) -> Line:
        """Compare both portals' structure; unlike `structure_diff` nothing of it is kept."""
        self.workspace.progress.begin("Comparing the structure", None)
        try:
            elements = {}
            for role in Role:
                elements[role] = self._read_structure(role)
                self.workspace.progress.advance(1)
            stage = StructureStage(
                self.workspace,
                self._clients[Role.TARGET],
                source=elements[Role.SOURCE],
                read_target=lambda: elements[Role.TARGET],
                pair_up=pairs_in_force(self.settings.mapping),
            )
            return judge_structure(stage.diff())
        except (MappingFileError, PortalNotUsable) as error:
            return structure_refused(Refusal(message=error.message, hint=error.hint))
        except (ItemRefused, StructureNotReadable) as error:
            return structure_not_compared(Refusal(message=error.message, hint=error.hint))
        finally:
            self.workspace.progress.end()

    def _sign_in(self, role: Role) -> PortalState:
        client = self._clients[role]
        self._profiles[role] = element = read_profile(client)
        profile = read_as_profile(element)
        may_go = self.settings.without_import_right is WithoutImportRight.ADD
        remarks = tuple(judge_profile(role, profile, history_may_go=may_go))
        return PortalState(role=role, host=client.webhook.host, profile=profile, remarks=remarks)

    def export(
        self, only: frozenset[EntityTypeId] = frozenset(), *, refresh: bool = False
    ) -> SaveCounts:
        """Stage both portals' structure, and the items that the mapping file takes.

        Raises: MappingFileError, FilterRefused.
        """
        source = self._stage_structure(Role.SOURCE)
        target = self._stage_structure(Role.TARGET)
        require_types(source, only)
        file = self._mapping_file()
        created = self._created()
        # A mistake in the file is told now, and not after hours of reading.
        refuse_mistakes(file, source, target, created)
        wanted = [t for t in source.entity_types if not only or t in only]
        types = [t for t in wanted if t not in file.left_out]
        filters = file.item_filters(source)
        export = ItemExport(self.workspace, self._clients[Role.SOURCE], source, filters)
        return export.run(types, refresh=refresh)

    def _created(self) -> Mapping[PairKey, str]:
        """What `structure apply` has made in the target."""
        with self.workspace.read() as repositories:
            return created_pairs(repositories.creations.load())

    def _mapping_file(self) -> MappingFile:
        path = self.settings.mapping
        return read_mapping_file(path) if path is not None else MappingFile(Path())

    def structure_diff(self) -> StructureDiff:
        """Compare both portals' structure as it is now. Raises: as `apply_structure`."""
        return self._structure_stage().diff()

    def apply_structure(self, *, dry_run: bool = False) -> ApplyResult:
        """Create in the target what is missing of the source's structure, and nothing else.

        Raises: StructureNotReadable, StructureConflicts, MappingFileError, before anything is
        written to the target.
        """
        return self._structure_stage().apply(dry_run=dry_run)

    def _structure_stage(self) -> StructureStage:
        self._stage_structure(Role.SOURCE)
        with self.workspace.read() as repositories:
            source = repositories.structure.load(Role.SOURCE)
        return StructureStage(
            self.workspace,
            self._clients[Role.TARGET],
            source=source,
            read_target=self._read_target_anew,
            pair_up=pairs_in_force(self.settings.mapping),
            cutoff_seconds=self.settings.target.request_cutoff_seconds,
        )

    def _read_target_anew(self) -> list[StructureElement]:
        self._structures.pop(Role.TARGET, None)
        self._stage_structure(Role.TARGET)
        with self.workspace.read() as repositories:
            return repositories.structure.load(Role.TARGET)

    def plan(
        self, only: frozenset[EntityTypeId] = frozenset(), *, retry_failed: bool = False
    ) -> Blueprint:
        """Make the plan from what is staged and from how the target is now.

        Raises: NothingExported, MappingFileError.
        """
        require_export(self.workspace)
        require_whole_export(self.workspace, self._mapping_file(), only)
        self._stage_structure(Role.TARGET)
        settings = self.settings
        options = PlanOptions(
            mapping_path=settings.mapping,
            unmapped_users_block=settings.on_unmapped_user is OnUnmappedUser.BLOCK,
            on_late=settings.on_late_item,
            add_without_import_right=settings.without_import_right is WithoutImportRight.ADD,
            only=only,
            retry_failed=retry_failed,
        )
        return Planning(
            self.workspace,
            self._clients[Role.TARGET],
            options,
            asked_for_matches=self.asked_for_matches,
        ).run()

    @property
    def asked_for_matches(self) -> PortalClient:
        """The portal in which items are looked for that are there already."""
        return self._clients[Role.TARGET]

    def draw_sample(self, share: Share, only: frozenset[EntityTypeId] = frozenset()) -> DrawnSample:
        """From now on, plan and import the sample only; drawn where there is none on record.

        Raises: NothingExported.
        """
        require_export(self.workspace)
        require_whole_export(self.workspace, self._mapping_file(), only)
        source, _ = load_structures(self.workspace)
        self.workspace.sampled = False
        drawn = SampleDrawing(self.workspace, source).ensure(share, only or source.entity_types)
        self.workspace.sampled = True
        return drawn

    def load(self, blueprint: Blueprint, *, retry_failed: bool = False) -> LoadResult:
        """Import what the plan names.

        Raises: BlockedByFindings, UndoUnfinished; before anything is written.
        """
        if blueprint.plan.blocking:
            raise BlockedByFindings(blueprint)
        require_no_undo(self.workspace)
        options = LoadOptions(
            on_late=self.settings.on_late_item,
            largest_request_bytes=self.settings.largest_request_bytes,
            request_cutoff_seconds=self.settings.target.request_cutoff_seconds,
            retry_failed=retry_failed,
        )
        source, target = self._clients[Role.SOURCE], self._clients[Role.TARGET]
        return Load(self.workspace, source, target, blueprint, options).run()

    def verify(
        self,
        only: frozenset[EntityTypeId] = frozenset(),
        above: Mapping[EntityTypeId, TargetId] | None = None,
    ) -> VerifyCounts:
        """Compare the target with staging, by the mapping of the last plan.

        `above` leaves out items of a source type up to a target id.
        """
        require_export(self.workspace)
        source, target = load_structures(self.workspace)
        require_types(source, only)
        with self.workspace.read() as repositories:
            mapping = staged_mapping(repositories)
        client = self._clients[Role.TARGET]
        verify = Verify(self.workspace, client, source, target, mapping)
        return verify.run(sorted(only), above)

    def undo(self, options: UndoOptions) -> UndoResult:
        """Take back what this migration made in the target, or only find out what that is.

        The source is not asked for anything. Raises: NothingExported, CannotSettle.
        """
        require_export(self.workspace)
        source, _ = load_structures(self.workspace)
        require_types(source, options.only)
        client, target = self._clients[Role.TARGET], self._stage_structure(Role.TARGET)
        with self.workspace.read() as repositories:
            mapping = staged_mapping(repositories)
        cutoff = self.settings.target.request_cutoff_seconds
        known = KnownItems(mapping, frozenset())
        InFlight(self.workspace, client, target, known, cutoff).settle()
        if options.with_structure:
            settle_creations(self.workspace, client, cutoff)
        return Undo(self.workspace, client, source, target, mapping, options).run()

    def kept_items(self, limit: int | None = None) -> list[KeptItem]:
        """What the last undo has left in the target, matched items aside."""
        with self.workspace.read() as repositories:
            return repositories.kept_items.list(without=[KeepReason.MATCHED], limit=limit)

    def moved_types(self) -> frozenset[EntityTypeId]:
        """Entity types that have a partner in the target by the last plan."""
        with self.workspace.read() as repositories:
            mapping = staged_mapping(repositories)
        kinds = (p for p in mapping if p.kind is PairKind.ENTITY_TYPE and p.target_key is not None)
        return frozenset(EntityTypeId(int(pair.source_key)) for pair in kinds)

    def late_items(self) -> int:
        """How many imported items came later than the target permits to keep their dates."""
        with self.workspace.read() as repositories:
            return repositories.findings.items_with(Phase.IMPORT, FindingKind.LATE_ITEM)

    def ambiguous_matches(self) -> list[MatchCandidate]:
        """What of the last plan's matches the operator has to answer."""
        with self.workspace.read() as repositories:
            types = sorted(repositories.matches.types())
            found = (repositories.matches.ambiguous(t, _WRITTEN_MATCHES) for t in types)
            return [one for of_type in found for one in of_type]

    def matched_items(self) -> int:
        """How many items have a partner that was in the target before the migration."""
        with self.workspace.read() as repositories:
            return repositories.id_map.count_of(Origin.MATCHED)

    def link_counts(self, only: frozenset[EntityTypeId] = frozenset()) -> dict[LinkState, int]:
        """How many deferred links there are, by state."""
        with self.workspace.read() as repositories:
            return repositories.deferred_links.counts(only)

    def _read_structure(self, role: Role) -> list[StructureElement]:
        stop = self.workspace.check_stop
        return read_structure(self._clients[role], self._profiles[role], stop)

    def _stage_structure(self, role: Role) -> Structure:
        """Read a portal's structure, once in the life of this object."""
        if role in self._structures:
            return self._structures[role]
        if role not in self._profiles:
            self._profiles[role] = read_profile(self._clients[role])
        elements = self._read_structure(role)
        with self.workspace.write() as repositories:
            repositories.structure.save(role, elements)
        self._structures[role] = build_structure(elements)
        return self._structures[role]
