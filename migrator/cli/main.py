"""The command line: every command in the order in which it is wanted, and the exit codes."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from migrator import __version__
from migrator.cli import render
from migrator.cli.check import check
from migrator.cli.database import database
from migrator.cli.demo import demo
from migrator.cli.errors import ExitCode, ParserError, exit_code_of, report, report_wrong_usage
from migrator.cli.questions import audit, status
from migrator.cli.rehearse import rehearse
from migrator.cli.sandbox import sandbox
from migrator.cli.stages import export, import_, plan, run, verify
from migrator.cli.structure import structure
from migrator.cli.undo import undo
from migrator.domain.errors import MigratorError

cli = typer.Typer(
    name="migrator",
    help="Moves a Bitrix24 CRM from one portal to another: nothing lost, nothing twice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# `--help` lists them in this order, and the groups after them.
_COMMANDS = (
    check,
    export,
    plan,
    rehearse,
    import_,
    verify,
    run,
    status,
    audit,
    undo,
    sandbox,
    demo,
)
for _command in _COMMANDS:
    cli.command(_command.__name__.rstrip("_"))(_command)
cli.add_typer(structure, name="structure")
cli.add_typer(database, name="db")


@cli.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if show:
        render.console().print(f"migrator {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line and leave with the exit code of the contract."""
    render.escape_what_cannot_be_shown(sys.stdout, sys.stderr)
    as_json = "--json" in sys.argv
    try:
        code = typer.main.get_command(cli).main(standalone_mode=False)
    except MigratorError as error:
        report(error, as_json=as_json)
        code = exit_code_of(error)
    except ParserError as error:
        report_wrong_usage(error, as_json=as_json)
        code = exit_code_of(error)
    except (KeyboardInterrupt, typer.Abort):
        code = ExitCode.INTERRUPTED
    except Exception:  # noqa: BLE001 - Python's own exit code 1 would mean "finished"
        traceback.print_exc()
        sys.stderr.write("error: this is a bug in migrator; please report the lines above\n")
        code = ExitCode.STOPPED
    sys.exit(code or 0)
