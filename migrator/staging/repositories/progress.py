"""How far the stages have come, and small facts they leave for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from migrator.domain.records import NO_ENTITY_TYPE, Checkpoint
from migrator.domain.vocabulary import EntityTypeId
from migrator.staging.models import CheckpointRow, SettingRow
from migrator.staging.repositories.base import Repository

if TYPE_CHECKING:
    from sqlalchemy import Row


class Checkpoints(Repository):
    def get(self, stage: str, entity_type_id: EntityTypeId = NO_ENTITY_TYPE) -> Checkpoint | None:
        row = self._connection.execute(
            select(CheckpointRow.__table__).where(
                CheckpointRow.migration_id == self._migration_id,
                CheckpointRow.stage == stage,
                CheckpointRow.entity_type_id == entity_type_id,
            )
        ).one_or_none()
        return None if row is None else _checkpoint(row)

    def all(self, stage: str) -> list[Checkpoint]:
        """Every checkpoint of a stage, by entity type."""
        rows = self._connection.execute(
            select(CheckpointRow.__table__)
            .where(CheckpointRow.migration_id == self._migration_id, CheckpointRow.stage == stage)
            .order_by(CheckpointRow.entity_type_id)
        )
        return [_checkpoint(row) for row in rows]

    def set(self, checkpoint: Checkpoint) -> None:
        row = {
            "stage": checkpoint.stage,
            "entity_type_id": checkpoint.entity_type_id,
            "position": checkpoint.position,
            "done": checkpoint.done,
            "detail": checkpoint.detail,
            "updated_at": self._now(checkpoint.updated_at),
        }
        self._upsert(CheckpointRow, [row])

    def clear(self, stage: str, entity_type_id: EntityTypeId | None = None) -> None:
        """Let a stage start anew, with one entity type or altogether."""
        of_type = CheckpointRow.entity_type_id == entity_type_id
        only = () if entity_type_id is None else (of_type,)
        self._delete(CheckpointRow, CheckpointRow.stage == stage, *only)


class Settings(Repository):
    """Values are JSON: None, numbers, texts, lists and dictionaries of them."""

    def get(self, key: str, default: Any = None) -> Any:
        row = self._connection.execute(
            select(SettingRow.value).where(
                SettingRow.migration_id == self._migration_id, SettingRow.key == key
            )
        ).one_or_none()
        return default if row is None else row.value

    def set(self, key: str, value: Any) -> None:
        self._upsert(SettingRow, [{"key": key, "value": value}])

    def remove(self, key: str) -> None:
        self._delete(SettingRow, SettingRow.key == key)

    def all(self) -> dict[str, Any]:
        rows = self._connection.execute(
            select(SettingRow.key, SettingRow.value)
            .where(SettingRow.migration_id == self._migration_id)
            .order_by(SettingRow.key)
        )
        return {row.key: row.value for row in rows}


def _checkpoint(row: Row[Any]) -> Checkpoint:
    return Checkpoint(
        stage=row.stage,
        entity_type_id=EntityTypeId(row.entity_type_id),
        position=row.position,
        done=row.done,
        detail=row.detail,
        updated_at=row.updated_at,
    )
