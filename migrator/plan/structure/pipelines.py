"""Steps that bring pipelines along, and which stages are those a new pipeline was born with.

Source: b24restdocs api-reference/crm/universal/category/crm-category-add.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.records import CreationState, StructureCreation
from migrator.domain.vocabulary import EntityTypeId, stage_entity_id
from migrator.plan.structure.diff import made_by_portal_alone
from migrator.plan.structure.parts import PartKind
from migrator.plan.structure.steps import missing, there_before

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from migrator.plan.structure.lines import StructureDiff
    from migrator.plan.structure.parts import Correspondence, Parts


def default_category_steps(
    source: Parts, target: Parts, creations: Iterable[StructureCreation]
) -> Iterator[StructureCreation]:
    """A new smart process has a pipeline already: it becomes the source's default one."""
    known = list(creations)
    # A smart process that was deleted and made anew has another number, and another pipeline.
    done = {
        (c.target_scope, c.source_key) for c in known if c.kind == PartKind.CATEGORY and c.is_there
    }
    for made in known:
        if made.kind != PartKind.ENTITY_TYPE or not made.is_there:
            continue
        here = _default_category(source, int(made.source_key))
        there = _default_category(target, int(made.target_key or 0))
        if here is None or there is None or (made.target_key, str(here)) in done:
            continue
        raw = source.category(int(made.source_key), here)
        yield StructureCreation(
            kind=PartKind.CATEGORY,
            scope=made.source_key,
            source_key=str(here),
            name=str(raw.get("name") or ""),
            method="crm.category.update",
            params={
                "entityTypeId": int(made.target_key or 0),
                "id": there,
                "fields": {"name": raw.get("name"), "sort": raw.get("sort")},
            },
            target_scope=made.target_key,
            target_key=str(there),
        )


def _default_category(parts: Parts, entity_type_id: int) -> int | None:
    categories = parts.structure.categories.get(EntityTypeId(entity_type_id), {})
    return next((c.category_id for c in categories.values() if c.is_default), None)


def category_steps(
    diff: StructureDiff, source: Parts, target: Parts, correspondence: Correspondence
) -> Iterator[StructureCreation]:
    for line in missing(diff, PartKind.CATEGORY):
        partner = correspondence.entity_type(int(line.scope))
        if partner is None or partner not in target.structure.entity_types:
            continue
        if made_by_portal_alone(line, source):
            continue
        raw = source.category(int(line.scope), int(line.key or 0))
        there = target.structure.categories.get(EntityTypeId(partner), {})
        yield StructureCreation(
            kind=PartKind.CATEGORY,
            scope=line.scope,
            source_key=line.key or "",
            name=line.name,
            method="crm.category.add",
            params={
                "entityTypeId": partner,
                "fields": {"name": line.name, "sort": raw.get("sort", 500)},
            },
            target_scope=str(partner),
            detail=there_before(there),
        )


def new_directories(creations: Iterable[StructureCreation]) -> dict[str, str]:
    """Source directory -> target directory of the stages of pipelines made by `apply`."""
    found = {}
    for made in creations:
        if made.kind == PartKind.CATEGORY and made.is_there and made.target_scope:
            here = _stages(made.scope, made.source_key)
            there = _stages(made.target_scope, made.target_key or "")
            if here and there:
                found[here] = there
    return found


def _stages(entity_type_id: str, category_id: str) -> str | None:
    return stage_entity_id(EntityTypeId(int(entity_type_id)), int(category_id))


def untouched_directories(creations: Iterable[StructureCreation]) -> dict[str, str]:
    """Those of `new_directories` whose first stages nobody has begun to replace."""
    known = list(creations)
    begun = {
        (c.scope, c.target_scope)
        for c in known
        if c.kind == PartKind.STAGE and c.state is not CreationState.REMOVED
    }
    return {
        here: there for here, there in new_directories(known).items() if (here, there) not in begun
    }


def unfinished_stages(creations: Iterable[StructureCreation]) -> list[StructureCreation]:
    """Steps that make the stages of a new pipeline the source's, and are not taken yet."""
    known = list(creations)
    new = new_directories(known)
    return [
        step
        for step in known
        if step.kind in {PartKind.STAGE, PartKind.DEFAULT_STAGE}
        and new.get(step.scope) == step.target_scope
        and (not step.is_settled or step.state is CreationState.FAILED)
    ]
