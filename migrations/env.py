"""How Alembic reaches the staging database.

The program hands over the connection it has begun a transaction on. From a checkout, `alembic`
itself takes the address from MIGRATOR_STAGING_URL.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from alembic import context

from migrator.staging.engine import Purpose, open_engine, parse_url
from migrator.staging.models import Base

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # SQLite can change hardly anything about a table but by copying it.
        render_as_batch=connection.dialect.name == "sqlite",
        # Alembic assumes that SQLite cannot roll back DDL. It can, once transactions are begun
        # explicitly, as the engine does: either all revisions are applied or none is.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def connect_and_migrate() -> None:
    url = parse_url(os.environ.get("MIGRATOR_STAGING_URL", "sqlite:///migrator.db"))
    engine = open_engine(url).execution_options(purpose=Purpose.CHANGE_SCHEMA)
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()


if context.is_offline_mode():
    msg = "revisions read the database, so they cannot be written out as a script"
    raise SystemExit(msg)

handed_over = context.config.attributes.get("connection")
if handed_over is None:
    connect_and_migrate()
else:
    migrate(handed_over)
