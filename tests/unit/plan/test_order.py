"""What is imported first, and which links have to wait."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, LEAD, QUOTE, EntityTypeId
from migrator.plan import order as order_module
from migrator.plan.order import Edge, build_order
from tests.fakes.builders import OTHER_SPA, SPA

if TYPE_CHECKING:
    from collections.abc import Sequence


def an_edge(start: int, end: int, items: int = 1, field: str = "f") -> Edge:
    return Edge(
        entity_type_id=EntityTypeId(start), field=field, refers_to=EntityTypeId(end), items=items
    )


def forward(order: Sequence[EntityTypeId], edges: Sequence[Edge]) -> int:
    """How many items refer to what is imported after them."""
    place = {one: number for number, one in enumerate(order)}
    return sum(e.items for e in edges if place[e.refers_to] > place[e.entity_type_id])


def test_what_is_referred_to_comes_first() -> None:
    edges = [an_edge(DEAL, CONTACT), an_edge(CONTACT, COMPANY), an_edge(DEAL, SPA)]

    order = build_order([DEAL, SPA, CONTACT, COMPANY], edges)

    assert order.types == (COMPANY, CONTACT, SPA, DEAL)
    assert order.deferred == ()


def test_types_that_do_not_refer_to_each_other_stand_in_the_customary_order() -> None:
    order = build_order([SPA, QUOTE, DEAL, LEAD, CONTACT, COMPANY], [])

    assert order.types == (COMPANY, CONTACT, LEAD, DEAL, QUOTE, SPA)


def test_a_cycle_is_broken_where_the_fewest_items_are_touched() -> None:
    many, few = an_edge(CONTACT, LEAD, items=100), an_edge(LEAD, CONTACT, items=3)

    order = build_order([CONTACT, LEAD], [many, few])

    assert order.types == (LEAD, CONTACT)
    assert order.deferred == (few,)


def test_the_items_of_several_fields_between_two_types_count_together() -> None:
    heavy = an_edge(DEAL, QUOTE, items=5)
    light = [an_edge(QUOTE, DEAL, items=3, field="dealId"), an_edge(QUOTE, DEAL, 3, "UF_CRM_DEAL")]

    order = build_order([DEAL, QUOTE], [heavy, *light])

    assert order.deferred == (heavy,)


def test_a_cycle_of_three_gives_up_its_lightest_link_only() -> None:
    edges = [an_edge(DEAL, SPA, 10), an_edge(SPA, OTHER_SPA, 2), an_edge(OTHER_SPA, DEAL, 10)]

    order = build_order([DEAL, SPA, OTHER_SPA], edges)

    assert order.types == (SPA, DEAL, OTHER_SPA)
    assert order.deferred == (edges[1],)


def test_items_that_refer_to_their_own_type_do_not_decide_the_order() -> None:
    order = build_order([DEAL], [an_edge(DEAL, DEAL, items=50)])

    assert order.types == (DEAL,)
    assert order.deferred == ()


def test_a_type_that_is_not_moved_does_not_decide_the_order() -> None:
    order = build_order([CONTACT, DEAL], [an_edge(CONTACT, SPA), an_edge(SPA, DEAL)])

    assert order.types == (CONTACT, DEAL)
    assert order.deferred == ()


def test_a_cycle_of_many_types_is_ordered_in_good_time() -> None:
    size = order_module.EXACT_SEARCH_LIMIT + 10
    ring = [an_edge(n, (n + 1) % size, items=1 if n == 5 else 9) for n in range(size)]

    order = build_order([EntityTypeId(n) for n in range(size)], ring)

    assert order.deferred == (ring[5],)


acyclic = st.lists(
    st.tuples(st.integers(1, 8), st.integers(1, 8), st.integers(1, 9)).filter(lambda e: e[0] > e[1])
)


@given(acyclic)
def test_without_cycles_the_order_is_topological_and_nothing_waits(
    graph: list[tuple[int, int, int]],
) -> None:
    names = [EntityTypeId(n * 7 % 11) for n in range(9)]
    edges = [an_edge(names[start], names[end], items) for start, end, items in graph]

    order = build_order(names, edges)

    assert sorted(order.types) == sorted(names)
    assert forward(order.types, edges) == 0
    assert order.deferred == ()


@given(st.integers(1, 6), st.data())
def test_with_cycles_no_other_order_touches_fewer_items(size: int, data: st.DataObject) -> None:
    nodes = [EntityTypeId(n) for n in range(1, size + 1)]
    weights = st.integers(0, 5)
    edges = [
        an_edge(start, end, items)
        for start, end in product(nodes, nodes)
        if start != end and (items := data.draw(weights))
    ]

    order = build_order(nodes, edges)

    best = min(forward(candidate, edges) for candidate in permutations(nodes))
    assert sum(edge.items for edge in order.deferred) == forward(order.types, edges) == best


@given(st.permutations([COMPANY, CONTACT, LEAD, DEAL, SPA]))
def test_the_order_does_not_depend_on_the_order_of_its_questions(
    types: list[EntityTypeId],
) -> None:
    edges = [an_edge(CONTACT, LEAD), an_edge(LEAD, CONTACT), an_edge(DEAL, SPA), an_edge(SPA, DEAL)]

    assert build_order(types, edges).types == build_order(sorted(types), edges[::-1]).types
