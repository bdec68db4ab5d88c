"""What the import sent instead of what the source holds, by the findings it made on the way."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from migrator.domain.findings import Effect, Finding, FindingKind
from migrator.domain.values import UnreadableValueError, Value, decode
from migrator.transform.history import fit_to_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from migrator.transform.item import TypeTransform
    from migrator.transform.transformed import TransformedItem

_DECIDED_ON_IMPORT = frozenset(
    {
        FindingKind.LATE_ITEM,
        FindingKind.HISTORY_ADJUSTED,
        FindingKind.HISTORY_LOST,
        FindingKind.UPDATED_BY_LINK,
        FindingKind.FILE_NOT_READABLE,
    }
)


def apply_adjustments(
    transform: TypeTransform, item: TransformedItem, findings: Sequence[Finding]
) -> frozenset[str]:
    """Expect what was sent instead of the original; return the fields that are known to be lost.

    Only what was decided while importing: translation finds its own adjustments again.
    """
    lost: set[str] = set()
    for finding in findings:
        name = transform.target_name(finding.field or "") or finding.field or ""
        if name not in item.values or finding.kind not in _DECIDED_ON_IMPORT:
            continue
        if finding.effect is Effect.LOST:
            lost.add(name)
        elif finding.effect is Effect.ADJUSTED:
            field = transform.target_fields.by_name[name]
            item.values[name] = decode(field, finding.sent)
    return frozenset(lost)


def apply_lost_record(
    transform: TypeTransform, item: TransformedItem, payload: Mapping[str, Any]
) -> list[Finding]:
    """The same for an adopted item, of whose import nothing may be on record: the target tells.

    Returns: what is to be put on record now.
    """
    created_time = _held(transform, payload, "createdTime")
    return fit_to_target(
        item,
        created_time if isinstance(created_time, datetime) else None,
        _held(transform, payload, "createdBy"),
        transform.fallback_user_id,
    )


def _held(transform: TypeTransform, payload: Mapping[str, Any], name: str) -> Value:
    fields = transform.target_fields
    field = fields.get(name)
    try:
        return decode(field, fields.value(payload, name)) if field is not None else None
    except UnreadableValueError:
        return None
