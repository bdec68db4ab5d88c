"""Make the plan: pair the structures, count what is used, find what stands in the way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.bitrix.errors import PortalError
from migrator.bitrix.import_right import types_without_import_right
from migrator.domain.findings import Finding, Phase, Severity
from migrator.domain.mapping import Mapping, OnMatch, PairKey
from migrator.domain.policy import OnLateItem
from migrator.domain.records import LinkState
from migrator.domain.structure import Structure, build_structure
from migrator.domain.vocabulary import EntityTypeId, Role
from migrator.plan.late_items import late_after_sample, late_findings, sharing_a_target
from migrator.plan.obstacles import Circumstances, Obstacles
from migrator.plan.order import ImportOrder, build_order
from migrator.plan.pairing import Pairing, loose_pairs
from migrator.plan.plan import (
    IMPORT_GRANTED,
    SECONDS_PER_ITEM,
    SECONDS_PER_REQUEST,
    Blueprint,
    DeferredPlan,
    ImportCost,
    Plan,
    TypePlan,
    estimate,
    target_type_setting,
)
from migrator.plan.structure.phases import created_pairs
from migrator.planning.mapping_faults import refusal
from migrator.planning.mapping_file import MappingFile, read_mapping_file
from migrator.planning.matching import Matching
from migrator.planning.staged_usage import count_usage
from migrator.workspace import recorded_filters, save_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from migrator.bitrix.client import PortalClient
    from migrator.plan.usage import Usage
    from migrator.staging.repositories import Repositories
    from migrator.workspace import Workspace

#: How many candidates for a match a plan shows.
LISTED_MATCHES = 20


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

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        options: PlanOptions,
        *,
        asked_for_matches: PortalClient,
    ) -> None:
        self._workspace = workspace
        self._target = target
        self._options = options
        #: Not the target where that is an emulated one, without the real one's items.
        self._asked_for_matches = asked_for_matches

    def run(self) -> Blueprint:
        """Raises: MappingFileError for a mapping file that does not fit the portals."""
        options = self._options
        path = options.mapping_path
        file = read_mapping_file(path) if path else MappingFile(Path())
        source, target = load_structures(self._workspace)
        file = file.resolved(source, target)
        types = self._types(source)
        with self._workspace.read() as repositories:
            created = created_pairs(repositories.creations.load())
            filtered = frozenset(recorded_filters(repositories))
        pairing = Pairing(source, target, file.overrides, file.user_defaults, created)
        paired = pairing.pairs()
        matching = Matching(self._workspace, self._asked_for_matches, source, target, paired)
        matching.run(types, file.sound_matches(paired, source, target))
        usage = count_usage(self._workspace, source, types, file.match_rules)
        pairs = pairing.with_loose(paired, usage.needed)
        # Items of a type that is left out hold identifiers, too; a line about one is no mistake.
        held = loose_pairs(pairs, (key for _, key in usage.needed))
        file.check(
            [*pairs, *held],
            source,
            target,
            is_partial=bool(options.only) or self._workspace.sampled,
        )
        if matching.faults:
            raise refusal(file.path, matching.faults)
        mapping = Mapping(pairs, rates=file.currency_rates, filtered=filtered)
        moved = [t for t in types if mapping.target_type(t) is not None]
        order = build_order([t for t in moved if usage.items[t]], usage.ordering_edges())
        denied = self._denied(target, mapping, order)
        newest = self._newest(mapping, order.types)
        sharing = sharing_a_target(order.types, mapping)
        late, failed = self._late(order.types, newest, sharing)
        circumstances = Circumstances(
            unmapped_users_block=options.unmapped_users_block,
            without_import_right=denied,
            add_instead=options.add_without_import_right,
            imported_into=self._imported_into(source.entity_types),
        )
        findings = sorted(
            [
                *Obstacles(source, target, mapping, usage, circumstances, options.only).findings(),
                *late_findings(late, sharing, options.on_late, failed),
                *self._left_behind(order.types),
                *matching.findings(moved),
            ],
            key=_by_severity,
        )
        updated = frozenset(
            t for t, rule in file.match_rules.items() if rule.on_match is OnMatch.UPDATE
        )
        plan = self._plan(types, order, usage, mapping, newest, late, findings, source, updated)
        self._save(mapping, usage, findings)
        return Blueprint(
            source=source,
            target=target,
            mapping=mapping,
            plan=plan,
            without_import_right=denied,
            updates_matched=updated,
        )

    def _types(self, source: Structure) -> list[EntityTypeId]:
        only = self._options.only
        return [t for t in source.entity_types if not only or t in only]

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
        partners = {t: mapping.target_type(t) for t in pending}
        asked = {t for t in partners.values() if t is not None and t not in granted}
        denied = types_without_import_right(self._target, sorted(asked))
        with self._workspace.write() as repositories:
            repositories.settings.set(IMPORT_GRANTED, sorted(granted | (asked - denied)))
        return frozenset(t for t, partner in partners.items() if partner in denied)

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
        self,
        types: Iterable[EntityTypeId],
        newest: dict[EntityTypeId, datetime | None],
        sharing: dict[EntityTypeId, list[EntityTypeId]],
    ) -> tuple[dict[EntityTypeId, int], dict[EntityTypeId, int]]:
        """Items older than the target's newest row, or than what comes into their type first.

        Returns: how many, and how many of them have failed and are not to be sent again now.
        """
        late: dict[EntityTypeId, int] = {}
        failed: dict[EntityTypeId, int] = {}
        closes = {t: newest[t] for t in types}
        for entity_type_id in types:
            floors = [closes[t] for t in (entity_type_id, *sharing.get(entity_type_id, ()))]
            when = max((one for one in floors if one is not None), default=None)
            with self._workspace.read() as repositories:
                items = repositories.items
                if when is not None:
                    late[entity_type_id] = items.count_older_than(entity_type_id, when)
                    if late[entity_type_id] and not self._options.retry_failed:
                        fresh = items.count_older_than(entity_type_id, when, refused=False)
                        failed[entity_type_id] = late[entity_type_id] - fresh
                if sharing:
                    last = items.newest_to_import(
                        entity_type_id, retry_failed=self._options.retry_failed
                    )
                    closes[entity_type_id] = last
            if late.get(entity_type_id) and self._options.on_late is OnLateItem.DROP:
                # Created without a date, they are the newest rows.
                closes[entity_type_id] = self._workspace.clock.now()
        return late, failed

    def _left_behind(self, types: Iterable[EntityTypeId]) -> Iterator[Finding]:
        """What a sample that is moved for real means for the rest."""
        if not self._workspace.sampled:
            return
        for entity_type_id in types:
            with self._workspace.read() as repositories:
                items = repositories.sample.left_behind(entity_type_id)
            if items:
                yield late_after_sample(entity_type_id, items, self._options.on_late)

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
        updated: frozenset[EntityTypeId],
    ) -> Plan:
        listed = [*order.types, *(t for t in types if t not in order.types and usage.items[t])]
        with self._workspace.read() as repositories:
            rows = tuple(
                _type_plan(repositories, t, source, mapping, newest.get(t), late.get(t, 0))
                for t in listed
            )
            cost = ImportCost(
                seconds_per_item=repositories.settings.get(SECONDS_PER_ITEM),
                seconds_per_request=repositories.settings.get(SECONDS_PER_REQUEST),
            )
            pending = repositories.deferred_links.counts(frozenset(order.types))
            matches = repositories.matches.first(LISTED_MATCHES)
        deferred = _deferred(order, usage)
        to_import = {r.entity_type_id: r.to_import for r in rows if r.target_entity_type_id}
        # Of what is imported already the links that are still to be set are known.
        ahead = sum(
            link.items * to_import[link.entity_type_id] / usage.items[link.entity_type_id]
            for link in deferred
            if to_import.get(link.entity_type_id)
        )
        updates = round(ahead) + pending.get(LinkState.PENDING, 0)
        updates += sum(row.matched for row in rows if row.entity_type_id in updated)
        return Plan(
            types=rows,
            deferred=deferred,
            findings=tuple(findings),
            updates=updates,
            estimate=estimate(to_import.values(), updates, cost, self._target.allowance()),
            matches=tuple(matches),
        )

    def _save(self, mapping: Mapping, usage: Usage, findings: Sequence[Finding]) -> None:
        affected: dict[PairKey, int] = defaultdict(int)
        for (_, key), items in usage.needed.items():
            affected[key] += items
        with self._workspace.write() as repositories:
            save_mapping(repositories, mapping, affected)
            repositories.findings.replace(Phase.PLAN, findings)


def load_structures(workspace: Workspace) -> tuple[Structure, Structure]:
    """The staged structure of the source and of the target."""
    with workspace.read() as repositories:
        source = build_structure(repositories.structure.load(Role.SOURCE))
        target = build_structure(repositories.structure.load(Role.TARGET))
    return source, target


def _type_plan(
    repositories: Repositories,
    entity_type_id: EntityTypeId,
    source: Structure,
    mapping: Mapping,
    newest: datetime | None,
    late: int,
) -> TypePlan:
    total = repositories.items.count(entity_type_id)
    counted = repositories.items.mapped_count if repositories.sampled else repositories.id_map.count
    imported = counted(entity_type_id)
    to_import = repositories.items.to_import_count(entity_type_id)
    matched = repositories.matched_pairs.open_count(entity_type_id)
    return TypePlan(
        entity_type_id=entity_type_id,
        title=source.entity_types[entity_type_id].title,
        target_entity_type_id=mapping.target_type(entity_type_id),
        source_items=total,
        imported=imported,
        failed=total - imported - to_import - matched,
        to_import=to_import,
        target_newest=newest,
        late_items=late,
        matched=matched,
        ambiguous=repositories.matches.ambiguous_count(entity_type_id),
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
