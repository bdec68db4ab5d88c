"""Tables fit the terminal, and whatever the terminal, every word of them can be read and copied."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from migrator.cli.tables import print_table

NAMES = ("severity", "kind", "entity type", "items", "what and what to do")
ADVICE = (
    "currency RUB has no partner\n-> migrator plan --write-mapping mapping.yaml writes the rest"
)
ROWS = [
    ("blocking", "currency-without-rate", "Deal", "120", ADVICE),
    ("info", "set-by-portal", "Smart invoice", "7", "the target stamps this field itself"),
]


def shown(width: int) -> list[str]:
    out = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    with out.capture() as capture:
        print_table(out, NAMES, ROWS, "Findings")
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [50, 60, 80, 100, 120, 200])
def test_no_word_is_cut_and_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = shown(width)

    words = {word for line in lines for word in line.replace("│", " ").split()}
    assert {word for row in ROWS for cell in row for word in cell.split()} <= words
    assert max(map(len, lines)) <= width


def test_where_there_is_room_a_table_has_lines() -> None:
    assert "│ blocking │ currency-without-rate │ Deal          │   120 │" in "\n".join(shown(200))


def test_in_less_room_sentences_stand_below_their_rows() -> None:
    lines = [line.rstrip() for line in shown(80)]

    at = lines.index("blocking currency-without-rate Deal            120")
    assert lines[at + 1] == "    currency RUB has no partner"
    assert lines[at + 2] == "    -> migrator plan --write-mapping mapping.yaml writes the rest"


def test_in_next_to_no_room_each_value_has_a_line_of_its_own() -> None:
    assert "kind: currency-without-rate" in shown(40)
