"""Which filter the staged items were taken by, and what happens when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.domain.findings import Finding, FindingKind, Phase, Severity
from migrator.workspace import EXPORT_STAGE, item_filter_setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.domain.vocabulary import EntityTypeId
    from migrator.workspace import Workspace


def use_filter(
    workspace: Workspace, entity_type_id: EntityTypeId, wanted: Mapping[str, Any] | None
) -> None:
    """Put the filter of an entity type on record before anything is read by it.

    Where staging was filled by another, items not imported are taken out and the type is read
    anew: only the portal can tell which of them the new filter takes. What is in the target, or
    may be, stays.
    """
    key = item_filter_setting(entity_type_id)
    conditions = dict(wanted or {})
    with workspace.read() as repositories:
        known = repositories.settings.get(key) or {}
        is_begun = repositories.checkpoints.get(EXPORT_STAGE, entity_type_id) is not None
    if known == conditions:
        return
    with workspace.write() as repositories:
        repositories.settings.set(key, conditions)
        if is_begun:
            removed = repositories.items.take_out(entity_type_id)
            kept = repositories.items.whole_count(entity_type_id)
            repositories.checkpoints.clear(EXPORT_STAGE, entity_type_id)
            changed = _changed(entity_type_id, removed, kept)
            repositories.findings.add(Phase.EXPORT, [changed])


def _changed(entity_type_id: EntityTypeId, removed: int, kept: int) -> Finding:
    return Finding(
        kind=FindingKind.FILTER_CHANGED,
        severity=Severity.INFO,
        entity_type_id=entity_type_id,
        items=removed,
        detail=f"{removed} items that had not been imported were taken out of staging, and the "
        f"type is read anew by the filter of now; {kept} stay, because they are in the target",
    )
