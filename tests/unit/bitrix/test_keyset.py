"""Items by ascending id: completeness, few requests, and no silent gaps."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from migrator.bitrix.errors import (
    AccessDenied,
    NotFound,
    PagingStuck,
    PortalUnreachable,
    UnreadableAnswer,
)
from migrator.bitrix.keyset import ItemPages, NewestItem, RequestSize
from tests.fakes.scene import (
    PortalOfItems,
    Scene,
    method_of,
    ok,
    parse_php_query,
    refused,
    sent_json,
)
from tests.fakes.transport import FakeReply

if TYPE_CHECKING:
    from collections.abc import Sequence

DEAL = 2


def read(scene: Scene, after: int = 0, newest: int | None = None) -> list[ItemPages]:
    return list(scene.client.iter_items(DEAL, select=["*"], after=after, newest=newest))


def ids_of(pages: Sequence[ItemPages]) -> list[int]:
    return [item["id"] for page in pages for item in page.items]


@settings(max_examples=40, deadline=None)
@given(
    ids=st.sets(st.integers(1, 9_000), max_size=1_000),
    after=st.integers(0, 5_000),
    knows_newest=st.booleans(),
)
def test_every_item_above_the_checkpoint_comes_once_and_in_order(
    ids: set[int], after: int, knows_newest: bool
) -> None:
    scene = Scene(PortalOfItems({DEAL: sorted(ids)}))

    pages = read(scene, after, max(ids, default=0) if knows_newest else None)

    assert ids_of(pages) == sorted(i for i in ids if i > after)
    assert [page.exhausted for page in pages] == [False] * (len(pages) - 1) + [True]


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 2_499, 2_500, 2_501, 5_000, 7_777])
def test_few_requests_bring_many_items(count: int) -> None:
    scene = Scene(PortalOfItems({DEAL: range(1, count + 1)}))

    pages = read(scene)

    assert len(ids_of(pages)) == count
    assert scene.sent <= math.ceil(count / 2_500) + 1


def test_each_page_ends_at_its_last_id() -> None:
    scene = Scene(PortalOfItems({DEAL: range(1, 2_601)}))

    assert [(len(p.items), p.last_id) for p in read(scene)] == [(2_500, 2_500), (100, 2_600)]


def test_a_known_newest_id_keeps_the_chain_short() -> None:
    portal = PortalOfItems({DEAL: range(1, 121)})

    read(Scene(portal), newest=120)

    assert portal.chains == [3]


@pytest.mark.parametrize("hidden", [{17}, {50}, {17, 50, 99, 100, 101, 120}])
def test_a_page_that_is_not_full_ends_nothing_short_of_the_newest_id(hidden: set[int]) -> None:
    portal = PortalOfItems({DEAL: range(1, 231)})
    portal.hidden = frozenset(hidden)

    pages = read(Scene(portal), newest=230)

    assert ids_of(pages) == sorted(set(range(1, 231)) - hidden)
    assert [page.exhausted for page in pages] == [False] * (len(pages) - 1) + [True]


def test_where_the_newest_item_was_deleted_meanwhile_an_empty_page_is_the_end() -> None:
    scene = Scene(PortalOfItems({DEAL: range(1, 31)}))

    pages = read(scene, newest=40)

    assert ids_of(pages) == list(range(1, 31))
    assert scene.sent == 2


@pytest.mark.parametrize("row", [None, {"title": "no id"}, {"id": None}, {"id": "x"}])
def test_a_row_that_is_no_item_is_an_unreadable_answer(row: Any) -> None:
    scene = Scene(lambda _: ok({"items": [{"id": 1}, row]}))

    with pytest.raises(UnreadableAnswer):
        read(scene, newest=9)


def test_one_page_is_asked_for_without_a_batch() -> None:
    scene = Scene(PortalOfItems({DEAL: [4, 9]}))

    read(scene, newest=9)

    request = scene.adapter.requests[0]
    assert method_of(request) == "crm.item.list"
    assert sent_json(request) == {
        "entityTypeId": DEAL,
        "select": ["*"],
        "filter": {">id": 0},
        "order": {"id": "ASC"},
        "start": -1,
        "useOriginalUfNames": "Y",
    }


def test_later_pages_refer_to_the_last_row_of_the_page_before() -> None:
    scene = Scene(PortalOfItems({DEAL: range(1, 200)}))

    read(scene, newest=199)

    commands = sent_json(scene.adapter.requests[0])["cmd"]
    assert parse_php_query(commands["p0"].partition("?")[2])["filter"] == {">id": "0"}
    assert commands["p1"].count("=$result[p0][items][49][id]&") == 1


def test_the_id_is_always_selected() -> None:
    scene = Scene(PortalOfItems({DEAL: [1]}))

    list(scene.client.iter_items(DEAL, select=["title"], newest=1))

    assert sent_json(scene.adapter.requests[0])["select"] == ["id", "title"]


def test_a_chain_that_is_cut_off_is_halved_until_it_fits() -> None:
    portal = PortalOfItems({DEAL: range(1, 1_001)})
    portal.longest_chain = 12

    pages = read(Scene(portal))

    assert ids_of(pages) == list(range(1, 1_001))
    assert portal.chains[:3] == [50, 25, 12]


def test_a_portal_that_answers_nothing_is_given_up() -> None:
    scene = Scene(lambda _: requests.ReadTimeout())

    with pytest.raises(PortalUnreachable):
        read(scene)

    assert scene.sent < 30


def test_a_method_over_its_budget_within_a_chain_is_waited_for() -> None:
    portal = PortalOfItems({DEAL: range(1, 301)})
    limited = iter([True])

    def handler(request: requests.PreparedRequest) -> FakeReply | BaseException:
        reply = portal(request)
        if not next(limited, False):
            return reply
        assert isinstance(reply, FakeReply)
        parts = reply.body["result"]
        kept = {key: parts["result"][key] for key in ("p0", "p1")}
        error = {"p2": {"error": "OPERATION_TIME_LIMIT", "error_description": ""}}
        return ok({**parts, "result": kept, "result_error": error})

    scene = Scene(handler)

    pages = read(scene)

    assert ids_of(pages) == list(range(1, 301))
    assert pages[0].last_id == 100
    assert scene.clock.sleeps == [60]


def test_another_error_is_raised_after_what_was_read_before_it() -> None:
    def handler(request: requests.PreparedRequest) -> FakeReply:
        if method_of(request) != "batch":
            return refused("ACCESS_DENIED", "Access denied")
        page = {"items": [{"id": n} for n in range(1, 51)]}
        error = {"p1": {"error": "ACCESS_DENIED", "error_description": "Access denied"}}
        return ok({"result": {"p0": page}, "result_error": error})

    pages = Scene(handler).client.iter_items(DEAL, select=["*"])

    assert next(pages).last_id == 50
    with pytest.raises(AccessDenied):
        next(pages)


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_portal_that_does_not_follow_references_is_read_page_by_page(is_refused: bool) -> None:
    def page(after: str) -> dict[str, object]:
        first = int(after) + 1 if after.isdecimal() else 1
        return {"items": [{"id": n} for n in range(first, min(first + 50, 121))]}

    def handler(request: requests.PreparedRequest) -> FakeReply:
        body = sent_json(request)
        if method_of(request) != "batch":
            return ok(page(str(body["filter"][">id"])))
        asked = {
            key: str(parse_php_query(command.partition("?")[2])["filter"][">id"])
            for key, command in body["cmd"].items()
        }
        unread = {key for key, after in asked.items() if is_refused and not after.isdecimal()}
        told = {key: page(after) for key, after in asked.items() if key not in unread}
        error = {"error": "INVALID_ARG_VALUE", "error_description": "has invalid value"}
        return ok({"result": told, "result_error": dict.fromkeys(unread, error)})

    pages = read(Scene(handler), newest=120)

    assert ids_of(pages) == list(range(1, 121))


@pytest.mark.parametrize("ids", [[3, 3], [5, 4], [0]])
def test_ids_that_do_not_grow_are_an_error(ids: list[int]) -> None:
    scene = Scene(lambda _: ok({"items": [{"id": n} for n in ids]}))

    with pytest.raises(PagingStuck):
        read(scene, newest=10)


def test_the_newest_row_of_each_type_comes_in_one_request() -> None:
    portal = PortalOfItems({1: [], 2: [4, 9], 1302: range(1, 200)})
    portal.refused_types = {128: ("NOT_FOUND", "SPA not found")}
    scene = Scene(portal)

    newest = scene.client.newest([1, 2, 128, 1302])

    created = datetime.fromisoformat("2024-05-01T10:00:00+03:00")
    assert newest[1] is None
    assert newest[2] == NewestItem(id=9, created_time=created)
    assert isinstance(newest[128], NotFound)
    assert newest[1302] == NewestItem(id=199, created_time=created)
    assert scene.sent == 1


def test_the_newest_row_of_one_type_needs_no_batch() -> None:
    portal = PortalOfItems({})
    portal.refused_types = {128: ("NOT_FOUND", "SPA not found")}

    assert isinstance(Scene(portal).client.newest([128])[128], NotFound)
    assert portal.chains == [1]


def test_items_are_read_by_their_ids_many_at_a_time() -> None:
    portal = PortalOfItems({DEAL: range(1, 4_001, 2)})
    wanted = [*range(1, 3_000), 1]

    items = Scene(portal).client.read_items(DEAL, wanted, select=["title"])

    assert [item["id"] for item in items] == list(range(1, 3_000, 2))
    assert portal.chains == [50, 10]


def test_reading_by_ids_survives_a_cut_request() -> None:
    portal = PortalOfItems({DEAL: range(1, 401)})
    portal.longest_chain = 3

    items = Scene(portal).client.read_items(DEAL, range(1, 401), select=["title"])

    assert [item["id"] for item in items] == list(range(1, 401))


def test_a_refused_read_by_ids_is_raised() -> None:
    portal = PortalOfItems({})
    portal.refused_types = {DEAL: ("ACCESS_DENIED", "Access denied")}

    with pytest.raises(AccessDenied):
        Scene(portal).client.read_items(DEAL, range(1, 101), select=["title"])


def test_nothing_is_asked_for_no_ids() -> None:
    scene = Scene(PortalOfItems({}))

    assert scene.client.read_items(DEAL, [], select=["title"]) == []
    assert scene.sent == 0


def test_a_search_goes_on_until_all_matches_are_read() -> None:
    scene = Scene(PortalOfItems({DEAL: range(1, 121)}))

    items = scene.client.find_items(DEAL, filter={"title": "x"}, select=["title"])

    assert len(items) == 120
    assert sent_json(scene.adapter.requests[1])["filter"] == {"title": "x", ">id": 50}


def test_requests_are_sized_to_about_twenty_seconds() -> None:
    size = RequestSize(50)
    size.measured(50, 100.0)

    assert size.commands(50) == 10


def test_a_cut_request_is_not_followed_by_a_full_one() -> None:
    size = RequestSize(50)
    size.cut(50)
    size.measured(25, 0.1)

    assert size.commands(50) == 50
    size.cut(50)
    size.cut(25)
    size.measured(12, 0.1)
    assert size.commands(50) == 24
