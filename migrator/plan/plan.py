"""The plan: what is imported, in which order, how long it takes, what stands in the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from migrator.domain.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.domain.mapping import Mapping
    from migrator.domain.structure import Structure
    from migrator.domain.vocabulary import EntityTypeId

#: Seconds the portal works on one imported item until there is a measurement: the samples of
#: b24restdocs api-reference/crm/universal/import/crm-item-batch-import.md show about this much.
ASSUMED_SECONDS_PER_ITEM = 1.2

#: The setting of a migration in which the import leaves what one item has cost, in seconds.
SECONDS_PER_ITEM = "seconds_per_item"


#: The setting that remembers which types of the target may be imported: asking has the form of a
#: write, so it is done once, and only for types with something to import.
IMPORT_GRANTED = "import_granted"


def target_type_setting(entity_type_id: EntityTypeId) -> str:
    """The setting of a migration that says where items of a type have been imported to."""
    return f"target_type:{entity_type_id}"


#: Most items in one crm.item.batchImport (same page), and in the first request of a type.
LARGEST_CHUNK = 20
FIRST_CHUNK = 5

#: What one import request is expected to take at most; the cloud cuts it off at 60 seconds.
REQUEST_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TypePlan:
    """One entity type: how many items, how many are done, what the target holds already."""

    entity_type_id: EntityTypeId
    title: str
    target_entity_type_id: EntityTypeId | None
    source_items: int
    imported: int
    failed: int
    to_import: int
    #: createdTime of the target's row with the highest ID; older items come late.
    target_newest: datetime | None
    late_items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredPlan:
    """Links that are set in a second pass, by field; `within_type` for an item of the same type."""

    entity_type_id: EntityTypeId
    field: str
    refers_to: EntityTypeId
    items: int

    @property
    def within_type(self) -> bool:
        return self.entity_type_id == self.refers_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the rest of the import will cost the target."""

    requests: int
    operating_seconds: float
    duration: timedelta
    seconds_per_item: float
    is_measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    types: tuple[TypePlan, ...]
    deferred: tuple[DeferredPlan, ...]
    findings: tuple[Finding, ...]
    estimate: Estimate

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity is Severity.BLOCKING)

    @property
    def order(self) -> tuple[EntityTypeId, ...]:
        """The entity types to import, first to last."""
        return tuple(t.entity_type_id for t in self.types if t.target_entity_type_id is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """A plan and all it rests on: what the import works from."""

    source: Structure
    target: Structure
    mapping: Mapping
    plan: Plan
    #: Entity types of the source the target webhook's user may not import.
    without_import_right: frozenset[EntityTypeId]


def chunk_size(seconds_per_item: float) -> int:
    """How many items one request may hold so that it is expected to end in time."""
    if seconds_per_item <= 0:
        return LARGEST_CHUNK
    return max(1, int(min(LARGEST_CHUNK, REQUEST_SECONDS / seconds_per_item)))


def estimate(
    to_import: Iterable[int],
    updates: int,
    *,
    seconds_per_item: float | None,
    requests_per_second: float,
    burst: int,
    operating_limit: float,
    operating_window: float,
) -> Estimate:
    """The tightest of three limits: request rate, execution budget, the portal's own speed.

    All types share one method, so they share one execution budget.
    """
    cost = ASSUMED_SECONDS_PER_ITEM if seconds_per_item is None else seconds_per_item
    size = chunk_size(cost)
    counts = [count for count in to_import if count]
    requests = updates
    for count in counts:
        first = min(count, FIRST_CHUNK, size)
        requests += 1 + math.ceil((count - first) / size)
    working = sum(counts) * cost
    budgeted = working
    if operating_limit and working > operating_limit:
        budgeted = (
            working - operating_limit
        ) * operating_window / operating_limit + operating_limit
    paced = max(0.0, (requests - burst) / requests_per_second) if requests_per_second else 0.0
    return Estimate(
        requests=requests,
        operating_seconds=working,
        duration=timedelta(seconds=round(max(budgeted, paced))),
        seconds_per_item=cost,
        is_measured=seconds_per_item is not None,
    )
