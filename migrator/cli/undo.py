"""`migrator undo`: what a migration made in the target is listed, or taken back."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

from migrator.cli import render
from migrator.cli.errors import ExitCode
from migrator.cli.opening import opened
from migrator.cli.options import ConfigOption, JsonOption, MigrationOption, OnlyOption, parse_only
from migrator.domain.records import Migration
from migrator.domain.undoing import KeepReason, KeptItem
from migrator.settings import read_settings
from migrator.undo.stage import UndoOptions, UndoResult
from migrator.undo.structure import StructureState, StructureUndo

#: Items that stay are listed up to so many for people; JSON and the staging database have them all.
_SHOWN = 50


def undo(
    migration: MigrationOption = "default",
    config: ConfigOption = None,
    only: OnlyOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Carry it out; without it, it is only listed.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Remove items too that people have changed, or that others refer to."
        ),
    ] = False,
    structure: Annotated[
        bool,
        typer.Option("--structure", help="Remove structure made by the migrator that is unused."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List what this migration made in the target, or take it back; the source is not touched."""
    options = UndoOptions(
        only=parse_only(only), carry_out=yes, force=force, with_structure=structure
    )
    with opened(read_settings(config), migration, quiet=as_json) as app:
        result = app.undo(options)
        kept = app.kept_items(None if as_json else _SHOWN)
        name = app.migration
    if as_json:
        render.print_json(undo_document(name, options, result, kept))
    else:
        _print(name, options, result, kept)
    if yes and result.kept:
        raise typer.Exit(ExitCode.DIFFERENT)


def undo_document(
    migration: Migration, options: UndoOptions, result: UndoResult, kept: list[KeptItem]
) -> dict[str, Any]:
    return {
        "migration": migration.name,
        "carried_out": options.carry_out,
        "undo": [
            {
                "entity_type_id": one.entity_type_id,
                "title": one.title,
                "to_remove": one.to_remove,
                "removed": one.removed,
                "kept": {reason.value: count for reason, count in one.kept.items()},
            }
            for one in result.types
        ],
        "kept_items": [
            {
                "entity_type_id": item.entity_type_id,
                "source_id": item.source_id,
                "target_entity_type_id": item.target_entity_type_id,
                "target_id": item.target_id,
                "reason": item.reason.value,
                "detail": item.detail,
            }
            for item in kept
        ],
        "structure": [
            {
                "kind": one.kind,
                "scope": one.scope,
                "key": one.key,
                "name": one.name,
                "state": one.state.value,
                "detail": one.detail,
            }
            for one in result.structure
        ],
        "not_looked_through": list(result.unseen),
    }


def _print(
    migration: Migration, options: UndoOptions, result: UndoResult, kept: list[KeptItem]
) -> None:
    out = render.console()
    if not result.types:
        out.print("The ID map holds no items: this migration has nothing in the target.")
    else:
        _print_types(migration, options, result)
    _print_kept(result, kept)
    if result.structure:
        _print_structure(result.structure)
    if result.unseen:
        titles = ", ".join(result.unseen)
        out.print(f"Not looked through for references, for lack of rights: {titles}", markup=False)
    if not options.carry_out and (result.types or result.structure):
        out.print("Nothing was removed. To carry it out, add --yes to the same command.")


def _print_types(migration: Migration, options: UndoOptions, result: UndoResult) -> None:
    done = "removed" if options.carry_out else "to_remove"
    rows = [
        (
            f"{one.title} ({one.entity_type_id})",
            one.removed if options.carry_out else one.to_remove,
            sum(one.kept.values()),
            ", ".join(f"{count} {reason.value}" for reason, count in one.kept.items()),
        )
        for one in result.types
    ]
    title = f"Undo of '{migration.name}' in {migration.target_portal}"
    render.print_rows(("entity_type", done, "kept", "why"), rows, title)


def _print_kept(result: UndoResult, kept: list[KeptItem]) -> None:
    listed = [item for item in kept if item.reason is not KeepReason.MATCHED]
    if not listed:
        return
    rows = [
        (item.entity_type_id, item.source_id, item.target_id, item.reason.value, item.detail)
        for item in listed
    ]
    columns = ("entity_type", "source_id", "target_id", "reason", "what")
    render.print_rows(columns, rows, "Items that stay")
    if result.kept_items > len(listed):
        more = f"and {result.kept_items - len(listed)} more: see the table kept_item"
        render.console().print(more, markup=False)


def _print_structure(parts: tuple[StructureUndo, ...]) -> None:
    """How many of each kind; those that stay one by one."""
    counts = Counter((one.kind, one.state) for one in parts)
    rows = [(kind, state.value, count) for (kind, state), count in sorted(counts.items())]
    render.print_rows(("kind", "state", "parts"), rows, "Structure")
    kept = [one for one in parts if one.state is StructureState.KEPT]
    if kept:
        columns = ("kind", "scope", "key", "name", "why")
        rows_kept = [(one.kind, one.scope, one.key, one.name, one.detail) for one in kept]
        render.print_rows(columns, rows_kept, "Structure that stays")
