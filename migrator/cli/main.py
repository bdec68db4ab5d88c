"""The commands: each reads its options, calls the application, shows the result."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from migrator import __version__
from migrator.cli import render
from migrator.cli.check import check
from migrator.cli.copying import copy
from migrator.cli.demo import demo
from migrator.cli.errors import ExitCode, ParserError, exit_code_of, report
from migrator.cli.opening import opened
from migrator.cli.options import (
    ConfigOption,
    DryRunOption,
    JsonOption,
    MappingOption,
    MigrationOption,
    OnlyOption,
    RetryFailedOption,
    SampleOption,
    YesOption,
    parse_only,
    parse_sample,
)
from migrator.cli.outcome import finish, load, report_import, summarise
from migrator.cli.progress import shown_progress
from migrator.cli.rehearse import rehearse
from migrator.cli.sampling import agree, draw
from migrator.cli.sandbox import sandbox
from migrator.cli.structure import bring_along, foresee, leave_incomplete, report_calls, structure
from migrator.cli.undo import undo
from migrator.domain.errors import MigratorError
from migrator.domain.records import SaveCounts
from migrator.opening import find_migration, open_staging
from migrator.planning.mapping_writing import write_mapping_file
from migrator.settings import Settings, read_settings
from migrator.staging import Staging, audit_queries

cli = typer.Typer(
    name="migrator",
    help="Moves a Bitrix24 CRM from one portal to another: nothing lost, nothing twice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
database = typer.Typer(help="The staging database.", no_args_is_help=True, rich_markup_mode=None)
cli.add_typer(database, name="db")
cli.add_typer(structure, name="structure")
database.command("copy")(copy)
cli.command("sandbox")(sandbox)
cli.command("demo")(demo)
cli.command("rehearse")(rehearse)
cli.command("undo")(undo)


cli.command("check")(check)


@cli.command()
def export(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    only: OnlyOption = None,
    mapping: MappingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the source into staging; resumes, and when done before, reads again what changed."""
    types = parse_only(only)
    with opened(read_settings(config, mapping=mapping), migration, quiet=as_json) as app:
        app.check()
        counts = app.export(types, refresh=True)
    _print_export(counts, as_json=as_json)


def _print_export(counts: SaveCounts, *, as_json: bool) -> None:
    document = {"new": counts.new, "changed": counts.changed, "same": counts.same}
    if as_json:
        render.print_json(document)
    else:
        said = (f"{counts.new:,} new", f"{counts.changed:,} changed", f"{counts.same:,} the same")
        render.console().print(f"Exported: {', '.join(said)}")


