"""Find out what became of a request whose answer was lost, or of items reported as failed.

Nothing is sent twice on suspicion: the target is asked which items carry the correlation values.
Only after the portal has certainly stopped working on the request does "not there" count.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from migrator.domain.findings import Finding, FindingKind, Severity
from migrator.domain.records import BatchItem, BatchOutcome, ItemOutcome
from migrator.domain.vocabulary import EntityTypeId, TargetId

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from migrator.correlation import CorrelationField
    from migrator.workspace import Workspace

#: Between two looks at the target while its time for the request is not over yet, in seconds.
_LOOK_EVERY = 5.0

#: Clocks and networks are not exact; the portal's own limit is waited out with this to spare.
_MARGIN = 2.0


class Settlement:
    """Settles the items of one entity type (`entity_type_id` is the source's)."""

    def __init__(
        self,
        workspace: Workspace,
        entity_type_id: EntityTypeId,
        field: CorrelationField,
        cutoff_seconds: float,
    ) -> None:
        self._workspace = workspace
        self._entity_type_id = entity_type_id
        self._field = field
        self._cutoff = timedelta(seconds=cutoff_seconds + _MARGIN if cutoff_seconds else 0)

    def outcomes(
        self, items: Sequence[BatchItem], noticed_at: datetime
    ) -> tuple[list[ItemOutcome], list[Finding]]:
        """What is in the target of a request nobody answered: adopted, or absent.

        The portal's time for it is counted from `noticed_at`, when it was certainly sent: it was
        meant to be sent earlier, perhaps with a long wait for the portal's limits between.

        The findings are about items that are there more than once, which only a portal that
        executed one request twice can bring about.

        Waits until the portal has ended the request by itself, unless everything is there already.
        Only a look that began after that moment may call an item absent: an earlier one can be
        answered late, from before the item was created.
        """
        clock = self._workspace.clock
        while True:
            rest = (noticed_at + self._cutoff - clock.now()).total_seconds()
            found = self._field.find(item.correlation for item in items)
            if len(found) == len(items) or rest <= 0:
                ids = {item.source_id: found.get(item.correlation, []) for item in items}
                return (
                    [_outcome(item, ids[item.source_id]) for item in items],
                    [self._duplicate(i, there) for i, there in ids.items() if len(there) > 1],
                )
            self._workspace.progress.waiting(
                "an answer was lost; the portal may still be working on the request", rest
            )
            clock.sleep(min(rest, _LOOK_EVERY))

    def check_failures(
        self, items: Iterable[BatchItem], outcomes: Sequence[ItemOutcome]
    ) -> list[ItemOutcome]:
        """Outcomes in which no item is called failed that exists nevertheless.

        What happens after the row is saved (relations, a second save) is reported as a failed
        item although the item was created (b24_clear: modules/crm/lib/Service/Operation.php).
        """
        correlation = {item.source_id: item.correlation for item in items}
        failed = [o for o in outcomes if o.outcome is BatchOutcome.FAILED]
        if not failed:
            return list(outcomes)
        found = self._field.find(correlation[o.source_id] for o in failed)
        checked = []
        for outcome in outcomes:
            ids = found.get(correlation[outcome.source_id], [])
            if outcome.outcome is BatchOutcome.FAILED and ids:
                checked.append(_adopted(outcome, min(ids)))
            else:
                checked.append(outcome)
        return checked

    def _duplicate(self, source_id: int, ids: Sequence[int]) -> Finding:
        return Finding(
            kind=FindingKind.DUPLICATE_IN_TARGET,
            severity=Severity.WARNING,
            entity_type_id=self._entity_type_id,
            source_id=source_id,
            value=", ".join(str(one) for one in sorted(ids)),
            detail=f"the target holds it {len(ids)} times; the first one is mapped",
            hint="delete the others in the target",
        )


def _outcome(item: BatchItem, ids: list[int]) -> ItemOutcome:
    if not ids:
        return ItemOutcome(source_id=item.source_id, outcome=BatchOutcome.ABSENT)
    return ItemOutcome(
        source_id=item.source_id, outcome=BatchOutcome.ADOPTED, target_id=TargetId(min(ids))
    )


def _adopted(outcome: ItemOutcome, target_id: int) -> ItemOutcome:
    return ItemOutcome(
        source_id=outcome.source_id,
        outcome=BatchOutcome.ADOPTED,
        target_id=TargetId(target_id),
        error=outcome.error,
        error_description=outcome.error_description,
    )
