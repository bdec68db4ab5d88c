"""What was asked of two portals, as plain data; None where nobody could tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.domain.policy import OnLateItem, OnUnmappedUser, WithoutImportRight

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from migrator.domain.structure import Profile
    from migrator.domain.vocabulary import EntityTypeId, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What the operator has decided in the settings."""

    on_late_item: OnLateItem = OnLateItem.CLAMP
    on_unmapped_user: OnUnmappedUser = OnUnmappedUser.FALLBACK
    without_import_right: WithoutImportRight = WithoutImportRight.BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a portal did not answer a question."""

    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFacts:
    """The limits as configured, and the execution seconds the portal counts by method."""

    requests_per_second: float
    burst: int
    operating_limit_s: float
    operating_window_s: float
    operating_s: Mapping[str, float] = field(default_factory=dict)
    #: `LICENSE_FAMILY` of app.info, which a webhook is not told.
    plan: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalFacts:
    """One portal that answers."""

    role: Role
    host: str
    profile: Profile
    limits: LimitFacts
    server_time: datetime | None = None
    #: How far the portal's clock is ahead of this machine's, and by how much that may be wrong.
    ahead_s: float | None = None
    uncertain_s: float = 1.0
    has_leads: bool | None = None
    #: Lists without which the questions about them stay open, by name.
    refused: Mapping[str, Refusal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFacts:
    """One entity type of the source and its partner in the target, if it has one."""

    entity_type_id: EntityTypeId
    title: str
    target_entity_type_id: EntityTypeId | None = None
    is_left_out: bool = False
    source_items: int | None = None
    #: createdTime of the source's row with the lowest ID
    source_first: datetime | None = None
    target_items: int | None = None
    #: createdTime of the target's row with the highest ID
    target_newest: datetime | None = None
    late_items: int | None = None
    #: Items this migration has imported already; they are among `target_items`, and never late.
    imported: int = 0
    #: None where it was not asked
    may_import: bool | None = None
    refusal: Refusal | None = None
    #: The source does not take the mapping file's filter.
    is_filter_refused: bool = False
    #: A portal lists the type, but does not say how many items there are.
    is_uncounted: bool = False

    @property
    def is_moved(self) -> bool:
        return bool(self.source_items) and self.target_entity_type_id is not None

    @property
    def is_late_unknown(self) -> bool:
        return bool(self.source_items) and bool(self.target_newest) and self.late_items is None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerFacts:
    """A user of the source and the items that name this user as responsible."""

    user_id: int
    name: str
    is_active: bool
    #: None where there were too many users to count each by itself
    items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFacts:
    """The source's users, as far as they do not simply have a partner."""

    total: int
    #: Dismissed in the source.
    dismissed: int
    without_partner: tuple[OwnerFacts, ...] = ()
    #: Their partner was dismissed in the target.
    partner_dismissed: tuple[OwnerFacts, ...] = ()
    #: Items of all users without a partner together; None where it was refused.
    items_without_partner: int | None = None
    #: Items that name one of them as their creator.
    created_without_partner: int | None = None
    #: Items whose responsible person is not among the users the portal lists.
    items_of_unlisted: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyFacts:
    """A currency of the source that has no partner, or one that it has no rate for."""

    code: str
    items: int
    into: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """Where staging is a file: the room beside it, and what it takes already."""

    folder: str
    free_bytes: int
    staged_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """What the source has of one part of the hand-over list."""

    count: int | None
    names: tuple[str, ...] = ()
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What takes both portals to answer."""

    types: tuple[TypeFacts, ...]
    #: None where a portal does not list its users, or its currencies.
    users: UserFacts | None = None
    currencies: tuple[CurrencyFacts, ...] | None = None
    #: By the key of `hand_over.Part`; a part that is missing cannot be counted over REST.
    left_behind: Mapping[str, LeftBehind] = field(default_factory=dict)

    @property
    def source_items(self) -> int:
        """Those that are taken."""
        return sum(one.source_items or 0 for one in self.types if not one.is_left_out)
