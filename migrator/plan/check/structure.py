"""The line about structure: what the target lacks, and what is in the way there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.plan.check.line import Line, Question, Verdict, counted, listed
from migrator.plan.structure.lines import LineState

if TYPE_CHECKING:
    from migrator.plan.check.facts import Refusal
    from migrator.plan.structure.lines import StructureDiff


def judge_structure(diff: StructureDiff) -> Line:
    """Never blocking: only what items use is needed, and that is known to the plan."""
    missing, conflicts = diff.missing, diff.conflicts
    figures = {
        "missing": len(missing),
        "conflicting": len(conflicts),
        "by_kind": {
            kind.value: {
                "missing": counts[LineState.MISSING],
                "conflicting": counts[LineState.CONFLICTING],
            }
            for kind, counts in diff.counts()
            if counts[LineState.MISSING] or counts[LineState.CONFLICTING]
        },
    }
    if diff.is_same:
        return Line(
            question=Question.STRUCTURE,
            verdict=Verdict.OK,
            detail="the target has all of the source's structure",
            figures=figures,
        )
    said = [_said(diff, state) for state in (LineState.MISSING, LineState.CONFLICTING)]
    remedies = []
    if conflicts:
        remedies.append("migrator structure diff tells what can be done about the conflicts")
    if missing:
        remedies.append(
            "migrator structure apply, or run --with-structure, creates what is missing"
        )
    return Line(
        question=Question.STRUCTURE,
        verdict=Verdict.WARNING,
        detail="; ".join(one for one in said if one),
        remedy="; ".join(remedies),
        figures=figures,
    )


def _said(diff: StructureDiff, state: LineState) -> str:
    """`missing in the target: 1 category, 2 fields`; empty where there are none."""
    kinds = [
        counted(counts[state], kind.value.replace("_", " "))
        for kind, counts in diff.counts()
        if counts[state]
    ]
    where = "missing in" if state is LineState.MISSING else "conflicting with"
    return f"{where} the target: {listed(kinds, len(kinds))}" if kinds else ""


def structure_not_compared(why: Refusal) -> Line:
    """A webhook may not see it all, which `structure apply` would refuse, too."""
    return Line(
        question=Question.STRUCTURE,
        verdict=Verdict.WARNING,
        detail=f"not answered: {why.message}",
        remedy=why.hint,
    )


def structure_refused(why: Refusal) -> Line:
    """Every other command reads it first, by the same mapping file, and refuses to go on, too."""
    return Line(
        question=Question.STRUCTURE,
        verdict=Verdict.BLOCKING,
        detail=why.message,
        remedy=why.hint,
    )
