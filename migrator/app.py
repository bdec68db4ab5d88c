"""The composition root: settings in, a migration's commands out; the only place that wires them.

Nothing here prints or decides on exit codes: that is the command line's part.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from migrator.bitrix.client import PortalClient
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.records import RequestRecord, Wait, WaitReason
from migrator.bitrix.webhook import Webhook
from migrator.clock import SystemClock
from migrator.domain.errors import UsageError
from migrator.domain.findings import FindingKind, Phase
from migrator.domain.mapping import Mapping as PortalMapping
from migrator.domain.mapping import PairKind
from migrator.domain.policy import OnUnmappedUser, WithoutImportRight
from migrator.domain.records import LinkState, Migration, RequestEntry, SaveCounts, StructureElement
from migrator.domain.structure import build_structure
from migrator.domain.vocabulary import EntityTypeId, Role
from migrator.export.items import ItemExport
from migrator.export.structure import read_profile, read_structure
from migrator.interrupt import InterruptibleClock, StopRequest
from migrator.load.items import LoadOptions
from migrator.load.stage import Load, LoadResult
from migrator.plan.portal_rights import judge_profile
from migrator.planning.stage import Planning, PlanOptions, load_structures
from migrator.progress import Progress, Silent
from migrator.staging import Staging
from migrator.verify.stage import Verify, VerifyCounts
from migrator.workspace import Workspace, exported_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from migrator.clock import Clock
    from migrator.domain.findings import Finding
    from migrator.domain.structure import Profile, Structure
    from migrator.plan.plan import Blueprint
    from migrator.settings import PortalSettings, Settings

logger = logging.getLogger(__name__)

_WAITS = {
    WaitReason.RATE: "the request rate of {portal}",
    WaitReason.OPERATING: "the execution budget of {method} on {portal}",
    WaitReason.TROUBLE: "{portal} to recover",
}


#: How many blocking findings an error message lists.
_SHOWN = 20


class NothingExported(UsageError):
    """The staging database holds nothing of the source yet."""

    reference = "nothing-exported"


class UnknownMigration(UsageError):
    """The staging database holds no migration of that name."""

    reference = "unknown-migration"


class BlockedByFindings(UsageError):
    """The plan has findings that must be answered before anything is written."""

    reference = "blocked"

    def __init__(self, blueprint: Blueprint) -> None:
        count = len(blueprint.plan.blocking)
        noun = "finding blocks" if count == 1 else "findings block"
        shown = blueprint.plan.blocking[:_SHOWN]
        listed = "".join(f"\n  {f.kind.value}: {f.detail}" for f in shown)
        if count > _SHOWN:
            listed += f"\n  and {count - _SHOWN} more: migrator plan"
        super().__init__(
            f"{count} {noun} the import; nothing was written to the target:{listed}",
            hint=blueprint.plan.blocking[0].hint,
        )
        self.blueprint = blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalState:
    """What `check` tells of one portal."""

    role: Role
    host: str
    profile: Profile
    remarks: tuple[Finding, ...]


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

    def check(self) -> list[PortalState]:
        """Ask both portals who the webhooks speak for. Raises: PortalNotUsable, PortalError."""
        states = []
        for role, client in self._clients.items():
            self._profiles[role] = read_profile(client)
            profile = build_structure([self._profiles[role]]).profile
            if profile is not None:
                states.append(self._state(role, client.webhook.host, profile))
        return states

    def _state(self, role: Role, host: str, profile: Profile) -> PortalState:
        may_go = self.settings.without_import_right is WithoutImportRight.ADD
        remarks = tuple(judge_profile(role, profile, history_may_go=may_go))
        return PortalState(role=role, host=host, profile=profile, remarks=remarks)

    def export(
        self, only: frozenset[EntityTypeId] = frozenset(), *, refresh: bool = False
    ) -> SaveCounts:
        """Stage both portals' structure and the source's items."""
        source = self._stage_structure(Role.SOURCE)
        self._stage_structure(Role.TARGET)
        _check_only(source, only)
        types = [t for t in source.entity_types if not only or t in only]
        export = ItemExport(self.workspace, self._clients[Role.SOURCE], source)
        return export.run(types, refresh=refresh)

    def plan(
        self, only: frozenset[EntityTypeId] = frozenset(), *, retry_failed: bool = False
    ) -> Blueprint:
        """Make the plan from what is staged and from how the target is now.

        Raises: NothingExported, MappingFileError.
        """
        self._require_export()
        self._require_whole_export(only)
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
        return Planning(self.workspace, self._clients[Role.TARGET], options).run()

    def load(self, blueprint: Blueprint, *, retry_failed: bool = False) -> LoadResult:
        """Import what the plan names. Raises: BlockedByFindings, before anything is written."""
        if blueprint.plan.blocking:
            raise BlockedByFindings(blueprint)
        options = LoadOptions(
            on_late=self.settings.on_late_item,
            largest_request_bytes=self.settings.largest_request_bytes,
            request_cutoff_seconds=self.settings.target.request_cutoff_seconds,
            retry_failed=retry_failed,
        )
        source, target = self._clients[Role.SOURCE], self._clients[Role.TARGET]
        return Load(self.workspace, source, target, blueprint, options).run()

    def verify(self, only: frozenset[EntityTypeId] = frozenset()) -> VerifyCounts:
        """Compare the target with staging, by the mapping of the last plan."""
        self._require_export()
        source, target = load_structures(self.workspace)
        _check_only(source, only)
        with self.workspace.read() as repositories:
            mapping = repositories.pairs.load()
        client = self._clients[Role.TARGET]
        verify = Verify(self.workspace, client, source, target, PortalMapping(mapping))
        return verify.run(sorted(only))

    def moved_types(self) -> frozenset[EntityTypeId]:
        """Entity types that have a partner in the target by the last plan."""
        with self.workspace.read() as repositories:
            mapping = PortalMapping(repositories.pairs.load())
        kinds = (p for p in mapping if p.kind is PairKind.ENTITY_TYPE and p.target_key is not None)
        return frozenset(EntityTypeId(int(pair.source_key)) for pair in kinds)

    def late_items(self) -> int:
        """How many imported items came later than the target permits to keep their dates."""
        with self.workspace.read() as repositories:
            return repositories.findings.items_with(Phase.IMPORT, FindingKind.LATE_ITEM)

    def link_counts(self, only: frozenset[EntityTypeId] = frozenset()) -> dict[LinkState, int]:
        """How many deferred links there are, by state."""
        with self.workspace.read() as repositories:
            return repositories.deferred_links.counts(only)

    def _stage_structure(self, role: Role) -> Structure:
        """Read a portal's structure, once in the life of this object."""
        if role in self._structures:
            return self._structures[role]
        client = self._clients[role]
        profile = self._profiles.get(role) or read_profile(client)
        elements = read_structure(client, profile)
        with self.workspace.write() as repositories:
            repositories.structure.save(role, elements)
        self._structures[role] = build_structure(elements)
        return self._structures[role]

    def _require_whole_export(self, only: frozenset[EntityTypeId]) -> None:
        """What is exported in part must not be imported as if it were all."""
        source, _ = load_structures(self.workspace)
        _check_only(source, only)
        with self.workspace.read() as repositories:
            missing = set(only or source.entity_types) - exported_types(repositories)
        if missing:
            titles = ", ".join(source.entity_types[t].title for t in sorted(missing))
            raise NothingExported(
                f"the export of these entity types is not finished: {titles}",
                hint="migrator export, or narrow the command with --only",
            )

    def _require_export(self) -> None:
        with self.workspace.read() as repositories:
            found = repositories.structure.load(Role.SOURCE, "profile")
        if not found:
            raise NothingExported(
                f"nothing of the source is staged yet for migration '{self.migration.name}'",
                hint="migrator export",
            )


