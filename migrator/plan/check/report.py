"""Every answer of `migrator check`, as it is handed to the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrator.plan.check.line import worst

if TYPE_CHECKING:
    from migrator.domain.findings import Finding
    from migrator.domain.structure import Profile
    from migrator.domain.vocabulary import Role
    from migrator.plan.check.line import Line, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalState:
    """What is known of one portal once its webhook was accepted."""

    role: Role
    host: str
    profile: Profile
    remarks: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """`portals` are those that could be asked."""

    portals: tuple[PortalState, ...]
    lines: tuple[Line, ...]
    #: HTTP requests the check has sent, both portals together.
    requests: int

    @property
    def verdict(self) -> Verdict:
        return worst(self.lines)
