"""Make the plan: pair the structures, count what is used, find what stands in the way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.bitrix.errors import PortalError
from migrator.domain.findings import Effect, Finding, Phase, Severity
from migrator.domain.mapping import Mapping, Pair, PairKey
from migrator.domain.policy import OnLateItem
from migrator.domain.structure import Structure, build_structure
from migrator.domain.vocabulary import EntityTypeId, Role, SourceId
from migrator.plan.obstacles import Circumstances, Obstacles
from migrator.plan.order import ImportOrder, build_order
from migrator.plan.pairing import Pairing, loose_pairs
from migrator.plan.plan import (
    IMPORT_GRANTED,
    SECONDS_PER_ITEM,
    Blueprint,
    DeferredPlan,
    Plan,
    TypePlan,
    estimate,
    target_type_setting,
)
from migrator.plan.usage import Usage, UsageCounter
from migrator.planning.mapping_file import MappingFile, read_mapping_file
from migrator.planning.rights import types_without_import_right
from migrator.workspace import exported_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from migrator.bitrix.client import PortalClient
    from migrator.domain.records import StagedItem
    from migrator.domain.values import Reference
    from migrator.staging.repositories import Repositories
    from migrator.workspace import Workspace

_LATE_ACTIONS = {
    OnLateItem.CLAMP: "their dates are moved to the oldest permitted time",
    OnLateItem.DROP: "their dates and authors are left out",
    OnLateItem.FAIL: "they are not imported and listed as failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What the operator decided beforehand."""

    mapping_path: Path | None = None
    unmapped_users_block: bool = False
    on_late: OnLateItem = OnLateItem.CLAMP
    add_without_import_right: bool = False
    only: frozenset[EntityTypeId] = frozenset()
    retry_failed: bool = False


