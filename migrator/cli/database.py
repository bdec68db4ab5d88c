"""`migrator db`: bring a staging database up to date; copy it, proving that both hold the same."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from migrator.cli import render
from migrator.cli.errors import ExitCode
from migrator.cli.options import ConfigOption, JsonOption
from migrator.cli.progress import shown_progress
from migrator.interrupt import StopRequest
from migrator.settings import read_settings
from migrator.staging import Staging
from migrator.staging.copying import CopyResult, copy_database

database = typer.Typer(help="The staging database.", no_args_is_help=True, rich_markup_mode=None)

#: Hexadecimal digits of a digest that people compare; JSON has all of them.
_SHOWN_DIGITS = 12


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


@database.command("copy")
def copy(
    source_url: Annotated[str, typer.Argument(metavar="SOURCE_URL", help="What to copy.")],
    target_url: Annotated[str, typer.Argument(metavar="TARGET_URL", help="Where to.")],
    as_json: JsonOption = False,
) -> None:
    """Copy a staging database with all its migrations into another; resumes, and compares both."""
    with shown_progress(quiet=as_json) as progress:
        stop = StopRequest(progress.stopping)
        stop.listen()
        result = copy_database(source_url, target_url, progress=progress, check_stop=stop.check)
    if as_json:
        render.print_json(copy_document(result))
    else:
        _print(result)
    if not result.agrees:
        raise typer.Exit(ExitCode.DIFFERENT)


def copy_document(result: CopyResult) -> dict[str, Any]:
    return {
        "source": result.source,
        "target": result.target,
        "was_finished": result.was_finished,
        "agrees": result.agrees,
        "tables": [
            {
                "table": table.table,
                "source_rows": table.source_rows,
                "target_rows": table.target_rows,
                "source_digest": table.source_digest,
                "target_digest": table.target_digest,
                "agrees": table.agrees,
            }
            for table in result.tables
        ],
    }


def _print(result: CopyResult) -> None:
    rows = [
        (
            table.table,
            table.source_rows,
            table.target_rows,
            table.source_digest[:_SHOWN_DIGITS],
            table.target_digest[:_SHOWN_DIGITS],
            "yes" if table.agrees else "no",
        )
        for table in result.tables
    ]
    columns = ("table", "rows", "rows_copied", "digest", "digest_of_copy", "agrees")
    render.print_rows(columns, rows, f"{result.source} -> {result.target}")
    render.console().print(_conclusion(result), soft_wrap=True, markup=False)


def _conclusion(result: CopyResult) -> str:
    match result.was_finished, result.agrees:
        case False, True:
            return "The copy is finished. Work on one of the two from now on, not on both."
        case False, False:
            return "The copy does not agree and is not given free: copy to an empty database."
        case True, True:
            return "The copy was finished before, and both still hold the same."
        case _:
            return "The copy was finished before; one of the two has been worked on since."
