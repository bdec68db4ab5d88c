"""Bringing the schema up to date with Alembic, from wherever the program is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import migrator
from migrator.staging.errors import StagingTooNew

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

#: Any number will do, as long as every version of this program takes the same.
_UPGRADE_LOCK = 0x6D696772


def configuration() -> Config:
    """Alembic's configuration without alembic.ini, which an installed program does not have.

    The revisions stand beside the package, in a checkout and in an installation alike.
    """
    config = Config()
    folder = Path(migrator.__file__).parent.parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def pending_revisions(connection: Connection) -> list[str]:
    """Revisions not applied yet, oldest first, each as `0001 what it does`."""
    script = ScriptDirectory.from_config(configuration())
    revisions = list(script.walk_revisions())
    applied = MigrationContext.configure(connection).get_current_heads()
    unknown = set(applied) - {revision.revision for revision in revisions}
    if unknown:
        msg = f"the staging database was upgraded by a newer program (revision {min(unknown)})"
        raise StagingTooNew(msg, hint="install the newest migrator")
    known = {r.revision for head in applied for r in script.iterate_revisions(head, "base")}
    missing = [r for r in revisions if r.revision not in known]
    return [f"{revision.revision} {revision.doc}" for revision in reversed(missing)]


def upgrade(connection: Connection, name: str, log: Callable[[str], Any]) -> list[str]:
    """Apply what is pending inside the caller's transaction; two processes take turns."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    pending = pending_revisions(connection)
    if not pending:
        return []
    is_new = not MigrationContext.configure(connection).get_current_heads()
    config = configuration()
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
    if is_new:
        log(f"staging database created: {name}")
        return pending
    for revision in pending:
        log(f"staging database upgraded: {revision}")
    return pending
