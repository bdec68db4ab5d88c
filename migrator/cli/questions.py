"""`migrator status` and `migrator audit`: answers from staging alone; no portal is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from migrator.cli import render
from migrator.cli.options import (
    HIGHEST_ID,
    ConfigOption,
    JsonOption,
    MigrationOption,
    OnlyOption,
    parse_only,
)
from migrator.cli.progress import shown_progress
from migrator.opening import find_migration, open_staging
from migrator.settings import Settings, read_settings
from migrator.staging import Staging, audit_queries


def status(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a migration stands, from staging alone."""
    with _staging(read_settings(config)) as staging:
        found = find_migration(staging, migration)
        progress = staging.audit.run("progress", migration=migration)
        findings = staging.audit.run("findings", migration=migration)
        if as_json:
            render.print_json(
                {
                    "migration": found.name,
                    "source": found.source_portal,
                    "target": found.target_portal,
                    "progress": render.query_document(progress),
                    "findings": render.query_document(findings),
                }
            )
            return
        render.console().print(
            f"Migration '{found.name}': {found.source_portal} -> {found.target_portal}"
        )
        render.print_query_of_one(progress, "Items")
        if findings.rows:
            render.print_query_of_one(findings, "Findings by kind")


def audit(
    name: Annotated[str | None, typer.Argument(help="A ready-made query; none lists them.")] = None,
    sql: Annotated[
        str | None, typer.Option("--sql", metavar="SELECT", help="A query of your own, read-only.")
    ] = None,
    migration: Annotated[
        str | None, typer.Option("--migration", metavar="NAME", help="Only this migration.")
    ] = None,
    only: OnlyOption = None,
    source_id: Annotated[
        int | None,
        typer.Option("--id", metavar="ID", min=1, max=HIGHEST_ID, help="Only this source item."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=HIGHEST_ID, help="Rows at most.")
    ] = 1000,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List or run the ready-made audit queries, or run SQL of your own."""
    types = parse_only(only)
    if name is None and sql is None:
        _print_queries(as_json=as_json)
        return
    if (name is not None and sql is not None) or len(types) > 1:
        raise typer.BadParameter("give the name of one query, or --sql; and one type to --only")
    if sql is not None and (migration is not None or types or source_id is not None):
        raise typer.BadParameter(
            "--migration, --only and --id narrow a ready-made query, not --sql"
        )
    with _staging(read_settings(config)) as staging:
        if migration is not None:
            find_migration(staging, migration)
        if sql is not None:
            result = staging.query_read_only(sql, limit)
        else:
            result = staging.audit.run(
                name or "",
                migration=migration,
                entity_type_id=next(iter(types), None),
                source_id=source_id,
                limit=limit,
            )
    if as_json:
        render.print_json(render.query_document(result))
    else:
        render.print_query(result)


def _print_queries(*, as_json: bool) -> None:
    queries = audit_queries().values()
    if as_json:
        render.print_json([{"name": q.name, "description": q.description} for q in queries])
    else:
        render.print_rows(("name", "question"), [(q.name, q.description) for q in queries])


@contextmanager
def _staging(settings: Settings) -> Iterator[Staging]:
    with shown_progress(quiet=True), open_staging(settings, create=False) as staging:
        yield staging
