"""Deferred links are looked up by their items only."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEX = "ix_deferred_link_migration_id_state_entity_type_id_source_id"


def upgrade() -> None:
    op.drop_index(INDEX, table_name="deferred_link")


def downgrade() -> None:
    columns = ["migration_id", "state", "entity_type_id", "source_id"]
    op.create_index(INDEX, "deferred_link", columns)
