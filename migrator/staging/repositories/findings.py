"""What could not be carried over as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, cast, func, select

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.records import FindingCount
from migrator.domain.vocabulary import EntityTypeId
from migrator.staging.models import FindingRow
from migrator.staging.repositories.base import Repository, in_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Row

    from migrator.domain.findings import Phase
    from migrator.domain.vocabulary import SourceId

_KINDS = {kind.value: kind for kind in FindingKind}


class Findings(Repository):
    def add(self, phase: Phase, findings: Sequence[Finding]) -> None:
        now = self._now()
        self._insert(
            FindingRow,
            [
                {
                    "phase": phase,
                    "kind": finding.kind.value,
                    "severity": finding.severity,
                    "effect": finding.effect,
                    "entity_type_id": finding.entity_type_id,
                    "source_id": finding.source_id,
                    "field": finding.field,
                    "value": finding.value,
                    "sent": finding.sent,
                    "detail": finding.detail,
                    "hint": finding.hint,
                    "items": finding.items,
                    "created_at": now,
                }
                for finding in findings
            ],
        )

    def replace(self, phase: Phase, findings: Sequence[Finding]) -> None:
        """What a phase found takes the place of everything it found before."""
        self._delete(FindingRow, FindingRow.phase == phase)
        self.add(phase, findings)

    def replace_for_items(
        self,
        phase: Phase,
        entity_type_id: EntityTypeId,
        source_ids: Collection[SourceId],
        findings: Sequence[Finding],
    ) -> None:
        """The same for the named items only; those without findings now have none."""
        for chunk in in_chunks(source_ids):
            self._delete(
                FindingRow,
                FindingRow.phase == phase,
                FindingRow.entity_type_id == entity_type_id,
                FindingRow.source_id.in_(chunk),
            )
        self.add(phase, findings)

    def take_back(self, phase: Phase, findings: Sequence[Finding]) -> None:
        """Forget findings about one value of one item, which turned out otherwise."""
        for one in findings:
            self._delete(
                FindingRow,
                FindingRow.phase == phase,
                FindingRow.kind == one.kind.value,
                FindingRow.entity_type_id == one.entity_type_id,
                FindingRow.source_id == one.source_id,
                FindingRow.field == one.field,
                FindingRow.value == one.value,
            )

    def for_items(
        self,
        entity_type_id: EntityTypeId,
        source_ids: Collection[SourceId],
        phase: Phase | None = None,
    ) -> list[Finding]:
        found: list[Finding] = []
        for chunk in in_chunks(source_ids):
            found += self._read(
                FindingRow.entity_type_id == entity_type_id,
                FindingRow.source_id.in_(chunk),
                *_in_phase(phase),
            )
        return found

    def items_with(self, phase: Phase, kind: FindingKind) -> int:
        """How many items have a finding of this kind, however many fields it concerns."""
        items = (
            select(FindingRow.entity_type_id, FindingRow.source_id)
            .where(
                FindingRow.migration_id == self._migration_id,
                FindingRow.phase == phase,
                FindingRow.kind == kind.value,
            )
            .distinct()
            .subquery()
        )
        return self._connection.execute(select(func.count()).select_from(items)).scalar_one()

    def counts(self, phase: Phase | None = None) -> list[FindingCount]:
        group = (
            FindingRow.kind,
            FindingRow.severity,
            FindingRow.effect,
            FindingRow.entity_type_id,
        )
        statement = (
            select(*group, func.count(), cast(func.sum(FindingRow.items), BigInteger))
            .where(FindingRow.migration_id == self._migration_id, *_in_phase(phase))
            .group_by(*group)
            .order_by(*group)
        )
        return [
            FindingCount(
                kind=kind,
                severity=severity,
                effect=effect,
                entity_type_id=None if entity_type_id is None else EntityTypeId(entity_type_id),
                findings=findings,
                items=items,
            )
            for kind, severity, effect, entity_type_id, findings, items in self._connection.execute(
                statement
            )
        ]

    def _read(self, *conditions: ColumnElement[bool], limit: int | None = None) -> list[Finding]:
        statement = (
            select(FindingRow.__table__)
            .where(FindingRow.migration_id == self._migration_id, *conditions)
            .order_by(FindingRow.id)
            .limit(limit)
        )
        return [_finding(row) for row in self._connection.execute(statement)]

    def list(
        self,
        *,
        severity: Severity | None = None,
        phase: Phase | None = None,
        about_items: bool | None = None,
        limit: int | None = None,
    ) -> list[Finding]:
        """Findings in the order they were made.

        Args:
            severity: only these
            phase: only these
            about_items: only those that name an item (True) or those that do not (False)
            limit: how many at most; there may be as many as there are items
        """
        conditions = [*_in_phase(phase)]
        if severity is not None:
            conditions.append(FindingRow.severity == severity)
        if about_items is not None:
            names_item = FindingRow.source_id.is_not(None)
            conditions.append(names_item if about_items else FindingRow.source_id.is_(None))
        return self._read(*conditions, limit=limit)


def _in_phase(phase: Phase | None) -> tuple[ColumnElement[bool], ...]:
    return () if phase is None else (FindingRow.phase == phase,)


def _finding(row: Row[Any]) -> Finding:
    return Finding(
        kind=_KINDS[row.kind],
        severity=Severity(row.severity),
        effect=Effect(row.effect),
        entity_type_id=row.entity_type_id,
        source_id=row.source_id,
        field=row.field,
        value=row.value,
        detail=row.detail,
        sent=row.sent,
        items=row.items,
        hint=row.hint,
    )
