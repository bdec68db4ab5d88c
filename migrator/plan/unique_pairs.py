"""Pair what two sides hold, as long as there is no doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from migrator.domain.mapping import Decision

T = TypeVar("T")

#: How a pair came about, and the key that both of its sides share.
Criterion = tuple[Decision, Callable[[T], Hashable | None]]


def _nothing_made(_: object) -> None:
    return None


def unique_pairs(
    left: Iterable[T],
    right: Iterable[T],
    criteria: Sequence[Criterion[T]],
    made: Callable[[T], T | None] = _nothing_made,
) -> Iterator[tuple[T, T | None, Decision]]:
    """Pair by the first criterion whose key both sides hold exactly once among what is left.

    What was `made` for a part is its partner before any criterion is asked.
    """
    rest, candidates = list(left), list(right)
    partners = ((one, made(one)) for one in rest)
    found = {id(one): (other, Decision.CREATED) for one, other in partners if other is not None}
    taken = {id(partner) for partner, _ in found.values()}
    candidates = [one for one in candidates if id(one) not in taken]
    for decision, key_of in criteria:
        open_left = [one for one in rest if id(one) not in found]
        unique_left = Counter(key_of(one) for one in open_left)
        unique_right = Counter(key_of(one) for one in candidates)
        by_key = {key_of(one): one for one in candidates}
        for one in open_left:
            key = key_of(one)
            if key is not None and unique_left[key] == 1 and unique_right[key] == 1:
                found[id(one)] = (by_key[key], decision)
        taken = {id(partner) for partner, _ in found.values()}
        candidates = [one for one in candidates if id(one) not in taken]
    for one in rest:
        partner, how = found.get(id(one), (None, Decision.OPEN))
        yield one, partner, how
