"""Errors into sentences and exit codes; the contract of the codes stands in docs/user-guide.md."""

from __future__ import annotations

import signal
from enum import IntEnum
from typing import Any

import typer
from rich.console import Console

from migrator.cli.render import print_json
from migrator.domain.errors import MigratorError, UsageError
from migrator.interrupt import Interrupted

#: What the command line's parser raises; Typer brings its own Click or uses the common one.
ParserError: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


class ExitCode(IntEnum):
    #: everything asked for is done and agrees
    DONE = 0
    #: finished, but something failed, differs, is missing or stays
    DIFFERENT = 1
    #: wrong usage, configuration or a blocking finding; no item was written to the target
    USAGE = 2
    #: stopped before the end; run again to resume
    STOPPED = 3
    #: interrupted by Ctrl-C, after the batch in flight was settled
    INTERRUPTED = 130


def exit_code_of(error: BaseException) -> ExitCode:
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    if isinstance(error, Interrupted):
        is_ctrl_c = error.signal_number == signal.SIGINT
        return ExitCode.INTERRUPTED if is_ctrl_c else ExitCode.STOPPED
    if isinstance(error, (UsageError, ParserError)):
        return ExitCode.USAGE
    return ExitCode.STOPPED


def report(error: MigratorError, *, as_json: bool) -> None:
    """Say what happened and what to do next, on stderr; on stdout too where JSON was asked for."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"error: {error.reference}", style="bold red", markup=False)
    for line in error.message.splitlines():
        console.print(f"  {line}", markup=False)
    if error.hint:
        console.print(f"  hint: {error.hint}", markup=False)
    if as_json:
        print_json(_document(error.reference, error.message, error.hint))


def report_wrong_usage(error: Exception, *, as_json: bool) -> None:
    """The same of what the command line's parser has raised."""
    error.show()  # type: ignore[attr-defined]  # every ClickException can
    if as_json:
        message = error.format_message()  # type: ignore[attr-defined]
        print_json(_document(UsageError.reference, message, "migrator COMMAND --help"))


def _document(reference: str, message: str, hint: str | None) -> dict[str, Any]:
    return {"error": {"reference": reference, "message": message, "hint": hint}}
