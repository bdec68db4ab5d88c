"""What a command that imports or verifies says at its end, and with which exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import typer

from migrator.app import App
from migrator.cli import render
from migrator.cli.errors import ExitCode
from migrator.cli.sampling import only_sample
from migrator.cli.structure import apply_document, leave_incomplete
from migrator.domain.records import LinkState, Migration
from migrator.domain.vocabulary import EntityTypeId
from migrator.load.stage import LoadResult
from migrator.plan.blocked import BlockedByFindings
from migrator.plan.plan import Blueprint
from migrator.planning.sample import DrawnSample
from migrator.staging import QueryResult
from migrator.structure.stage import ApplyResult


def report_import(
    migration: Migration,
    blueprint: Blueprint,
    summary: Summary | None,
    *,
    as_json: bool,
    sample: DrawnSample | None = None,
    brought: ApplyResult | None = None,
) -> None:
    """Show what was done, or, after a dry run (no summary), what would be.

    The structure that was brought along is on the screen already.
    """
    if summary is None:
        _print_dry_run(migration, blueprint, as_json=as_json)
        return
    if not as_json:
        only_sample(sample)
    finish(summary, as_json=as_json, sample=sample, brought=brought)
    if brought is not None:
        leave_incomplete(brought)


def _print_dry_run(migration: Migration, blueprint: Blueprint, *, as_json: bool) -> None:
    if as_json:
        render.print_json(render.plan_document(migration, blueprint))
    else:
        render.print_plan(blueprint)
        render.console().print("Dry run: nothing was written to the target.")
    if blueprint.plan.blocking and as_json:
        raise typer.Exit(ExitCode.USAGE)  # the document names what blocks
    if blueprint.plan.blocking:
        raise BlockedByFindings(blueprint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Where every item is once a command is done; read before the progress display ends."""

    progress: QueryResult
    #: What the command was narrowed to; the table shows every type all the same.
    types: frozenset[EntityTypeId]
    links: dict[LinkState, int]
    links_updated: int | None
    late_items: int
    #: Items that were in the target before the migration.
    matched: int
    #: Entity types of which an item that is not in the target is a difference, too.
    expected: frozenset[EntityTypeId]


def summarise(
    app: App,
    result: LoadResult | None,
    types: frozenset[EntityTypeId],
    expected: frozenset[EntityTypeId] = frozenset(),
) -> Summary:
    return Summary(
        progress=app.workspace.staging.audit.run("progress", migration=app.migration.name),
        types=types,
        links=app.link_counts(types),
        late_items=app.late_items(),
        matched=app.matched_items(),
        links_updated=result.links_updated if result is not None else None,
        expected=expected,
    )


def finish(
    summary: Summary,
    *,
    as_json: bool,
    sample: DrawnSample | None = None,
    brought: ApplyResult | None = None,
) -> None:
    """Show where every item is; exit 1 where some failed or differ."""
    rows = render.query_document(summary.progress)
    waiting = summary.links.get(LinkState.PENDING, 0)
    refused = summary.links.get(LinkState.FAILED, 0)
    if as_json:
        document: dict[str, Any] = {
            "progress": rows,
            "open_links": waiting,
            "failed_links": refused,
            "late_items": summary.late_items,
            "matched": summary.matched,
        }
        if summary.links_updated is not None:
            document["links_updated"] = summary.links_updated
        if sample is not None:
            document["sample"] = str(sample.share)
        if brought is not None:
            document["structure"] = apply_document(brought, dry_run=False)
        render.print_json(document)
    else:
        _print_result(summary, rows)
    asked = [row for row in rows if not summary.types or row["entity_type_id"] in summary.types]
    missing = any(row["not_imported"] and row["entity_type_id"] in summary.expected for row in rows)
    if missing or refused or any(row["failed"] or row["different"] for row in asked):
        raise typer.Exit(ExitCode.DIFFERENT)


def _print_result(summary: Summary, rows: list[dict[str, Any]]) -> None:
    """The table, and below it what is not as it should be and where to look."""
    remarks = (
        (
            sum(row["failed"] for row in rows),
            "items were refused by the target: migrator audit failed-items; to send them again: "
            "migrator import --retry-failed",
        ),
        (
            sum(row["different"] for row in rows),
            "items are not what they must be: migrator audit differences",
        ),
        (summary.matched, "of these were in the target before: migrator audit matches"),
        (
            summary.late_items,
            "items lost or moved their dates because they came late: migrator audit findings",
        ),
        (
            summary.links.get(LinkState.PENDING, 0),
            "links wait for items that are not in the target: migrator audit unresolved-references",
        ),
        (
            summary.links.get(LinkState.FAILED, 0),
            "links were refused by the target: migrator audit unresolved-references; to try them "
            "again: migrator run --retry-failed",
        ),
    )
    render.print_query_of_one(summary.progress, "Result")
    for number, remark in remarks:
        if number:
            render.console().print(f"{number} {remark}")
