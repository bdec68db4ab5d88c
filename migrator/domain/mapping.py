"""The mapping: which part of the source's structure is which part of the target's."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Mapping as Lookup
    from decimal import Decimal

    from migrator.domain.values import Reference


class PairKind(StrEnum):
    """What a pair is about; `scope` says where, as told for each kind."""

    #: scope empty
    ENTITY_TYPE = "entity_type"
    #: scope is the source entityTypeId
    CATEGORY = "category"
    #: scope is the source directory (ENTITY_ID) of a pipeline's stages
    STAGE = "stage"
    #: scope is the source directory (ENTITY_ID)
    STATUS = "status"
    #: scope is the source entityTypeId
    FIELD = "field"
    #: scope is `<source entityTypeId>.<source field>`
    ENUMERATION = "enumeration"
    #: scope empty
    USER = "user"
    #: scope empty
    CURRENCY = "currency"

    @property
    def section(self) -> str:
        """The section of the mapping file that answers pairs of this kind."""
        plurals = {"category": "categories", "status": "statuses", "currency": "currencies"}
        return plurals.get(self.value, f"{self.value}s")


#: What every item has one of, so that it cannot be left out: the portal would choose instead.
INDISPENSABLE = frozenset({PairKind.CATEGORY, PairKind.STAGE, PairKind.CURRENCY})


class Decision(StrEnum):
    """How a pair came about."""

    IDENTITY = "identity"
    NAME = "name"
    MAPPING = "mapping"
    DROPPED = "dropped"
    OPEN = "open"
    #: made in the target by `structure apply`
    CREATED = "created"
    #: a user without a partner who got that of the department, or the one for all
    DEFAULT = "default"


class PairKey(NamedTuple):
    """What a structural value in an item is looked up by."""

    kind: PairKind
    scope: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One decision. `target_key` is None while it is open, and for good once it is dropped."""

    kind: PairKind
    scope: str
    source_key: str
    source_name: str
    decision: Decision
    target_key: str | None = None
    target_name: str | None = None
    #: Where the partner was to be found, for the operator: the target's directory, type or field.
    target_scope: str | None = None

    @property
    def pair_key(self) -> PairKey:
        return PairKey(self.kind, self.scope, self.source_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDefaults:
    """Who takes the place of source users without a partner; values are users of the target."""

    everybody: str | None = None
    #: department of the source -> user
    departments: Lookup[int, str] = field(default_factory=dict)


class OnMatch(StrEnum):
    """What becomes of a target item that is the partner of a source item by `match_on`."""

    KEEP = "keep"
    UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRule:
    """By which fields of the source items of a type are looked for in the target first."""

    match_on: tuple[str, ...]
    on_match: OnMatch = OnMatch.KEEP
    #: The operator's word on single items: their partner, or None for a new item.
    answers: Lookup[SourceId, TargetId | None] = field(default_factory=dict)


class Mapping:
    """All pairs of a migration, looked up by what stands in a source item.

    `rates` say what one unit of a source currency is in the currency it is mapped to; `filtered`
    are the entity types of which the mapping file takes only some items.
    """

    def __init__(
        self,
        pairs: Iterable[Pair],
        *,
        rates: Lookup[str, Decimal] | None = None,
        filtered: frozenset[EntityTypeId] = frozenset(),
    ) -> None:
        self._pairs = {pair.pair_key: pair for pair in pairs}
        self.rates = dict(rates or {})
        self.filtered = filtered

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs.values())

    def __len__(self) -> int:
        return len(self._pairs)

    def get(self, key: PairKey) -> Pair | None:
        return self._pairs.get(key)

    def target_key(self, key: PairKey) -> str | None:
        pair = self._pairs.get(key)
        return pair.target_key if pair else None

    def target_type(self, entity_type_id: EntityTypeId) -> EntityTypeId | None:
        found = self.target_key(PairKey(PairKind.ENTITY_TYPE, "", str(entity_type_id)))
        return EntityTypeId(int(found)) if found is not None else None

    def target_field(self, entity_type_id: EntityTypeId, name: str) -> str | None:
        return self.target_key(PairKey(PairKind.FIELD, str(entity_type_id), name))

    def why_missing(self, reference: Reference) -> str:
        """Why an item that another refers to has no partner, and never will have."""
        entity_type_id = reference.entity_type_id
        item = f"item {reference.item_id} of entity type {entity_type_id}"
        pair = self.get(PairKey(PairKind.ENTITY_TYPE, "", str(entity_type_id)))
        if pair is not None and pair.decision is Decision.DROPPED:
            return f"{item} is left out: the mapping file drops its entity type"
        if entity_type_id in self.filtered:
            return f"{item} was left out by the mapping file's filter, or is not in the source"
        return f"{item} is not among the exported items"


def directory_kind(directory: str) -> PairKind:
    """Whether an ENTITY_ID holds the stages of a pipeline or the entries of a plain directory."""
    is_stage = "_STAGE" in directory or directory in {"STATUS", "QUOTE_STATUS"}
    return PairKind.STAGE if is_stage else PairKind.STATUS


def enumeration_scope(entity_type_id: EntityTypeId, field: str) -> str:
    return f"{entity_type_id}.{field}"
