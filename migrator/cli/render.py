"""Results on stdout: tables for people, one JSON document for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import TextIOWrapper
from itertools import chain, compress, count
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from migrator.cli.tables import print_table
from migrator.domain.findings import Finding, Severity
from migrator.domain.records import Migration
from migrator.plan.plan import Blueprint, Plan
from migrator.staging import QueryResult

#: A table wider than the terminal is of no use; a pipe has no width.
_PIPE_WIDTH = 200

_STYLES = {Severity.BLOCKING: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


class _Stdout(Console):
    """Goes on in silence where nobody reads any more, as after `| head`: the work is not over."""

    def on_broken_pipe(self) -> None:
        _silence()


def _silence() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console() -> Console:
    out = _Stdout(highlight=False)
    return out if out.is_terminal else _Stdout(highlight=False, width=_PIPE_WIDTH, no_color=True)


def print_json(document: Any) -> None:
    try:
        sys.stdout.write(_as_json(document, sys.stdout.encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()


def _as_json(document: Any, encoding: str) -> str:
    """With JSON's own escapes where the output cannot take a character."""
    text = json.dumps(document, ensure_ascii=False, indent=2, default=_plain)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(document, indent=2, default=_plain)
    return text


def escape_what_cannot_be_shown(*streams: TextIO) -> None:
    """Have a name in Cyrillic be no failure where the output is in another alphabet.

    A pipe or a file gets the encoding of the machine's locale, on Windows that of its code page.
    """
    for stream in streams:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


def query_document(result: QueryResult) -> list[dict[str, Any]]:
    columns = _distinct(result.columns)
    return [dict(zip(columns, row, strict=True)) for row in result.rows]


def _distinct(names: Sequence[str]) -> list[str]:
    """The second `id` of a query becomes `id_2`: an object has each key once."""
    distinct: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in count(2))
        distinct.append(next(key for key in chain([name], numbered) if key not in distinct))
    return distinct


def print_query(result: QueryResult, title: str | None = None) -> None:
    if not result.rows:
        console().print("(no rows)")
        return
    print_rows(result.columns, result.rows, title)


def print_query_of_one(result: QueryResult, title: str) -> None:
    """The same of a single migration, whose name is known."""
    shown = [name != "migration" for name in result.columns]
    rows = [tuple(compress(row, shown)) for row in result.rows]
    print_query(QueryResult(tuple(compress(result.columns, shown)), rows), title)


def print_rows(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None
) -> None:
    listed = [[_cell(value) for value in row] for row in rows]
    print_table(console(), [name.replace("_", " ") for name in columns], listed, title)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:,.1f}"
    return str(value)


def print_plan(blueprint: Blueprint) -> None:
    plan = blueprint.plan
    _print_types(plan)
    _print_matches(blueprint)
    _print_deferred(blueprint)
    print_findings(plan.findings)
    cost = plan.estimate
    basis = "assumed"
    if cost.is_measured:
        basis = f"and {cost.seconds_per_request:.2f} s a request, measured"
    console().print(
        f"{cost.requests:,} requests expected, about {cost.duration} "
        f"({cost.seconds_per_item:.2f} s an item, {basis})"
    )


def _print_types(plan: Plan) -> None:
    columns = (
        "order",
        "entity type",
        "in the target",
        "source",
        "imported",
        "failed",
        "matched",
        "to import",
        "target's newest row",
        "late",
    )
    rows = [
        (
            number,
            f"{t.title} ({t.entity_type_id})",
            t.target_entity_type_id if t.target_entity_type_id is not None else "left out",
            t.source_items,
            t.imported,
            t.failed,
            t.matched,
            t.to_import,
            t.target_newest,
            t.late_items,
        )
        for number, t in enumerate(plan.types, start=1)
    ]
    if not rows:
        console().print("The source holds no items: there is nothing to import.")
        return
    print_rows(columns, rows, "Plan")


