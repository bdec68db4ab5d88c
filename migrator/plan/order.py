"""The order of entity types, and which references have to wait for a second pass.

An edge says: items of one entity type refer, through one field, to items of another. Types are
ordered so that what is referred to comes first. Where that is impossible (a cycle), the edges that
touch the fewest items are deferred: their links are set once both ends exist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, LEAD, EntityTypeId

#: Above this many entity types in one cycle the best order is searched greedily: the exact search
#: looks at 2^n sets.
EXACT_SEARCH_LIMIT = 14

#: Where nothing else decides: the order people expect.
_CUSTOMARY = {COMPANY: 0, CONTACT: 1, LEAD: 2, DEAL: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`items` items of `entity_type_id` refer through `field` to items of `refers_to`."""

    entity_type_id: EntityTypeId
    field: str
    refers_to: EntityTypeId
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """Entity types, first to last, and the edges that point forward in it."""

    types: tuple[EntityTypeId, ...]
    deferred: tuple[Edge, ...]


def build_order(types: Iterable[EntityTypeId], edges: Iterable[Edge]) -> ImportOrder:
    """Order the types; edges to types outside, and inside one type, play no part.

    Inside one type the order is ascending createdTime, so what such an edge defers is decided item
    by item.
    """
    nodes = sorted(set(types), key=_customary)
    between = [
        e
        for e in edges
        if e.entity_type_id in nodes and e.refers_to in nodes and e.entity_type_id != e.refers_to
    ]
    weights: dict[tuple[EntityTypeId, EntityTypeId], int] = defaultdict(int)
    for edge in between:
        weights[edge.entity_type_id, edge.refers_to] += edge.items
    ordered: list[EntityTypeId] = []
    for component in _components(nodes, weights):
        ordered += _best_order(component, weights)
    position = {one: number for number, one in enumerate(ordered)}
    deferred = [e for e in between if position[e.refers_to] > position[e.entity_type_id]]
    return ImportOrder(types=tuple(ordered), deferred=tuple(deferred))


Weights = Mapping[tuple[EntityTypeId, EntityTypeId], int]


def _customary(entity_type_id: EntityTypeId) -> tuple[int, int]:
    return (_CUSTOMARY.get(entity_type_id, len(_CUSTOMARY)), entity_type_id)


def _components(nodes: Sequence[EntityTypeId], weights: Weights) -> list[list[EntityTypeId]]:
    """Strongly connected components, each after those it refers to (Tarjan's algorithm)."""
    successors: dict[EntityTypeId, list[EntityTypeId]] = {n: [] for n in nodes}
    for start, end in weights:
        successors[start].append(end)
    index: dict[EntityTypeId, int] = {}
    low: dict[EntityTypeId, int] = {}
    stack: list[EntityTypeId] = []
    found: list[list[EntityTypeId]] = []

    def visit(node: EntityTypeId) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for after in sorted(successors[node], key=_customary):
            if after not in index:
                visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], index[after])
        if low[node] == index[node]:
            cut = stack.index(node)
            found.append(sorted(stack[cut:], key=_customary))
            del stack[cut:]

    for node in nodes:
        if node not in index:
            visit(node)
    return found


def _best_order(component: list[EntityTypeId], weights: Weights) -> list[EntityTypeId]:
    """The order of a cycle's types in which the fewest items refer forward."""
    if len(component) <= EXACT_SEARCH_LIMIT:
        return _exact_order(component, weights)
    return _greedy_order(component, weights)


def _exact_order(component: list[EntityTypeId], weights: Weights) -> list[EntityTypeId]:
    """Held-Karp over sets: the cheapest way to have placed a set, extended by one type at a time.

    Placing a type costs the items of it that refer to types not placed yet.
    """
    size = len(component)
    best: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    for placed in range(1 << size):
        cost, order = best[placed]
        for new in range(size):
            if placed & (1 << new):
                continue
            forward = sum(
                weights.get((component[new], component[other]), 0)
                for other in range(size)
                if other != new and not placed & (1 << other)
            )
            candidate = (cost + forward, (*order, new))
            reached = placed | (1 << new)
            if reached not in best or candidate < best[reached]:
                best[reached] = candidate
    return [component[number] for number in best[(1 << size) - 1][1]]


def _greedy_order(component: list[EntityTypeId], weights: Weights) -> list[EntityTypeId]:
    """Always place next the type with the fewest items referring to types not placed yet."""
    rest, order = list(component), []
    while rest:
        new = min(rest, key=lambda one: sum(weights.get((one, other), 0) for other in rest))
        rest.remove(new)
        order.append(new)
    return order
