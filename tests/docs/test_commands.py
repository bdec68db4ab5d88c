"""Commands, options and exit codes: the documentation names exactly those that exist."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import typer

from migrator.cli.errors import ExitCode
from migrator.cli.main import cli
from migrator.plan.check.line import Question
from migrator.staging import Staging, audit_queries
from tests.docs.pages import COMMANDS as REFERENCE
from tests.docs.pages import PAGES, ROOT, USER_GUIDE, Page, plain

if TYPE_CHECKING:
    from collections.abc import Iterator


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def _options(command: Any) -> dict[str, str]:
    """Every option but --help, with its help text."""
    options = [p for p in command.params if p.param_type_name == "option"]
    return {opt: p.help for p in options for opt in p.opts if opt != "--help"}


PROGRAM: Any = typer.main.get_command(cli)
COMMANDS: dict[str, Any] = dict(_commands(PROGRAM))
GROUPS = sorted({name.split()[0] for name in COMMANDS if " " in name})


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_says_of_a_command_what_its_help_says(name: str) -> None:
    section = REFERENCE.section(f"`migrator {name}`")

    assert " ".join(COMMANDS[name].help.split()) in " ".join(section.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_names_all_options_of_a_command_and_no_others(name: str) -> None:
    section = REFERENCE.section(f"`migrator {name}`")
    listed = re.search(r"^Options: (.+)$", section, re.MULTILINE)

    named = re.findall(r"`(--[\w-]+)`", listed[1]) if listed else []

    assert sorted(named) == sorted(_options(COMMANDS[name]))


def test_the_guide_has_no_section_on_a_command_that_does_not_exist() -> None:
    headings = re.findall(r"^## `migrator (.+)`$", REFERENCE.text, re.MULTILINE)

    assert sorted(headings) == sorted(COMMANDS)


def test_the_guide_explains_every_option_in_the_words_of_its_help() -> None:
    rows = REFERENCE.table("Options", "option")
    explained = {(plain(option).split("`")[0].split()[0], meaning) for option, meaning in rows}

    everything = [*COMMANDS.values(), PROGRAM]
    existing = {pair for command in everything for pair in _options(command).items()}

    assert explained == existing


def test_the_guide_tells_the_defaults_of_options() -> None:
    paragraph = REFERENCE.section("Options").split("`--migration` is ")[1].split("\n\n")[0]
    defaults = {
        p.default
        for command in COMMANDS.values()
        for p in command.params
        if p.param_type_name == "option" and p.default not in (None, False)
    }

    assert {str(default) for default in defaults} <= set(re.findall(r"[\w.]+\w", paragraph))


def test_the_guide_explains_every_exit_code() -> None:
    rows = USER_GUIDE.table("Exit codes", "code")

    assert {plain(name): int(code) for code, name, _ in rows} == {
        code.name: code.value for code in ExitCode
    }


def test_the_guide_lists_every_question_of_check_in_the_words_of_the_code() -> None:
    rows = REFERENCE.table("What check asks", "question")

    assert [(plain(question), text) for question, text in rows] == [
        (question.value, question.text) for question in Question
    ]


def _shell_lines() -> list[tuple[str, str]]:
    return [
        (str(page), line)
        for page in PAGES
        for block in page.blocks("sh")
        for line in block.splitlines()
        if line.strip()
    ]


@pytest.mark.parametrize(("page", "line"), _shell_lines())
def test_a_line_to_type_is_a_command_that_exists(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)

    if words[0] == "make":
        _check_make(words[1:])
    elif words[0].endswith("migrator"):
        _check_migrator(words[1:])
    else:
        assert words[0] == "export"
        assert words[1].startswith("MIGRATOR_")


def _check_make(words: list[str]) -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert words[0] in targets


def _check_migrator(words: list[str]) -> None:
    name = " ".join(words[:2]) if words[0] in GROUPS else words[0]
    command = COMMANDS[name]
    with command.make_context(name, words[len(name.split()) :]) as context:
        query = context.params.get("name")
    assert query is None or query in audit_queries()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_command_named_in_the_text_exists(page: Page) -> None:
    named = re.findall(rf"`migrator ((?:(?:{'|'.join(GROUPS)}) )?[a-z]+)[^`]*`", page.prose)

    assert [name for name in named if name not in COMMANDS] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_an_audit_query_named_in_the_text_exists(page: Page) -> None:
    named = re.findall(r"`migrator audit ([a-z][a-z-]+)[^`]*`", page.prose)

    assert [name for name in named if name not in audit_queries()] == []


def test_the_queries_of_the_documentation_run(sqlite_url: str) -> None:
    written = [query for page in PAGES for query in re.findall(r'--sql "(.+?)"', page.text)]
    queries = [query for query in written if "…" not in query]

    with Staging.open(sqlite_url) as staging:
        results = [staging.query_read_only(query) for query in queries]

    assert results
    assert all(result.rows == [] for result in results)
