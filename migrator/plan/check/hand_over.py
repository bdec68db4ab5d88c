"""The hand-over list: what stays behind in the source, so that nobody finds out afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrator.domain.vocabulary import Role
from migrator.plan.check.line import Line, Question, Verdict, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migrator.plan.check.facts import LeftBehind

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something of the source that is not moved; `advice` is what people do about it."""

    key: str
    title: str
    advice: str


#: What REST can count, or may count one day.
PARTS = (
    Part(
        key="users",
        title="users without a partner in the target",
        advice="invite them to the target under the same e-mail address",
    ),
    Part(
        key="departments",
        title="departments",
        advice="draw the company structure in the target (Company structure)",
    ),
    Part(
        key="business_processes",
        title="business process templates of the CRM",
        advice="export each in its designer and import it in the target",
    ),
    Part(
        key="triggers",
        title="automation triggers of applications",
        advice="install the applications in the target and set the triggers on its stages",
    ),
    Part(
        key="document_templates",
        title="document templates",
        advice="download them (CRM > Settings > Document templates) and upload them in the target",
    ),
    Part(
        key="numerators",
        title="numerators of documents",
        advice="make them in the target, and let them begin after the last number used",
    ),
    Part(
        key="card_views",
        title="entity types with a card view of their own for everybody",
        advice="arrange the card in the target (card > settings > common view)",
    ),
    Part(
        key="workspaces",
        title="digital workspaces of smart processes",
        advice="make them in the target and move the smart processes there",
    ),
    Part(
        key="recurring_deals",
        title="schedules of recurring deals",
        advice="set them up again: the template is moved, its schedule is not",
    ),
    Part(
        key="products",
        title="products of the catalogue",
        advice="export the catalogue as CSV and import it in the target",
    ),
    Part(
        key="requisite_templates",
        title="templates of company details",
        advice="make them in the target (CRM > Settings > Company details)",
    ),
    Part(
        key="requisites",
        title="company details of contacts and companies",
        advice="export them with the companies as CSV; they are not moved",
    ),
    Part(
        key="activities",
        title="activities (calls, e-mails, meetings, to-dos) on items",
        advice="keep the source readable for as long as somebody may have to look one up",
    ),
)

#: What no method of the REST API lists.
UNCOUNTABLE = (
    "access rights and roles",
    "automation rules (robots) on stages",
    "CRM forms, and sites they stand on",
    "card views of single people, list and kanban views, saved filters",
    "required fields depending on a stage, and tunnels between pipelines",
    "product rows and comments in the timeline of items",
    "the history of changes and of stages",
    "mailboxes, telephone lines, open channels, sales-intelligence sources",
    "duplicate control, the exclusion list, unit and tax settings",
    "webhooks, installed applications and their data",
    "tasks, calendars, chats and Drive",
)


def judge_hand_over(left_behind: Mapping[str, LeftBehind]) -> Iterator[Line]:
    """A line for each part, and one for all that nobody can count."""
    for part in PARTS:
        found = left_behind.get(part.key)
        if found is not None:
            yield _part(part, found)
    yield Line(
        question=Question.HAND_OVER,
        role=Role.SOURCE,
        verdict=Verdict.WARNING,
        detail="not moved, and not visible over REST: " + "; ".join(UNCOUNTABLE),
        remedy="go through them in the source, and set up by hand what is needed",
        figures={"part": "uncountable", "names": list(UNCOUNTABLE)},
    )


def _part(part: Part, found: LeftBehind) -> Line:
    figures = {
        "part": part.key,
        "title": part.title,
        "count": found.count,
        "names": list(found.names),
        "refused": found.refusal.message if found.refusal else None,
    }
    if found.count is None:
        why = f": {found.refusal.message}" if found.refusal else ""
        return Line(
            question=Question.HAND_OVER,
            role=Role.SOURCE,
            verdict=Verdict.WARNING,
            detail=f"{part.title}: not moved, and not counted{why}",
            remedy="; ".join([*_hint(found), f"look in the source, then {part.advice}"]),
            figures=figures,
        )
    names = f": {listed(found.names, _SHOWN)}" if found.names else ""
    if len(found.names) <= _SHOWN < found.count and found.names:
        names += ", ..."
    return Line(
        question=Question.HAND_OVER,
        role=Role.SOURCE,
        verdict=Verdict.WARNING if found.count else Verdict.OK,
        detail=f"{part.title}: {found.count:,} not moved{names}"
        if found.count
        else f"{part.title}: none",
        remedy=part.advice if found.count else None,
        figures=figures,
    )


def _hint(found: LeftBehind) -> Iterator[str]:
    if found.refusal is not None and found.refusal.hint:
        yield found.refusal.hint
