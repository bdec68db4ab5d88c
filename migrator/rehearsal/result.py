"""What a rehearsal has shown, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from migrator.bitrix.limits import PortalLimits
    from migrator.bitrix.records import RequestRecord
    from migrator.domain.records import Migration
    from migrator.domain.vocabulary import EntityTypeId
    from migrator.plan.plan import Blueprint
    from migrator.plan.sample import Share
    from migrator.staging import QueryResult
    from migrator.structure.stage import ApplyResult


@dataclass(slots=True)
class MethodUse:
    requests: int = 0
    items: int = 0
    operating_seconds: float = 0.0


@dataclass(slots=True)
class Requests:
    """Counts what the target would be asked; a batch counts for the method inside it."""

    by_method: dict[str, MethodUse] = field(default_factory=dict)

    def count(self, record: RequestRecord) -> None:
        inner = list(record.inner)
        method = inner[0] if len(inner) == 1 else record.method
        use = self.by_method.setdefault(method, MethodUse())
        use.requests += 1
        use.items += record.items or 0
        use.operating_seconds += record.operating_s or 0.0

    @property
    def total(self) -> int:
        return sum(use.requests for use in self.by_method.values())

    @property
    def operating_seconds(self) -> float:
        return sum(use.operating_seconds for use in self.by_method.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCount:
    """How many items of an entity type stand in a stage in the end; names are the target's."""

    entity_type: str
    pipeline: str
    stage: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerCount:
    entity_type: str
    owner: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What import and verify came to: the audit queries of the rehearsal's staging database."""

    progress: QueryResult
    findings: QueryResult
    failed_items: QueryResult
    differences: QueryResult
    #: References that are not set in the end, and why.
    unresolved: QueryResult
    stages: Sequence[StageCount]
    owners: Sequence[OwnerCount]


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalResult:
    migration: Migration
    share: Share | None
    #: Items that were rehearsed, of all that are staged.
    items: int
    staged_items: int
    #: What the rehearsal was narrowed to; none means every entity type.
    types: frozenset[EntityTypeId]
    blueprint: Blueprint
    #: What the target lacks of the structure and would be made in it; None where nothing may be.
    structure: ApplyResult | None
    #: None where findings block: nothing was imported then.
    outcome: Outcome | None
    requests: Requests
    #: By stage, under the configured limits.
    seconds: Mapping[str, float]
    #: For the whole, where a sample was rehearsed.
    whole_import_seconds: float | None
    #: The limits it was paced by.
    limits: PortalLimits
    assumptions: Sequence[str]

    @property
    def agrees(self) -> bool:
        """Whether everything asked for would arrive as it must."""
        if self.outcome is None:
            return False
        asked = [
            row
            for row in records(self.outcome.progress)
            if not self.types or row["entity_type_id"] in self.types
        ]
        links = records(self.outcome.unresolved)
        refused = [link for link in links if link["state"] == "failed"]
        return not (
            refused
            or (self.structure is not None and not self.structure.is_complete)
            or any(row["failed"] or row["different"] for row in asked)
        )


def records(result: QueryResult) -> list[dict[str, Any]]:
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]