class Planning:
    """Makes a Blueprint from staging; of the target it asks only for its newest rows."""

    def __init__(self, workspace: Workspace, target: PortalClient, options: PlanOptions) -> None:
        self._workspace = workspace
        self._target = target
        self._options = options

    def run(self) -> Blueprint:
        """Raises: MappingFileError for a mapping file that does not fit the portals."""
        options = self._options
        path = options.mapping_path
        file = read_mapping_file(path) if path else MappingFile(Path())
        source, target = load_structures(self._workspace)
        types = self._types(source)
        usage = self._usage(source, types)
        pairing = Pairing(source, target, file.overrides)
        pairs = pairing.with_loose(pairing.pairs(), usage.needed)
        # Items of a type that is left out hold identifiers, too; a line about one is no mistake.
        held = loose_pairs(pairs, (key for _, key in usage.needed))
        file.check([*pairs, *held], source, target, is_partial=bool(options.only))
        mapping = Mapping(pairs)
        moved = [t for t in types if mapping.target_type(t) is not None]
        order = build_order([t for t in moved if usage.items[t]], usage.ordering_edges())
        denied = self._denied(target, mapping, order)
        newest = self._newest(mapping, order.types)
        late = self._late(order.types, newest)
        circumstances = Circumstances(
            unmapped_users_block=options.unmapped_users_block,
            without_import_right=denied,
            add_instead=options.add_without_import_right,
            imported_into=self._imported_into(source.entity_types),
            late_items=late,
            late_action=_LATE_ACTIONS[options.on_late],
            late_effect=Effect.ADJUSTED if options.on_late is OnLateItem.CLAMP else Effect.LOST,
        )
        findings = sorted(
            Obstacles(source, target, mapping, usage, circumstances, options.only).findings(),
            key=_by_severity,
        )
        plan = self._plan(types, order, usage, mapping, newest, late, findings, source)
        self._save(pairs, usage, findings)
        return Blueprint(
            source=source, target=target, mapping=mapping, plan=plan, without_import_right=denied
        )

    def _types(self, source: Structure) -> list[EntityTypeId]:
        only = self._options.only
        return [t for t in source.entity_types if not only or t in only]

    def _usage(self, source: Structure, types: Iterable[EntityTypeId]) -> Usage:
        usage = Usage()
        with self._workspace.read() as repositories:
            totals = repositories.items.counts()
        self._workspace.progress.begin("Reading staged items", sum(totals.values()))
        for entity_type_id in types:
            counter = UsageCounter(usage, source, entity_type_id)
            with self._workspace.read() as repositories:
                exported = exported_types(repositories)
                for page in repositories.items.stream(entity_type_id):
                    self._workspace.check_stop()
                    _count_page(repositories, counter, page, exported)
                    self._workspace.progress.advance(len(page))
        self._workspace.progress.end()
        return usage

    def _denied(
        self, target: Structure, mapping: Mapping, order: ImportOrder
    ) -> frozenset[EntityTypeId]:
        """Source types whose partners the target webhook's user may not import."""
        if target.profile is None or target.profile.is_admin:
            return frozenset()
        with self._workspace.read() as repositories:
            granted = set(repositories.settings.get(IMPORT_GRANTED, []))
            pending = [
                t
                for t in order.types
                if repositories.items.to_import_count(t, retry_failed=self._options.retry_failed)
            ]
        partners = {mapping.target_type(t): t for t in pending}
        asked = [t for t in partners if t is not None and t not in granted]
        denied = types_without_import_right(self._target, asked)
        with self._workspace.write() as repositories:
            repositories.settings.set(IMPORT_GRANTED, sorted(granted | (set(asked) - denied)))
        return frozenset(partners[t] for t in denied)

    def _newest(
        self, mapping: Mapping, types: Iterable[EntityTypeId]
    ) -> dict[EntityTypeId, datetime | None]:
        partners = {t: mapping.target_type(t) for t in types}
        asked = [partner for partner in partners.values() if partner is not None]
        rows = self._target.newest(asked) if asked else {}
        found: dict[EntityTypeId, datetime | None] = {}
        for entity_type_id, partner in partners.items():
            row = rows.get(partner) if partner is not None else None
            if isinstance(row, PortalError):
                raise row
            found[entity_type_id] = row.created_time if row is not None else None
        return found

    def _imported_into(self, types: Iterable[EntityTypeId]) -> dict[EntityTypeId, EntityTypeId]:
        with self._workspace.read() as repositories:
            known = {t: repositories.settings.get(target_type_setting(t)) for t in types}
        return {t: EntityTypeId(int(into)) for t, into in known.items() if into is not None}

    def _late(
        self, types: Iterable[EntityTypeId], newest: dict[EntityTypeId, datetime | None]
    ) -> dict[EntityTypeId, int]:
        late: dict[EntityTypeId, int] = {}
        with self._workspace.read() as repositories:
            for entity_type_id in types:
                when = newest[entity_type_id]
                if when is not None:
                    late[entity_type_id] = repositories.items.count_older_than(entity_type_id, when)
        return late

    def _plan(
        self,
        types: Sequence[EntityTypeId],
        order: ImportOrder,
        usage: Usage,
        mapping: Mapping,
        newest: dict[EntityTypeId, datetime | None],
        late: dict[EntityTypeId, int],
        findings: Sequence[Finding],
        source: Structure,
    ) -> Plan:
        listed = [*order.types, *(t for t in types if t not in order.types and usage.items[t])]
        with self._workspace.read() as repositories:
            rows = tuple(
                _type_plan(repositories, t, source, mapping, newest.get(t), late.get(t, 0))
                for t in listed
            )
            measured = repositories.settings.get(SECONDS_PER_ITEM)
        deferred = _deferred(order, usage)
        limits = self._target.limits
        to_import = [row.to_import for row in rows if row.target_entity_type_id is not None]
        return Plan(
            types=rows,
            deferred=deferred,
            findings=tuple(findings),
            estimate=estimate(
                to_import,
                sum(link.items for link in deferred) if any(to_import) else 0,
                seconds_per_item=measured,
                requests_per_second=limits.requests_per_second,
                burst=limits.burst,
                operating_limit=limits.operating_limit_seconds,
                operating_window=limits.operating_window_seconds,
            ),
        )

    def _save(self, pairs: Iterable[Pair], usage: Usage, findings: Sequence[Finding]) -> None:
        affected: dict[PairKey, int] = defaultdict(int)
        for (_, key), items in usage.needed.items():
            affected[key] += items
        with self._workspace.write() as repositories:
            repositories.pairs.replace(list(pairs), affected)
            repositories.findings.replace(Phase.PLAN, findings)


