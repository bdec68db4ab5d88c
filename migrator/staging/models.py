"""The tables of the staging database. Each column is explained in docs/staging.md.

Only this package sees these classes: repositories take and return the records of the domain.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from migrator.staging.column_types import AutoId, PortableJSON, PortableText, UtcDateTime

#: SQLite changes a table by copying it, for which every constraint needs a name.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        str: PortableText(),
        int: BigInteger(),
        float: Double(),
        dict[str, Any]: PortableJSON,
    }


def one_of(column: str, *values: str) -> CheckConstraint:
    """A closed set of values. Sets that grow with the program are not constrained."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class MigrationRow(Base):
    __tablename__ = "migration"

    id: Mapped[int] = mapped_column(AutoId, primary_key=True, sort_order=-2)
    name: Mapped[str] = mapped_column(unique=True)
    source_portal: Mapped[str]
    target_portal: Mapped[str]
    source_origin: Mapped[str]
    target_origin: Mapped[str]
    created_at: Mapped[datetime]


class OfMigration(Base):
    """What every other table begins with."""

    __abstract__ = True

    migration_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("migration.id"), sort_order=-1)


class OfMigrationKeyed(Base):
    """The same, for the tables whose primary key begins with the migration."""

    __abstract__ = True

    migration_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("migration.id"), primary_key=True, autoincrement=False, sort_order=-1
    )


def key() -> Mapped[Any]:
    return mapped_column(primary_key=True, autoincrement=False)


class LeaseRow(OfMigrationKeyed):
    __tablename__ = "lease"

    token: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int]
    system: Mapped[str]
    since: Mapped[datetime]
    heartbeat_at: Mapped[datetime]


class StructureElementRow(OfMigrationKeyed):
    __tablename__ = "structure_element"
    __table_args__ = (one_of("portal_role", "source", "target"),)

    portal_role: Mapped[str] = key()
    kind: Mapped[str] = key()
    scope: Mapped[str] = key()
    key: Mapped[str] = key()
    name: Mapped[str]
    payload: Mapped[Any] = mapped_column(PortableJSON)
    read_at: Mapped[datetime]


class StructurePairRow(OfMigrationKeyed):
    __tablename__ = "structure_pair"
    __table_args__ = (
        one_of("decision", "identity", "name", "mapping", "dropped", "open", "created", "default"),
    )

    kind: Mapped[str] = key()
    scope: Mapped[str] = key()
    source_key: Mapped[str] = key()
    target_key: Mapped[str | None]
    source_name: Mapped[str]
    target_name: Mapped[str | None]
    target_scope: Mapped[str | None]
    decision: Mapped[str]
    items_affected: Mapped[int]


class StructureCreationRow(OfMigrationKeyed):
    __tablename__ = "structure_creation"
    __table_args__ = (one_of("state", "sent", "unknown", "created", "found", "failed", "removed"),)

    kind: Mapped[str] = key()
    scope: Mapped[str] = key()
    source_key: Mapped[str] = key()
    name: Mapped[str]
    target_scope: Mapped[str | None]
    target_key: Mapped[str | None]
    method: Mapped[str]
    params: Mapped[dict[str, Any]]
    state: Mapped[str]
    detail: Mapped[str | None]
    sent_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class ItemRow(OfMigrationKeyed):
    __tablename__ = "item"
    __table_args__ = (Index(None, "migration_id", "entity_type_id", "created_time", "source_id"),)

    entity_type_id: Mapped[int] = key()
    source_id: Mapped[int] = key()
    title: Mapped[str]
    created_time: Mapped[datetime]
    updated_time: Mapped[datetime | None]
    payload: Mapped[dict[str, Any]]
    payload_hash: Mapped[str]
    exported_at: Mapped[datetime]


class ItemFileRow(OfMigrationKeyed):
    __tablename__ = "item_file"

    entity_type_id: Mapped[int] = key()
    source_id: Mapped[int] = key()
    field: Mapped[str] = key()
    position: Mapped[int] = key()
    source_file_id: Mapped[int | None]
    name: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    recorded_at: Mapped[datetime]


class IdMapRow(OfMigrationKeyed):
    __tablename__ = "id_map"
    __table_args__ = (
        UniqueConstraint("migration_id", "target_entity_type_id", "target_id"),
        one_of("origin", "import", "add", "adopted", "matched"),
        one_of("verified_state", "agrees", "differs"),
    )

    entity_type_id: Mapped[int] = key()
    source_id: Mapped[int] = key()
    target_entity_type_id: Mapped[int]
    target_id: Mapped[int]
    origin: Mapped[str]
    imported_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    verified_state: Mapped[str | None]
    target_title: Mapped[str | None]


class FailedItemRow(OfMigrationKeyed):
    __tablename__ = "failed_item"

    entity_type_id: Mapped[int] = key()
    source_id: Mapped[int] = key()
    error: Mapped[str]
    error_description: Mapped[str]
    attempts: Mapped[int]
    failed_at: Mapped[datetime]


