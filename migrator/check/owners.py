"""Whose items would change hands, counted on the source in a bounded number of requests."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from migrator.bitrix.counting import Count
from migrator.domain.mapping import Decision, PairKind
from migrator.plan.check.facts import OwnerFacts, UserFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from migrator.check.items import SourceItems
    from migrator.domain.mapping import Mapping, Pair
    from migrator.domain.structure import Structure, User
    from migrator.domain.vocabulary import EntityTypeId

#: Most counts of a single user's items of one type: six requests of fifty, and a few small ones.
MOST_COUNTS = 300
#: PHP takes 1,000 parameters of a command (`max_input_vars`).
_MOST_IDS = 500


def count_owners(
    items: SourceItems,
    source: Structure,
    target: Structure,
    mapping: Mapping,
    types: Sequence[EntityTypeId],
) -> UserFacts:
    """`types` are those of the source that hold items.

    Where users and types make for too many counts, the first users are counted one by one, and
    all of them together.
    """
    pairs = {int(pair.source_key): pair for pair in mapping if pair.kind is PairKind.USER}
    without = [source.users[i] for i, pair in pairs.items() if pair.decision is Decision.OPEN]
    gone = [source.users[i] for i, pair in pairs.items() if _is_gone(pair, target)]
    together = _count_together(items, types, "assignedById", without)
    created = _count_together(items, types, "createdBy", without)
    busy = [t for t in types if together is None or together[t]]
    owners = _count_each(items, busy, without)
    return UserFacts(
        total=len(source.users),
        dismissed=sum(not user.is_active for user in source.users.values()),
        without_partner=tuple(owners),
        partner_dismissed=tuple(_count_each(items, types, gone)),
        items_without_partner=None if together is None else together.total(),
        created_without_partner=None if created is None else created.total(),
        items_of_unlisted=_count_unlisted(items, types, source),
    )


def _is_gone(pair: Pair, target: Structure) -> bool:
    partner = pair.target_key
    user = target.users.get(int(partner)) if partner and partner.isdecimal() else None
    return user is not None and not user.is_active


def _count_together(
    items: SourceItems, types: Iterable[EntityTypeId], field: str, users: Sequence[User]
) -> Counter[EntityTypeId] | None:
    """Items of all these users together by type, or None where the source would not count them."""
    ids = [user.user_id for user in users]
    chunks = [ids[start : start + _MOST_IDS] for start in range(0, len(ids), _MOST_IDS)]
    asked = [(entity_type_id, chunk) for entity_type_id in types for chunk in chunks]
    counts = items.count((t, {f"@{field}": chunk}) for t, chunk in asked)
    found: Counter[EntityTypeId] = Counter()
    for (entity_type_id, _), count in zip(asked, counts, strict=True):
        if not isinstance(count, Count):
            return None
        found[entity_type_id] += count.items
    return found


def _count_each(
    items: SourceItems, types: Sequence[EntityTypeId], users: Sequence[User]
) -> list[OwnerFacts]:
    counted = users[: MOST_COUNTS // max(len(types), 1)]
    asked = [(t, {"=assignedById": user.user_id}) for user in counted for t in types]
    counts = iter(items.count(asked))
    owned = {user.user_id: _sum([next(counts) for _ in types]) for user in counted}
    return [
        OwnerFacts(
            user_id=user.user_id,
            name=f"{user.name} <{user.email}>" if user.email else user.name,
            is_active=user.is_active,
            items=owned.get(user.user_id),
        )
        for user in users
    ]


def _sum(counts: Iterable[object]) -> int | None:
    total = 0
    for count in counts:
        if not isinstance(count, Count):
            return None
        total += count.items
    return total


def _count_unlisted(
    items: SourceItems, types: Sequence[EntityTypeId], source: Structure
) -> int | None:
    """Items of users that `user.get` leaves out: integrators, bots and the like.

    Where the listed ones are too many for one condition, their items are taken from all there are.
    """
    known = sorted(source.users)
    if not known:
        return None
    if len(known) <= _MOST_IDS:
        return _sum(items.count((t, {"!@assignedById": known}) for t in types))
    everybodys = _sum(items.count((t, {}) for t in types))
    listed = _count_together(items, types, "assignedById", list(source.users.values()))
    if everybodys is None or listed is None:
        return None
    return max(everybodys - listed.total(), 0)
