"""The way of a migration, stage by stage, and `run`, which is all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from migrator.app import App
from migrator.cli import render
from migrator.cli.errors import ExitCode
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
from migrator.cli.outcome import Summary, finish, report_import, summarise
from migrator.cli.sampling import agree, draw
from migrator.cli.structure import bring_along, foresee, report_calls
from migrator.domain.records import SaveCounts
from migrator.domain.vocabulary import EntityTypeId
from migrator.plan.plan import Blueprint
from migrator.planning.mapping_writing import write_mapping_file
from migrator.settings import read_settings


def export(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    only: OnlyOption = None,
    mapping: MappingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the source into staging; resumes, and when done before, reads it all again."""
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
            summary = _load(app, blueprint, types, retry_failed=retry_failed, verify=False)
    report_import(app.migration, blueprint, summary, as_json=as_json, sample=drawn)


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
            summary = _load(app, blueprint, types, retry_failed=retry_failed, verify=True)
    report_import(app.migration, blueprint, summary, as_json=as_json, sample=drawn, brought=brought)


def _load(
    app: App,
    blueprint: Blueprint,
    types: frozenset[EntityTypeId],
    *,
    retry_failed: bool,
    verify: bool,
) -> Summary:
    result = app.load(blueprint, retry_failed=retry_failed)
    if verify:
        app.verify(types)
    return summarise(app, result, types)
