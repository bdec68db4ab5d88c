"""`migrator structure`: compare both portals' structure, and bring along what is missing."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from migrator.app import App
from migrator.cli import render
from migrator.cli.errors import ExitCode
from migrator.cli.opening import opened
from migrator.cli.options import (
    ConfigOption,
    JsonOption,
    MappingOption,
    MigrationOption,
    YesOption,
)
from migrator.cli.progress import asking
from migrator.domain.errors import UsageError
from migrator.domain.records import StructureCreation
from migrator.plan.structure.lines import Line, LineState, StructureDiff
from migrator.settings import read_settings
from migrator.structure.stage import ApplyResult

structure = typer.Typer(
    help="The structure items are made of: types, pipelines, directories, fields, currencies.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class NotConfirmed(UsageError):
    """Nobody is there to say yes."""

    reference = "not-confirmed"


@structure.command("diff")
def diff(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    mapping: MappingOption = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="List what agrees and what only the target has, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare both portals' structure; exit 1 where any is missing or in the way."""
    with opened(read_settings(config, mapping=mapping), migration, quiet=as_json) as app:
        app.check()
        found = app.structure_diff()
    if as_json:
        render.print_json(diff_document(found))
    else:
        _print_diff(found, show_all=show_all)
    if not found.is_same:
        raise typer.Exit(ExitCode.DIFFERENT)


@structure.command("apply")
def apply(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    mapping: MappingOption = None,
    yes: YesOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the calls, and send none that writes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create in the target what it lacks of the source's structure; resumes, nothing twice."""
    with opened(read_settings(config, mapping=mapping), migration, quiet=as_json) as app:
        app.check()
        result = foresee(app, yes=yes or dry_run)
        if not dry_run:
            result = app.apply_structure()
    if dry_run:
        report_calls(result, as_json=as_json)
        return
    if as_json:
        render.print_json(apply_document(result, dry_run=False))
    else:
        _print_result(result)
    leave_incomplete(result)


def foresee(app: App, *, yes: bool) -> ApplyResult:
    """What would be created; asks where there is anything and nobody has said yes.

    Raises: NotConfirmed; typer.Abort for a no.
    """
    foreseen = app.apply_structure(dry_run=True)
    if foreseen.steps and not yes:
        _ask(app, foreseen)
    return foreseen


def report_calls(foreseen: ApplyResult, *, as_json: bool) -> None:
    """The end of a dry run."""
    if as_json:
        render.print_json(apply_document(foreseen, dry_run=True))
    else:
        _print_calls(foreseen)


def bring_along(app: App, *, quiet: bool) -> ApplyResult:
    """In the middle of a run: what was refused is told before it may block the import."""
    result = app.apply_structure()
    if not quiet:
        with asking(app.workspace.progress):
            _print_result(result)
    return result


def leave_incomplete(result: ApplyResult) -> None:
    """Exit 1 where the target still lacks something; a JSON document may have no place for why."""
    if not result.is_complete:
        typer.echo(_still_missing(result), err=True)
        raise typer.Exit(ExitCode.DIFFERENT)


def _still_missing(result: ApplyResult) -> str:
    count = len(result.diff.missing)
    return f"Still missing in the target: {count}. Which: migrator structure diff"


def _ask(app: App, foreseen: ApplyResult) -> None:
    calls = len(foreseen.calls)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotConfirmed(
            f"{calls} calls would create structure in the target, and nobody is there to agree",
            hint="look at them with migrator structure apply --dry-run, then add --yes",
        )
    with asking(app.workspace.progress):
        _print_calls(foreseen)
        typer.confirm(f"Send these {calls} calls to the target?", abort=True, err=True)


def _print_diff(found: StructureDiff, *, show_all: bool) -> None:
    shown = [line for line in found.lines if show_all or _is_news(line)]
    if shown:
        columns = ("kind", "in", "source", "state", "target", "what")
        render.print_rows(columns, [_row(line) for line in shown])
    states = [state for state in LineState if found.of(state)]
    totals = [
        (kind.value.replace("_", " "), *(counts[state] or None for state in states))
        for kind, counts in found.counts()
    ]
    render.print_rows(("kind", *(state.value for state in states)), totals, "Structure")
    if found.is_same:
        alike = f"; pairs that do not look alike: {len(found.differing)}" if found.differing else ""
        render.console().print(f"Nothing is missing in the target{alike}.")
    elif found.conflicts:
        render.console().print(
            f"Conflicts to decide first: {len(found.conflicts)}. Their lines say how.", markup=False
        )
    else:
        render.console().print(
            f"Missing in the target: {len(found.missing)}. To create: migrator structure apply"
        )


def _is_news(line: Line) -> bool:
    """What somebody has to do or know; agreement and what is the target's own is not."""
    return line.state in {LineState.MISSING, LineState.CONFLICTING} or bool(line.details)


def _row(line: Line) -> tuple[str, ...]:
    what = [line.conflict, line.choices] if line.conflict else list(line.details)
    return (
        line.kind.value.replace("_", " "),
        line.scope or line.target_scope or "",
        _named(line.name if line.key is not None else "", line.key),
        line.state.value,
        _named(line.target_name or "", line.target_key),
        "; ".join(part for part in what if part),
    )


def _named(name: str, key: str | None) -> str:
    return f"{name} ({key})" if key and name != key else name or key or ""


def _print_calls(result: ApplyResult) -> None:
    """The calls of a dry run, in order, ready to be read."""
    if not result.steps:
        render.console().print("Nothing is missing in the target: there is nothing to create.")
        return
    for method, params in result.calls:
        render.print_json({"method": method, "params": params})
    render.console().print(
        f"{len(result.calls)} calls; none was sent. Identifiers of what does not exist yet are "
        "expected ones: the target chooses them."
    )


def _print_result(result: ApplyResult) -> None:
    made: dict[str, int] = {}
    for step in result.steps:
        kind = step.kind.replace("_", " ")
        made[kind] = made.get(kind, 0) + 1
    if made:
        render.print_rows(("kind", "done"), list(made.items()), "Structure")
    render.print_findings(result.findings)
    for hint in dict.fromkeys(finding.hint for finding in result.findings if finding.hint):
        render.console().print(f"-> {hint}", markup=False)
    if result.is_complete:
        render.console().print("Nothing is missing in the target.")


def diff_document(found: StructureDiff) -> dict[str, Any]:
    return {
        "same": found.is_same,
        "differing": len(found.differing),
        "counts": {
            kind.value: {state.value: count for state, count in counts.items() if count}
            for kind, counts in found.counts()
        },
        "lines": [_line_document(line) for line in found.lines],
    }


def _line_document(line: Line) -> dict[str, Any]:
    return {
        "kind": line.kind.value,
        "state": line.state.value,
        "name": line.name,
        "scope": line.scope or None,
        "key": line.key,
        "target_scope": line.target_scope,
        "target_key": line.target_key,
        "target_name": line.target_name,
        "details": list(line.details),
        "conflict": line.conflict,
        "choices": line.choices,
    }


def apply_document(result: ApplyResult, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "calls": [{"method": method, "params": params} for method, params in result.calls],
        "created": [] if dry_run else [_step_document(step) for step in result.steps],
        "refused": [{**_step_document(one.step), "reason": one.reason} for one in result.refused],
        "findings": [render.finding_document(finding) for finding in result.findings],
        "missing": len(result.diff.missing),
    }


def _step_document(step: StructureCreation) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "scope": step.scope or None,
        "key": step.source_key,
        "name": step.name,
        "target_scope": step.target_scope,
        "target_key": step.target_key,
    }
