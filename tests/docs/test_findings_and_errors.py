"""Every kind of finding and every error reference is explained."""

from __future__ import annotations

import importlib
import pkgutil
import signal
from typing import TYPE_CHECKING

import migrator
from migrator.bitrix.errors import PortalError
from migrator.cli.errors import exit_code_of
from migrator.domain.errors import MigratorError
from migrator.domain.findings import Effect, FindingKind, Severity
from migrator.interrupt import Interrupted
from tests.docs.pages import FINDINGS, USER_GUIDE, plain

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_the_page_on_findings_holds_every_kind_in_the_words_of_the_code() -> None:
    rows = FINDINGS.table("Kinds", "kind")

    assert [(plain(kind), text) for kind, text in rows] == [(k.value, k.text) for k in FindingKind]


def test_the_page_on_findings_says_of_every_kind_what_to_do() -> None:
    advice = FINDINGS.section("What to do")

    unmapped = [kind for kind in FindingKind if kind.value.startswith("unmapped-")]
    assert "**`unmapped-…`**" in advice
    assert [
        kind.value for kind in FindingKind if kind not in unmapped and f"`{kind}`" not in advice
    ] == []


def test_the_page_on_findings_explains_every_severity_and_effect() -> None:
    severities = [plain(row[0]) for row in FINDINGS.table("Findings", "severity")]

    assert severities == [severity.value for severity in Severity]
    assert [effect for effect in Effect if f"`{effect.value}`" not in FINDINGS.text] == []


def _subclasses(kind: type[MigratorError]) -> Iterator[type[MigratorError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _own_errors() -> set[type[MigratorError]]:
    """Those of the program itself: a portal's are explained in docs/errors.md."""
    for module in pkgutil.walk_packages(migrator.__path__, "migrator."):
        importlib.import_module(module.name)
    return {
        kind
        for kind in _subclasses(MigratorError)
        if kind.__module__.startswith("migrator.") and not issubclass(kind, PortalError)
    }


def test_the_guide_explains_every_error_of_the_program_with_its_exit_code() -> None:
    rows = USER_GUIDE.table("Errors", "reference")

    assert {plain(reference): int(code) for reference, code, *_ in rows} == {
        kind.reference: _exit_code(kind) for kind in _own_errors()
    }


def _exit_code(kind: type[MigratorError]) -> int:
    """Of an error of this class, whatever its own `__init__` wants."""
    if kind is Interrupted:
        return exit_code_of(Interrupted(signal.SIGTERM))
    return exit_code_of(kind.__new__(kind))


def test_no_two_errors_of_the_program_share_a_reference() -> None:
    references = [kind.reference for kind in _own_errors()]

    assert sorted(references) == sorted(set(references))
