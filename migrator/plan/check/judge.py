"""Every line of a check, in the order of its questions. A new question is added here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.plan.check.hand_over import judge_hand_over
from migrator.plan.check.items import (
    judge_crm_mode,
    judge_currencies,
    judge_dates,
    judge_disk,
    judge_import_right,
    judge_items,
    judge_types,
)
from migrator.plan.check.line import Line, Question, Verdict
from migrator.plan.check.portals import judge_clocks, judge_portal, judge_unlisted
from migrator.plan.check.users import judge_dismissed, judge_users

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from migrator.domain.vocabulary import Role
    from migrator.plan.check.facts import (
        Comparison,
        DiskFacts,
        Policies,
        PortalFacts,
        Refusal,
    )

_ORDER = list(Question)


def in_order(lines: Iterable[Line]) -> list[Line]:
    """As the questions are listed; lines of one question stay as they came."""
    return sorted(lines, key=lambda line: _ORDER.index(line.question))


def unreachable(role: Role, why: Refusal) -> Line:
    """The line that stands for a portal nothing else can be asked of."""
    return Line(
        question=Question.REACHABLE,
        role=role,
        verdict=Verdict.BLOCKING,
        detail=why.message,
        remedy=why.hint,
    )


def judge_both(
    source: PortalFacts,
    target: PortalFacts,
    comparison: Comparison,
    policies: Policies,
    disk: DiskFacts | None,
) -> Iterator[Line]:
    """What takes both portals."""
    yield from judge_clocks(source, target)
    yield from judge_crm_mode(target, comparison)
    yield from judge_types(comparison)
    yield from judge_items(comparison)
    yield from judge_dates(comparison, policies)
    yield from judge_import_right(target, comparison, policies)
    yield from judge_unlisted(source, target)
    if comparison.users is not None:
        yield from judge_users(comparison.users, policies)
        yield from judge_dismissed(comparison.users)
    if comparison.currencies is not None:
        yield from judge_currencies(comparison.currencies)
    if disk is not None:
        yield from judge_disk(disk, comparison.source_items)
    yield from judge_hand_over(comparison.left_behind)


__all__ = ["in_order", "judge_both", "judge_portal", "unreachable"]
