"""Items are counted without being read, and a portal that counts slowly is asked for less."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests

from migrator.bitrix.counting import Count, CountQuery
from migrator.bitrix.errors import AccessDenied, UnreadableAnswer
from tests.fakes.scene import Scene, method_of, ok, parse_php_query, refused, replying, sent_json

if TYPE_CHECKING:
    from tests.fakes.transport import FakeReply

DEAL, CONTACT = 2, 3
NEW_YEAR = "2026-01-01T03:00:00+03:00"
ROW = {"id": 1, "createdTime": NEW_YEAR}


class CountingPortal:
    """Counts what it is told to, and breaks over batches longer than it can bear."""

    def __init__(self, totals: dict[int, int], bears: int = 50) -> None:
        self.totals = totals
        self.bears = bears
        self.batches: list[list[dict[str, Any]]] = []

    def __call__(self, request: requests.PreparedRequest) -> FakeReply | BaseException:
        if method_of(request) != "batch":
            params = sent_json(request)
            self.batches.append([params])
            return ok({"items": [ROW]}, total=self.totals[int(params["entityTypeId"])])
        commands = {
            key: parse_php_query(command.partition("?")[2])
            for key, command in sent_json(request)["cmd"].items()
        }
        self.batches.append(list(commands.values()))
        if len(commands) > self.bears:
            return requests.ReadTimeout("cut")
        totals = {key: self.totals[int(one["entityTypeId"])] for key, one in commands.items()}
        return ok({"result": {key: {"items": [ROW]} for key in totals}, "result_total": totals})


def test_a_count_is_the_total_of_a_list_that_starts_at_its_beginning() -> None:
    portal = CountingPortal({DEAL: 1204})
    query = CountQuery(entity_type_id=DEAL, filter={"<createdTime": NEW_YEAR})

    (count,) = Scene(portal).client.count_items([query])

    assert count == Count(items=1204, created_time=datetime(2026, 1, 1, tzinfo=UTC))
    ((sent,),) = portal.batches
    assert sent["start"] == 0
    assert sent["filter"] == {">id": 0, "<createdTime": NEW_YEAR}
    assert sent["select"] == ["id", "createdTime"]


def test_the_newest_row_comes_first_where_that_is_asked_for() -> None:
    portal = CountingPortal({DEAL: 1})

    Scene(portal).client.count_items([CountQuery(entity_type_id=DEAL, newest_first=True)])

    assert portal.batches[0][0]["order"] == {"id": "DESC"}


def test_counts_come_in_the_order_of_the_questions_in_requests_that_grow() -> None:
    portal = CountingPortal({number: number * 10 for number in range(1, 101)})
    queries = [CountQuery(entity_type_id=number) for number in range(1, 101)]

    counts = Scene(portal).client.count_items(queries)

    assert [one.items for one in counts if isinstance(one, Count)] == list(range(10, 1001, 10))
    assert [len(batch) for batch in portal.batches] == [10, 20, 40, 30]


def test_a_portal_that_is_cut_off_over_many_counts_is_asked_for_fewer() -> None:
    portal = CountingPortal(dict.fromkeys(range(1, 11), 5), bears=3)
    queries = [CountQuery(entity_type_id=number) for number in range(1, 11)]

    counts = Scene(portal).client.count_items(queries)

    assert [one.items for one in counts if isinstance(one, Count)] == [5] * 10
    assert [len(batch) for batch in portal.batches][:3] == [10, 5, 2]


def test_a_type_that_may_not_be_read_is_an_outcome_among_others() -> None:
    scene = Scene(replying(refused("ACCESS_DENIED", "Access denied.")))

    (outcome,) = scene.client.count_items([CountQuery(entity_type_id=DEAL)])

    assert isinstance(outcome, AccessDenied)


def test_a_full_page_without_a_total_is_never_taken_for_a_count() -> None:
    scene = Scene(replying(ok({"items": [ROW] * 50})))

    (outcome,) = scene.client.count_items([CountQuery(entity_type_id=DEAL)])

    assert isinstance(outcome, UnreadableAnswer)


def test_a_first_page_that_is_not_full_counts_itself() -> None:
    scene = Scene(replying(ok({"items": [ROW] * 49})))

    (outcome,) = scene.client.count_items([CountQuery(entity_type_id=DEAL)])

    assert isinstance(outcome, Count)
    assert outcome.items == 49


def test_nothing_to_count_asks_nothing() -> None:
    scene = Scene(replying(ok({})))

    assert scene.client.count_items([]) == []
    assert scene.sent == 0
