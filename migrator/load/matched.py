"""Items that were in the target before: kept as they are, or updated from the source's.

Of an update only what differs is sent, so an item is asked for again without harm. But phones and
e-mails are added by an update: before an item is looked at once more, the portal must have ended
the request whose answer was lost, or it would add them a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.bitrix.errors import ItemRefused, PortalError, UnknownError, UnknownOutcome
from migrator.domain.vocabulary import SourceId
from migrator.load.ledger import links_of
from migrator.load.preparation import references_of, transform_item
from migrator.transform.encode import encode_value
from migrator.transform.update import ItemUpdate, fields_to_read, update_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.domain.records import MatchCandidate
    from migrator.domain.values import FileValue
    from migrator.load.items import LoadOptions
    from migrator.load.ledger import ImportLedger
    from migrator.load.preparation import KnownItems
    from migrator.transform.item import TypeTransform
    from migrator.transform.transformed import TransformedItem
    from migrator.workspace import Workspace

#: Items read at once.
PAGE = 50

#: Items looked for at once, of which only the id is read: as many as one batch brings.
_KEPT_PAGE = 2500

_ATTEMPTS = 3

#: Items in a row whose answers were lost after which the portal is left alone.
MOST_LOST_UPDATES = 3

#: Clocks and networks are not exact; the portal's own limit is waited out with this to spare.
_MARGIN = 2.0

NO_ANSWER_ERROR = "NO_ANSWER"


@dataclass(slots=True, kw_only=True)
class MatchedUpdates:
    """Updates the matched items of one entity type and makes them partners."""

    workspace: Workspace
    target: PortalClient
    transform: TypeTransform
    known: KnownItems
    ledger: ImportLedger
    options: LoadOptions
    _lost_in_a_row: int = 0

    def run(self) -> None:
        after = SourceId(0)
        while page := self._page(after):
            after = page[-1].source_id
            self._update_page(page)

    def _page(self, after: SourceId) -> list[MatchCandidate]:
        retry = self.options.retry_failed
        with self.workspace.read() as repositories:
            return repositories.matched_pairs.open_page(
                self.transform.entity_type_id, PAGE, after, retry_failed=retry
            )

    def _update_page(self, page: Sequence[MatchCandidate]) -> None:
        if any(one.sent_at is not None for one in page):
            self._wait_out()
        ids = [one.source_id for one in page]
        with self.workspace.read() as repositories:
            staged = repositories.items.get(self.transform.entity_type_id, ids)
            refers = references_of(self.transform, staged)
            self.known.look_up(repositories, (ref for refs in refers.values() for ref in refs))
        items = {s.source_id: transform_item(self.transform, s, self.known) for s in staged}
        there = self._read(page)
        for one in page:
            self.workspace.check_stop()
            self._update(one, items[one.source_id], there.get(one.target_id))

    def _read(self, page: Sequence[MatchCandidate]) -> dict[int, dict[str, Any]]:
        rows = self.target.read_items(
            self.transform.target_type_id,
            [one.target_id for one in page],
            select=["*", "id", *fields_to_read(self.transform)],
        )
        return {int(row["id"]): row for row in rows}

    def _update(
        self, one: MatchCandidate, item: TransformedItem, payload: dict[str, Any] | None
    ) -> None:
        for attempt in range(_ATTEMPTS):
            if payload is None:
                self.ledger.forget_matches([one])
                return
            update = update_of(self.transform, item, payload)
            try:
                self._send(one, update)
            except (UnknownOutcome, UnknownError) as error:
                if attempt == _ATTEMPTS - 1:
                    self._give_up(one, error)
                    return
                self._wait_out()
                payload = self._read([one]).get(one.target_id)
            except ItemRefused as error:
                self.ledger.refuse_update(one, error.code, error.description)
                return
            else:
                self._lost_in_a_row = 0
                self.ledger.record_update(one, update.findings, links_of(item))
                return

    def _give_up(self, one: MatchCandidate, error: PortalError) -> None:
        """One item the portal breaks over fails; several in a row are the portal's trouble."""
        self._lost_in_a_row += 1
        if self._lost_in_a_row > MOST_LOST_UPDATES:
            raise error
        self._wait_out()
        self.ledger.refuse_update(one, error.code or NO_ANSWER_ERROR, error.message)

    def _send(self, one: MatchCandidate, update: ItemUpdate) -> None:
        if not update.changed:
            return
        with self.workspace.write() as repositories:
            repositories.matched_pairs.mark_sent(one)
        params = {
            "entityTypeId": self.transform.target_type_id,
            "id": one.target_id,
            "fields": self._encoded(update),
            "useOriginalUfNames": "Y",
        }
        self.target.call("crm.item.update", params, items=1)

    def _encoded(self, update: ItemUpdate) -> dict[str, Any]:
        encoded: dict[str, Any] = {}
        for name in update.changed:
            field = self.transform.target_fields.by_name[name]
            if field.type == "crm_multifield":
                # Keys that are no ids add; what is not named stays (b24restdocs
                # api-reference/crm/universal/crm-item-update.md).
                encoded[name] = {
                    f"n{number}": {
                        "typeId": multifield.type_id,
                        "valueType": multifield.value_type,
                        "value": multifield.value,
                    }
                    for number, multifield in enumerate(update.added)
                }
            else:
                encoded[name] = encode_value(field, update.wanted[name], _no_file)
        return encoded

    def _wait_out(self) -> None:
        """Until the portal has certainly ended whatever was sent before."""
        seconds = self.options.request_cutoff_seconds
        if seconds:
            self.workspace.progress.waiting(
                "an answer was lost; the portal may still be working on the request",
                seconds + _MARGIN,
            )
            self.workspace.clock.sleep(seconds + _MARGIN)


def keep_matched(workspace: Workspace, target: PortalClient, ledger: ImportLedger) -> None:
    """Make partners of what is the same and still there: since the plan, hours may have passed."""
    after = SourceId(0)
    while True:
        workspace.check_stop()
        with workspace.read() as repositories:
            page = repositories.matched_pairs.open_page(
                ledger.entity_type_id, _KEPT_PAGE, after, retry_failed=True
            )
        if not page:
            break
        after = page[-1].source_id
        rows = target.read_items(
            ledger.target_type_id, [one.target_id for one in page], select=["id"]
        )
        there = {int(row["id"]) for row in rows}
        gone = [one for one in page if one.target_id not in there]
        if gone:
            ledger.forget_matches(gone)
    ledger.take_over()


def _no_file(file: FileValue) -> tuple[str, bytes]:
    raise ValueError(f"files of matched items stay behind: {file}")
