"""What a comparison of two portals' structure says: one line for each part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.plan.structure.parts import PartKind


class LineState(StrEnum):
    """How a part of the source stands to the target."""

    #: there, under the same identifier
    SAME = "same"
    #: there, under another identifier
    PAIRED = "paired"
    #: not there; `structure apply` creates it
    MISSING = "missing"
    #: something there is in the way; the operator has to decide
    CONFLICTING = "conflicting"
    #: nothing in the source corresponds to it
    ONLY_IN_TARGET = "only-in-target"
    #: the mapping file leaves it out
    DROPPED = "dropped"


#: States that make two structures different.
DIFFERENT = frozenset({LineState.MISSING, LineState.CONFLICTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One part of the source, or of the target where only that has it.

    `scope` and `key` are the source's identifiers as in `structure_pair`; of a relation, the
    entityTypeIds of child and parent.
    """

    kind: PartKind
    state: LineState
    name: str
    scope: str = ""
    key: str | None = None
    target_scope: str | None = None
    target_key: str | None = None
    target_name: str | None = None
    #: where a pair differs in what does not stand in the way of its values
    details: tuple[str, ...] = ()
    #: what is in the way
    conflict: str | None = None
    #: what the operator can do about it
    choices: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureDiff:
    """The whole comparison, in the order things are created."""

    lines: tuple[Line, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing is missing and nothing in the way."""
        return not any(line.state in DIFFERENT for line in self.lines)

    @property
    def conflicts(self) -> list[Line]:
        return self.of(LineState.CONFLICTING)

    @property
    def missing(self) -> list[Line]:
        return self.of(LineState.MISSING)

    @property
    def differing(self) -> list[Line]:
        """Pairs that do not look alike; what the target has is never changed."""
        paired = (LineState.SAME, LineState.PAIRED)
        return [line for line in self.lines if line.state in paired and line.details]

    def of(self, state: LineState) -> list[Line]:
        return [line for line in self.lines if line.state is state]

    def counts(self) -> Iterator[tuple[PartKind, dict[LineState, int]]]:
        """How many lines of each kind there are in each state."""
        counted = Counter((line.kind, line.state) for line in self.lines)
        for kind in dict.fromkeys(line.kind for line in self.lines):
            yield kind, {state: counted[kind, state] for state in LineState}
