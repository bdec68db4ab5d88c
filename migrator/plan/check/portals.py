"""Lines about one portal, or about how the two suit each other, before any item is counted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migrator.domain.findings import FindingKind, Severity
from migrator.domain.policy import WithoutImportRight
from migrator.domain.vocabulary import Role
from migrator.plan.check.line import Line, Question, Verdict, listed
from migrator.plan.portal_rights import judge_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.domain.findings import Finding
    from migrator.plan.check.facts import LimitFacts, Policies, PortalFacts

#: What a permission beside the indispensable ones is good for.
#: Source: b24restdocs api-reference/scopes/permissions.md
OPTIONAL_SCOPES = {
    "userfieldconfig": "user fields of smart processes, and list values in full",
    "department": "departments in the hand-over list",
    "bizproc": "business processes in the hand-over list",
}
#: Either of these shows e-mail addresses (b24restdocs api-reference/user/user-scope.md).
_SCOPES_WITH_EMAIL = frozenset({"user", "user_basic"})
_WEBHOOK_PAGE = "edit the webhook (Developer resources > Other > Inbound webhook) and tick"

#: Only a cloud portal limits the request rate (b24restdocs limits.md).
_CLOUD_HOST = re.compile(r"(^|\.)bitrix24\.[a-z.]+$")
_ENTERPRISE = "ent"
_ENTERPRISE_RATE = 5.0
#: Beyond this share of a budget somebody else is at work on the portal.
_MUCH = 0.5

#: An item the source has just made would lie in the target's future.
_AHEAD_S = 5.0
#: A clock that far off is worth a word whichever way.
_OFF_S = 300.0

_VERDICTS = {
    Severity.BLOCKING: Verdict.BLOCKING,
    Severity.WARNING: Verdict.WARNING,
    Severity.INFO: Verdict.OK,
}


def judge_portal(portal: PortalFacts, policies: Policies) -> Iterator[Line]:
    """The questions about one portal by itself."""
    yield Line(
        question=Question.REACHABLE,
        role=portal.role,
        verdict=Verdict.OK,
        detail=f"{portal.host} answers and accepts the webhook",
    )
    may_go = policies.without_import_right is WithoutImportRight.ADD
    remarks = list(judge_profile(portal.role, portal.profile, history_may_go=may_go))
    yield _rights(portal, remarks)
    yield _scopes(portal, remarks)
    yield _limits(portal)
    yield _time(portal)
    if "types" in portal.refused:
        yield Line(
            question=Question.ENTITY_TYPES,
            role=portal.role,
            verdict=Verdict.BLOCKING,
            detail="the webhook's user may not list the smart processes, so they could be "
            f"forgotten: {portal.refused['types'].message}",
            remedy="use the webhook of a user with administrator rights in the CRM",
        )


def _rights(portal: PortalFacts, remarks: list[Finding]) -> Line:
    profile = portal.profile
    figures = {
        "user": profile.name,
        "user_id": profile.user_id,
        "is_administrator": profile.is_admin,
    }
    for remark in remarks:
        if remark.kind is FindingKind.NOT_ADMINISTRATOR:
            return Line(
                question=Question.RIGHTS,
                role=portal.role,
                verdict=_VERDICTS[remark.severity],
                detail=remark.detail,
                remedy=remark.hint,
                figures=figures,
            )
    return Line(
        question=Question.RIGHTS,
        role=portal.role,
        verdict=Verdict.OK,
        detail=f"{profile.name} (user {profile.user_id}), administrator of the portal",
        figures=figures,
    )


def _scopes(portal: PortalFacts, remarks: list[Finding]) -> Line:
    granted = portal.profile.scopes
    # What is left behind is counted in the source only.
    wanted = OPTIONAL_SCOPES if portal.role is Role.SOURCE else {}
    missing = {scope: what for scope, what in wanted.items() if scope not in granted}
    lacking = [r for r in remarks if r.kind is FindingKind.MISSING_SCOPE]
    verdict = _VERDICTS[lacking[0].severity] if lacking else Verdict.OK
    said = [r.detail for r in lacking]
    refused = portal.profile.refused_scopes
    remedies = [r.hint or "" for r in lacking if r.value in refused]
    ticks = [r.value or "" for r in lacking if r.value not in refused]
    if not granted & _SCOPES_WITH_EMAIL:
        verdict = _at_least_warning(verdict)
        said.append("user_brief hides e-mail addresses, by which users are paired")
        ticks.append("user")
        missing["user"] = "e-mail addresses of users"
    optional = [scope for scope in missing if scope not in ticks and scope not in refused]
    if optional:
        said.append(f"without {', '.join(optional)} part of the hand-over list is not counted")
    told = "granted: "
    if not portal.profile.scopes_told:
        verdict = _at_least_warning(verdict)
        told = "the portal does not tell what is granted (scope); taken to be granted: "
    if ticks or optional:
        remedies.append(f"{_WEBHOOK_PAGE} {', '.join([*ticks, *optional])}")
    return Line(
        question=Question.SCOPES,
        role=portal.role,
        verdict=verdict,
        detail="; ".join([told + ", ".join(sorted(granted)), *said]),
        remedy="; ".join(remedies) or None,
        figures={"granted": sorted(granted), "missing": missing},
    )


def _at_least_warning(verdict: Verdict) -> Verdict:
    return max(verdict, Verdict.WARNING, key=list(Verdict).index)


def _limits(portal: PortalFacts) -> Line:
    limits = portal.limits
    verdict, remarks, remedy = Verdict.OK, [], None
    prefix = f"MIGRATOR_{portal.role.value.upper()}__"
    if limits.requests_per_second == 0 and _CLOUD_HOST.search(portal.host):
        verdict = Verdict.WARNING
        remarks.append("a cloud portal refuses what comes faster than its plan permits")
        remedy = f"set {prefix}REQUESTS_PER_SECOND=2 ({_ENTERPRISE_RATE:g} on Enterprise)"
    if limits.plan == _ENTERPRISE and 0 < limits.requests_per_second < _ENTERPRISE_RATE:
        remarks.append("its Enterprise plan permits 5 requests a second, 250 at once")
        remedy = f"set {prefix}REQUESTS_PER_SECOND=5 and {prefix}BURST=250"
    method, used = max(limits.operating_s.items(), key=lambda one: one[1], default=("", 0.0))
    if limits.operating_limit_s and used > _MUCH * limits.operating_limit_s:
        verdict = Verdict.WARNING
        remarks.append("something else uses this portal's budget at present")
        remedy = remedy or "wait ten minutes, or find out what else calls the REST API"
    return Line(
        question=Question.LIMITS,
        role=portal.role,
        verdict=verdict,
        detail="; ".join([_configured(limits), _told(limits, method, used), *remarks]),
        remedy=remedy,
        figures={
            "requests_per_second": limits.requests_per_second,
            "burst": limits.burst,
            "operating_limit_seconds": limits.operating_limit_s,
            "operating_window_seconds": limits.operating_window_s,
            "operating_seconds": dict(limits.operating_s),
            "plan": limits.plan,
        },
    )


def _configured(limits: LimitFacts) -> str:
    rate = (
        f"{limits.requests_per_second:g} requests a second, {limits.burst} at once"
        if limits.requests_per_second
        else "requests are not paced"
    )
    budget = (
        f"{limits.operating_limit_s:g} s of execution per method in {limits.operating_window_s:g} s"
        if limits.operating_limit_s
        else "no limit of execution time"
    )
    return f"as configured: {rate}, {budget}"


def _told(limits: LimitFacts, method: str, used: float) -> str:
    if not limits.operating_s:
        counter = "the portal counts no execution time (on premise the limit is off by default)"
    elif used:
        counter = f"the portal counts {used:.1f} s of {method}, the most of what was asked"
    else:
        counter = "the portal counts no execution time as used"
    plan = f"its plan is '{limits.plan}'" if limits.plan else "its plan is not told to a webhook"
    return f"{counter}; {plan}"


def _time(portal: PortalFacts) -> Line:
    figures = {
        "server_time": portal.server_time,
        "utc_offset": portal.profile.utc_offset,
        "ahead_seconds": portal.ahead_s,
    }
    if portal.server_time is None or portal.ahead_s is None:
        return Line(
            question=Question.TIME,
            role=portal.role,
            verdict=Verdict.WARNING,
            detail="the portal tells its time in a form this program does not know",
            figures=figures,
        )
    off = abs(portal.ahead_s) > _OFF_S
    return Line(
        question=Question.TIME,
        role=portal.role,
        verdict=Verdict.WARNING if off else Verdict.OK,
        detail=f"{portal.server_time:%Y-%m-%d %H:%M:%S}, UTC{portal.profile.utc_offset}, "
        f"{_apart(portal.ahead_s, portal.uncertain_s)} this machine's clock",
        remedy="set this machine's clock, or the portal's where it is your own" if off else None,
        figures=figures,
    )


def _apart(seconds: float, uncertain: float) -> str:
    if abs(seconds) <= uncertain:
        return "agrees with"
    return f"{abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'}"


def judge_clocks(source: PortalFacts, target: PortalFacts) -> Iterator[Line]:
    """An item is refused when the target takes its dates for the future."""
    if source.ahead_s is None or target.ahead_s is None:
        return
    apart = source.ahead_s - target.ahead_s
    uncertain = source.uncertain_s + target.uncertain_s
    is_ahead = apart > _AHEAD_S + uncertain
    same_zone = source.profile.utc_offset == target.profile.utc_offset
    zones = (
        "both stand in the same time zone"
        if same_zone
        else "moments are moved as moments, days as days"
    )
    yield Line(
        question=Question.CLOCKS,
        verdict=Verdict.WARNING if is_ahead else Verdict.OK,
        detail=f"the source's clock {_relation(apart, uncertain)}; {zones}"
        + ("; dates the target takes for the future are moved to its present" * is_ahead),
        remedy="have the portal's clock set, or wait that long after the last change in the source"
        if is_ahead
        else None,
        figures={
            "source_ahead_seconds": apart,
            "uncertain_seconds": uncertain,
            "source_utc_offset": source.profile.utc_offset,
            "target_utc_offset": target.profile.utc_offset,
        },
    )


def _relation(apart: float, uncertain: float) -> str:
    said = _apart(apart, uncertain)
    return f"{'' if said.startswith('agrees') else 'is '}{said} the target's"


def judge_unlisted(source: PortalFacts, target: PortalFacts) -> Iterator[Line]:
    """Lists one of the portals refused, so that the questions about them stay open."""
    questions = {"users": Question.USERS, "currencies": Question.CURRENCIES}
    for name, question in questions.items():
        refusing = [one for one in (source, target) if name in one.refused]
        if refusing:
            yield Line(
                question=question,
                role=refusing[0].role,
                verdict=Verdict.WARNING,
                detail=f"not answered: the {name} of the "
                f"{listed(one.role.value for one in refusing)} could not be listed: "
                f"{refusing[0].refused[name].message}",
                remedy=refusing[0].refused[name].hint,
            )