def load_structures(workspace: Workspace) -> tuple[Structure, Structure]:
    """The staged structure of the source and of the target."""
    with workspace.read() as repositories:
        source = build_structure(repositories.structure.load(Role.SOURCE))
        target = build_structure(repositories.structure.load(Role.TARGET))
    return source, target


def _count_page(
    repositories: Repositories,
    counter: UsageCounter,
    page: Sequence[StagedItem],
    exported: frozenset[EntityTypeId],
) -> None:
    """Count a page, then look up at once everything it refers to."""
    refers = {item.source_id: counter.add(item.payload) for item in page}
    wanted: dict[EntityTypeId, set[SourceId]] = defaultdict(set)
    for _, reference in (pair for pairs in refers.values() for pair in pairs):
        wanted[reference.entity_type_id].add(SourceId(reference.item_id))
    created = {
        entity_type_id: repositories.items.created_times(entity_type_id, ids)
        for entity_type_id, ids in wanted.items()
    }
    for item in page:
        pairs = refers[item.source_id]
        counter.note_dangling(
            (name, ref)
            for name, ref in pairs
            if ref.entity_type_id in exported and ref.item_id not in created[ref.entity_type_id]
        )
        counter.note_forward(name for name, ref in pairs if _is_forward(item, ref, created))


def _is_forward(
    item: StagedItem,
    reference: Reference,
    created: dict[EntityTypeId, dict[SourceId, datetime]],
) -> bool:
    """Whether an item refers to one of its own type that is imported after it."""
    if reference.entity_type_id != item.entity_type_id:
        return False
    when = created[reference.entity_type_id].get(SourceId(reference.item_id))
    return when is not None and (when, reference.item_id) >= (item.created_time, item.source_id)


def _type_plan(
    repositories: Repositories,
    entity_type_id: EntityTypeId,
    source: Structure,
    mapping: Mapping,
    newest: datetime | None,
    late: int,
) -> TypePlan:
    total = repositories.items.count(entity_type_id)
    imported = repositories.id_map.count(entity_type_id)
    to_import = repositories.items.to_import_count(entity_type_id)
    return TypePlan(
        entity_type_id=entity_type_id,
        title=source.entity_types[entity_type_id].title,
        target_entity_type_id=mapping.target_type(entity_type_id),
        source_items=total,
        imported=imported,
        failed=total - imported - to_import,
        to_import=to_import,
        target_newest=newest,
        late_items=late,
    )


def _deferred(order: ImportOrder, usage: Usage) -> tuple[DeferredPlan, ...]:
    between = [
        DeferredPlan(
            entity_type_id=edge.entity_type_id,
            field=edge.field,
            refers_to=edge.refers_to,
            items=edge.items,
        )
        for edge in order.deferred
    ]
    within = [
        DeferredPlan(
            entity_type_id=entity_type_id, field=field, refers_to=entity_type_id, items=items
        )
        for (entity_type_id, field), items in sorted(usage.forward.items())
        if entity_type_id in order.types
    ]
    return tuple(between + within)


_SEVERITIES = list(Severity)


def _by_severity(finding: Finding) -> tuple[int, str, int, str, str]:
    return (
        _SEVERITIES.index(finding.severity),
        finding.kind.value,
        finding.entity_type_id or 0,
        finding.field or "",
        finding.value or "",
    )
