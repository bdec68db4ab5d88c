"""Take items away from the target, the newest first; asked twice, nothing happens the second time.

The outcome of each request is committed before the next. An item whose deletion is not on record
when the process dies is asked for again, and what is gone is answered with `NotFound`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.bitrix.answers import Answer
from migrator.bitrix.errors import (
    NotFound,
    OperationTimeLimit,
    PortalError,
    PortalStopped,
    RateLimited,
    RepeatLater,
    UnknownOutcome,
)
from migrator.bitrix.keyset import RequestSize
from migrator.domain.undoing import KeepReason, KeptItem
from migrator.undo.survey import pages_of_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.domain.records import IdPair
    from migrator.domain.vocabulary import EntityTypeId, TargetId
    from migrator.undo.inspection import Inspection
    from migrator.undo.survey import Survey
    from migrator.workspace import Workspace

#: Items looked at once more before they are taken away.
PAGE = 250

#: Commands in the first request: an unknown portal may take seconds for each.
_FIRST_COMMANDS = 5

#: How often in a row an answer may be lost before the portal is left alone.
MOST_LOSSES = 8

#: How often the portal may break over one item before it is left where it is.
_MOST_ATTEMPTS = 3


@dataclass(slots=True, kw_only=True)
class Removal:
    """Deletes what the survey has not noted as staying; `removed` counts by source type."""

    workspace: Workspace
    target: PortalClient
    inspection: Inspection
    survey: Survey
    #: of the source's entity types
    titles: Mapping[EntityTypeId, str]
    removed: Counter[EntityTypeId] = field(default_factory=Counter)
    _size: RequestSize = field(default_factory=lambda: RequestSize(first=_FIRST_COMMANDS))
    _attempts: Counter[TargetId] = field(default_factory=Counter)
    _losses: int = 0

    def run(self, types: Sequence[EntityTypeId]) -> None:
        """Take away the items of these source types, in this order."""
        self.inspection.has_begun = True
        for entity_type_id in types:
            self._remove_type(entity_type_id)

    def _remove_type(self, entity_type_id: EntityTypeId) -> None:
        title = self.titles.get(entity_type_id, str(entity_type_id))
        self.workspace.progress.begin(f"Removing {title} from the target", None)
        for page in pages_of_pairs(self.workspace, entity_type_id, PAGE):
            self._remove_page(page)
        self.workspace.progress.end()

    def _remove_page(self, page: Sequence[IdPair]) -> None:
        """People may have changed an item since the survey, so each is looked at once more."""
        self.survey.note(self.inspection.keep(page))
        with self.workspace.read() as repositories:
            ids = [pair.source_id for pair in page]
            stay = repositories.kept_items.existing(page[0].entity_type_id, ids)
        waiting = [pair for pair in page if pair.source_id not in stay]
        while waiting:
            self.workspace.check_stop()
            size = self._size.commands(len(waiting))
            again = self._remove(waiting[:size])
            waiting = again + waiting[size:]

    def _remove(self, pairs: Sequence[IdPair]) -> list[IdPair]:
        """Send one request and record what became of it; return the items to ask for again."""
        by_key = {f"i{pair.target_id}": pair for pair in pairs}
        ids = [pair.target_id for pair in pairs]
        try:
            exchange = self.target.delete_items(pairs[0].target_entity_type_id, ids)
        except UnknownOutcome as error:
            self._lost(len(pairs), error)
            return list(pairs)
        self._losses = 0
        self._size.measured(len(pairs), exchange.seconds)
        gone = [by_key[key] for key, outcome in exchange.inner.items() if _is_gone(outcome)]
        refused = {
            key: outcome
            for key, outcome in exchange.inner.items()
            if isinstance(outcome, PortalError) and not _is_gone(outcome)
        }
        again = [
            by_key[key] for key, error in refused.items() if self._may_repeat(by_key[key], error)
        ]
        self._record(gone)
        stopped = next((e for e in refused.values() if isinstance(e, PortalStopped)), None)
        if stopped is not None:
            raise stopped
        self._leave({by_key[key]: e for key, e in refused.items() if by_key[key] not in again})
        return again

    def _lost(self, commands: int, error: UnknownOutcome) -> None:
        self._losses += 1
        if self._losses > MOST_LOSSES:
            raise error
        self._size.cut(commands)
        self.target.back_off("batch", self._losses)

    def _may_repeat(self, pair: IdPair, error: PortalError) -> bool:
        if isinstance(error, (RateLimited, OperationTimeLimit)):
            return True
        self._attempts[pair.target_id] += 1
        return isinstance(error, RepeatLater) and self._attempts[pair.target_id] < _MOST_ATTEMPTS

    def _record(self, gone: Sequence[IdPair]) -> None:
        if not gone:
            return
        entity_type_id = gone[0].entity_type_id
        with self.workspace.write() as repositories:
            repositories.undo.forget_items(entity_type_id, [pair.source_id for pair in gone])
        self.removed[entity_type_id] += len(gone)
        self.workspace.progress.advance(len(gone))

    def _leave(self, refused: Mapping[IdPair, PortalError]) -> None:
        self.survey.note(
            [
                KeptItem(
                    entity_type_id=pair.entity_type_id,
                    source_id=pair.source_id,
                    target_entity_type_id=pair.target_entity_type_id,
                    target_id=pair.target_id,
                    reason=KeepReason.REFUSED,
                    detail=error.message,
                )
                for pair, error in refused.items()
            ]
        )


def _is_gone(outcome: Answer | PortalError) -> bool:
    return isinstance(outcome, (Answer, NotFound))