def _print_matches(blueprint: Blueprint) -> None:
    plan = blueprint.plan
    if not plan.matches:
        return
    rows = [
        (
            _title(blueprint, one.entity_type_id),
            one.source_id,
            one.target_id,
            one.target_title,
            f"{one.field}: {one.value}",
            one.state.value,
        )
        for one in plan.matches
    ]
    columns = ("entity type", "source", "target", "title in the target", "the same by", "state")
    print_rows(columns, rows, "Matches")
    ambiguous = sum(t.ambiguous for t in plan.types)
    console().print(
        f"Items that are in the target already: {sum(t.matched for t in plan.types):,}; waiting "
        f"for an answer: {ambiguous:,}; all of them: migrator audit matches"
    )


def _print_deferred(blueprint: Blueprint) -> None:
    rows = [
        (
            _title(blueprint, link.entity_type_id),
            link.field,
            _title(blueprint, link.refers_to),
            link.items,
            "refers to later items of its own type" if link.within_type else "closes a cycle",
        )
        for link in blueprint.plan.deferred
    ]
    if rows:
        columns = ("entity type", "field", "refers to", "items", "why")
        print_rows(columns, rows, "Links set in a second pass")


def _title(blueprint: Blueprint, entity_type_id: Any) -> str:
    found = blueprint.source.entity_types.get(entity_type_id)
    return found.title if found else str(entity_type_id)


def print_findings(findings: Sequence[Finding]) -> None:
    if not findings:
        return
    rows = []
    for finding, fields in _grouped(findings):
        advice = finding.detail
        if finding.severity is Severity.BLOCKING and finding.hint:
            advice += f"\n-> {finding.hint}"
        severity = Text(finding.severity.value, style=_STYLES[finding.severity])
        entity_type, items = str(finding.entity_type_id or ""), str(finding.items)
        rows.append((severity, finding.kind.value, entity_type, ", ".join(fields), items, advice))
    columns = ("severity", "kind", "type", "field", "items", "what and what to do")
    print_table(console(), columns, rows, "Findings")


def _grouped(findings: Sequence[Finding]) -> list[tuple[Finding, list[str]]]:
    """Findings that say the same of several fields of a type, as one with all the fields."""
    groups: dict[tuple[str, int | None, str], tuple[Finding, list[str]]] = {}
    for finding in findings:
        key = (finding.kind.value, finding.entity_type_id, finding.detail)
        first, fields = groups.setdefault(key, (finding, []))
        if finding.field:
            fields.append(finding.field)
        if finding.items > first.items:
            groups[key] = (finding, fields)
    return list(groups.values())


def plan_document(migration: Migration, blueprint: Blueprint) -> dict[str, Any]:
    plan = blueprint.plan
    return {
        "migration": migration.name,
        "types": [
            {
                "entity_type_id": t.entity_type_id,
                "title": t.title,
                "target_entity_type_id": t.target_entity_type_id,
                "source": t.source_items,
                "imported": t.imported,
                "failed": t.failed,
                "matched": t.matched,
                "ambiguous": t.ambiguous,
                "to_import": t.to_import,
                "target_newest": t.target_newest,
                "late": t.late_items,
            }
            for t in plan.types
        ],
        "order": list(plan.order),
        "deferred": [
            {
                "entity_type_id": link.entity_type_id,
                "field": link.field,
                "refers_to": link.refers_to,
                "items": link.items,
                "within_type": link.within_type,
            }
            for link in plan.deferred
        ],
        "matches": [
            {
                "entity_type_id": one.entity_type_id,
                "source_id": one.source_id,
                "target_id": one.target_id,
                "target_title": one.target_title,
                "field": one.field,
                "value": one.value,
                "state": one.state.value,
            }
            for one in plan.matches
        ],
        "findings": [finding_document(finding) for finding in plan.findings],
        "blocking": len(plan.blocking),
        "estimate": {
            "requests": plan.estimate.requests,
            "operating_seconds": plan.estimate.operating_seconds,
            "duration_seconds": plan.estimate.duration,
            "seconds_per_item": plan.estimate.seconds_per_item,
            "seconds_per_request": plan.estimate.seconds_per_request,
            "is_measured": plan.estimate.is_measured,
        },
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "effect": finding.effect.value,
        "entity_type_id": finding.entity_type_id,
        "source_id": finding.source_id,
        "field": finding.field,
        "value": finding.value,
        "items": finding.items,
        "detail": finding.detail,
        "hint": finding.hint,
    }
