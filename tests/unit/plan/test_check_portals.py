"""What `check` says of one portal, and of two clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migrator.domain.policy import WithoutImportRight
from migrator.domain.vocabulary import Role
from migrator.plan.check.facts import LimitFacts, Policies, PortalFacts, Refusal
from migrator.plan.check.line import Line, Question, Verdict
from migrator.plan.check.portals import judge_clocks, judge_portal, judge_unlisted
from tests.fakes.builders import a_profile

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ALL_SCOPES = frozenset({"crm", "user", "userfieldconfig", "department", "bizproc"})
LIMITS = LimitFacts(
    requests_per_second=2,
    burst=50,
    operating_limit_s=480,
    operating_window_s=600,
    operating_s={"crm.item.list": 0.0},
)


def a_portal(role: Role = Role.SOURCE, **changes: Any) -> PortalFacts:
    return replace(
        PortalFacts(
            role=role,
            host="old.bitrix24.com",
            profile=a_profile(scopes=ALL_SCOPES),
            limits=LIMITS,
            server_time=NOON,
            ahead_s=0.0,
        ),
        **changes,
    )


def the_line(portal: PortalFacts, question: Question, policies: Policies | None = None) -> Line:
    lines = judge_portal(portal, policies or Policies())
    return next(line for line in lines if line.question is question)


@pytest.mark.parametrize("role", list(Role))
def test_an_administrators_webhook_with_all_permissions_leaves_nothing_to_say(role: Role) -> None:
    lines = list(judge_portal(a_portal(role), Policies()))

    assert {line.verdict for line in lines} == {Verdict.OK}
    assert [line.remedy for line in lines if line.remedy] == []


def test_a_target_user_without_administrators_rights_blocks_unless_the_loss_is_accepted() -> None:
    target = a_portal(Role.TARGET, profile=a_profile(is_admin=False, scopes=ALL_SCOPES))
    accepted = Policies(without_import_right=WithoutImportRight.ADD)

    assert the_line(target, Question.RIGHTS).verdict is Verdict.BLOCKING
    assert the_line(target, Question.RIGHTS, accepted).verdict is Verdict.WARNING


def test_a_permission_that_only_the_hand_over_list_needs_is_named_and_no_warning() -> None:
    portal = a_portal(profile=a_profile(scopes=ALL_SCOPES - {"bizproc"}))

    line = the_line(portal, Question.SCOPES)

    assert line.verdict is Verdict.OK
    assert set(line.figures["missing"]) == {"bizproc"}
    assert line.remedy is not None
    assert line.remedy.endswith("tick bizproc")


def test_the_target_is_not_asked_for_permissions_of_the_hand_over_list() -> None:
    portal = a_portal(
        Role.TARGET, profile=a_profile(scopes=frozenset({"crm", "user", "userfieldconfig"}))
    )

    assert the_line(portal, Question.SCOPES).figures["missing"] == {}


def test_a_missing_userfieldconfig_blocks_in_the_target_only() -> None:
    profile = a_profile(scopes=ALL_SCOPES - {"userfieldconfig"})

    source = the_line(a_portal(Role.SOURCE, profile=profile), Question.SCOPES)
    target = the_line(a_portal(Role.TARGET, profile=profile), Question.SCOPES)

    assert (source.verdict, target.verdict) == (Verdict.WARNING, Verdict.BLOCKING)


def test_permissions_the_portal_does_not_tell_are_a_warning_and_no_obstacle() -> None:
    profile = replace(a_profile(scopes=ALL_SCOPES), scopes_told=False)

    line = the_line(a_portal(Role.TARGET, profile=profile), Question.SCOPES)

    assert line.verdict is Verdict.WARNING
    assert "does not tell" in line.detail


def test_a_permission_whose_methods_are_refused_is_not_to_be_ticked_once_more() -> None:
    profile = a_profile(scopes=ALL_SCOPES).without_scope("userfieldconfig")

    line = the_line(a_portal(Role.TARGET, profile=profile), Question.SCOPES)

    assert line.verdict is Verdict.BLOCKING
    assert "portal refuses the methods" in line.detail
    assert line.remedy is not None
    assert "tick" not in line.remedy


def test_user_brief_hides_the_addresses_by_which_users_are_paired() -> None:
    profile = a_profile(scopes=ALL_SCOPES - {"user"} | {"user_brief"})

    line = the_line(a_portal(profile=profile), Question.SCOPES)

    assert line.verdict is Verdict.WARNING
    assert "user_brief hides e-mail addresses" in line.detail


def test_pacing_switched_off_is_a_warning_in_the_cloud_and_none_on_premise() -> None:
    unpaced = replace(LIMITS, requests_per_second=0)

    cloud = the_line(a_portal(limits=unpaced), Question.LIMITS)
    box = the_line(a_portal(limits=unpaced, host="crm.example.com"), Question.LIMITS)

    assert (cloud.verdict, box.verdict) == (Verdict.WARNING, Verdict.OK)
    assert cloud.remedy is not None
    assert "MIGRATOR_SOURCE__REQUESTS_PER_SECOND=2" in cloud.remedy


def test_a_budget_that_somebody_else_is_using_up_is_a_warning() -> None:
    used = replace(LIMITS, operating_s={"crm.item.list": 300.0, "user.get": 1.0})

    line = the_line(a_portal(limits=used), Question.LIMITS)

    assert line.verdict is Verdict.WARNING
    assert "300.0 s of crm.item.list" in line.detail


def test_an_enterprise_plan_may_be_asked_faster() -> None:
    line = the_line(a_portal(limits=replace(LIMITS, plan="ent")), Question.LIMITS)

    assert line.verdict is Verdict.OK
    assert (
        line.remedy == "set MIGRATOR_SOURCE__REQUESTS_PER_SECOND=5 and MIGRATOR_SOURCE__BURST=250"
    )


def test_a_portal_that_counts_no_execution_time_says_so() -> None:
    line = the_line(a_portal(limits=replace(LIMITS, operating_s={})), Question.LIMITS)

    assert "the portal counts no execution time (on premise" in line.detail


@pytest.mark.parametrize(("ahead", "verdict"), [(2, Verdict.OK), (-400, Verdict.WARNING)])
def test_a_portals_clock_may_differ_a_little(ahead: float, verdict: Verdict) -> None:
    portal = a_portal(server_time=NOON + timedelta(seconds=ahead), ahead_s=ahead)

    assert the_line(portal, Question.TIME).verdict is verdict


def test_types_that_may_not_be_listed_block() -> None:
    portal = a_portal(refused={"types": Refusal(message="no right")})

    assert the_line(portal, Question.ENTITY_TYPES).verdict is Verdict.BLOCKING


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (0, 0, Verdict.OK),
        (60, 0, Verdict.WARNING),
        (0, 60, Verdict.OK),
        (6, 0, Verdict.OK),  # each of them may be wrong by a second
    ],
)
def test_a_source_ahead_of_the_target_has_dates_the_target_takes_for_the_future(
    source: float, target: float, verdict: Verdict
) -> None:
    (line,) = judge_clocks(a_portal(ahead_s=source), a_portal(Role.TARGET, ahead_s=target))

    assert line.verdict is verdict
    assert line.figures["source_ahead_seconds"] == source - target


def test_where_a_portal_does_not_tell_its_time_clocks_are_not_compared() -> None:
    assert list(judge_clocks(a_portal(ahead_s=None), a_portal(Role.TARGET))) == []


def test_a_list_that_was_refused_leaves_its_question_open() -> None:
    target = a_portal(Role.TARGET, refused={"currencies": Refusal(message="no right")})

    (line,) = judge_unlisted(a_portal(), target)

    assert (line.question, line.role, line.verdict) == (
        Question.CURRENCIES,
        Role.TARGET,
        Verdict.WARNING,
    )
