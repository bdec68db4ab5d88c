"""The first schema: migrations, structure, items, what became of them, and the views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import (
    automatic_id,
    fraction,
    json,
    moment,
    number,
    one_of,
    refers_to_migration,
    text,
    yes_no,
)
from migrations.views import create_views, drop_views

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "migration",
    "structure_element",
    "structure_pair",
    "item",
    "item_file",
    "id_map",
    "failed_item",
    "deferred_link",
    "import_batch",
    "import_batch_item",
    "finding",
    "difference",
    "checkpoint",
    "migration_setting",
    "request_log",
)

VIEWS = (
    "v_progress",
    "v_unresolved_references",
    "v_failed_items",
    "v_where_is",
    "v_findings_by_kind",
    "v_coverage",
)


def upgrade() -> None:
    _create_migration()
    _create_structure()
    _create_items()
    _create_import()
    _create_batches()
    _create_findings()
    _create_progress()
    create_views(VIEWS, revision)


def downgrade() -> None:
    drop_views(VIEWS)
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_migration() -> None:
    op.create_table(
        "migration",
        automatic_id(),
        text("name"),
        text("source_portal"),
        text("target_portal"),
        text("source_origin"),
        text("target_origin"),
        moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_migration"),
        sa.UniqueConstraint("name", name="uq_migration_name"),
    )


def _create_structure() -> None:
    op.create_table(
        "structure_element",
        number("migration_id"),
        text("portal_role"),
        text("kind"),
        text("scope"),
        text("key"),
        text("name"),
        json("payload"),
        moment("read_at"),
        one_of("structure_element", "portal_role", "source", "target"),
        sa.PrimaryKeyConstraint(
            "migration_id", "portal_role", "kind", "scope", "key", name="pk_structure_element"
        ),
        refers_to_migration("structure_element"),
    )
    op.create_table(
        "structure_pair",
        number("migration_id"),
        text("kind"),
        text("scope"),
        text("source_key"),
        text("target_key", nullable=True),
        text("source_name"),
        text("target_name", nullable=True),
        text("target_scope", nullable=True),
        text("decision"),
        number("items_affected"),
        one_of("structure_pair", "decision", "identity", "name", "mapping", "dropped", "open"),
        sa.PrimaryKeyConstraint(
            "migration_id", "kind", "scope", "source_key", name="pk_structure_pair"
        ),
        refers_to_migration("structure_pair"),
    )


def _create_items() -> None:
    op.create_table(
        "item",
        number("migration_id"),
        number("entity_type_id"),
        number("source_id"),
        text("title"),
        moment("created_time"),
        moment("updated_time", nullable=True),
        json("payload"),
        text("payload_hash"),
        moment("exported_at"),
        sa.PrimaryKeyConstraint("migration_id", "entity_type_id", "source_id", name="pk_item"),
        refers_to_migration("item"),
    )
    op.create_index(
        "ix_item_migration_id_entity_type_id_created_time_source_id",
        "item",
        ["migration_id", "entity_type_id", "created_time", "source_id"],
    )
    op.create_table(
        "item_file",
        number("migration_id"),
        number("entity_type_id"),
        number("source_id"),
        text("field"),
        number("position"),
        number("source_file_id", nullable=True),
        text("name"),
        number("size"),
        text("sha256"),
        moment("recorded_at"),
        sa.PrimaryKeyConstraint(
            "migration_id", "entity_type_id", "source_id", "field", "position", name="pk_item_file"
        ),
        refers_to_migration("item_file"),
    )


def _create_import() -> None:
    op.create_table(
        "id_map",
        number("migration_id"),
        number("entity_type_id"),
        number("source_id"),
        number("target_entity_type_id"),
        number("target_id"),
        text("origin"),
        moment("imported_at"),
        moment("verified_at", nullable=True),
        text("verified_state", nullable=True),
        text("target_title", nullable=True),
        one_of("id_map", "origin", "import", "add", "adopted"),
        one_of("id_map", "verified_state", "agrees", "differs"),
        sa.PrimaryKeyConstraint("migration_id", "entity_type_id", "source_id", name="pk_id_map"),
        sa.UniqueConstraint(
            "migration_id",
            "target_entity_type_id",
            "target_id",
            name="uq_id_map_migration_id_target_entity_type_id_target_id",
        ),
        refers_to_migration("id_map"),
    )
    op.create_table(
        "failed_item",
        number("migration_id"),
        number("entity_type_id"),
        number("source_id"),
        text("error"),
        text("error_description"),
        number("attempts"),
        moment("failed_at"),
        sa.PrimaryKeyConstraint(
            "migration_id", "entity_type_id", "source_id", name="pk_failed_item"
        ),
        refers_to_migration("failed_item"),
    )
    op.create_table(
        "deferred_link",
        number("migration_id"),
        number("entity_type_id"),
        number("source_id"),
        text("field"),
        number("refers_to_entity_type_id"),
        number("refers_to_source_id"),
        text("state"),
        text("detail", nullable=True),
        moment("updated_at"),
        one_of("deferred_link", "state", "pending", "done", "failed", "unresolvable"),
        sa.PrimaryKeyConstraint(
            "migration_id",
            "entity_type_id",
            "source_id",
            "field",
            "refers_to_entity_type_id",
            "refers_to_source_id",
            name="pk_deferred_link",
        ),
        refers_to_migration("deferred_link"),
    )
    op.create_index(
        "ix_deferred_link_migration_id_state_entity_type_id_source_id",
        "deferred_link",
        ["migration_id", "state", "entity_type_id", "source_id"],
    )


def _create_batches() -> None:
    op.create_table(
        "import_batch",
        automatic_id(),
        number("migration_id"),
        number("entity_type_id"),
        text("state"),
        text("method"),
        number("items"),
        moment("sent_at"),
        moment("settled_at", nullable=True),
        text("detail", nullable=True),
        one_of("import_batch", "state", "sent", "unknown", "settled"),
        sa.PrimaryKeyConstraint("id", name="pk_import_batch"),
        refers_to_migration("import_batch"),
    )
    op.create_index("ix_import_batch_migration_id_state", "import_batch", ["migration_id", "state"])
    op.create_table(
        "import_batch_item",
        number("migration_id"),
        number("batch_id"),
        number("position"),
        number("entity_type_id"),
        number("source_id"),
        text("correlation"),
        text("outcome", nullable=True),
        number("target_id", nullable=True),
        text("error", nullable=True),
        text("error_description", nullable=True),
        one_of("import_batch_item", "outcome", "created", "failed", "absent", "adopted"),
        sa.PrimaryKeyConstraint("batch_id", "position", name="pk_import_batch_item"),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name="fk_import_batch_item_batch_id_import_batch"
        ),
        refers_to_migration("import_batch_item"),
    )
    op.create_index(
        "ix_import_batch_item_migration_id_entity_type_id_source_id",
        "import_batch_item",
        ["migration_id", "entity_type_id", "source_id"],
    )


def _create_findings() -> None:
    op.create_table(
        "finding",
        automatic_id(),
        number("migration_id"),
        text("phase"),
        text("kind"),
        text("severity"),
        text("effect"),
        number("entity_type_id", nullable=True),
        number("source_id", nullable=True),
        text("field", nullable=True),
        text("value", nullable=True),
        text("sent", nullable=True),
        text("detail"),
        text("hint", nullable=True),
        number("items"),
        moment("created_at"),
        one_of("finding", "effect", "none", "adjusted", "lost"),
        one_of("finding", "phase", "export", "plan", "import", "verify"),
        one_of("finding", "severity", "blocking", "warning", "info"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        refers_to_migration("finding"),
    )
    op.create_index(
        "ix_finding_migration_id_entity_type_id_source_id_field",
        "finding",
        ["migration_id", "entity_type_id", "source_id", "field"],
    )
    op.create_table(
        "difference",
        number("migration_id"),
        number("entity_type_id"),
        number("source_id"),
        text("field"),
        text("expected", nullable=True),
        text("actual", nullable=True),
        moment("found_at"),
        sa.PrimaryKeyConstraint(
            "migration_id", "entity_type_id", "source_id", "field", name="pk_difference"
        ),
        refers_to_migration("difference"),
    )


def _create_progress() -> None:
    op.create_table(
        "checkpoint",
        number("migration_id"),
        text("stage"),
        number("entity_type_id"),
        number("position"),
        yes_no("done"),
        json("detail", nullable=True),
        moment("updated_at"),
        sa.PrimaryKeyConstraint("migration_id", "stage", "entity_type_id", name="pk_checkpoint"),
        refers_to_migration("checkpoint"),
    )
    op.create_table(
        "migration_setting",
        number("migration_id"),
        text("key"),
        json("value", nullable=True),
        sa.PrimaryKeyConstraint("migration_id", "key", name="pk_migration_setting"),
        refers_to_migration("migration_setting"),
    )
    op.create_table(
        "request_log",
        automatic_id(),
        number("migration_id", nullable=True),
        text("portal_role"),
        text("portal"),
        text("method"),
        moment("sent_at"),
        fraction("duration_s"),
        fraction("operating_s", nullable=True),
        number("status", nullable=True),
        text("error", nullable=True),
        number("items", nullable=True),
        number("commands"),
        one_of("request_log", "portal_role", "source", "target"),
        sa.PrimaryKeyConstraint("id", name="pk_request_log"),
        refers_to_migration("request_log"),
    )
    op.create_index("ix_request_log_migration_id", "request_log", ["migration_id"])
