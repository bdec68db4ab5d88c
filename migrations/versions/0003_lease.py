"""Which process works on a migration, and its signs of life."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import moment, number, refers_to_migration, text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = "lease"


def upgrade() -> None:
    op.create_table(
        TABLE,
        number("migration_id"),
        text("token"),
        text("host"),
        number("pid"),
        text("system"),
        moment("since"),
        moment("heartbeat_at"),
        refers_to_migration(TABLE),
        sa.PrimaryKeyConstraint("migration_id", name=f"pk_{TABLE}"),
    )


def downgrade() -> None:
    op.drop_table(TABLE)
