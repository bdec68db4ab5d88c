"""What the target must hold for one source item, and what became of the rest of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING

from migrator.domain.values import Reference, Value

if TYPE_CHECKING:
    from migrator.domain.findings import Finding
    from migrator.domain.vocabulary import EntityTypeId


class Missing(Enum):
    """Why a reference has no partner in the target at the moment."""

    #: Its item is staged and will be imported: the link is deferred.
    LATER = auto()
    #: Its item is not in staging, or its entity type is left out: the link is lost.
    NEVER = auto()


#: Asked for every reference of an item.
Resolve = Callable[[Reference], Reference | Missing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """A reference to set once both ends exist; `field` is the source's field."""

    field: str
    refers_to: Reference


@dataclass(slots=True, kw_only=True)
class TransformedItem:
    """What the target must hold for one source item.

    `values` has one entry for each target field that is to be written, empty ones included: a
    field that is not sent takes a default of the portal (first source, today's date, ...).
    """

    entity_type_id: EntityTypeId
    source_id: int
    values: dict[str, Value] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    #: References that will never have a partner.
    dangling: list[Deferred] = field(default_factory=list)
    #: Whether the target stage is a final one; such items lose closedate on import.
    is_final: bool = False

    @property
    def created_time(self) -> datetime | None:
        value = self.values.get("createdTime")
        return value if isinstance(value, datetime) else None
