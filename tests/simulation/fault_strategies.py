"""Random fault plans and random deaths, in simulated seconds: as long as they are in reality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from migrator.sandbox import FaultKind, FaultRule

#: How long a portal may go on with a request whose connection is gone: it ends them at 60 seconds.
LONGEST_LATE_SECONDS = 59.0
_LATE = st.floats(0.5, LONGEST_LATE_SECONDS)
_SLOW = st.floats(1, 100)
_DOWN = st.floats(1, 500)
#: Kinds after which nobody knows whether a write was executed make no sense at a source.
_ONLY_WRITES = {
    FaultKind.CUT_DURING_BATCH_IMPORT,
    FaultKind.REPORTED_FAILED_BUT_CREATED,
    FaultKind.EXECUTED_LATE,
}
_TARGET_METHODS = ("crm.item.batchImport",) * 3 + (
    "crm.item.update",
    "*userfield*.add",
    "batch",
    "crm.item.list",
    "*",
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a migration meets: faults of both portals, and the points at which it dies."""

    source: tuple[FaultRule, ...]
    target: tuple[FaultRule, ...]
    #: each counted from 1, in the life before which nothing but the former ones happened
    deaths: tuple[int, ...]


@st.composite
def _rules(draw: st.DrawFn, kinds: list[FaultKind], methods: tuple[str, ...]) -> FaultRule:
    kind = draw(st.sampled_from(kinds))
    seconds = {FaultKind.EXECUTED_LATE: _LATE, FaultKind.DOWN_FOR: _DOWN}.get(kind, _SLOW)
    options: dict[str, Any] = {
        "kind": kind,
        "method": draw(st.sampled_from(methods)),
        "executed": draw(st.booleans()),
        "item": draw(st.integers(0, 6)),
        "seconds": draw(seconds),
        "seed": draw(st.integers(0, 99)),
    }
    if draw(st.booleans()):
        return FaultRule(**options, at=draw(st.integers(1, 8)), times=draw(st.integers(1, 3)))
    return FaultRule(**options, probability=draw(st.sampled_from([0.05, 0.1, 0.2])))


@st.composite
def troubles(draw: st.DrawFn) -> Trouble:
    reading = [kind for kind in FaultKind if kind not in _ONLY_WRITES]
    return Trouble(
        source=tuple(draw(_as_many_as(2, _rules(reading, ("*",))))),
        target=tuple(draw(_as_many_as(4, _rules(list(FaultKind), _TARGET_METHODS)))),
        deaths=tuple(draw(_as_many_as(4, st.integers(1, 400)))),
    )


def _as_many_as(most: int, one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """None, or so many, all as likely: hypothesis itself would prefer few."""
    sizes = st.sampled_from(range(most + 1))
    return sizes.flatmap(lambda size: st.lists(one, min_size=size, max_size=size))
