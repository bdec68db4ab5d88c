"""Items by ascending id, many pages in one request.

`start: -1` spares the portal the counting, a filter on the last id spares it the skipping, and in
a batch each page refers to the last id of the page before it.
Sources: b24restdocs settings/performance/huge-data.md, settings/how-to-call-rest-api/batch.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from migrator.bitrix.answers import require
from migrator.bitrix.commands import MOST_COMMANDS, Command
from migrator.bitrix.errors import (
    PagingStuck,
    PortalBusy,
    PortalError,
    PortalStopped,
    PortalUnreachable,
    RepeatLater,
    UnreadableAnswer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from migrator.bitrix.answers import Answer
    from migrator.bitrix.requester import Exchange

PAGE = 50
_LIST = "crm.item.list"
#: The cloud cuts a request off at 60 s. Source: b24restdocs limits.md
_SECONDS_PER_REQUEST = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPages:
    """What one request brought; `exhausted` when nothing is left to ask for after `last_id`."""

    items: list[dict[str, Any]]
    last_id: int
    exhausted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestItem:
    id: int
    created_time: datetime | None


class Portal(Protocol):
    """What the reader needs of a client."""

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Answer: ...

    def batch_once(self, commands: Mapping[str, Command], *, halt: bool = False) -> Exchange: ...

    def back_off(self, method: str, attempt: int) -> None: ...


class RequestSize:
    """How many commands one request may hold, by what they have cost so far."""

    def __init__(self, most: int = MOST_COMMANDS, first: int = MOST_COMMANDS) -> None:
        self._most = max(1, min(most, MOST_COMMANDS))
        self._now = min(first, self._most)
        self.cuts = 0

    def commands(self, needed: int) -> int:
        return max(1, min(self._now, needed))

    def measured(self, commands: int, seconds: float) -> None:
        """Aim at twenty seconds a request; after a cut, grow no faster than twofold."""
        self.cuts = 0
        fitting = int(_SECONDS_PER_REQUEST * commands / seconds) if seconds > 0 else self._most
        self._now = max(1, min(fitting, self._now * 2, self._most))

    def cut(self, commands: int) -> None:
        """A request was cut off, or the portal broke over it."""
        self.cuts += 1
        self._now = max(1, commands // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    """One type's `crm.item.list`, less what selects a page."""

    entity_type_id: int
    select: Sequence[str]
    use_original_uf_names: bool = True
    #: Which items of the type are asked for at all.
    filter: Mapping[str, object] = field(default_factory=dict)

    def params(
        self, page_filter: Mapping[str, object], direction: str = "ASC"
    ) -> dict[str, object]:
        select = list(self.select)
        # Only what is named comes, the id included. Source: b24_clear: controller/item.php
        if "*" not in select and "id" not in select:
            select.insert(0, "id")
        return {
            "entityTypeId": self.entity_type_id,
            "select": select,
            "filter": {**self.filter, **page_filter},
            "order": {"id": direction},
            "start": -1,
            "useOriginalUfNames": "Y" if self.use_original_uf_names else "N",
        }

    def after(self, last_id: int | str) -> dict[str, object]:
        # '>ID' is refused, '>id' works. Source: core-corp: modules/crm/lib/Service/Converter.php
        return self.params({">id": last_id})


@dataclass(slots=True)
class _Chain:
    """The outcome of consecutive pages, checked for growth."""

    last_id: int
    items: list[dict[str, Any]]
    #: Whether the last page was not full, which nothing can follow in the same chain.
    exhausted: bool = False

    def add(self, answer: Answer) -> None:
        """Raises PagingStuck where the ids of a page do not grow: rows would repeat or be lost."""
        page = answer.rows("items")
        last_id = self.last_id
        for item in page:
            item_id = _id_of(item, answer)
            if item_id <= last_id:
                raise PagingStuck(
                    method=answer.method,
                    portal=answer.portal,
                    description=f"id {item_id} follows {last_id}",
                )
            last_id = item_id
        self.last_id = last_id
        self.items += page
        self.exhausted = len(page) < PAGE

    def is_end(self, newest: int | None) -> bool:
        """Whether nothing is left to ask for.

        The vendor's rule is to stop at a page that is not full. But a portal that takes rows out of
        a page after it was cut (doubles of a filter that joins, what its user may not see) sends
        such pages in the middle: short of the newest id only an empty answer is the end.
        Source: b24restdocs settings/performance/huge-data.md
        """
        if newest is None:
            return self.exhausted
        return self.last_id >= newest or (self.exhausted and not self.items)


