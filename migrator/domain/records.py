"""What the staging database keeps, as plain values: one dataclass for each kind of row.

Every row belongs to a migration; which one is said once, where the repositories are obtained, so
no record repeats it. Moments are aware and in UTC. A moment that is `None` in a record about to be
saved is filled in with the present one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NewType

from migrator.domain.vocabulary import EntityTypeId, Role, SourceId, TargetId

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MigrationId = NewType("MigrationId", int)
BatchId = NewType("BatchId", int)

#: The entity type of a checkpoint that is about a whole stage.
NO_ENTITY_TYPE = EntityTypeId(0)


class Origin(StrEnum):
    """How a target item came to be the partner of a source item."""

    #: created by crm.item.import or crm.item.batchImport
    IMPORT = "import"
    #: created by crm.item.add, without its history
    ADD = "add"
    #: found in the target by its correlation value after an unknown outcome
    ADOPTED = "adopted"
    #: in the target before, found by `match_on`
    MATCHED = "matched"


class VerifiedState(StrEnum):
    AGREES = "agrees"
    DIFFERS = "differs"


class LinkState(StrEnum):
    """Where a deferred link stands."""

    PENDING = "pending"
    DONE = "done"
    #: the target refused it; `detail` says why
    FAILED = "failed"
    #: the item referred to will never be in the target
    UNRESOLVABLE = "unresolvable"


class BatchState(StrEnum):
    """Where an import batch stands. Whatever is not settled is in doubt after a restart."""

    SENT = "sent"
    UNKNOWN = "unknown"
    SETTLED = "settled"


class BatchOutcome(StrEnum):
    """What became of one item of an import batch."""

    CREATED = "created"
    FAILED = "failed"
    #: the target was asked and does not have it: it may be sent again
    ABSENT = "absent"
    #: the target was asked and has it although the answer was lost
    ADOPTED = "adopted"


class SampleReason(StrEnum):
    """Why an item is in a sample."""

    DRAWN = "drawn"
    REFERRED_TO = "referred_to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One source-target pair. Portals are host names; an origin is `https://host`, for links."""

    migration_id: MigrationId
    name: str
    source_portal: str
    target_portal: str
    source_origin: str
    target_origin: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureElement:
    """One piece of a portal's structure, as the portal sent it.

    `scope` is empty where a kind needs none: profile, entity_type, currency and user.
    """

    kind: str
    scope: str
    key: str
    name: str
    payload: Any
    read_at: datetime | None = None


class CreationState(StrEnum):
    """Where something stands that `structure apply` makes in the target."""

    SENT = "sent"
    #: the answer was lost
    UNKNOWN = "unknown"
    CREATED = "created"
    #: looked for after a lost answer, and there
    FOUND = "found"
    #: the target refused it; `detail` says why
    FAILED = "failed"
    #: gone again: by undo, or a stage the portal makes by itself that had to make room
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureCreation:
    """Something made in the target; written before its request, settled after it."""

    kind: str
    scope: str
    source_key: str
    name: str
    method: str
    params: Mapping[str, Any]
    target_scope: str | None = None
    target_key: str | None = None
    state: CreationState = CreationState.SENT
    detail: str | None = None
    sent_at: datetime | None = None
    settled_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        return self.state not in {CreationState.SENT, CreationState.UNKNOWN}

    @property
    def is_there(self) -> bool:
        return self.state in {CreationState.CREATED, CreationState.FOUND}


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedItem:
    """A source item. `payload` is exactly what the portal sent."""

    entity_type_id: EntityTypeId
    source_id: SourceId
    title: str
    created_time: datetime
    updated_time: datetime | None
    payload: Mapping[str, Any]
    exported_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveCounts:
    """What saving a page did; an item is changed when its payload is."""

    new: int = 0
    changed: int = 0
    same: int = 0

    def __add__(self, other: SaveCounts) -> SaveCounts:
        return SaveCounts(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            same=self.same + other.same,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """A file that was sent with an item, so that verify knows what to expect."""

    entity_type_id: EntityTypeId
    source_id: SourceId
    field: str
    #: counted from 0 within the field
    position: int
    source_file_id: int | None
    name: str
    #: bytes
    size: int
    #: hexadecimal
    sha256: str
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdPair:
    """A source item and the target item it became."""

    entity_type_id: EntityTypeId
    source_id: SourceId
    target_entity_type_id: EntityTypeId
    target_id: TargetId
    origin: Origin = Origin.IMPORT
    imported_at: datetime | None = None
    verified_at: datetime | None = None
    verified_state: VerifiedState | None = None


class MatchState(StrEnum):
    """Whether a source item and an item of the target are each other's only candidates."""

    PAIR = "pair"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchCandidate:
    """An item of the target that is the same as a source item by one of the fields of `match_on`.

    `field` is as the mapping file names it, or `answers` where the operator named the item.
    """

    entity_type_id: EntityTypeId
    source_id: SourceId
    target_id: TargetId
    field: str
    #: what both hold, as it was compared
    value: str
    state: MatchState = MatchState.AMBIGUOUS
    target_title: str | None = None
    found_at: datetime | None = None
    #: when an update of the target's item was about to be sent
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedValue:
    """A value by which several source items are the same as items of the target."""

    field: str
    value: str
    source_items: int
    target_items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedItem:
    """What verify found for one mapped item; the title is the target's."""

    source_id: SourceId
    state: VerifiedState
    target_title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedItem:
    """An item the target refused, with the server's own code and text."""

    entity_type_id: EntityTypeId
    source_id: SourceId
    error: str
    error_description: str
    #: counted by the database: saving the same item again adds one
    attempts: int = 1
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCount:
    """How often a finding was made; `items` is what those findings stand for."""

    kind: str
    severity: str
    effect: str
    entity_type_id: EntityTypeId | None
    findings: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredLink:
    """A reference that is set after both ends exist in the target."""

    entity_type_id: EntityTypeId
    source_id: SourceId
    field: str
    refers_to_entity_type_id: EntityTypeId
    refers_to_source_id: SourceId
    state: LinkState = LinkState.PENDING
    detail: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """An item of an import batch and the value it can be found by in the target."""

    source_id: SourceId
    correlation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOutcome:
    """What became of one item; `target_id` for created and adopted, `error` for failed."""

    source_id: SourceId
    outcome: BatchOutcome
    target_id: TargetId | None = None
    error: str | None = None
    error_description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlightBatch:
    """An import batch whose outcome is not on record."""

    batch_id: BatchId
    entity_type_id: EntityTypeId
    state: BatchState
    method: str
    items: tuple[BatchItem, ...]
    sent_at: datetime
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How far a stage has come with an entity type, or with everything (`NO_ENTITY_TYPE`)."""

    stage: str
    entity_type_id: EntityTypeId = NO_ENTITY_TYPE
    position: int = 0
    done: bool = False
    detail: Any = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEntry:
    """One request to a portal: what was asked, never with what."""

    portal_role: Role
    #: host name
    portal: str
    method: str
    sent_at: datetime
    duration_s: float
    #: execution seconds it took out of its methods' budgets; None when there was no answer
    operating_s: float | None = None
    #: HTTP status; None when there was no answer
    status: int | None = None
    error: str | None = None
    items: int | None = None
    commands: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field whose value in the target is not what it must be; both as readable text."""

    entity_type_id: EntityTypeId
    source_id: SourceId
    field: str
    expected: str | None
    actual: str | None
    found_at: datetime | None = None