@cli.command()
def plan(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    only: OnlyOption = None,
    mapping: MappingOption = None,
    write_mapping: Annotated[
        Path | None,
        typer.Option(
            "--write-mapping",
            metavar="FILE",
            help="Write what was decided and what is open, ready to be edited.",
        ),
    ] = None,
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show mapping, order, counts, findings, expected requests and duration."""
    types, share = parse_only(only), parse_sample(sample)
    with opened(read_settings(config, mapping=mapping), migration, quiet=as_json) as app:
        app.check()
        draw(app, share, types, quiet=as_json)
        blueprint = app.plan(types)
        added = 0
        if write_mapping is not None:
            added = write_mapping_file(
                write_mapping, blueprint.mapping, blueprint.source, app.ambiguous_matches()
            )
        name = app.migration
    if as_json:
        render.print_json(render.plan_document(name, blueprint))
    else:
        render.print_plan(blueprint)
        if write_mapping is not None:
            render.console().print(f"{added} lines added to {write_mapping}", markup=False)
    if blueprint.plan.blocking:
        raise typer.Exit(ExitCode.USAGE)


@cli.command("import")
def import_(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    only: OnlyOption = None,
    mapping: MappingOption = None,
    retry_failed: RetryFailedOption = False,
    dry_run: DryRunOption = False,
    sample: SampleOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write what is staged to the target; resumes, and sends nothing twice."""
    types, share = parse_only(only), parse_sample(sample)
    with opened(read_settings(config, mapping=mapping), migration, quiet=as_json) as app:
        app.check()
        drawn = draw(app, share, types, quiet=as_json)
        blueprint = app.plan(types, retry_failed=retry_failed)
        summary = None
        if not dry_run:
            agree(app, blueprint, yes=yes)
            summary = load(app, blueprint, types, retry_failed=retry_failed, verify=False)
    report_import(app.migration, blueprint, summary, as_json=as_json, sample=drawn)


@cli.command()
def verify(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    only: OnlyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the target back and compare every field of every item with what it must hold."""
    types = parse_only(only)
    with opened(read_settings(config), migration, quiet=as_json) as app:
        app.check()
        app.verify(types)
        moved = app.moved_types()
        summary = summarise(app, None, types, expected=types & moved if types else moved)
    finish(summary, as_json=as_json)


@cli.command()
def run(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    only: OnlyOption = None,
    mapping: MappingOption = None,
    retry_failed: RetryFailedOption = False,
    dry_run: DryRunOption = False,
    with_structure: Annotated[
        bool,
        typer.Option(
            "--with-structure", help="Create first what the target lacks of the structure."
        ),
    ] = False,
    sample: SampleOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Do the whole job: check, export, plan, import, verify; resumes wherever it stopped."""
    types, share = parse_only(only), parse_sample(sample)
    with opened(read_settings(config, mapping=mapping), migration, quiet=as_json) as app:
        app.check()
        foreseen = foresee(app, yes=yes or dry_run) if with_structure else None
        app.export(types)
        if foreseen is not None and foreseen.steps and dry_run:
            report_calls(foreseen, as_json=as_json)
            return
        brought = None
        if foreseen is not None and not dry_run:
            brought = bring_along(app, quiet=as_json)
        drawn = draw(app, share, types, quiet=as_json)
        blueprint = app.plan(types, retry_failed=retry_failed)
        summary = None
        if not dry_run:
            agree(app, blueprint, yes=yes)
            summary = load(app, blueprint, types, retry_failed=retry_failed, verify=True)
    report_import(app.migration, blueprint, summary, as_json=as_json, sample=drawn)
    if brought is not None:
        leave_incomplete(brought)


@cli.command()
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
        render.print_query(progress, "Items")
        if findings.rows:
            render.print_query(findings, "Findings by kind")


@cli.command()
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
        int | None, typer.Option("--id", metavar="ID", help="Only this source item.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="Rows at most.")] = 1000,
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
    with _staging(read_settings(config)) as staging:
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


@database.command("upgrade")
def upgrade(config: ConfigOption = None) -> None:
    """Bring the schema of the staging database up to date."""
    settings = read_settings(config)
    with Staging.open(settings.staging_url.get_secret_value()) as staging:
        applied = staging.upgrade()
    for revision in applied:
        render.console().print(revision)
    if not applied:
        render.console().print("The staging database is up to date.")


@cli.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if show:
        render.console().print(f"migrator {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line and leave with the exit code of the contract."""
    command = typer.main.get_command(cli)
    as_json = "--json" in sys.argv
    try:
        code = command.main(standalone_mode=False)
    except MigratorError as error:
        report(error, as_json=as_json)
        code = exit_code_of(error)
    except ParserError as error:
        error.show()  # type: ignore[attr-defined]  # every ClickException can
        code = exit_code_of(error)
    except (KeyboardInterrupt, typer.Abort):
        code = ExitCode.INTERRUPTED
    except Exception:  # noqa: BLE001 - Python's own exit code 1 would mean "finished"
        traceback.print_exc()
        sys.stderr.write("error: this is a bug in migrator; please report the lines above\n")
        code = ExitCode.STOPPED
    sys.exit(code or 0)
