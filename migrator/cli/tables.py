"""Tables for people, in a shape the terminal has room for: no value is ever cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

#: Sentences are not worth a column that is narrower; words that are longer are folded.
_READABLE = 40
_INDENT = 4

_Row = tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    justify: Literal["left", "right"]
    #: The width at which no word is folded, and the one at which no line is.
    narrow: int
    wide: int

    @property
    def holds_sentences(self) -> bool:
        return self.wide > _READABLE


def print_table(
    out: Console,
    names: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    title: str | None = None,
) -> None:
    """In less and less room: with lines, without, with sentences below their rows, as a list."""
    cells = [tuple(c if isinstance(c, Text) else Text(c) for c in row) for row in rows]
    columns = [_measured(name, [row[n] for row in cells]) for n, name in enumerate(names)]
    longest = max(range(len(columns)), key=lambda n: columns[n].wide)
    others = [number != longest for number in range(len(columns))]
    if title:
        out.print(Text(title, style="bold italic"))
    if widths := _widths(columns, out.width - 3 * len(columns) - 1):
        out.print(_table(columns, widths, cells, has_lines=True))
    elif widths := _widths(columns, out.width - len(columns) + 1):
        out.print(_table(columns, widths, cells))
    elif columns[longest].holds_sentences and (
        widths := _widths(list(compress(columns, others)), out.width - len(columns) + 2)
    ):
        rest = list(compress(columns, others))
        for number, row in enumerate(cells):
            one = [tuple(compress(row, others))]
            out.print(_table(rest, widths, one, has_header=number == 0))
            out.print(Padding(row[longest], (0, 0, 0, _INDENT)))
    else:
        _print_list(out, names, cells)


def _measured(name: str, cells: Sequence[Text]) -> _Column:
    lines = [name, *(line for cell in cells for line in cell.plain.splitlines())]
    wide = max(map(cell_len, lines))
    longest_word = max((cell_len(word) for line in lines for word in line.split()), default=1)
    return _Column(
        name=name,
        justify="right" if all(_is_number(cell.plain) for cell in cells) else "left",
        narrow=_READABLE if wide > _READABLE else longest_word,
        wide=wide,
    )


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "", 1).lstrip("-").isdecimal() or text == ""


def _widths(columns: Sequence[_Column], room: int) -> list[int] | None:
    """No word folded, and the rest of the room to the columns that want least of it."""
    left = room - sum(column.narrow for column in columns)
    if left < 0:
        return None
    widths = [column.narrow for column in columns]
    for number in sorted(range(len(columns)), key=lambda n: columns[n].wide - columns[n].narrow):
        given = min(columns[number].wide - columns[number].narrow, left)
        widths[number] += given
        left -= given
    return widths


def _table(
    columns: Sequence[_Column],
    widths: Sequence[int],
    rows: Sequence[_Row],
    *,
    has_lines: bool = False,
    has_header: bool = True,
) -> Table:
    table = Table(header_style="bold", show_header=has_header)
    if not has_lines:
        table = Table(
            header_style="bold",
            show_header=has_header,
            box=SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=0,
        )
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column.name, justify=column.justify, width=width, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _print_list(out: Console, names: Sequence[str], rows: Sequence[_Row]) -> None:
    """Each value on a line of its own."""
    for row in rows:
        for name, cell in zip(names, row, strict=True):
            if cell.plain:
                out.print(Text.assemble((f"{name}: ", "bold"), cell), overflow="fold")
        out.print()
