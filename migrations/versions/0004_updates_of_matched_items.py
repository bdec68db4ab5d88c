"""Which matched items were updated, and what of them counts as carried."""

from __future__ import annotations

from alembic import op

from migrations.columns import moment
from migrations.views import create_views, drop_views

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = "match_candidate"
VIEWS = ("v_coverage",)


def upgrade() -> None:
    op.add_column(TABLE, moment("sent_at", nullable=True))
    op.add_column(TABLE, moment("updated_at", nullable=True))
    drop_views(VIEWS)
    create_views(VIEWS, "0004")


def downgrade() -> None:
    drop_views(VIEWS)
    create_views(VIEWS, "0001")
    op.drop_column(TABLE, "updated_at")
    op.drop_column(TABLE, "sent_at")
