"""How many items there are, asked without reading them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.bitrix.errors import PortalError, RepeatLater, UnreadableAnswer
from migrator.bitrix.keyset import RequestSize, newest_of, newest_queries, read_moment
from migrator.bitrix.lists import PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from migrator.bitrix.answers import Answer
    from migrator.bitrix.keyset import ItemReader, NewestItem

#: Counting costs a large portal seconds (b24restdocs settings/performance/huge-data.md), and a
#: request is cut off at 60: begin small, grow as it turns out.
_FIRST_COMMANDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CountQuery:
    entity_type_id: int
    filter: Mapping[str, Any] = field(default_factory=dict)
    #: Whether `Count.created_time` is that of the highest id, not of the lowest.
    newest_first: bool = False

    def params(self) -> dict[str, object]:
        return {
            "entityTypeId": self.entity_type_id,
            "select": ["id", "createdTime"],
            "filter": {">id": 0, **self.filter},
            "order": {"id": "DESC" if self.newest_first else "ASC"},
            # Anything but -1 counts (b24restdocs .../list-methods-pecularities.md).
            "start": 0,
            "useOriginalUfNames": "Y",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    items: int
    #: createdTime of the first row in the order of the query.
    created_time: datetime | None = None


def count_items(reader: ItemReader, queries: Sequence[CountQuery]) -> list[Count | PortalError]:
    """An answer or a refusal for each query, in their order.

    Raises: RepeatLater, PortalStopped.
    """
    outcomes = reader.run_all(
        [query.params() for query in queries], RequestSize(first=_FIRST_COMMANDS)
    )
    return [one if isinstance(one, PortalError) else _count(one) for one in outcomes]


def newest_and_counts(
    reader: ItemReader, queries: Sequence[CountQuery]
) -> tuple[dict[int, NewestItem | PortalError | None], dict[int, int]]:
    """The newest row of each query's type, and how many items match, asked in one request.

    The numbers are for people who wait: those the portal does not give are missing.
    """
    types = [query.entity_type_id for query in queries]
    try:
        outcomes = reader.run_all([*newest_queries(types), *(query.params() for query in queries)])
    except RepeatLater:
        return reader.newest(types), {}
    rows, counted = outcomes[: len(types)], outcomes[len(types) :]
    numbers = {
        type_id: one.total
        for type_id, one in zip(types, counted, strict=True)
        if not isinstance(one, PortalError) and one.total is not None
    }
    return dict(zip(types, map(newest_of, rows), strict=True)), numbers


def _count(answer: Answer) -> Count | PortalError:
    rows = answer.rows("items")
    # A first page that is not full is the whole list.
    total = len(rows) if answer.total is None and len(rows) < PAGE else answer.total
    if total is None:
        return UnreadableAnswer(
            method=answer.method, portal=answer.portal, description="the list was not counted"
        )
    first = read_moment(rows[0].get("createdTime")) if rows else None
    return Count(items=total, created_time=first)
