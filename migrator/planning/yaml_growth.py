"""Add lines to a YAML text and leave every character that stands there as it is.

Loading a document and dumping it again would lay it out anew: quotes, indentation and columns of
comments would change under the hands of whoever wrote it. So the document is only
composed, to learn where its parts end, and the new lines are put in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode


class Leaf(NamedTuple):
    """`key: value  # comment`; without a value the line is still open."""

    value: str | None
    comment: str


#: What to add, by key: lines, or a level with lines of its own.
Branch = Mapping[str, "Leaf | Branch"]

_STEP = 2


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def grow(text: str, branch: Branch) -> tuple[str, int]:
    """The text with the lines of a branch that it does not have yet, and how many those are.

    A key that stands there keeps its value, whatever the branch says.
    """
    if not branch:
        return text, 0
    growth = _Growth(text)
    root = YAML(typ="rt").compose(text)
    if isinstance(root, MappingNode):
        growth.into(root, branch, is_root=True)
    else:
        growth.after(len(text), growth.block(branch, 0))
    return growth.result(), growth.added


def keys_of(text: str, section: str) -> list[str]:
    """The keys of a section as they are written, those without a value too."""
    root = YAML(typ="rt").compose(text)
    node = dict(_children(root)).get(section) if isinstance(root, MappingNode) else None
    return [key for key, _ in _children(node)] if isinstance(node, MappingNode) else []


class _Growth:
    def __init__(self, text: str) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._edits: list[_Edit] = []
        self._is_last_line_ended = False
        self.added = 0

    def result(self) -> str:
        parts, position = [], 0
        # Stable: of two insertions in one place the inner one was made first.
        for edit in sorted(self._edits, key=lambda one: one.start):
            parts += [self._text[position : edit.start], edit.text]
            position = edit.end
        return "".join([*parts, self._text[position:]])

    def into(self, node: MappingNode, branch: Branch, *, is_root: bool = False) -> None:
        there = {key.value: (key, value) for key, value in node.value}
        new: dict[str, Leaf | Branch] = {}
        for name, what in branch.items():
            if name not in there:
                new[name] = what
            elif not isinstance(what, Leaf):
                self._into_child(*there[name], what, is_flow=bool(node.flow_style))
        if not new:
            return
        if node.flow_style:
            self._into_flow(node, new)
            return
        indent = node.value[0][0].start_mark.column
        end = len(self._text) if is_root else self._end(node)
        if is_root and _DOCUMENT_END.search(self._text, self._end(node)):
            end = self._end(node)
        self.after(end, self.block(new, indent))

    def _into_child(self, key: Node, value: Node, branch: Branch, *, is_flow: bool) -> None:
        if isinstance(value, MappingNode):
            self.into(value, branch)
            return
        if not isinstance(value, ScalarNode):
            return
        start, end = self._span(key, value)
        if is_flow:
            colon = "" if ":" in self._text[key.end_mark.index : start] else ":"
            self._edits.append(_Edit(start, end, f"{colon} {{{self.flow(branch)}}}"))
        else:
            # `users:`, or `users: null`, whose word has to go.
            self._edits.append(_Edit(start, end, ""))
            self.after(end, self.block(branch, key.start_mark.column + _STEP))

    def _into_flow(self, node: MappingNode, branch: Branch) -> None:
        close = node.end_mark.index - 1
        if node.value:
            last = self._end_of_pair(*node.value[-1])
            if "," not in _COMMENT.sub("", self._text[last:close]):
                # `{7:,` would be one word to some.
                comma = " ," if self._text[last - 1] == ":" else ","
                self._edits.append(_Edit(last, last, comma))
        indent = self._indent_of_line(node.start_mark.index) + 2 * _STEP
        lines = "".join(self._newline + line for line in self.flow_lines(branch, indent))
        closing = self._newline + " " * (indent - _STEP)
        self._edits.append(_Edit(close, close, lines + closing))

    def after(self, position: int, lines: str) -> None:
        """Put lines below the line that holds a position."""
        found = self._text.find("\n", position)
        end = len(self._text) if found < 0 else found + 1
        if position == len(self._text):
            end = position
        if end and self._text[end - 1] != "\n" and not self._is_last_line_ended:
            self._is_last_line_ended = True
            lines = self._newline + lines
        self._edits.append(_Edit(end, end, lines))

    def block(self, branch: Branch, indent: int) -> str:
        return "".join(line + self._newline for line in self._block_lines(branch, indent))

    def _block_lines(self, branch: Branch, indent: int) -> Iterator[str]:
        for key, what in branch.items():
            start = f"{' ' * indent}{scalar(key)}:"
            if isinstance(what, Leaf):
                self.added += 1
                value = "" if what.value is None else f" {scalar(what.value)}"
                yield f"{start}{value} # {what.comment}"
            else:
                yield start
                yield from self._block_lines(what, indent + _STEP)

    def flow_lines(self, branch: Branch, indent: int) -> Iterator[str]:
        for key, what in branch.items():
            start = f"{' ' * indent}{scalar(key, in_flow=True)}: "
            if isinstance(what, Leaf):
                self.added += 1
                yield f"{start}{_flow_value(what)}, # {what.comment}"
            else:
                yield f"{start}{{{self.flow(what)}}},"

    def flow(self, branch: Branch) -> str:
        """A level on one line; the names of what it is about have no room there."""
        parts = []
        for key, what in branch.items():
            if isinstance(what, Leaf):
                self.added += 1
                parts.append(f"{scalar(key, in_flow=True)}: {_flow_value(what)}")
            else:
                parts.append(f"{scalar(key, in_flow=True)}: {{{self.flow(what)}}}")
        return ", ".join(parts)

    def _end(self, node: Node) -> int:
        """Where the last thing of a node ends, comments and empty lines after it left out."""
        if isinstance(node, MappingNode) and not node.flow_style and node.value:
            return max(self._end_of_pair(*pair) for pair in node.value)
        # A block scalar or sequence ends where the next thing begins.
        begin: int = node.start_mark.index
        return begin + len(self._text[begin : node.end_mark.index].rstrip())

    def _end_of_pair(self, key: Node, value: Node) -> int:
        end: int = key.end_mark.index
        return max(end, self._span(key, value)[1])

    def _span(self, key: Node, value: Node) -> tuple[int, int]:
        """Where a value stands; one that is not there is told by ruamel from the next key on."""
        if isinstance(value, ScalarNode) and value.start_mark.index == value.end_mark.index:
            colon = _COLON.match(self._text, key.end_mark.index)
            place = colon.end() if colon else key.end_mark.index
            return place, place
        return value.start_mark.index, self._end(value)

    def _indent_of_line(self, position: int) -> int:
        start = self._text.rfind("\n", 0, position) + 1
        line = self._text[start:position]
        return len(line) - len(line.lstrip(" "))


_DOCUMENT_END = re.compile(r"^(\.\.\.|---)", re.MULTILINE)
_COLON = re.compile(r"[ \t]*:")
_COMMENT = re.compile(r"#[^\n]*")


def _children(node: Node) -> Iterator[tuple[str, Node]]:
    return ((key.value, value) for key, value in node.value)


def _flow_value(leaf: Leaf) -> str:
    return "null" if leaf.value is None else scalar(leaf.value, in_flow=True)


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.@/+-]*(:[A-Za-z0-9_.@/+-]+)*|[0-9]+\.UF_[A-Z0-9_]+")
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
#: What YAML 1.1 or 1.2 reads as something else than text.
_NO_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"})


def scalar(text: str, *, in_flow: bool = False) -> str:
    """A text as YAML; numbers are written without quotes, as an operator would."""
    if text.isdecimal() and text.isascii() and str(int(text)) == text:
        return text
    plain = _PLAIN_IN_FLOW if in_flow else _PLAIN
    if plain.fullmatch(text) and text.casefold() not in _NO_TEXT:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(one) for one in text) + '"'


def _escaped(one: str) -> str:
    if one in '"\\':
        return "\\" + one
    return one if one.isprintable() else f"\\U{ord(one):08x}"
