"""Structure made in the target, samples, matches, and what undo leaves there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import (
    json,
    moment,
    number,
    one_of,
    refers_to_migration,
    text,
)
from migrations.views import create_views, drop_views

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("structure_creation", "sample_item", "match_candidate", "kept_item")

#: The views that read a table whose constraints change: SQLite changes it by making it anew.
VIEWS = (
    "v_progress",
    "v_unresolved_references",
    "v_failed_items",
    "v_where_is",
    "v_findings_by_kind",
    "v_coverage",
)
VIEWS_REVISION = "0001"

#: table, column -> what it could hold before, and what is new
GROWN = {
    ("id_map", "origin"): (("import", "add", "adopted"), ("matched",)),
    ("finding", "phase"): (("export", "plan", "import", "verify"), ("structure", "undo")),
    ("structure_pair", "decision"): (
        ("identity", "name", "mapping", "dropped", "open"),
        ("created", "default"),
    ),
}


def upgrade() -> None:
    drop_views(VIEWS)
    for (table, column), (before, new) in GROWN.items():
        _constrain(table, column, (*before, *new))
    create_views(VIEWS, VIEWS_REVISION)
    _create_structure_creation()
    _create_sample_item()
    _create_match_candidate()
    _create_kept_item()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    drop_views(VIEWS)
    for (table, column), (before, new) in GROWN.items():
        _delete(table, column, new)
        _constrain(table, column, before)
    create_views(VIEWS, VIEWS_REVISION)


def _constrain(table: str, column: str, values: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(name, type_="check")
        batch.create_check_constraint(name, one_of(table, column, *values).sqltext)


def _delete(table: str, column: str, values: tuple[str, ...]) -> None:
    """The older schema has no word for these rows."""
    rows = sa.table(table, sa.column(column))
    op.execute(rows.delete().where(rows.c[column].in_(values)))


def _create_structure_creation() -> None:
    table = "structure_creation"
    op.create_table(
        table,
        number("migration_id"),
        text("kind"),
        text("scope"),
        text("source_key"),
        text("name"),
        text("target_scope", nullable=True),
        text("target_key", nullable=True),
        text("method"),
        json("params"),
        text("state"),
        text("detail", nullable=True),
        moment("sent_at"),
        moment("settled_at", nullable=True),
        one_of(table, "state", "sent", "unknown", "created", "found", "failed", "removed"),
        refers_to_migration(table),
        sa.PrimaryKeyConstraint(
            "migration_id", "kind", "scope", "source_key", name="pk_structure_creation"
        ),
    )


def _create_sample_item() -> None:
    table = "sample_item"
    op.create_table(
        table,
        number("migration_id"),
        number("entity_type_id"),
        number("source_id"),
        text("reason"),
        one_of(table, "reason", "drawn", "referred_to"),
        refers_to_migration(table),
        sa.PrimaryKeyConstraint("migration_id", "entity_type_id", "source_id", name=f"pk_{table}"),
    )


def _create_match_candidate() -> None:
    table = "match_candidate"
    op.create_table(
        table,
        number("migration_id"),
        number("entity_type_id"),
        number("source_id"),
        number("target_id"),
        text("field"),
        text("value"),
        text("state"),
        text("target_title", nullable=True),
        moment("found_at"),
        one_of(table, "state", "pair", "ambiguous"),
        refers_to_migration(table),
        sa.PrimaryKeyConstraint(
            "migration_id", "entity_type_id", "source_id", "target_id", name=f"pk_{table}"
        ),
    )


def _create_kept_item() -> None:
    table = "kept_item"
    op.create_table(
        table,
        number("migration_id"),
        number("entity_type_id"),
        number("source_id"),
        number("target_entity_type_id"),
        number("target_id"),
        text("reason"),
        text("detail"),
        moment("noted_at"),
        refers_to_migration(table),
        sa.PrimaryKeyConstraint("migration_id", "entity_type_id", "source_id", name=f"pk_{table}"),
    )
