"""The write-ahead record of what was sent to the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from migrator.domain.records import BatchId, BatchItem, BatchState, InFlightBatch
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.staging.models import ImportBatchItemRow, ImportBatchRow
from migrator.staging.repositories.base import Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from migrator.domain.records import ItemOutcome


class ImportBatches(Repository):
    def open(
        self, entity_type_id: EntityTypeId, method: str, items: Sequence[tuple[SourceId, str]]
    ) -> BatchId:
        """Record the intent; to be committed before the request is sent.

        Args:
            entity_type_id: of the source
            method: the REST method that will be called
            items: (source id, correlation value), in the order they are sent
        """
        statement = insert(ImportBatchRow).values(
            migration_id=self._migration_id,
            entity_type_id=entity_type_id,
            state=BatchState.SENT,
            method=method,
            items=len(items),
            sent_at=self._now(),
        )
        batch_id = BatchId(self._connection.execute(statement).inserted_primary_key[0])  # type: ignore[index]  # None only for several rows
        self._insert(
            ImportBatchItemRow,
            [
                {
                    "batch_id": batch_id,
                    "position": position,
                    "entity_type_id": entity_type_id,
                    "source_id": source_id,
                    "correlation": correlation,
                }
                for position, (source_id, correlation) in enumerate(items)
            ],
        )
        return batch_id

    def mark_unknown(self, batch_id: BatchId, detail: str) -> None:
        """The request was sent and its answer lost; `detail` says how."""
        self._set(batch_id, state=BatchState.UNKNOWN, detail=detail)

    def settle(
        self, batch_id: BatchId, outcomes: Sequence[ItemOutcome], detail: str | None = None
    ) -> None:
        """Record what became of the items; to be committed together with the ID map."""
        self._set_outcomes(batch_id, outcomes)
        settled: dict[str, Any] = {"state": BatchState.SETTLED, "settled_at": self._now()}
        self._set(batch_id, **settled, **({"detail": detail} if detail else {}))

    def in_flight(self) -> list[InFlightBatch]:
        """Batches whose outcome is not on record, oldest first."""
        is_in_flight = (
            ImportBatchRow.migration_id == self._migration_id,
            # Named, they are found by the index; all but one would be looked for everywhere.
            ImportBatchRow.state.in_([s for s in BatchState if s is not BatchState.SETTLED]),
        )
        batches = self._connection.execute(
            select(ImportBatchRow.__table__).where(*is_in_flight).order_by(ImportBatchRow.id)
        ).all()
        items: dict[int, list[BatchItem]] = {row.id: [] for row in batches}
        rows = self._connection.execute(
            select(ImportBatchItemRow.__table__)
            .join(ImportBatchRow, ImportBatchRow.id == ImportBatchItemRow.batch_id)
            .where(*is_in_flight)
            .order_by(ImportBatchItemRow.batch_id, ImportBatchItemRow.position)
        )
        for row in rows:
            items[row.batch_id].append(
                BatchItem(source_id=SourceId(row.source_id), correlation=row.correlation)
            )
        return [_batch(row, items[row.id]) for row in batches]

    def _set_outcomes(self, batch_id: BatchId, outcomes: Sequence[ItemOutcome]) -> None:
        if not outcomes:
            return
        statement = (
            update(ImportBatchItemRow.__table__)  # type: ignore[arg-type]  # a Table in fact
            .where(
                ImportBatchItemRow.batch_id == batch_id,
                ImportBatchItemRow.source_id == bindparam("of_source_id"),
            )
            .values(
                outcome=bindparam("outcome"),
                target_id=bindparam("target_id"),
                error=bindparam("error"),
                error_description=bindparam("error_description"),
            )
        )
        self._connection.execute(
            statement,
            [
                {
                    "of_source_id": outcome.source_id,
                    "outcome": outcome.outcome,
                    "target_id": outcome.target_id,
                    "error": outcome.error,
                    "error_description": outcome.error_description,
                }
                for outcome in outcomes
            ],
        )

    def _set(self, batch_id: BatchId, **values: Any) -> None:
        self._connection.execute(
            update(ImportBatchRow)
            .where(ImportBatchRow.migration_id == self._migration_id, ImportBatchRow.id == batch_id)
            .values(**values)
        )


def _batch(row: Row[Any], items: list[BatchItem]) -> InFlightBatch:
    return InFlightBatch(
        batch_id=BatchId(row.id),
        entity_type_id=EntityTypeId(row.entity_type_id),
        state=BatchState(row.state),
        method=row.method,
        items=tuple(items),
        sent_at=row.sent_at,
        detail=row.detail,
    )
