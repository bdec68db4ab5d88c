"""What the target holds in the end, counted as people look at it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from migrator.domain.vocabulary import EntityTypeId
from migrator.rehearsal.result import OwnerCount, StageCount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migrator.plan.plan import Blueprint
    from migrator.sandbox import Portal


def _new_rows(
    portal: Portal, blueprint: Blueprint, used_ids: Mapping[EntityTypeId, int]
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The items the rehearsal has made: target type, its title, the item."""
    partners = {blueprint.mapping.target_type(t) for t in blueprint.plan.order}
    for partner in sorted(one for one in partners if one is not None):
        title = blueprint.target.entity_types[partner].title
        table = portal.table(partner)
        for item_id in table.between(used_ids.get(partner, 0), None):
            yield partner, title, table.rows[item_id]


def stage_counts(
    portal: Portal, blueprint: Blueprint, used_ids: Mapping[EntityTypeId, int]
) -> Iterator[StageCount]:
    counts: Counter[tuple[int, str, int | None, str]] = Counter()
    for entity_type_id, title, row in _new_rows(portal, blueprint, used_ids):
        if row.get("stageId"):
            counts[entity_type_id, title, row.get("categoryId"), str(row["stageId"])] += 1
    for (number, title, category_id, stage_id), items in sorted(counts.items(), key=str):
        category = blueprint.target.categories.get(EntityTypeId(number), {}).get(category_id or 0)
        stage = blueprint.target.stage(EntityTypeId(number), category_id, stage_id)
        yield StageCount(
            entity_type=title,
            pipeline=category.name if category is not None else "",
            stage=stage.name if stage is not None else stage_id,
            items=items,
        )


def owner_counts(
    portal: Portal, blueprint: Blueprint, used_ids: Mapping[EntityTypeId, int]
) -> Iterator[OwnerCount]:
    counts: Counter[tuple[str, int]] = Counter()
    for _, title, row in _new_rows(portal, blueprint, used_ids):
        counts[title, int(row.get("assignedById") or 0)] += 1
    for (title, user_id), items in sorted(counts.items()):
        user = blueprint.target.users.get(user_id)
        owner = user.name if user is not None else f"user {user_id}"
        yield OwnerCount(entity_type=title, owner=owner, items=items)
