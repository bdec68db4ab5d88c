"""What `check` says of users, and of what stays behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrator.check.hand_over import LISTS, LONG_LISTS
from migrator.domain.policy import OnUnmappedUser
from migrator.plan.check.facts import LeftBehind, OwnerFacts, Policies, Refusal, UserFacts
from migrator.plan.check.hand_over import PARTS, UNCOUNTABLE, judge_hand_over
from migrator.plan.check.judge import in_order
from migrator.plan.check.line import Line, Question, Verdict, worst
from migrator.plan.check.users import judge_dismissed, judge_users

BLOCK = Policies(on_unmapped_user=OnUnmappedUser.BLOCK)


def an_owner(user_id: int = 5, **changes: Any) -> OwnerFacts:
    owner = OwnerFacts(user_id=user_id, name=f"User {user_id}", is_active=True, items=7)
    return replace(owner, **changes)


def people(*without_partner: OwnerFacts, **changes: Any) -> UserFacts:
    facts = UserFacts(
        total=40,
        dismissed=0,
        without_partner=without_partner,
        items_without_partner=sum(one.items or 0 for one in without_partner),
        created_without_partner=0,
        items_of_unlisted=0,
    )
    return replace(facts, **changes)


def test_users_with_partners_are_one_line() -> None:
    (line,) = judge_users(people(), BLOCK)

    assert line.verdict is Verdict.OK


def test_users_without_a_partner_are_named_with_what_they_own_the_busiest_first() -> None:
    users = people(an_owner(5), an_owner(6, items=900, is_active=False))

    (line,) = judge_users(users, Policies())

    assert line.verdict is Verdict.WARNING
    assert "they own 907 items" in line.detail
    assert "User 6 (900 items, dismissed), User 5 (7 items)" in line.detail


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.BLOCKING),
        ({"items_without_partner": 0, "created_without_partner": 3}, Verdict.BLOCKING),
        ({"items_without_partner": 0}, Verdict.WARNING),
        ({"items_without_partner": None}, Verdict.BLOCKING),
    ],
)
def test_where_unmapped_users_block_it_is_their_items_that_decide(
    changes: dict[str, Any], verdict: Verdict
) -> None:
    (line,) = judge_users(people(an_owner(), **changes), BLOCK)

    assert line.verdict is verdict


def test_items_of_users_the_portal_does_not_list_are_a_line_of_their_own() -> None:
    lines = list(judge_users(people(items_of_unlisted=3), Policies()))

    assert [line.verdict for line in lines] == [Verdict.OK, Verdict.WARNING]
    assert "3 items belong to users the source does not list" in lines[1].detail


def test_a_partner_dismissed_in_the_target_matters_only_with_items() -> None:
    (idle,) = judge_dismissed(people(partner_dismissed=(an_owner(items=0),)))
    (busy,) = judge_dismissed(people(partner_dismissed=(an_owner(items=2),)))

    assert (idle.verdict, busy.verdict) == (Verdict.OK, Verdict.WARNING)


def _hand_over(**left_behind: LeftBehind) -> list[Line]:
    return list(judge_hand_over(left_behind))


def test_what_stays_behind_is_counted_and_named() -> None:
    found = LeftBehind(count=2, names=("Contract", "Offer"))

    line = _hand_over(document_templates=found)[0]

    assert line.verdict is Verdict.WARNING
    assert line.detail == "document templates: 2 not moved: Contract, Offer"


def test_a_part_the_source_does_not_have_needs_nothing_done() -> None:
    line = _hand_over(departments=LeftBehind(count=0))[0]

    assert (line.verdict, line.detail, line.remedy) == (Verdict.OK, "departments: none", None)


def test_what_could_not_be_counted_says_why_and_where_to_look() -> None:
    refusal = Refusal(message="the webhook lacks the permission for it", hint="tick `bizproc`")

    line = _hand_over(business_processes=LeftBehind(count=None, refusal=refusal))[0]

    assert line.verdict is Verdict.WARNING
    assert line.detail.endswith("not counted: the webhook lacks the permission for it")
    assert line.remedy is not None
    assert line.remedy.startswith("tick `bizproc`; look in the source")


def test_what_no_method_lists_is_always_on_the_list() -> None:
    (line,) = _hand_over()

    assert line.verdict is Verdict.WARNING
    assert all(name in line.detail for name in UNCOUNTABLE)


def test_every_list_that_is_asked_for_is_a_part_of_the_hand_over_list() -> None:
    counted_otherwise = {"users", "card_views"}

    assert {part.key for part in PARTS} == {*LISTS, *LONG_LISTS, *counted_otherwise}


def test_lines_stand_in_the_order_of_the_questions_and_the_worst_decides() -> None:
    lines = [
        Line(question=Question.USERS, verdict=Verdict.BLOCKING, detail="b"),
        Line(question=Question.RIGHTS, verdict=Verdict.OK, detail="a"),
        Line(question=Question.USERS, verdict=Verdict.WARNING, detail="c"),
    ]

    assert [line.detail for line in in_order(lines)] == ["a", "b", "c"]
    assert worst(lines) is Verdict.BLOCKING
    assert worst([]) is Verdict.OK
