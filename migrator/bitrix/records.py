"""What the client tells about its own doing: every request and every wait."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerUse:
    """What the commands of one method cost inside one batch."""

    count: int
    operating_s: float
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One HTTP request, answered or not; repeated requests have a record each."""

    portal: str
    method: str
    sent_at: datetime
    duration_s: float
    #: What this request took out of the execution budget; None when nobody answered.
    operating_s: float | None
    status: int | None
    #: The vendor's code, or the reference of the error where the vendor gave none.
    error: str | None
    #: Items sent (a write) or received (a list).
    items: int | None
    commands: int = 0
    inner: Mapping[str, InnerUse] = field(default_factory=dict)


class WaitReason(StrEnum):
    RATE = "rate"  #: the leaky bucket
    OPERATING = "operating"  #: a method's execution budget
    TROUBLE = "trouble"  #: a failed request is about to be repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Announced before the client sleeps."""

    portal: str
    method: str
    seconds: float
    reason: WaitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRequest:
    """A request an earlier process sent; `method` is the one whose budget it used."""

    method: str
    seconds_ago: float
    operating_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Spent:
    """What a client has used since it was made; by method (lower case) where that matters."""

    requests: int = 0
    #: Seconds stood still for limits, or before a request was repeated.
    waited: float = 0.0
    #: Seconds the portal says it has worked.
    worked: float = 0.0
    operating: dict[str, float] = field(default_factory=dict)

    def copy(self) -> Spent:
        return replace(self, operating=dict(self.operating))