def _check_only(source: Structure, only: frozenset[EntityTypeId]) -> None:
    unknown = sorted(only - source.entity_types.keys())
    if unknown:
        known = ", ".join(f"{t} ({one.title})" for t, one in sorted(source.entity_types.items()))
        raise UsageError(
            f"the source has no entity type {unknown[0]}, or its webhook may not read it",
            hint=f"--only takes: {known}",
        )


def find_migration(staging: Staging, name: str) -> Migration:
    """Raises: UnknownMigration."""
    with staging.read() as transaction:
        found = transaction.migrations.get(name)
        known = [migration.name for migration in transaction.migrations.list()]
    if found is None:
        there = f"there are: {', '.join(known)}" if known else "there is none yet"
        raise UnknownMigration(
            f"{staging.name} holds no migration '{name}'; {there}",
            hint="name one with --migration, or set MIGRATOR_STAGING_URL",
        )
    return found


@contextmanager
def open_staging(settings: Settings, *, create: bool = True) -> Iterator[Staging]:
    """Open the staging database, its schema brought up to date, each step logged."""
    url = settings.staging_url.get_secret_value()
    with Staging.open(url, create=create) as staging:
        staging.upgrade(log=logger.info)
        yield staging


@contextmanager
def open_app(
    settings: Settings,
    migration: str,
    *,
    progress: Progress | None = None,
    stop: StopRequest | None = None,
) -> Iterator[App]:
    """Everything for one migration; requests not logged yet are written down at the end.

    Raises: UsageError for a missing or unusable webhook, or a staging database of other portals.
    """
    source = _webhook(settings.source, Role.SOURCE)
    target = _webhook(settings.target, Role.TARGET)
    stop = stop or StopRequest()
    clock = InterruptibleClock(SystemClock(), stop)
    with open_staging(settings) as staging:
        with staging.begin() as transaction:
            row = transaction.migrations.get_or_create(
                migration,
                source_portal=source.host,
                target_portal=target.host,
                source_origin=source.origin,
                target_origin=target.origin,
            )
        workspace = Workspace(
            staging=staging,
            migration=row,
            clock=clock,
            progress=progress or Silent(),
            check_stop=stop.check,
        )
        with (
            staging.own(row.migration_id) as still_owned,
            _client(source, settings.source, Role.SOURCE, workspace) as source_client,
            _client(target, settings.target, Role.TARGET, workspace) as target_client,
        ):
            workspace.check_owned = still_owned
            for client in (source_client, target_client):
                client.remember(_recent_requests(staging, client, clock))
            try:
                yield App(settings, workspace, source_client, target_client)
            finally:
                workspace.flush_requests()


