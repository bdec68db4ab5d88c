"""One portal over REST: single calls and batches, paced, repeated where that is safe, recorded."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from migrator import __version__
from migrator.bitrix.commands import MOST_COMMANDS, Command, encode
from migrator.bitrix.counting import Count, CountQuery, count_items, newest_and_counts
from migrator.bitrix.download import DownloadedFile, method_of, read_file
from migrator.bitrix.errors import PortalError, WriteRefused
from migrator.bitrix.keyset import ItemPages, ItemReader, NewestItem
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.lists import list_all
from migrator.bitrix.methods import is_write
from migrator.bitrix.reading import ReadingAdapter
from migrator.bitrix.replies import ReplyReader
from migrator.bitrix.requester import Exchange, Request, Requester
from migrator.bitrix.transport import Transport, http_adapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from requests.adapters import BaseAdapter

    from migrator.bitrix.answers import Answer
    from migrator.bitrix.records import EarlierRequest, RequestRecord, Spent, Wait
    from migrator.bitrix.webhook import Webhook
    from migrator.clock import Clock
    from migrator.domain.allowance import Allowance

_USER_AGENT = f"migrator/{__version__}"
_KEY = re.compile(r"[A-Za-z0-9_]+")
_DELETE = "crm.item.delete"


class PortalClient:
    """The one way to a portal. Not for several threads: its limits are the portal's, too.

    `on_request` hears of every request sent, `on_wait` of every pause before it begins.
    `before_write` is asked when the pause before a write is over, and prevents it by raising. A
    client made `read_only` refuses methods that are not known to read; what is built above it, or
    beside it, cannot get past that (`bitrix.reading`).
    """

    is_write = staticmethod(is_write)

    def __init__(
        self,
        webhook: Webhook,
        limits: PortalLimits = PortalLimits(),  # noqa: B008 - frozen, so sharing it is safe
        *,
        clock: Clock,
        adapter: BaseAdapter | None = None,
        on_request: Callable[[RequestRecord], None] | None = None,
        on_wait: Callable[[Wait], None] | None = None,
        before_write: Callable[[], None] | None = None,
        read_only: bool = False,
        user_agent: str = _USER_AGENT,
    ) -> None:
        self.webhook = webhook
        self.limits = limits
        self._read_only = read_only
        if read_only:
            adapter = ReadingAdapter(adapter or http_adapter(), webhook.host)
        self._transport = Transport(
            webhook, limits, clock=clock, adapter=adapter, user_agent=user_agent
        )
        self._replies = ReplyReader(webhook)
        self._requester = Requester(
            webhook.host,
            limits,
            self._replies,
            clock=clock,
            on_request=on_request,
            on_wait=on_wait,
            before_write=before_write,
        )
        self._reader = ItemReader(self)

    def __repr__(self) -> str:
        return f"PortalClient({self.webhook.host})"

    def __enter__(self) -> PortalClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def remember(self, requests: Iterable[EarlierRequest]) -> None:
        """Pace on after an earlier process that sent these requests."""
        self._requester.remember(requests)

    def allowance(self) -> Allowance:
        """What the portal's limits permit from now on."""
        return self._requester.allowance()

    @property
    def spent(self) -> Spent:
        """What this client has used up to now."""
        return self._requester.spent.copy()

    def close(self) -> None:
        self._transport.close()

    def call(
        self, method: str, params: Mapping[str, Any] | None = None, *, items: int | None = None
    ) -> Answer:
        """Call one method with JSON parameters; `items` is what a write sends, for the record.

        A read is repeated while the portal is in trouble; a write only where it is certain that it
        was not executed.

        Raises:
            UnknownOutcome: a write was sent and its answer is missing or unreadable.
            PortalError: one of the other classes of `bitrix.errors`.
            WriteRefused: this client only reads.
        """
        if method.lower() == "batch":
            raise ValueError("use PortalClient.batch, which looks at what a batch holds")
        write = is_write(method)
        if write and self._read_only:
            raise WriteRefused(f"{self.webhook.host}: {method}: this portal is only read from")
        body = _body(params or {})
        request = Request(
            method=method,
            send=lambda: self._transport.post(method, body),
            read=lambda reply: self._replies.answer(method, reply),
            write=write,
            items=items,
        )
        return self._requester.run(request).answer()

    def batch(
        self, commands: Mapping[str, Command], *, halt: bool = False
    ) -> dict[str, Answer | PortalError]:
        """Call up to 50 reading methods in one request, each with an outcome of its own.

        With `halt` the commands after the first failed one are absent. A command refused for its
        execution budget is left to the caller; its method then waits at the next call.

        Raises:
            PortalError: the batch as a whole failed.
            ValueError: too many commands, a writing method (as text, values would not arrive as
                sent, and one lost answer would leave many writes in doubt), or a parameter that a
                query string cannot express.
        """
        return self._requester.run(self._batch_request(commands, halt=halt)).inner

    def delete_items(self, entity_type_id: int, ids: Sequence[int]) -> Exchange:
        """Delete up to 50 items in one request; `inner` has each one's outcome by `i<id>`.

        The only write that may travel in a batch: an id arrives as it was sent although all values
        there are text, and asking once more after a lost answer does no harm, as what is gone is
        answered with `NotFound`.

        Raises:
            UnknownOutcome: the request was sent and its answer is missing or unreadable.
            PortalError: the request as a whole was refused.
            WriteRefused: this client only reads.
        """
        if self._read_only:
            raise WriteRefused(f"{self.webhook.host}: {_DELETE}: this portal is only read from")
        commands = {
            f"i{one}": Command(_DELETE, {"entityTypeId": entity_type_id, "id": one}) for one in ids
        }
        request = self._batch_of(commands, halt=False)
        return self._requester.run(replace(request, write=True, items=len(commands)))

    def batch_once(self, commands: Mapping[str, Command], *, halt: bool = False) -> Exchange:
        """`batch` without repeating it, for a caller that would rather send a shorter one."""
        return self._requester.run_once(self._batch_request(commands, halt=halt))

    def back_off(self, method: str, attempt: int) -> None:
        """Wait as long as before repeating a request for the `attempt`-th time."""
        self._requester.back_off(method, attempt)

    def iter_items(
        self,
        entity_type_id: int,
        *,
        select: Sequence[str],
        after: int = 0,
        newest: int | None = None,
        use_original_uf_names: bool = True,
        max_pages_per_request: int = MOST_COMMANDS,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the vendor's word
    ) -> Iterator[ItemPages]:
        """Every item with an id above `after`, ascending, up to 2,500 in one request.

        `newest`, the highest id known, keeps the chain short for a type with few items; `filter`
        must not have a condition on `>id`. See `ItemReader.iter_items`.
        """
        return self._reader.iter_items(
            entity_type_id,
            select=select,
            after=after,
            newest=newest,
            use_original_uf_names=use_original_uf_names,
            max_pages=max_pages_per_request,
            filter=filter or {},
        )

    @property
    def pages_per_request(self) -> int:
        """How many pages `iter_items` asks for at once, the portal being as quick as it is."""
        return self._reader.pages_per_request

    def newest(self, entity_type_ids: Sequence[int]) -> dict[int, NewestItem | PortalError | None]:
        """The row with the highest id of each type: None for an empty one, or its error."""
        return self._reader.newest(entity_type_ids)

    def newest_and_counts(
        self, queries: Sequence[CountQuery]
    ) -> tuple[dict[int, NewestItem | PortalError | None], dict[int, int]]:
        """`newest` of each query's type, and the numbers of items that match, one by type."""
        return newest_and_counts(self._reader, queries)

    def read_items(
        self,
        entity_type_id: int,
        ids: Sequence[int],
        *,
        select: Sequence[str],
        use_original_uf_names: bool = True,
    ) -> list[dict[str, Any]]:
        """The items with these ids that exist and may be seen, ascending."""
        return self._reader.read_items(
            entity_type_id, ids, select=select, use_original_uf_names=use_original_uf_names
        )

    def find_items(
        self,
        entity_type_id: int,
        *,
        filter: Mapping[str, Any],  # noqa: A002 - the vendor's word
        select: Sequence[str],
        use_original_uf_names: bool = True,
    ) -> list[dict[str, Any]]:
        """Every item that matches, ascending by id."""
        return self._reader.find_items(
            entity_type_id,
            filter=filter,
            select=select,
            use_original_uf_names=use_original_uf_names,
        )

    def count_items(self, queries: Sequence[CountQuery]) -> list[Count | PortalError]:
        """How many items match each query; the items themselves are not read."""
        return count_items(self._reader, queries)

    def list_all(
        self, method: str, params: Mapping[str, Any] | None = None, *, key: str | None
    ) -> list[dict[str, Any]]:
        """Every row of a small list in `result[key]`, or in `result` itself when `key` is None."""
        return list_all(self, method, params or {}, key=key)

    def download(self, url: str) -> DownloadedFile:
        """The file behind one of the portal's own links (`urlMachine`, whole or as a path).

        Raises:
            PortalError: the portal refuses it, or sends a page instead of the file.
            ValueError: the link leads somewhere else.
        """
        is_path = url.startswith("/") and not url.startswith("//")
        link = f"{self._transport.origin}{url}" if is_path else url
        if not self._transport.is_own(link):
            raise ValueError("a link to another host is not downloaded with this portal's webhook")
        method = method_of(link)
        request = Request(
            method=method,
            send=lambda: self._transport.get(method, link),
            read=lambda reply: read_file(method, reply, self._replies),
        )
        file: DownloadedFile = self._requester.run(request).answer().result
        return file

    def _batch_request(self, commands: Mapping[str, Command], *, halt: bool) -> Request:
        for command in commands.values():
            if is_write(command.method) or command.method.lower() == "batch":
                raise ValueError(f"{command.method} does not belong into a batch that only reads")
        return self._batch_of(commands, halt=halt)

    def _batch_of(self, commands: Mapping[str, Command], *, halt: bool) -> Request:
        if not 0 < len(commands) <= MOST_COMMANDS:
            raise ValueError(f"a batch holds 1 to {MOST_COMMANDS} commands, not {len(commands)}")
        for key in commands:
            if not _KEY.fullmatch(key):
                raise ValueError(f"{key!r} cannot be the key of a command")
        encoded = {key: encode(command) for key, command in commands.items()}
        body = _body({"halt": int(halt), "cmd": encoded})
        return Request(
            method="batch",
            send=lambda: self._transport.post("batch", body),
            read=lambda reply: self._replies.answer("batch", reply),
            commands={key: command.method for key, command in commands.items()},
            halt=halt,
        )


def _body(params: Mapping[str, Any]) -> bytes:
    return json.dumps(params, allow_nan=False).encode()
