"""Import the items of one entity type: in order, in chunks, exactly once.

The intent is committed before a request is sent, and its outcome in one transaction after it. So
whenever the process dies, staging either knows what happened or knows what is in doubt.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from migrator.bitrix.errors import (
    AccessDenied,
    ItemRefused,
    MethodNotFound,
    NotFound,
    PlanRestricted,
    PortalError,
    UnknownError,
    UnknownOutcome,
)
from migrator.correlation import CorrelationField, correlation_value
from migrator.domain.errors import RetriableError, TerminalError
from migrator.domain.findings import Finding, FindingKind
from migrator.domain.policy import OnLateItem
from migrator.domain.records import (
    BatchId,
    BatchItem,
    BatchOutcome,
    ItemOutcome,
    StagedItem,
)
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.load.preparation import KnownItems, Prepared, references_of, transform_item
from migrator.load.requests import ImportMethod, Sendable, send
from migrator.load.settlement import Settlement
from migrator.transform.encode import encode_add, encode_import
from migrator.transform.history import LateItem, drop_history, fit_history, is_late

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from migrator.bitrix.client import PortalClient
    from migrator.load.chunks import ChunkSize
    from migrator.load.files import FileFetcher
    from migrator.load.ledger import ImportLedger, LoadCounts
    from migrator.load.outlook import ImportOutlook
    from migrator.transform.item import TypeTransform
    from migrator.workspace import Workspace

#: Items looked up in staging at a time.
PAGE = 200

#: How often in a row an answer may be lost before the portal is left alone.
MOST_LOSSES = 8

#: How often one item may be lost when it is sent alone, before it counts as failed.
MOST_LOSSES_ALONE = 3
NO_ANSWER_ERROR = "NO_ANSWER"

#: Refusals of a whole request that no smaller request would get around.
_STOPS = (AccessDenied, MethodNotFound, NotFound, PlanRestricted, RetriableError, TerminalError)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What the operator decided about importing."""

    on_late: OnLateItem = OnLateItem.CLAMP
    largest_request_bytes: int = 16_000_000
    request_cutoff_seconds: float = 60.0
    retry_failed: bool = False