class ItemReader:
    """Reads items of one portal in as few requests as its time limit permits."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        #: of requests for whole items; what one type has shown, the next need not find out again
        self._size = RequestSize()
        #: Whether a command may refer to the answer of an earlier one.
        self._chains = True

    @property
    def pages_per_request(self) -> int:
        """How many pages the next request for many items will hold."""
        return self._size.commands(MOST_COMMANDS)

    def iter_items(
        self,
        entity_type_id: int,
        *,
        select: Sequence[str],
        after: int,
        newest: int | None,
        use_original_uf_names: bool,
        max_pages: int,
        filter: Mapping[str, Any],  # noqa: A002 - the vendor's word
    ) -> Iterator[ItemPages]:
        """One `ItemPages` per request, each complete up to its `last_id`; the last is exhausted.

        With `newest` nothing is asked for once that id is reached, so that a number of items that
        fills its last request costs no further one; short of it, the end is an empty page, and not
        already one that is not full. Items created meanwhile may appear; rows the
        webhook's user cannot see do not.

        Raises:
            PagingStuck: ids that do not grow.
            PortalError: after the pages read before it have been yielded.
        """
        query = _Query(
            entity_type_id=entity_type_id,
            select=select,
            use_original_uf_names=use_original_uf_names,
            filter=filter,
        )
        last_id, exhausted = after, False
        while not exhausted:
            # At most one item per id: so many pages reach beyond `newest` for certain.
            needed = MOST_COMMANDS if newest is None else max(0, newest - last_id) // PAGE + 1
            chain = _Chain(last_id, [])
            pages = self._size.commands(min(needed, max_pages)) if self._chains else 1
            failure = self._read_chain(query, chain, pages)
            if chain.items or chain.exhausted:
                last_id = chain.last_id
                exhausted = chain.is_end(newest)
                yield ItemPages(items=chain.items, last_id=last_id, exhausted=exhausted)
            if failure is not None:
                raise failure

    def newest(self, entity_type_ids: Sequence[int]) -> dict[int, NewestItem | PortalError | None]:
        outcomes = self.run_all(newest_queries(entity_type_ids))
        return dict(zip(entity_type_ids, map(newest_of, outcomes), strict=True))

    def read_items(
        self,
        entity_type_id: int,
        ids: Sequence[int],
        *,
        select: Sequence[str],
        use_original_uf_names: bool,
    ) -> list[dict[str, Any]]:
        query = _Query(
            entity_type_id=entity_type_id,
            select=select,
            use_original_uf_names=use_original_uf_names,
        )
        wanted = sorted(set(ids))
        pages = [wanted[start : start + PAGE] for start in range(0, len(wanted), PAGE)]
        outcomes = self.run_all([query.params({"@id": page}) for page in pages], self._size)
        return [item for answer in _answers(outcomes) for item in answer.rows("items")]

    def find_items(
        self,
        entity_type_id: int,
        *,
        filter: Mapping[str, Any],  # noqa: A002 - the vendor's word
        select: Sequence[str],
        use_original_uf_names: bool,
    ) -> list[dict[str, Any]]:
        if ">id" in filter:
            raise ValueError("the pages are told apart by a filter on >id; use >=id")
        query = _Query(
            entity_type_id=entity_type_id,
            select=select,
            use_original_uf_names=use_original_uf_names,
        )
        chain = _Chain(0, [])
        while not chain.exhausted:
            chain.add(self._portal.call(_LIST, query.params({**filter, ">id": chain.last_id})))
        return chain.items

    def _read_chain(self, query: _Query, chain: _Chain, pages: int) -> PortalError | None:
        """Read up to so many pages into the chain; returns the error that ended it for good."""
        size = self._size
        if pages == 1:
            answer = self._portal.call(_LIST, query.after(chain.last_id))
            size.measured(1, answer.time.duration or 0.0)
            chain.add(answer)
            return None
        commands = {"p0": Command(_LIST, query.after(chain.last_id))}
        for page in range(1, pages):
            earlier = f"$result[p{page - 1}][items][{PAGE - 1}][id]"
            commands[f"p{page}"] = Command(_LIST, query.after(earlier))
        outcomes = self._run(commands, size, halt=True)
        for outcome in outcomes.values():
            if chain.exhausted:
                # The reference to a short page's fiftieth row leads nowhere, so the next command
                # fails. Source: core-corp: modules/crm/lib/controller/validator/filter.php
                return None
            if isinstance(outcome, RepeatLater):
                size.cut(len(outcomes))
                return None
            try:
                chain.add(require(outcome))
            except PortalError as error:
                if chain.items and not isinstance(error, PortalStopped):
                    # What the first page was asked for did well, so it is what refers to it: page
                    # by page from now on, where an error of the items themselves comes again.
                    self._chains = False
                    return None
                return error
        return None

    def run_all(
        self, queries: Sequence[dict[str, object]], size: RequestSize | None = None
    ) -> list[Answer | PortalError]:
        """The outcome of each `crm.item.list`, in as few requests as possible."""
        size = size or RequestSize()
        done: list[Answer | PortalError] = []
        while len(done) < len(queries):
            part = queries[len(done) :][: size.commands(len(queries) - len(done))]
            if len(part) == 1:
                done.append(self._call(part[0]))
                continue
            commands = {f"c{index}": Command(_LIST, params) for index, params in enumerate(part)}
            outcomes = self._run(commands, size, halt=False)
            for params, outcome in zip(part, outcomes.values(), strict=False):
                again = isinstance(outcome, RepeatLater)
                done.append(self._call(params) if again else outcome)
        return done

    def _call(self, params: dict[str, object]) -> Answer | PortalError:
        """A list by itself, which the client repeats by its own rules."""
        try:
            return self._portal.call(_LIST, params)
        except (RepeatLater, PortalStopped):
            raise
        except PortalError as error:
            return error

    def _run(
        self, commands: Mapping[str, Command], size: RequestSize, *, halt: bool
    ) -> dict[str, Answer | PortalError]:
        """The batch, or nothing and a smaller size where it was cut off."""
        try:
            exchange = self._portal.batch_once(commands, halt=halt)
        except (PortalBusy, PortalUnreachable):
            size.cut(len(commands))
            self._portal.back_off("batch", size.cuts)
            return {}
        size.measured(len(exchange.inner), exchange.portal_seconds)
        for outcome in exchange.inner.values():
            if isinstance(outcome, PortalStopped):
                raise outcome
        return exchange.inner


def _answers(outcomes: Iterable[Answer | PortalError]) -> Iterator[Answer]:
    return map(require, outcomes)


def newest_queries(entity_type_ids: Sequence[int]) -> list[dict[str, object]]:
    """Parameters of the lists of which `newest_of` reads the rows with the highest ids."""
    select = ("id", "createdTime")
    queries = (_Query(entity_type_id=type_id, select=select) for type_id in entity_type_ids)
    return [query.params({">id": 0}, "DESC") for query in queries]


def newest_of(outcome: Answer | PortalError) -> NewestItem | PortalError | None:
    if isinstance(outcome, PortalError):
        return outcome
    rows = outcome.rows("items")
    if not rows:
        return None
    item_id, row = max(((_id_of(one, outcome), one) for one in rows), key=lambda one: one[0])
    return NewestItem(id=item_id, created_time=read_moment(row.get("createdTime")))


def _id_of(item: Any, answer: Answer) -> int:
    """Raises: UnreadableAnswer, for a row that is no item."""
    if not isinstance(item, dict) or not str(item.get("id")).isdecimal():
        raise UnreadableAnswer(
            method=answer.method, portal=answer.portal, description="a row without an id"
        )
    return int(item["id"])


def read_moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
