"""What a plan says about fields that hold items of more types than their partner may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.values import may_point_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.domain.mapping import Mapping
    from migrator.domain.structure import Structure
    from migrator.plan.usage import Usage


def narrowed_bindings(mapping: Mapping, usage: Usage, target: Structure) -> Iterator[Finding]:
    """One for each field and entity type whose items it may not hold in the target."""
    for (entity_type_id, name, end), items in sorted(usage.edges.items()):
        into, target_end = mapping.target_type(entity_type_id), mapping.target_type(end)
        fields = target.fields.get(into) if into is not None else None
        partner = fields.get(mapping.target_field(entity_type_id, name) or "") if fields else None
        if partner is None or target_end is None or may_point_at(partner, target_end):
            continue
        yield Finding(
            kind=FindingKind.INCONVERTIBLE_VALUE,
            severity=Severity.WARNING,
            effect=Effect.LOST,
            entity_type_id=entity_type_id,
            field=name,
            value=str(end),
            items=items,
            detail=f"goes into '{partner.name}', which may not hold items of entity type "
            f"{target_end}: links to them are left out",
            hint=f"allow entity type {target_end} in the settings of that field of the target, or "
            "name another field in the mapping file",
        )
