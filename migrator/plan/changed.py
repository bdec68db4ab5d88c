"""Has anybody changed an item since this migration created it? A decision on plain facts.

A change that people make stamps updatedTime and updatedBy (core-corp:
modules/crm/lib/Field/UpdatedTime.php). So do the updates by which this migration sets deferred
links; where one of those may have been the last, the content and the author decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: How far the portal's clock may be ahead of ours, at most.
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one item of the target."""

    #: whether the time and author of the last change, and of the last move, are those imported
    has_its_stamps: bool
    #: whether the last change may have been one of ours: a deferred link, a creation without dates
    may_be_stamped_by_us: bool
    changed_at: datetime | None
    changed_by: int | None
    #: the user of our webhook
    our_user: int
    #: when we wrote to the item for the last time; None where no record says
    last_written: datetime | None
    #: fields that hold neither what the source's item gives nor what verify has found there
    differing: tuple[str, ...]


def sign_of_change(facts: Facts) -> str | None:
    """What shows that somebody else has changed the item; None where nothing does."""
    if facts.has_its_stamps:
        return None
    last = f"changed by user {facts.changed_by}"
    if facts.changed_at is not None:
        last += f" on {facts.changed_at:%Y-%m-%d %H:%M:%S} UTC"
    if not facts.may_be_stamped_by_us or facts.changed_by not in {None, facts.our_user}:
        return last
    if facts.differing:
        return f"{last}; other values in {', '.join(facts.differing)}"
    if (
        facts.last_written is not None
        and facts.changed_at is not None
        and facts.changed_at > facts.last_written + CLOCKS_DIFFER
    ):
        return f"{last}, after this migration's last request for it"
    return None
