"""Lines about people: who is missing in the target, who was dismissed, and what they own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.domain.policy import OnUnmappedUser
from migrator.domain.vocabulary import Role
from migrator.plan.check.line import Line, Question, Verdict, counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from migrator.plan.check.facts import OwnerFacts, Policies, UserFacts

_SHOWN = 10


def judge_users(users: UserFacts, policies: Policies) -> Iterator[Line]:
    """Users without a partner, and persons items name whom the portal does not list."""
    yield _without_partner(users, policies)
    if users.items_of_unlisted:
        yield Line(
            question=Question.USERS,
            role=Role.SOURCE,
            verdict=Verdict.WARNING,
            detail=f"{counted(users.items_of_unlisted, 'item')} belong to users the source does "
            "not list (integrators, bots, deleted ones); the target webhook's own user is set "
            "instead",
            remedy="answer them in the mapping file after the plan, under `users:`",
            figures={"items": users.items_of_unlisted},
        )


def _without_partner(users: UserFacts, policies: Policies) -> Line:
    owners = users.without_partner
    items = users.items_without_partner
    figures = {
        "source_users": users.total,
        "without_partner": [_figures(one) for one in owners],
        "items": items,
        "created_items": users.created_without_partner,
    }
    if not owners:
        return Line(
            question=Question.USERS,
            verdict=Verdict.OK,
            detail=f"each of {counted(users.total, 'user')} of the source has a partner in the "
            "target",
            figures=figures,
        )
    blocks = policies.on_unmapped_user is OnUnmappedUser.BLOCK
    created = users.created_without_partner
    # Whoever owns and created nothing may still stand in another field, so this is never `ok`.
    is_used = items is None or created is None or items + created > 0
    owned = "an unknown number of items" if items is None else counted(items, "item")
    authored = f", and have created {created:,}" if created is not None else ""
    fate = "" if blocks else "; the target webhook's own user is set instead"
    return Line(
        question=Question.USERS,
        verdict=Verdict.BLOCKING if blocks and is_used else Verdict.WARNING,
        detail=f"without a partner in the target: {len(owners):,} of "
        f"{counted(users.total, 'user')}; they own {owned}{authored}: "
        f"{listed((_said(one) for one in _by_items(owners)), _SHOWN)}{fate}",
        remedy="invite them to the target under the same e-mail address, or answer in the "
        "mapping file: users: <source>: <target>",
        figures=figures,
    )


def judge_dismissed(users: UserFacts) -> Iterator[Line]:
    """Items go to the partner even where that user was dismissed in the target."""
    gone = [one for one in users.partner_dismissed if one.items is None or one.items]
    yield Line(
        question=Question.DISMISSED,
        verdict=Verdict.WARNING if gone else Verdict.OK,
        detail=f"{counted(users.dismissed, 'user')} of the source dismissed; "
        + (
            "dismissed in the target, and would own items there: "
            f"{listed((_said(one) for one in _by_items(gone)), _SHOWN)}"
            if gone
            else "nobody who owns items is dismissed in the target"
        ),
        remedy="answer in the mapping file who takes over: users: <source>: <target>"
        if gone
        else None,
        figures={
            "dismissed_in_source": users.dismissed,
            "dismissed_in_target": [_figures(one) for one in users.partner_dismissed],
        },
    )


def _by_items(owners: Iterable[OwnerFacts]) -> list[OwnerFacts]:
    return sorted(owners, key=lambda one: (-(one.items or 0), one.user_id))


def _said(one: OwnerFacts) -> str:
    facts = [] if one.items is None else [counted(one.items, "item")]
    if not one.is_active:
        facts.append("dismissed")
    return f"{one.name} ({', '.join(facts)})" if facts else one.name


def _figures(one: OwnerFacts) -> dict[str, Any]:
    return {
        "user_id": one.user_id,
        "user": one.name,
        "is_active": one.is_active,
        "items": one.items,
    }
