"""What the portal sets itself is nothing that could be carried over."""

from __future__ import annotations

from migrations.views import create_views, drop_views

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

VIEWS = ("v_coverage",)


def upgrade() -> None:
    drop_views(VIEWS)
    create_views(VIEWS, "0006")


def downgrade() -> None:
    drop_views(VIEWS)
    create_views(VIEWS, "0004")
