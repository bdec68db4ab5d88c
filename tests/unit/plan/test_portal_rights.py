"""What a webhook may do, judged before anything else is asked."""

from __future__ import annotations

import pytest

from migrator.domain.findings import Finding, FindingKind, Severity
from migrator.domain.vocabulary import Role
from migrator.plan.portal_rights import judge_profile
from tests.fakes.builders import a_profile


def verdicts(findings: list[Finding]) -> list[tuple[FindingKind, Severity]]:
    return [(one.kind, one.severity) for one in findings]


@pytest.mark.parametrize("role", list(Role))
def test_an_administrators_webhook_with_all_scopes_needs_no_remark(role: Role) -> None:
    assert list(judge_profile(role, a_profile(), history_may_go=False)) == []


@pytest.mark.parametrize(
    ("role", "history_may_go", "severity"),
    [
        (Role.SOURCE, False, Severity.WARNING),
        (Role.TARGET, False, Severity.BLOCKING),
        (Role.TARGET, True, Severity.WARNING),
    ],
)
def test_a_webhook_of_nobody_special_hides_items_there_and_loses_history_here(
    role: Role, history_may_go: bool, severity: Severity
) -> None:
    user = a_profile(name="Bob", is_admin=False)

    findings = list(judge_profile(role, user, history_may_go=history_may_go))

    assert verdicts(findings) == [(FindingKind.NOT_ADMINISTRATOR, severity)]
    assert f"the {role} webhook belongs to Bob" in findings[0].detail


@pytest.mark.parametrize(
    ("role", "severity"), [(Role.SOURCE, Severity.WARNING), (Role.TARGET, Severity.BLOCKING)]
)
def test_without_the_scope_for_user_fields_lost_answers_could_not_be_settled(
    role: Role, severity: Severity
) -> None:
    profile = a_profile(scopes=["crm"])

    findings = list(judge_profile(role, profile, history_may_go=False))

    assert verdicts(findings) == [(FindingKind.MISSING_SCOPE, severity)]
    assert findings[0].value == "userfieldconfig"
