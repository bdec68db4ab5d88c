"""What importing costs, measured request by request, and when the whole import will be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.outlook import Stopwatch
from migrator.plan.forecast import time_needed
from migrator.plan.plan import ImportCost, import_work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.bitrix.client import PortalClient
    from migrator.domain.vocabulary import EntityTypeId
    from migrator.workspace import Workspace

#: What the progress line calls the whole of it, deferred links included.
STAGE = "import"
#: How much a measurement counts when the next one has come.
_FADING = 0.95


class ImportOutlook:
    """Of all types still to be imported, and of the links that are set at the end."""

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        cost: ImportCost,
        to_import: Mapping[EntityTypeId, int],
        updates: float,
    ) -> None:
        self._progress = workspace.progress
        self._target = target
        self._watch = Stopwatch(target, workspace.clock)
        self._cost = cost
        self._waiting = dict(to_import)
        self._under_way = 0
        self._updates = updates
        self._items = self._requests = self._working = self._beside = 0.0

    @property
    def cost(self) -> ImportCost:
        """As measured lately, or by the last import of this migration."""
        if not self._items:
            return self._cost
        return ImportCost(
            seconds_per_item=self._working / self._items,
            seconds_per_request=self._beside / self._requests,
        )

    def begin(self, entity_type_id: EntityTypeId) -> None:
        """The next type's turn; what it took to get ready is no part of a request."""
        self._under_way = self._waiting.pop(entity_type_id, 0)
        self._watch.lap()

    def measured(self, items: int, seconds: float) -> None:
        """A request with so many items was answered; the portal has worked on it for so long."""
        lap = self._watch.lap()
        self._items = self._items * _FADING + items
        self._requests = self._requests * _FADING + 1
        self._working = self._working * _FADING + seconds
        self._beside = self._beside * _FADING + max(0.0, lap.seconds - seconds)

    def tell(self, done: int) -> None:
        """Tell how long it will take, so many items of the type under way being done."""
        works = import_work(
            self._waiting.values(),
            self._updates,
            self.cost,
            under_way=max(0, self._under_way - done),
        )
        self._progress.left(STAGE, time_needed(works, self._target.allowance()))