def _recent_requests(staging: Staging, client: PortalClient, clock: Clock) -> list[float]:
    """How many seconds ago earlier processes asked this portal: its bucket may still be full."""
    with staging.read() as transaction:
        latest = transaction.request_log.latest(client.webhook.host, client.limits.burst)
    return [max(0.0, (clock.now() - moment).total_seconds()) for moment in latest]


def _webhook(portal: PortalSettings, role: Role) -> Webhook:
    url = portal.webhook_url or SecretStr("")
    if not url.get_secret_value():
        raise UsageError(
            f"the webhook of the {role} is not set",
            hint=f"set MIGRATOR_{role.upper()}__WEBHOOK_URL to the inbound webhook of the {role}",
        )
    return Webhook(url.get_secret_value())


def _client(
    webhook: Webhook, portal: PortalSettings, role: Role, workspace: Workspace
) -> PortalClient:
    limits = PortalLimits(
        requests_per_second=portal.requests_per_second,
        burst=portal.burst,
        operating_limit_seconds=portal.operating_limit_seconds,
        operating_window_seconds=portal.operating_window_seconds,
    )
    return PortalClient(
        webhook,
        limits,
        clock=workspace.clock,
        on_request=_recorder(role, workspace.requests.append),
        on_wait=_announcer(workspace.progress),
    )


def _recorder(role: Role, log: Callable[[RequestEntry], None]) -> Callable[[RequestRecord], None]:
    def record(request: RequestRecord) -> None:
        log(
            RequestEntry(
                portal_role=role,
                portal=request.portal,
                method=_method(request),
                sent_at=request.sent_at,
                duration_s=request.duration_s,
                operating_s=request.operating_s,
                status=request.status,
                error=request.error,
                items=request.items,
                commands=request.commands or 1,
            )
        )

    return record


def _method(request: RequestRecord) -> str:
    """A batch of one method's commands is told from others: budgets are per inner method."""
    if len(request.inner) == 1:
        return f"{request.method}:{next(iter(request.inner))}"
    return request.method


def _announcer(progress: Progress) -> Callable[[Wait], None]:
    def announce(wait: Wait) -> None:
        why = _WAITS[wait.reason].format(portal=wait.portal, method=wait.method)
        progress.waiting(why, wait.seconds)

    return announce
