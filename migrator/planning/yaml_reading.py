"""Load a YAML text of which every line says what stands there, and nothing else.

YAML itself allows more: keys that stand twice, parts that contain themselves, numbers that are read
as others than they are written. All of that would be taken in silence and lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from migrator.planning.mapping_faults import Fault, place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_CORE = "tag:yaml.org,2002:"
_SCALARS = frozenset(
    f"{_CORE}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")
)
_NOT_PLAIN = "takes plain lines, neither `<<` nor tags such as `!!omap`"

#: Characters of a value that a message shows.
_SHOWN = 40


class UnclearTextError(Exception):
    """A text that is no YAML, or could be misunderstood."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


def load_plainly(text: str, measures: Collection[str]) -> Any:
    """What a text holds; mappings know their lines.

    Args:
        text: of one document
        measures: sections whose values are numbers and times, however they are written

    Raises: UnclearTextError.
    """
    yaml = YAML(typ="rt")
    yaml.composer.warn_double_anchors = False
    try:
        root = yaml.compose(text)
        faults = list(_Reading(yaml, measures).faults(root)) if root is not None else []
    except YAMLError as error:
        raise UnclearTextError([_no_yaml(text, error)]) from error
    except RecursionError as error:
        raise UnclearTextError([Fault(1, "levels stand in levels too deep to be read")]) from error
    if faults:
        raise UnclearTextError(faults)
    return yaml.constructor.construct_document(root) if root is not None else None


def _no_yaml(text: str, error: YAMLError) -> Fault:
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        return Fault(line, f"holds a character that is no text (U+{code:04X})")
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Fault(1, "not valid YAML")
    line, begun = error.problem_mark.line, error.context_mark
    if "'\\t'" in str(error.problem):
        return Fault(line + 1, "a tab stands where YAML takes blanks only")
    context = ""
    if error.context and begun is not None and begun.line != line:
        context = f" ({error.context} that begins in line {begun.line + 1})"
    return Fault(line + 1, f"{error.problem}{context}")


class _Reading:
    def __init__(self, yaml: YAML, measures: Collection[str]) -> None:
        self._yaml = yaml
        self._measures = measures
        self._seen: set[int] = set()
        self._open: set[int] = set()

    def faults(self, node: Node, *above: str, line: int | None = None) -> Iterator[Fault]:
        """Of a node and all below it; what an alias repeats is looked at once."""
        at = node.start_mark.line + 1 if line is None else line
        if id(node) in self._open:
            yield Fault(at, f"{place(*above)}: contains itself")
        elif id(node) not in self._seen:
            self._seen.add(id(node))
            self._open.add(id(node))
            yield from self._faults(node, above, at)
            self._open.remove(id(node))

    def _faults(self, node: Node, above: tuple[str, ...], at: int) -> Iterator[Fault]:
        if isinstance(node, ScalarNode) and node.tag in _SCALARS:
            is_measure = bool(above) and above[0] in self._measures
            why = self._misread(node, is_measure=is_measure)
            if why is not None:
                yield Fault(at, f"{place(*above)}: {why}")
        elif isinstance(node, SequenceNode) and node.tag == f"{_CORE}seq":
            for one in node.value:
                yield from self.faults(one, *above)
        elif isinstance(node, MappingNode) and node.tag == f"{_CORE}map":
            yield from self._pairs(node, above)
        else:
            yield Fault(at, f"{place(*above)}: {_NOT_PLAIN}" if above else _NOT_PLAIN)

    def _pairs(self, node: MappingNode, above: tuple[str, ...]) -> Iterator[Fault]:
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            why = self._no_key(key)
            if why is not None:
                yield Fault(line, f"{place(*above)}: {why}" if above else why)
                continue
            if key.value in first:
                where = place(*above, key.value)
                yield Fault(line, f"{where}: is said twice (first in line {first[key.value]})")
            first.setdefault(key.value, line)
            yield from self.faults(value, *above, key.value, line=line)

    def _no_key(self, key: Node) -> str | None:
        if key.tag == f"{_CORE}merge":
            return _NOT_PLAIN
        if not isinstance(key, ScalarNode) or key.tag not in _SCALARS:
            return "a key must be a single word or number"
        if key.tag == f"{_CORE}null":
            return "a line without a key"
        if key.tag == f"{_CORE}bool":
            return f"'{key.value}' is read as yes or no: put it into quotes"
        return self._misread(key)

    def _misread(self, node: ScalarNode, *, is_measure: bool = False) -> str | None:
        """What a number or a time comes to that is not what is written, as the end of a sentence.

        A directory has the entries 7 and 007.
        """
        if node.tag in {f"{_CORE}str", f"{_CORE}null", f"{_CORE}bool"}:
            return None
        try:
            value = self._yaml.constructor.construct_object(node)
        except ValueError as error:
            return f"'{_short(node.value)}' cannot be read: {error}"
        if is_measure or str(value) == node.value:
            return None
        return f"'{_short(node.value)}' is read as {_short(str(value))}: put it into quotes"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
