"""What a portal's webhook may do, judged before anything else is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.vocabulary import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.domain.structure import Profile

#: Reads user fields in full; creates them for smart processes and invoices.
USER_FIELD_SCOPE = "userfieldconfig"


def judge_profile(role: Role, profile: Profile, *, history_may_go: bool) -> Iterator[Finding]:
    """Findings about the webhook itself; nothing where it may do everything.

    `history_may_go`: the operator accepts that items are created without their history.
    """
    if not profile.is_admin:
        yield (
            _source_user(profile) if role is Role.SOURCE else _target_user(profile, history_may_go)
        )
    if USER_FIELD_SCOPE not in profile.scopes:
        yield Finding(
            kind=FindingKind.MISSING_SCOPE,
            severity=Severity.WARNING if role is Role.SOURCE else Severity.BLOCKING,
            value=USER_FIELD_SCOPE,
            detail=(
                f"the {role} portal refuses the methods of the scope {USER_FIELD_SCOPE}: "
                if USER_FIELD_SCOPE in profile.refused_scopes
                else f"the {role} webhook lacks the scope {USER_FIELD_SCOPE}: "
            )
            + (
                "list values of smart processes are known by their text only"
                if role is Role.SOURCE
                else "smart processes and invoices cannot get the field by which lost answers are "
                "settled"
            ),
            hint="make the webhook as an administrator; an on-premise portal may need its crm and "
            "rest modules updated"
            if USER_FIELD_SCOPE in profile.refused_scopes
            else f"edit the webhook (Developer resources > Other > Inbound webhook) and tick "
            f"{USER_FIELD_SCOPE}",
        )


def _source_user(profile: Profile) -> Finding:
    return Finding(
        kind=FindingKind.NOT_ADMINISTRATOR,
        severity=Severity.WARNING,
        value=profile.name,
        detail=f"the source webhook belongs to {profile.name}, who is no portal administrator: "
        "items this user may not see are missing from every list, without an error",
        hint="use the webhook of a portal administrator of the source",
    )


def _target_user(profile: Profile, history_may_go: bool) -> Finding:  # noqa: FBT001
    return Finding(
        kind=FindingKind.NOT_ADMINISTRATOR,
        severity=Severity.WARNING if history_may_go else Severity.BLOCKING,
        effect=Effect.LOST,
        value=profile.name,
        detail=f"the target webhook belongs to {profile.name}, who is no portal administrator: "
        "created, changed and moved dates and their authors would be lost",
        hint="use the webhook of a portal administrator of the target, or accept the loss with "
        "MIGRATOR_WITHOUT_IMPORT_RIGHT=add",
    )
