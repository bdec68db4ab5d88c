"""The plan: what is imported, in which order, how long it takes, what stands in the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from migrator.domain.findings import Finding, Severity
from migrator.plan.forecast import UNCOUNTED_SECONDS, Work, time_needed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.domain.allowance import Allowance
    from migrator.domain.mapping import Mapping
    from migrator.domain.records import MatchCandidate
    from migrator.domain.structure import Structure
    from migrator.domain.vocabulary import EntityTypeId

#: Seconds the portal works on one imported item until there is a measurement: the samples of
#: b24restdocs api-reference/crm/universal/import/crm-item-batch-import.md show about this much.
ASSUMED_SECONDS_PER_ITEM = 1.2

#: The settings of a migration in which the import leaves what it has cost, in seconds: the portal's
#: work on one item, and what each request takes besides (the way there and back, our own work).
SECONDS_PER_ITEM = "seconds_per_item"
SECONDS_PER_REQUEST = "seconds_per_request"

#: What is asked for before the first item of a type is sent: its newest row, and the field that
#: tells where items came from, which is created and looked at.
REQUESTS_TO_PREPARE = 3
PREPARING = "preparing"

IMPORT_METHOD = "crm.item.batchImport"
UPDATE_METHOD = "crm.item.update"

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
    #: Items that are in the target already and are taken over instead of created.
    matched: int = 0
    #: Items among those to import of which the operator has to say first what they are.
    ambiguous: int = 0


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
class ImportCost:
    """What importing takes, as far as it has been measured."""

    seconds_per_item: float | None = None
    seconds_per_request: float | None = None

    @property
    def of_an_item(self) -> float:
        known = self.seconds_per_item
        return ASSUMED_SECONDS_PER_ITEM if known is None else known

    @property
    def beside(self) -> float:
        """Nothing is assumed: it depends on the way to the portal."""
        return self.seconds_per_request or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the rest of the import will cost the target."""

    requests: int
    operating_seconds: float
    duration: timedelta
    seconds_per_item: float
    seconds_per_request: float
    is_measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    types: tuple[TypePlan, ...]
    deferred: tuple[DeferredPlan, ...]
    findings: tuple[Finding, ...]
    #: Updates that set deferred links, as far as can be told beforehand.
    updates: int
    estimate: Estimate
    #: The first candidates for a match, ambiguous ones first.
    matches: tuple[MatchCandidate, ...] = ()

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
    #: Entity types of the source whose matched items are updated, not kept as they are.
    updates_matched: frozenset[EntityTypeId] = frozenset()


def chunk_size(seconds_per_item: float) -> int:
    """How many items one request may hold so that it is expected to end in time."""
    if seconds_per_item <= 0:
        return LARGEST_CHUNK
    return max(1, int(min(LARGEST_CHUNK, REQUEST_SECONDS / seconds_per_item)))


def import_work(
    to_import: Iterable[int], updates: float, cost: ImportCost, *, under_way: int = 0
) -> list[Work]:
    """The requests of an import.

    Args:
        to_import: items of each type that has not begun; each begins with a small request
        updates: items with deferred links, each a request of its own
        cost: an update is taken to cost as much as an item
        under_way: items of a type that has begun
    """
    size = chunk_size(cost.of_an_item)
    items, requests = under_way, math.ceil(under_way / size)
    ahead = [count for count in to_import if count]
    for count in ahead:
        first = min(count, FIRST_CHUNK, size)
        requests += 1 + math.ceil((count - first) / size)
        items += count
    works = []
    if ahead:
        preparing = REQUESTS_TO_PREPARE * len(ahead)
        works.append(_work(PREPARING, preparing, 0.0, cost))
    if requests:
        works.append(_work(IMPORT_METHOD, requests, cost.of_an_item * items / requests, cost))
    if updates:
        works.append(_work(UPDATE_METHOD, updates, cost.of_an_item, cost))
    return works


def _work(method: str, requests: float, executing: float, cost: ImportCost) -> Work:
    return Work(
        method=method,
        requests=requests,
        seconds=executing + cost.beside,
        operating=executing if executing > UNCOUNTED_SECONDS else 0.0,
    )


def estimate(
    to_import: Iterable[int], updates: int, cost: ImportCost, allowance: Allowance
) -> Estimate:
    """How long an import takes that begins now.

    All types share one method, so they share one execution budget.
    """
    works = import_work(to_import, updates, cost)
    return Estimate(
        requests=round(sum(work.requests for work in works if work.method != PREPARING)),
        operating_seconds=sum(w.requests * w.operating for w in works if w.method == IMPORT_METHOD),
        duration=timedelta(seconds=round(time_needed(works, allowance))),
        seconds_per_item=cost.of_an_item,
        seconds_per_request=cost.beside,
        is_measured=cost.seconds_per_item is not None,
    )
