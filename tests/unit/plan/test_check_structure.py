"""What `check` says of structure the target lacks."""

from __future__ import annotations

from migrator.plan.check.line import Verdict
from migrator.plan.check.structure import judge_structure
from migrator.plan.structure.lines import Line, LineState, StructureDiff
from migrator.plan.structure.parts import PartKind


def a_line(state: LineState, kind: PartKind = PartKind.FIELD) -> Line:
    return Line(kind=kind, state=state, name="Colour", key="UF_CRM_COLOUR")


def diff(*lines: Line) -> StructureDiff:
    return StructureDiff(lines=lines)


def test_what_is_missing_and_what_is_in_the_way_is_counted_by_kind() -> None:
    found = judge_structure(
        diff(
            a_line(LineState.MISSING, PartKind.CATEGORY),
            a_line(LineState.MISSING),
            a_line(LineState.MISSING),
            a_line(LineState.CONFLICTING),
            a_line(LineState.SAME),
        )
    )

    assert found.verdict is Verdict.WARNING
    assert found.detail == (
        "missing in the target: 1 category, 2 fields; conflicting with the target: 1 field"
    )
    assert found.figures["missing"] == 3
    assert found.figures["by_kind"]["field"] == {"missing": 2, "conflicting": 1}


def test_only_what_can_be_done_is_advised() -> None:
    missing = judge_structure(diff(a_line(LineState.MISSING))).remedy or ""
    conflicting = judge_structure(diff(a_line(LineState.CONFLICTING))).remedy or ""

    assert "structure apply" in missing
    assert "conflicts" not in missing
    assert "structure apply" not in conflicting


def test_more_in_the_target_than_in_the_source_is_no_trouble() -> None:
    found = judge_structure(diff(a_line(LineState.SAME), a_line(LineState.ONLY_IN_TARGET)))

    assert found.verdict is Verdict.OK
