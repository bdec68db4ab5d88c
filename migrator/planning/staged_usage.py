"""Count what the staged items use of the structure, page by page."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from migrator.domain.mapping import OnMatch
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.plan.usage import Usage, UsageCounter
from migrator.workspace import exported_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from migrator.domain.mapping import MatchRule
    from migrator.domain.records import StagedItem
    from migrator.domain.structure import Structure
    from migrator.domain.values import Reference
    from migrator.staging.repositories import Repositories
    from migrator.workspace import Workspace


def count_usage(
    workspace: Workspace,
    source: Structure,
    types: Iterable[EntityTypeId],
    rules: Mapping[EntityTypeId, MatchRule],
) -> Usage:
    """What the items of these types hold; of those that send nothing it does not matter."""
    usage = Usage()
    with workspace.read() as repositories:
        totals = repositories.items.counts()
        matched = repositories.matches.types()
        exported = exported_types(repositories)
    workspace.progress.begin("Reading staged items", sum(totals.values()))
    for entity_type_id in types:
        counter = UsageCounter(usage, source, entity_type_id)
        rule = rules.get(entity_type_id) if entity_type_id in matched else None
        with workspace.read() as repositories:
            for page in repositories.items.stream(entity_type_id):
                workspace.check_stop()
                sent = page
                if entity_type_id in matched:
                    sent = _sent(repositories, entity_type_id, page, rule)
                    counter.leave(len(page) - len(sent))
                _count_page(repositories, counter, sent, exported)
                workspace.progress.advance(len(page))
    workspace.progress.end()
    return usage


def _sent(
    repositories: Repositories,
    entity_type_id: EntityTypeId,
    page: Sequence[StagedItem],
    rule: MatchRule | None,
) -> list[StagedItem]:
    left = repositories.matched_pairs.left_alone(
        entity_type_id,
        [item.source_id for item in page],
        keeps_pairs=rule is not None and rule.on_match is OnMatch.KEEP,
    )
    return [item for item in page if item.source_id not in left]


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
