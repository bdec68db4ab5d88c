"""What a plan says about items that the target refuses to date back as far as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.policy import OnLateItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from migrator.domain.mapping import Mapping as PortalMapping
    from migrator.domain.vocabulary import EntityTypeId

_ACTIONS = {
    OnLateItem.CLAMP: "their dates are moved to the oldest permitted time",
    OnLateItem.DROP: "their dates and authors are left out",
    OnLateItem.FAIL: "they are not imported and listed as failed",
}


def sharing_a_target(
    order: Iterable[EntityTypeId], mapping: PortalMapping
) -> dict[EntityTypeId, list[EntityTypeId]]:
    """Which types go into the same type of the target before another, and so close its past.

    A target looks only at the newest row of a type, wherever that came from, and one type is
    imported after the other.
    """
    before: dict[EntityTypeId, list[EntityTypeId]] = {}
    came: dict[EntityTypeId | None, list[EntityTypeId]] = {}
    for entity_type_id in order:
        earlier = came.setdefault(mapping.target_type(entity_type_id), [])
        if earlier:
            before[entity_type_id] = list(earlier)
        earlier.append(entity_type_id)
    return before


def late_findings(
    late: Mapping[EntityTypeId, int],
    before: Mapping[EntityTypeId, Sequence[EntityTypeId]],
    on_late: OnLateItem,
    failed: Mapping[EntityTypeId, int],
) -> Iterator[Finding]:
    """One for each type that has late items; `before` are those that share its target.

    Of them, `failed` have failed once and are not sent unless that is asked for.
    """
    for entity_type_id, items in sorted(late.items()):
        if items:
            others = " and ".join(str(one) for one in before.get(entity_type_id, ()))
            or_others = f", or than entity type {others} that goes into the same one before them"
            again = failed.get(entity_type_id, 0)
            yield Finding(
                kind=FindingKind.LATE_ITEM,
                severity=Severity.WARNING,
                effect=Effect.ADJUSTED if on_late is OnLateItem.CLAMP else Effect.LOST,
                entity_type_id=entity_type_id,
                items=items,
                detail=f"{items} items are older than the target's newest row of this type"
                f"{or_others if others else ''}: {_ACTIONS[on_late]}"
                + (f"; {again} of them failed and are sent by --retry-failed only" * (again > 0)),
                hint="import into a type without newer items, or choose what becomes of them "
                "with MIGRATOR_ON_LATE_ITEM=clamp|drop|fail",
            )


def late_after_sample(entity_type_id: EntityTypeId, items: int, on_late: OnLateItem) -> Finding:
    """So many items of the rest will come late once the sample is in the target."""
    return Finding(
        kind=FindingKind.LATE_AFTER_SAMPLE,
        severity=Severity.WARNING,
        effect=Effect.NONE,
        entity_type_id=entity_type_id,
        items=items,
        detail=f"{items} items outside of the sample are older than its newest item, so the target "
        f"will refuse their dates in the full run: {_ACTIONS[on_late]}",
        hint="use a target that is thrown away afterwards, or take the sample back before the full "
        "run: migrator undo --yes",
    )
