"""Drawing a sample: how many, which, and what a drawn item takes along.

Drawing is a function of the items alone: the same items give the same sample, whoever draws, in
whatever order they come.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from migrator.domain.errors import UsageError
from migrator.domain.references import is_ignored, references
from migrator.domain.values import UnreadableValueError, decode

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from migrator.domain.structure import Structure
    from migrator.domain.values import Reference
    from migrator.domain.vocabulary import EntityTypeId, SourceId

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%")
_WHOLE = Decimal(100)


class InvalidShare(UsageError):
    """The size of a sample is not a percentage."""

    reference = "invalid-sample"


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """What part of each entity type is drawn."""

    percent: Decimal

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read `5%` or `0.5%`. Raises: InvalidShare."""
        match = _SHARE.fullmatch(text.strip())
        percent = Decimal(match[1]) if match else Decimal(0)
        if not 0 < percent <= _WHOLE:
            raise InvalidShare(
                f"'{text}' is no size of a sample",
                hint="a percentage of each entity type's items, more than 0: --sample 5%",
            )
        return cls(percent)

    def __str__(self) -> str:
        return f"{self.percent:f}%"

    def of(self, items: int) -> int:
        """So many of these items, at least one where there are any."""
        return math.ceil(items * self.percent / _WHOLE)


class RandomDraw:
    """Draws items of one entity type by a hash of type and ID.

    Each stratum (a stage of a pipeline) that has items is drawn from at least once, so what is rare
    is not missed. Memory grows with the strata, not with the items.
    """

    def __init__(self, share: Share, entity_type_id: EntityTypeId) -> None:
        self._share = share.percent / _WHOLE
        self._type = entity_type_id
        #: Of strata nothing is drawn from yet: the item that comes closest.
        self._closest: dict[Hashable, tuple[Decimal, SourceId]] = {}
        self._drawn_from: set[Hashable] = set()

    def draw(self, page: Iterable[tuple[SourceId, Hashable]]) -> list[SourceId]:
        """Those of a page that are drawn; each item comes with its stratum."""
        drawn = []
        for source_id, stratum in page:
            ticket = _ticket(self._type, source_id)
            if ticket < self._share:
                drawn.append(source_id)
                self._drawn_from.add(stratum)
                self._closest.pop(stratum, None)
            elif stratum not in self._drawn_from:
                closest = self._closest.get(stratum, (ticket, source_id))
                self._closest[stratum] = min(closest, (ticket, source_id))
        return drawn

    def rest(self) -> list[SourceId]:
        """After the last page: one item for each stratum that nothing was drawn from."""
        return sorted(source_id for _, source_id in self._closest.values())


def _ticket(entity_type_id: EntityTypeId, source_id: SourceId) -> Decimal:
    """A number from 0 to 1 that looks like chance and is always the same."""
    digest = hashlib.blake2b(f"{entity_type_id}:{source_id}".encode(), digest_size=8).digest()
    return Decimal(int.from_bytes(digest)) / Decimal(2**64)


class Referring:
    """What items of one entity type refer to, through every field that is carried over."""

    def __init__(self, source: Structure, entity_type_id: EntityTypeId) -> None:
        self._fields = source.fields[entity_type_id]
        self._referring = [
            one
            for one in self._fields
            if (one.refers_to is not None or one.type == "crm")
            and not one.is_read_only
            and not is_ignored(one)
        ]

    def of(self, items: Sequence[Mapping[str, Any]]) -> Iterator[Reference]:
        for payload in items:
            for one in self._referring:
                try:
                    value = decode(one, self._fields.value(payload, one.name))
                except UnreadableValueError:
                    continue
                yield from references(value)
