"""`migrator check`: what a migration will meet, one line for each answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer
from rich.text import Text

from migrator.cli import render
from migrator.cli.errors import ExitCode
from migrator.cli.opening import opened
from migrator.cli.options import ConfigOption, JsonOption, MappingOption, MigrationOption
from migrator.cli.tables import print_table
from migrator.plan.check.line import Line, Verdict
from migrator.plan.check.report import CheckReport, PortalState
from migrator.settings import read_settings

_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.BLOCKING: "bold red"}


def check(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    mapping: MappingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask both portals what a migration will meet: rights, limits, counts, what stays behind."""
    with opened(read_settings(config, mapping=mapping), migration, quiet=as_json) as app:
        report = app.check_everything()
    if as_json:
        render.print_json(check_document(report))
    else:
        _print(report)
    if report.verdict is Verdict.BLOCKING:
        raise typer.Exit(ExitCode.USAGE)


def _print(report: CheckReport) -> None:
    rows = [
        (
            Text(line.verdict.value, style=_STYLES[line.verdict]),
            line.question.value,
            line.role.value if line.role else "",
            f"{line.detail}\n-> {line.remedy}" if line.remedy else line.detail,
        )
        for line in report.lines
    ]
    columns = ("verdict", "question", "portal", "answer, and what to do")
    print_table(render.console(), columns, rows)
    render.console().print(_conclusion(report), markup=False)


def _conclusion(report: CheckReport) -> str:
    counts = {one: sum(line.verdict is one for line in report.lines) for one in Verdict}
    said = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    return f"{said}; {report.requests} requests"


def check_document(report: CheckReport) -> dict[str, Any]:
    return {
        "verdict": report.verdict.value,
        "requests": report.requests,
        "lines": [_line_document(line) for line in report.lines],
        "portals": list(_portal_documents(report.portals)),
    }


def _line_document(line: Line) -> dict[str, Any]:
    return {
        "question": line.question.value,
        "role": line.role.value if line.role else None,
        "verdict": line.verdict.value,
        "detail": line.detail,
        "remedy": line.remedy,
        "figures": dict(line.figures),
    }


def _portal_documents(states: Iterable[PortalState]) -> Iterable[dict[str, Any]]:
    for state in states:
        yield {
            "role": state.role.value,
            "portal": state.host,
            "user": state.profile.name,
            "user_id": state.profile.user_id,
            "is_admin": state.profile.is_admin,
            "scopes": sorted(state.profile.scopes),
            "utc_offset": state.profile.utc_offset,
            "findings": [render.finding_document(remark) for remark in state.remarks],
        }
