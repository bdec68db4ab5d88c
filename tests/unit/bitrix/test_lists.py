from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.errors import UnreadableAnswer
from tests.fakes.scene import Scene, ok, replying, sent_json

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from tests.fakes.transport import FakeReply


def rows(count: int) -> list[dict[str, Any]]:
    return [{"ID": str(n)} for n in range(count)]


def paged(count: int, key: str | None = None, **more: object) -> Callable[..., FakeReply]:
    def handler(request: requests.PreparedRequest) -> FakeReply:
        start = sent_json(request).get("start", 0)
        page = rows(count)[start : start + 50]
        return ok({key: page} if key else page, **more)

    return handler


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 130])
def test_a_list_is_read_beyond_its_silent_stop_at_fifty(count: int) -> None:
    scene = Scene(paged(count, total=0))

    assert scene.client.list_all("crm.currency.list", key=None) == rows(count)


def test_rows_may_stand_under_a_key() -> None:
    scene = Scene(paged(60, "categories"))

    found = scene.client.list_all("crm.category.list", {"entityTypeId": 2}, key="categories")

    assert found == rows(60)
    assert sent_json(scene.adapter.requests[1]) == {"entityTypeId": 2, "start": 50}


def test_a_method_that_ignores_start_is_asked_twice_and_its_rows_are_kept_once() -> None:
    scene = Scene(replying(ok(rows(50))))

    assert scene.client.list_all("crm.enum.ownertype", key=None) == rows(50)
    assert scene.sent == 2


def test_a_true_total_spares_the_last_request() -> None:
    scene = Scene(paged(50, total=50))

    scene.client.list_all("crm.status.list", key=None)

    assert scene.sent == 1


@pytest.mark.parametrize("result", [[], {}, {"types": []}])
def test_an_empty_object_may_come_as_an_empty_list(result: object) -> None:
    assert Scene(replying(ok(result))).client.list_all("crm.type.list", key="types") == []


def test_a_list_with_gaps_comes_as_an_object() -> None:
    scene = Scene(replying(ok({"0": {"ID": "1"}, "2": {"ID": "3"}})))

    assert scene.client.list_all("user.get", key=None) == [{"ID": "1"}, {"ID": "3"}]


@pytest.mark.parametrize("result", ["text", 5, {"other": []}, {"types": "text"}])
def test_another_shape_is_an_error_not_an_empty_list(result: object) -> None:
    with pytest.raises(UnreadableAnswer):
        Scene(replying(ok(result))).client.list_all("crm.type.list", key="types")
