"""`migrator rehearse`: what the migration would come to, without a write to the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from migrator.cli import render
from migrator.cli.errors import ExitCode
from migrator.cli.opening import opened
from migrator.cli.options import (
    ConfigOption,
    JsonOption,
    MappingOption,
    MigrationOption,
    OnlyOption,
    SampleOption,
    parse_only,
    parse_sample,
)
from migrator.cli.sandbox import import_sandbox
from migrator.cli.structure import apply_document
from migrator.plan.blocked import BlockedByFindings
from migrator.settings import read_settings
from migrator.staging import QueryResult

if TYPE_CHECKING:
    from migrator.rehearsal.result import Outcome, RehearsalResult

#: Rows of each list that are shown; `--json` has them all.
_SHOWN = 20


def rehearse(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    only: OnlyOption = None,
    mapping: MappingOption = None,
    sample: SampleOption = None,
    without_structure: Annotated[
        bool,
        typer.Option(
            "--without-structure",
            help="As run does without --with-structure: nothing is made first.",
        ),
    ] = False,
    with_files: Annotated[
        bool, typer.Option("--with-files", help="Fetch files from the source; placeholders if not.")
    ] = False,
    required_fields: Annotated[
        bool,
        typer.Option("--required-fields", help="The target checks required fields over REST."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the whole migration against an emulated copy of the target, and report what would come.

    The real target is only read from, and nothing of the rehearsal stays in the migration.
    """
    import_sandbox()
    from migrator.rehearsal.stage import Rehearsal, RehearsalOptions

    options = RehearsalOptions(
        only=parse_only(only),
        share=parse_sample(sample),
        with_structure=not without_structure,
        with_files=with_files,
        checks_required_fields=required_fields,
    )
    settings = read_settings(config, mapping=mapping)
    with opened(settings, migration, quiet=as_json, only_reads_target=True) as app:
        app.check()
        app.export(options.only)
        result = Rehearsal(app, options).run()
    if as_json:
        render.print_json(rehearsal_document(result))
    else:
        _print(result)
    if result.outcome is None:
        if as_json:
            raise typer.Exit(ExitCode.USAGE)  # the document names what blocks
        raise BlockedByFindings(result.blueprint)
    if not result.agrees:
        raise typer.Exit(ExitCode.DIFFERENT)


def rehearsal_document(result: RehearsalResult) -> dict[str, Any]:
    return {
        "rehearsal_of": result.migration.name,
        "sample": str(result.share) if result.share is not None else None,
        "items": result.items,
        "staged_items": result.staged_items,
        "agrees": result.agrees,
        "structure": _structure_document(result),
        "plan": render.plan_document(result.migration, result.blueprint),
        "requests": {
            "total": result.requests.total,
            "operating_seconds": result.requests.operating_seconds,
            "by_method": {
                method: {
                    "requests": use.requests,
                    "items": use.items,
                    "operating_seconds": use.operating_seconds,
                }
                for method, use in sorted(result.requests.by_method.items())
            },
        },
        "seconds": dict(result.seconds),
        "whole_import_seconds": result.whole_import_seconds,
        "limits": {
            "requests_per_second": result.limits.requests_per_second,
            "burst": result.limits.burst,
            "operating_limit_seconds": result.limits.operating_limit_seconds,
            "operating_window_seconds": result.limits.operating_window_seconds,
        },
        "assumptions": list(result.assumptions),
        "outcome": _outcome_document(result.outcome),
    }


def _structure_document(result: RehearsalResult) -> dict[str, Any] | None:
    found = result.structure
    return None if found is None else apply_document(found, dry_run=False)


def _outcome_document(outcome: Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return {
        "progress": render.query_document(outcome.progress),
        "findings": render.query_document(outcome.findings),
        "failed_items": render.query_document(outcome.failed_items),
        "differences": render.query_document(outcome.differences),
        "unresolved_references": render.query_document(outcome.unresolved),
        "stages": [
            {
                "entity_type": one.entity_type,
                "pipeline": one.pipeline,
                "stage": one.stage,
                "items": one.items,
            }
            for one in outcome.stages
        ],
        "owners": [
            {"entity_type": one.entity_type, "owner": one.owner, "items": one.items}
            for one in outcome.owners
        ],
    }


def _print(result: RehearsalResult) -> None:
    say = render.console().print
    of = f" of {result.staged_items:,}, a sample of {result.share}" if result.share else ""
    say(f"Rehearsed: {result.items:,} items{of}; the target was only read from", markup=False)
    if result.structure is not None and (result.structure.steps or result.structure.refused):
        steps = Counter(step.kind.replace("_", " ") for step in result.structure.steps)
        made = ", ".join(f"{kind} {number}" for kind, number in sorted(steps.items()))
        say(f"Structure that would be made in the target first: {made}", markup=False)
        for refused in result.structure.refused:
            say(f"  refused: {refused.step.name}: {refused.reason}", markup=False)
    if result.outcome is None:
        render.print_plan(result.blueprint)
    else:
        _print_outcome(result.outcome)
    _print_cost(result)
    for assumed in result.assumptions:
        say(f"assumed: {assumed}", markup=False)
    if result.outcome is not None:
        verdict = "Everything would agree." if result.agrees else "Not everything would agree."
        say(verdict)


def _print_outcome(outcome: Outcome) -> None:
    render.print_query_of_one(outcome.progress, "Result")
    _print_some(
        outcome.failed_items,
        "Would fail",
        ("entity_type", "source_id", "title", "error", "error_description"),
    )
    _print_some(
        outcome.differences,
        "Would differ",
        ("entity_type", "source_id", "title", "field", "expected", "actual"),
    )
    _print_some(
        outcome.unresolved,
        "Links that would not be set",
        ("entity_type", "source_id", "title", "field", "refers_to_state", "state", "detail"),
    )
    _print_some(
        outcome.findings,
        "Findings by kind",
        ("severity", "kind", "effect", "entity_type", "findings", "items", "example_detail"),
    )
    stages = [(s.entity_type, s.pipeline, s.stage, s.items) for s in outcome.stages]
    if stages:
        render.print_rows(("in the target", "pipeline", "stage", "items"), stages, "Stages")
    owners = [(one.entity_type, one.owner, one.items) for one in outcome.owners]
    if owners:
        render.print_rows(("in the target", "responsible", "items"), owners, "Responsible")


def _print_some(result: QueryResult, title: str, columns: tuple[str, ...]) -> None:
    if not result.rows:
        return
    rows = [[row[name] for name in columns] for row in render.query_document(result)]
    render.print_rows(columns, rows[:_SHOWN], f"{title}: {len(rows):,}")
    if len(rows) > _SHOWN:
        render.console().print(f"and {len(rows) - _SHOWN:,} more: --json")


def _print_cost(result: RehearsalResult) -> None:
    say = render.console().print
    requests = result.requests
    by_stage = ", ".join(f"{stage} {_duration(took)}" for stage, took in _worth(result.seconds))
    say(
        f"{requests.total:,} requests to the target, {requests.operating_seconds:,.0f} operating "
        f"seconds; under the configured limits: {by_stage or 'no time at all'}",
        markup=False,
    )
    if result.whole_import_seconds is not None:
        say(f"the import of everything: about {_duration(result.whole_import_seconds)}")


def _worth(seconds: Mapping[str, float]) -> list[tuple[str, float]]:
    return [(stage, took) for stage, took in seconds.items() if took >= 1]


def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=round(seconds))
