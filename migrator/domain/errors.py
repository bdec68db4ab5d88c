"""Errors every layer may raise, and what each means for the process.

MigratorError
 ├─ UsageError      wrong usage, configuration or a blocking finding: exit code 2, nothing written
 ├─ RetriableError  stopped before the end; running again resumes: exit code 3
 └─ TerminalError   stopped, and running again will not help before somebody acts: exit code 3
"""

from __future__ import annotations

from typing import ClassVar


class MigratorError(Exception):
    """An error that is a sentence for the operator, never a traceback.

    `reference` is the stable kebab-case name under which the documentation explains it, `hint`
    says what to do next (a command where there is one). Neither may hold a webhook URL.
    """

    reference: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(MigratorError):
    """The command, the configuration or the mapping asks for something that cannot be done."""

    reference = "usage"


class RetriableError(MigratorError):
    """Stopped before the end for a reason that passes; the same command resumes."""

    reference = "stopped"


class TerminalError(MigratorError):
    """Stopped before the end for a reason that somebody has to remove first."""

    reference = "terminal"