@dataclass(slots=True, kw_only=True)
class TypeImport:
    """Imports one entity type; `floor` is the createdTime of the target's newest row."""

    workspace: Workspace
    target: PortalClient
    files: FileFetcher
    transform: TypeTransform
    correlation: CorrelationField
    known: KnownItems
    options: LoadOptions
    #: Whether crm.item.import may be used; without the right, crm.item.add is.
    may_import: bool
    #: Whether the six history fields may be sent.
    keeps_history: bool
    chunk: ChunkSize
    ledger: ImportLedger
    outlook: ImportOutlook
    floor: datetime | None = None
    _losses: int = 0
    _lost_alone: Counter[SourceId] = field(default_factory=Counter)
    #: Older portals import one item by one request only.
    _knows_batch: bool = True
    #: Items given up since the last request that went well.
    _given_up: list[SourceId] = field(default_factory=list)
    #: Prepared for a request that was full; its files are downloaded already.
    _held: Prepared | None = None

    @property
    def _type(self) -> EntityTypeId:
        return self.transform.entity_type_id

    @property
    def _target_type(self) -> EntityTypeId:
        return self.transform.target_type_id

    def run(self) -> LoadCounts:
        """Import everything of this type that has no partner yet."""
        self.floor = self._newest()
        self.outlook.begin(self._type)
        if self.options.on_late is OnLateItem.DROP and self.floor is not None:
            # An item without its date is created now and closes the past for all others, so the
            # late ones, which lose their dates anyway, come last.
            self._import_from((self.floor, SourceId(0)))
        self._import_from(None)
        return self.ledger.counts

    @property
    def _settlement(self) -> Settlement:
        cutoff = self.options.request_cutoff_seconds
        return Settlement(self.workspace, self._type, self.correlation, cutoff)

    def _newest(self) -> datetime | None:
        row = self.target.newest([self._target_type])[self._target_type]
        if isinstance(row, PortalError):
            raise row
        return row.created_time if row is not None else None

    def _import_from(self, after: tuple[datetime, SourceId] | None) -> None:
        while page := self._page(after):
            self._import_page(page)
            after = (page[-1].created_time, page[-1].source_id)

    def _page(self, after: tuple[datetime, SourceId] | None) -> list[StagedItem]:
        with self.workspace.read() as repositories:
            items = repositories.items
            page = items.next_to_import(
                self._type, PAGE, after, retry_failed=self.options.retry_failed
            )
            refers = references_of(self.transform, page)
            self.known.look_up(repositories, (ref for refs in refers.values() for ref in refs))
        return page

    def _import_page(self, page: Sequence[StagedItem]) -> None:
        waiting = deque(page)
        while waiting:
            self.workspace.check_stop()
            chunk = self._take_chunk(waiting)
            if chunk:
                again = self._send(chunk)
                self.outlook.tell(self.ledger.counts.done)
                waiting.extendleft(prepared.staged for prepared in reversed(again))

    def _take_chunk(self, waiting: deque[StagedItem]) -> list[Prepared]:
        """The next items for one request, cut where one refers to another or files grow large."""
        chunk: list[Prepared] = []
        size = 0
        most = self.chunk.now if self.may_import and self._knows_batch else 1
        while waiting and len(chunk) < most:
            if self._refers_into(waiting[0], chunk):
                break
            prepared = self._prepared(waiting[0])
            if prepared is None:
                waiting.popleft()
                continue
            size += prepared.files.encoded_bytes
            if chunk and size > self.options.largest_request_bytes:
                self._held = prepared
                break
            chunk.append(prepared)
            waiting.popleft()
        return chunk

    def _prepared(self, staged: StagedItem) -> Prepared | None:
        held, self._held = self._held, None
        if (
            held is not None
            and held.staged.source_id == staged.source_id
            and not held.item.deferred
        ):
            return held
        return self._prepare(staged)

    def _refers_into(self, staged: StagedItem, chunk: Sequence[Prepared]) -> bool:
        """Whether the item points at one of the same request, which has no identifier yet."""
        ids = {prepared.staged.source_id for prepared in chunk}
        return any(
            ref.entity_type_id == self._type and ref.item_id in ids
            for _, ref in self.transform.references(staged.payload)
        )

    def _prepare(self, staged: StagedItem) -> Prepared | None:
        """Transform an item; None when the setting refuses it for being late."""
        item = transform_item(self.transform, staged, self.known)
        if not self.keeps_history:
            drop_history(item, FindingKind.HISTORY_LOST, "the webhook's user may not set it")
        else:
            try:
                now = self.workspace.clock.now().replace(microsecond=0)
                fit_history(item, floor=self.floor, now=now, on_late=self.options.on_late)
            except LateItem as late:
                self.ledger.refuse_late(staged, late)
                return None
        files = self.files.fetch(item)
        encode = encode_import if self.may_import else encode_add
        fields = encode(item.values, self.transform.target_fields, files.content)
        correlation = correlation_value(self.workspace.migration, self._type, staged.source_id)
        fields[self.correlation.name] = correlation
        sendable = Sendable(source_id=staged.source_id, correlation=correlation, fields=fields)
        return Prepared(staged=staged, item=item, files=files, sendable=sendable)

    def _method(self, chunk: Sequence[Prepared]) -> ImportMethod:
        if not self.may_import:
            return ImportMethod.ADD
        is_large = chunk[0].files.encoded_bytes > self.options.largest_request_bytes
        alone = is_large or not self._knows_batch
        return ImportMethod.IMPORT if alone else ImportMethod.BATCH_IMPORT

    def _send(self, chunk: list[Prepared]) -> list[Prepared]:
        """Send one request and record what became of it; return the items to send again."""
        method = self._method(chunk)
        batch_id = self.ledger.open(method, chunk)
        items = [_batch_item(prepared) for prepared in chunk]
        findings: list[Finding] = []
        fatal: PortalError | None = None
        try:
            outcomes, seconds = send(
                self.target, method, self._target_type, [p.sendable for p in chunk]
            )
        except (UnknownOutcome, UnknownError) as error:
            outcomes, findings = self._settle_lost(batch_id, items, error)
            outcomes = self._give_up_hopeless(outcomes, error)
            if self._losses > MOST_LOSSES or len(self._given_up) > 1:
                fatal = error
        except _STOPS as error:
            # Refused for good, or never sent: it was certainly not executed.
            self._record(batch_id, method, _absent(items), ())
            if isinstance(error, AccessDenied):
                self.ledger.forget_rights()
                raise RightsRevoked.of(error) from None
            if isinstance(error, MethodNotFound) and method is ImportMethod.BATCH_IMPORT:
                self._knows_batch = False
                return chunk
            raise
        except ItemRefused as error:
            outcomes = self._refused(items, error)
        else:
            self._losses = 0
            self._given_up.clear()
            if seconds is not None:
                self.chunk.measured(len(chunk), seconds)
                self.outlook.measured(len(chunk), seconds)
            outcomes = self._settlement.check_failures(items, outcomes)
        outcomes, again = self._late_again(chunk, outcomes)
        self._record(batch_id, method, outcomes, findings)
        if fatal is not None:
            # Not the items were the trouble: those given up on the way are no failures.
            self.ledger.forget_failures(self._given_up)
            raise fatal
        return again

    def _settle_lost(
        self,
        batch_id: BatchId,
        items: Sequence[BatchItem],
        error: PortalError,
    ) -> tuple[list[ItemOutcome], list[Finding]]:
        with self.workspace.write() as repositories:
            repositories.batches.mark_unknown(batch_id, error.message)
        self.chunk.lost()
        self._losses += 1
        return self._settlement.outcomes(items, self.workspace.clock.now())

    def _give_up_hopeless(
        self, outcomes: list[ItemOutcome], error: PortalError
    ) -> list[ItemOutcome]:
        """An item that was lost by itself time and again is the trouble, not the portal.

        The portal answers, or the item's absence would not be known.
        """
        if len(outcomes) > 1 or outcomes[0].outcome is not BatchOutcome.ABSENT:
            return outcomes
        source_id = outcomes[0].source_id
        self._lost_alone[source_id] += 1
        if self._lost_alone[source_id] < MOST_LOSSES_ALONE:
            return outcomes
        self._given_up.append(source_id)
        return [
            replace(
                outcomes[0],
                outcome=BatchOutcome.FAILED,
                error=error.code or NO_ANSWER_ERROR,
                error_description=f"sent alone {MOST_LOSSES_ALONE} times without an answer, and "
                f"not in the target: {error.message}",
            )
        ]

    def _refused(self, items: Sequence[BatchItem], error: ItemRefused) -> list[ItemOutcome]:
        """The whole request was refused for the sake of one item: find it by smaller requests.

        The portal takes the items one after the other and keeps those before the one it cannot
        read (b24_clear: bitrix/modules/crm/lib/controller/item.php, batchImportAction).
        """
        alone = len(items) == 1
        failed = [
            ItemOutcome(
                source_id=item.source_id,
                outcome=BatchOutcome.FAILED,
                error=error.code if alone else None,
                error_description=error.description if alone else None,
            )
            for item in items
        ]
        outcomes = self._settlement.check_failures(items, failed)
        if alone:
            return outcomes
        self.chunk.lost()
        gone = BatchOutcome.ABSENT
        return [
            replace(one, outcome=gone) if one.outcome is BatchOutcome.FAILED else one
            for one in outcomes
        ]

    def _late_again(
        self, chunk: Sequence[Prepared], outcomes: Sequence[ItemOutcome]
    ) -> tuple[list[ItemOutcome], list[Prepared]]:
        """Items to send again: absent ones, and those refused because the past was closed.

        Other people's items appear in the target meanwhile; the refusal has the same code as every
        other, so the newest row tells.
        """
        by_id = {outcome.source_id: outcome for outcome in outcomes}
        refused = [
            p
            for p in chunk
            if by_id[p.staged.source_id].error == "CRM_FIELD_ERROR_VALUE_NOT_VALID"
            and by_id[p.staged.source_id].outcome is BatchOutcome.FAILED
        ]
        if refused and self.keeps_history:
            self.floor = self._newest()
        else:
            self._follow_floor(chunk, outcomes)
        late = {p.staged.source_id for p in refused if is_late(p.item, self.floor)}
        kept = [
            replace(o, outcome=BatchOutcome.ABSENT) if o.source_id in late else o for o in outcomes
        ]
        absent = {o.source_id for o in kept if o.outcome is BatchOutcome.ABSENT}
        return kept, [p for p in chunk if p.staged.source_id in absent]

    def _follow_floor(self, chunk: Sequence[Prepared], outcomes: Sequence[ItemOutcome]) -> None:
        """What was created last is the newest row now."""
        created = {o.source_id for o in outcomes if o.target_id is not None}
        for prepared in chunk:
            if prepared.staged.source_id in created and self.keeps_history:
                self.floor = prepared.item.created_time or self.workspace.clock.now()

    def _record(
        self,
        batch_id: BatchId,
        method: ImportMethod,
        outcomes: Sequence[ItemOutcome],
        findings: Sequence[Finding],
    ) -> None:
        self.ledger.record(batch_id, method, outcomes, findings, self.outlook.cost)


class RightsRevoked(TerminalError):
    """The target refuses imports that it permitted when they were planned."""

    reference = "rights-revoked"

    @classmethod
    def of(cls, error: AccessDenied) -> RightsRevoked:
        return cls(
            error.message,
            hint="give the webhook's user the import permission for this type again, then run the "
            "same command; or set MIGRATOR_WITHOUT_IMPORT_RIGHT=add",
        )


def _batch_item(prepared: Prepared) -> BatchItem:
    return BatchItem(source_id=prepared.staged.source_id, correlation=prepared.sendable.correlation)


def _absent(items: Sequence[BatchItem]) -> list[ItemOutcome]:
    return [ItemOutcome(source_id=i.source_id, outcome=BatchOutcome.ABSENT) for i in items]
