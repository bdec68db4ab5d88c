"""Rows with everything a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.records import (
    DeferredLink,
    Difference,
    FailedItem,
    IdPair,
    Migration,
    Origin,
    RequestEntry,
    StagedItem,
    StructureElement,
)
from migrator.domain.vocabulary import DEAL, EntityTypeId, Role, SourceId, TargetId

if TYPE_CHECKING:
    from migrator.staging import Staging, Transaction

DAWN = datetime(2020, 1, 1, tzinfo=UTC)


def a_migration(tx: Transaction, name: str = "default") -> Migration:
    return tx.migrations.get_or_create(
        name, source_portal="old.example.com", target_portal="new.example.com"
    )


def a_saved_migration(staging: Staging, name: str = "default") -> Migration:
    with staging.begin() as tx:
        return a_migration(tx, name)


def an_item(
    source_id: int,
    *,
    entity_type_id: EntityTypeId = DEAL,
    title: str | None = None,
    day: int | None = None,
    **payload: Any,
) -> StagedItem:
    """An item created on the given day after DAWN, by default on that of its id."""
    return StagedItem(
        entity_type_id=entity_type_id,
        source_id=SourceId(source_id),
        title=title or f"Item {source_id}",
        created_time=DAWN + timedelta(days=source_id if day is None else day),
        updated_time=None,
        payload={"id": source_id, **payload},
    )


def a_pair(
    source_id: int,
    target_id: int | None = None,
    *,
    entity_type_id: EntityTypeId = DEAL,
    target_entity_type_id: EntityTypeId | None = None,
    origin: Origin = Origin.IMPORT,
) -> IdPair:
    return IdPair(
        entity_type_id=entity_type_id,
        source_id=SourceId(source_id),
        target_entity_type_id=target_entity_type_id or entity_type_id,
        target_id=TargetId(source_id + 1000 if target_id is None else target_id),
        origin=origin,
    )


def a_failure(source_id: int, *, entity_type_id: EntityTypeId = DEAL) -> FailedItem:
    return FailedItem(
        entity_type_id=entity_type_id,
        source_id=SourceId(source_id),
        error="CRM_FIELD_ERROR_VALUE_NOT_VALID",
        error_description="Invalid value",
    )


def a_finding(
    kind: FindingKind = FindingKind.UNMAPPED_USER,
    *,
    severity: Severity = Severity.WARNING,
    effect: Effect = Effect.NONE,
    entity_type_id: int | None = DEAL,
    source_id: int | None = None,
    field: str | None = None,
    items: int = 1,
) -> Finding:
    return Finding(
        kind=kind,
        severity=severity,
        effect=effect,
        entity_type_id=entity_type_id,
        source_id=source_id,
        field=field,
        detail="nobody like that",
        items=items,
    )


def a_link(source_id: int, refers_to: int, *, field: str = "parentId2") -> DeferredLink:
    return DeferredLink(
        entity_type_id=DEAL,
        source_id=SourceId(source_id),
        field=field,
        refers_to_entity_type_id=DEAL,
        refers_to_source_id=SourceId(refers_to),
    )


def a_difference(source_id: int, field: str = "title") -> Difference:
    return Difference(
        entity_type_id=DEAL,
        source_id=SourceId(source_id),
        field=field,
        expected="before",
        actual="after",
    )


def an_element(kind: str, key: str, name: str, *, scope: str = "") -> StructureElement:
    return StructureElement(kind=kind, scope=scope, key=key, name=name, payload={"title": name})


def a_request(method: str = "crm.item.list", **changes: Any) -> RequestEntry:
    values: dict[str, Any] = {
        "portal_role": Role.SOURCE,
        "portal": "old.example.com",
        "method": method,
        "sent_at": DAWN,
        "duration_s": 0.5,
        "status": 200,
    }
    return RequestEntry(**(values | changes))


def ids(items: list[StagedItem]) -> list[int]:
    return [item.source_id for item in items]


def sources(*numbers: int) -> list[SourceId]:
    return [SourceId(number) for number in numbers]
