"""The history of an item within the bounds the target accepts.

The server refuses a createdTime before that of its newest row (highest ID) of the entity type, an
updatedTime before createdTime, a movedTime outside [createdTime, updatedTime] and anything in the
future; equal is accepted. Source: core-corp modules/crm/lib/Service/Operation/Import.php,
b24restdocs api-reference/crm/universal/import/index.md
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from migrator.domain.fields import HISTORY_FIELDS
from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.policy import OnLateItem
from migrator.domain.values import Value, display

if TYPE_CHECKING:
    from migrator.transform.transformed import TransformedItem


@dataclass(frozen=True, slots=True)
class LateItem(Exception):
    """The item is late and the policy says to fail it."""

    source_id: int
    floor: datetime


def is_late(item: TransformedItem, floor: datetime | None) -> bool:
    return floor is not None and item.created_time is not None and item.created_time < floor


def fit_history(
    item: TransformedItem, *, floor: datetime | None, now: datetime, on_late: OnLateItem
) -> None:
    """Move the item's times inside the permitted bounds, each change a finding of the item.

    `floor` is the time of the target's newest row; where it lies after `now` our clock is slow.

    Raises: LateItem where the policy is to fail late items.
    """
    if is_late(item, floor) and floor is not None:
        if on_late is OnLateItem.FAIL:
            raise LateItem(item.source_id, floor)
        if on_late is OnLateItem.DROP:
            drop_history(item, FindingKind.LATE_ITEM, "its dates were left out")
            return
        _set(item, "createdTime", floor, FindingKind.LATE_ITEM, "moved to the newest row's time")
        kind = FindingKind.LATE_ITEM
    else:
        kind = FindingKind.HISTORY_ADJUSTED
    _fit_bounds(item, now if floor is None else max(now, floor), kind)


def _fit_bounds(item: TransformedItem, now: datetime, kind: FindingKind) -> None:
    created = _time(item, "createdTime")
    if created is None:
        return
    if created > now:
        created = now
        _set(item, "createdTime", created, kind, "lies in the future of the target")
    updated = _time(item, "updatedTime") or created
    bounded = min(max(updated, created), now)
    _set(item, "updatedTime", bounded, kind, "must lie between createdTime and now")
    if "movedTime" in item.values:
        moved = _time(item, "movedTime") or created
        moved = min(max(moved, created), bounded)
        _set(item, "movedTime", moved, kind, "must lie between createdTime and updatedTime")


def fit_to_target(
    item: TransformedItem, created_time: datetime | None, created_by: Value, our_user: int
) -> list[Finding]:
    """Expect the history of an item that lost some on import, though nothing says so any more.

    Only the creation sets createdTime and createdBy (core-corp: modules/crm/lib/field.php). So
    where the target's item has a later time, it was moved to that time if its author came along,
    and if it has our webhook's user instead, the history was left out.

    Returns: what is to be put on record now.
    """
    if created_time is None or not is_late(item, created_time):
        return []
    known = len(item.findings)
    if item.values.get("createdBy") == created_by:
        times = (_time(item, name) for name in ("createdTime", "updatedTime", "movedTime"))
        latest = max(created_time, *(one for one in times if one is not None))
        fit_history(item, floor=created_time, now=latest, on_late=OnLateItem.CLAMP)
    elif created_by == our_user:
        drop_history(item, FindingKind.HISTORY_LOST, "an earlier import left it out")
    return item.findings[known:]


def drop_history(item: TransformedItem, kind: FindingKind, detail: str) -> None:
    """Leave out all six history fields; the portal sets them to now and the webhook's user."""
    for name in sorted(HISTORY_FIELDS & item.values.keys()):
        value = item.values.pop(name)
        item.findings.append(_finding(item, name, value, kind, detail, Effect.LOST, None))


def _time(item: TransformedItem, name: str) -> datetime | None:
    value = item.values.get(name)
    return value if isinstance(value, datetime) else None


def _set(item: TransformedItem, name: str, new: datetime, kind: FindingKind, detail: str) -> None:
    old = item.values.get(name)
    if old == new:
        return
    item.values[name] = new
    item.findings.append(_finding(item, name, old, kind, detail, Effect.ADJUSTED, new))


def _finding(
    item: TransformedItem,
    name: str,
    old: Value,
    kind: FindingKind,
    detail: str,
    effect: Effect,
    new: Value,
) -> Finding:
    return Finding(
        kind=kind,
        severity=Severity.WARNING,
        effect=effect,
        entity_type_id=item.entity_type_id,
        source_id=item.source_id,
        field=name,
        value=display(old),
        detail=detail,
        sent=display(new),
    )
