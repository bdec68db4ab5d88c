"""What the commands that move a sample for real say beforehand, and what they ask."""

from __future__ import annotations

import sys

import typer

from migrator.app import App
from migrator.cli import render
from migrator.cli.progress import asking
from migrator.domain.errors import UsageError
from migrator.domain.findings import Finding, FindingKind
from migrator.domain.records import SampleReason
from migrator.domain.vocabulary import EntityTypeId
from migrator.plan.plan import Blueprint
from migrator.plan.sample import Share
from migrator.planning.sample import DrawnSample


class SampleMakesLate(UsageError):
    """Moving the sample would cost the rest of the migration its dates, and nobody has agreed."""

    reference = "sample-makes-late"


def draw(
    app: App, share: Share | None, types: frozenset[EntityTypeId], *, quiet: bool
) -> DrawnSample | None:
    """Narrow plan and import to a sample, where one is asked for."""
    if share is None:
        return None
    drawn = app.draw_sample(share, types)
    if not quiet:
        counts = [
            (number, sum(by.values()), by.get(SampleReason.REFERRED_TO, 0))
            for number, by in drawn.counts.items()
        ]
        total, referred = sum(c[1] for c in counts), sum(c[2] for c in counts)
        typer.echo(
            f"Sample of {drawn.share}: {total:,} items, {referred:,} of them because others refer "
            "to them",
            err=True,
        )
    return drawn


def agree(app: App, blueprint: Blueprint, *, yes: bool) -> None:
    """Have the operator agree where a sample would make the rest of the migration late.

    Raises: SampleMakesLate where nobody can be asked; typer.Abort where the answer is no.
    """
    to_come = {one.entity_type_id for one in blueprint.plan.types if one.to_import}
    late = [
        one
        for one in blueprint.plan.findings
        if one.kind is FindingKind.LATE_AFTER_SAMPLE and one.entity_type_id in to_come
    ]
    if not late or blueprint.plan.blocking or yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SampleMakesLate(
            _said(blueprint, late), hint=f"{late[0].hint}; --yes goes on all the same"
        )
    with asking(app.workspace.progress):
        typer.echo(_said(blueprint, late), err=True)
        typer.confirm("Move the sample all the same?", abort=True, err=True)


def _said(blueprint: Blueprint, late: list[Finding]) -> str:
    titles = {t: one.title for t, one in blueprint.source.entity_types.items()}
    listed = "".join(
        f"\n  {titles[EntityTypeId(one.entity_type_id or 0)]}: {one.detail}" for one in late
    )
    return f"after this sample, items of the full run come too late to keep their dates:{listed}"


def only_sample(drawn: DrawnSample | None) -> None:
    """At the end: nobody should take the sample for the whole."""
    if drawn is not None:
        render.console().print(
            f"Only the sample of {drawn.share} was moved; the same command without --sample moves "
            "the rest."
        )