class FindingRow(OfMigration):
    __tablename__ = "finding"
    __table_args__ = (
        Index(None, "migration_id", "entity_type_id", "source_id", "field"),
        one_of("phase", "export", "plan", "import", "verify", "structure", "undo"),
        one_of("severity", "blocking", "warning", "info"),
        one_of("effect", "none", "adjusted", "lost"),
    )

    id: Mapped[int] = mapped_column(AutoId, primary_key=True, sort_order=-2)
    phase: Mapped[str]
    kind: Mapped[str]
    severity: Mapped[str]
    effect: Mapped[str]
    entity_type_id: Mapped[int | None]
    source_id: Mapped[int | None]
    field: Mapped[str | None]
    value: Mapped[str | None]
    sent: Mapped[str | None]
    detail: Mapped[str]
    hint: Mapped[str | None]
    items: Mapped[int]
    created_at: Mapped[datetime]


class DeferredLinkRow(OfMigrationKeyed):
    __tablename__ = "deferred_link"
    # No index by state: PostgreSQL, before it has statistics, would rather look up the links of an
    # item there, that is, read all there are.
    __table_args__ = (one_of("state", "pending", "done", "failed", "unresolvable"),)

    entity_type_id: Mapped[int] = key()
    source_id: Mapped[int] = key()
    field: Mapped[str] = key()
    refers_to_entity_type_id: Mapped[int] = key()
    refers_to_source_id: Mapped[int] = key()
    state: Mapped[str]
    detail: Mapped[str | None]
    updated_at: Mapped[datetime]


class ImportBatchRow(OfMigration):
    __tablename__ = "import_batch"
    __table_args__ = (
        Index(None, "migration_id", "state"),
        one_of("state", "sent", "unknown", "settled"),
    )

    id: Mapped[int] = mapped_column(AutoId, primary_key=True, sort_order=-2)
    entity_type_id: Mapped[int]
    state: Mapped[str]
    method: Mapped[str]
    items: Mapped[int]
    sent_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    detail: Mapped[str | None]


class ImportBatchItemRow(OfMigration):
    __tablename__ = "import_batch_item"
    __table_args__ = (
        Index(None, "migration_id", "entity_type_id", "source_id"),
        one_of("outcome", "created", "failed", "absent", "adopted"),
    )

    batch_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("import_batch.id"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = key()
    entity_type_id: Mapped[int]
    source_id: Mapped[int]
    correlation: Mapped[str]
    outcome: Mapped[str | None]
    target_id: Mapped[int | None]
    error: Mapped[str | None]
    error_description: Mapped[str | None]


class CheckpointRow(OfMigrationKeyed):
    __tablename__ = "checkpoint"

    stage: Mapped[str] = key()
    entity_type_id: Mapped[int] = key()
    position: Mapped[int]
    done: Mapped[bool]
    detail: Mapped[Any] = mapped_column(PortableJSON, nullable=True)
    updated_at: Mapped[datetime]


class RequestLogRow(Base):
    __tablename__ = "request_log"
    __table_args__ = (one_of("portal_role", "source", "target"),)

    id: Mapped[int] = mapped_column(AutoId, primary_key=True, sort_order=-2)
    migration_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("migration.id"), index=True
    )
    portal_role: Mapped[str]
    portal: Mapped[str]
    method: Mapped[str]
    sent_at: Mapped[datetime]
    duration_s: Mapped[float]
    operating_s: Mapped[float | None]
    status: Mapped[int | None]
    error: Mapped[str | None]
    items: Mapped[int | None]
    commands: Mapped[int]


class SampleItemRow(OfMigrationKeyed):
    __tablename__ = "sample_item"
    __table_args__ = (one_of("reason", "drawn", "referred_to"),)

    entity_type_id: Mapped[int] = key()
    source_id: Mapped[int] = key()
    reason: Mapped[str]


class MatchCandidateRow(OfMigrationKeyed):
    __tablename__ = "match_candidate"
    __table_args__ = (one_of("state", "pair", "ambiguous"),)

    entity_type_id: Mapped[int] = key()
    source_id: Mapped[int] = key()
    target_id: Mapped[int] = key()
    field: Mapped[str]
    value: Mapped[str]
    state: Mapped[str]
    target_title: Mapped[str | None]
    found_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]


class KeptItemRow(OfMigrationKeyed):
    __tablename__ = "kept_item"

    entity_type_id: Mapped[int] = key()
    source_id: Mapped[int] = key()
    target_entity_type_id: Mapped[int]
    target_id: Mapped[int]
    reason: Mapped[str]
    detail: Mapped[str]
    noted_at: Mapped[datetime]


class DifferenceRow(OfMigrationKeyed):
    __tablename__ = "difference"

    entity_type_id: Mapped[int] = key()
    source_id: Mapped[int] = key()
    field: Mapped[str] = key()
    expected: Mapped[str | None]
    actual: Mapped[str | None]
    found_at: Mapped[datetime]


class SettingRow(OfMigrationKeyed):
    __tablename__ = "migration_setting"

    key: Mapped[str] = key()
    value: Mapped[Any] = mapped_column(PortableJSON, nullable=True)
