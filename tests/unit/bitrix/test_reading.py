"""Nothing that could change a portal leaves a client made for reading, whatever it is asked."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from migrator.bitrix.commands import Command
from migrator.bitrix.errors import WriteRefused
from migrator.bitrix.methods import is_write
from migrator.bitrix.reading import READING_METHODS, ReadingAdapter
from migrator.sandbox.registry import METHODS
from tests.fakes.scene import Scene, ok, replying
from tests.fakes.transport import FakeAdapter, FakeReply

_LIST = Path(__file__).with_name("documented_methods.txt")
DOCUMENTED = [line for line in _LIST.read_text().splitlines() if not line.startswith("#")]
WRITING = sorted(n for n in {*DOCUMENTED, *METHODS} if n.lower() not in READING_METHODS)
_HOOK = "https://new.example.com/rest/1/secretsecret0001"


def _sent(method: str, body: Any = None, query: str = "") -> list[requests.PreparedRequest]:
    """What gets through of one request."""
    way = FakeAdapter(lambda _: FakeReply({"result": []}))
    request = requests.Request("POST", f"{_HOOK}/{method}{query}", json=body).prepare()
    with suppress(WriteRefused):
        ReadingAdapter(way, "new.example.com").send(request)
    return way.requests


def test_the_list_of_documented_methods_is_whole() -> None:
    assert len(DOCUMENTED) > 1400
    assert {"crm.item.import", "crm.item.batchImport", "crm.item.delete", "batch"} <= {*DOCUMENTED}


def test_no_documented_method_that_is_not_on_the_list_gets_through() -> None:
    assert [name for name in WRITING if _sent(name, {"id": 1})] == []


@pytest.mark.parametrize("dressed", ["{}.json", "{}/", "{}.xml"])
def test_nor_does_it_in_another_dress(dressed: str) -> None:
    assert [name for name in WRITING if _sent(dressed.format(name), {})] == []


def test_nor_in_capitals() -> None:
    assert [name for name in WRITING if _sent(name.upper(), {})] == []


def test_nor_inside_a_batch_among_methods_that_read() -> None:
    through = [
        name
        for name in WRITING
        if _sent("batch", {"halt": 0, "cmd": {"a": "profile", "b": f"{name}?id=1", "c": "scope"}})
    ]

    assert through == []


@given(st.text(min_size=1).filter(lambda name: name.lower() not in READING_METHODS))
def test_nor_does_any_method_nobody_knows(name: str) -> None:
    assert _sent("batch", {"cmd": [name]}) == []


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({}, ""),
        ({"cmd": {}}, ""),
        ({"cmd": "crm.item.delete?id=1"}, ""),
        ({"cmd": {"a": "batch?cmd[x]=crm.item.delete"}}, ""),
        (None, ""),
        (None, "?cmd[a]=crm.item.delete"),
        ({"cmd": {"a": "profile"}}, "?cmd[b]=crm.item.delete"),
        ({"cmd": {"a": "profile"}, "CMD": {"b": "crm.item.delete?id=1"}}, ""),
        ({"cmd": ["profile"], "auth": "another"}, ""),
        ([{"cmd": {"a": "profile"}}], ""),
    ],
)
def test_a_batch_whose_commands_cannot_be_told_is_not_sent(body: Any, query: str) -> None:
    assert _sent("batch", body, query) == []


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", None])
def test_a_batch_that_a_portal_would_not_read_as_json_is_not_sent(kind: str | None) -> None:
    way = FakeAdapter(lambda _: FakeReply({"result": []}))
    body = json.dumps({"cmd": {"a": "profile?x=&cmd[b]=crm.item.delete?id=1&y="}})
    headers = {"Content-Type": kind} if kind else {}
    request = requests.Request("POST", f"{_HOOK}/batch", data=body, headers=headers).prepare()

    with pytest.raises(WriteRefused):
        ReadingAdapter(way, "new.example.com").send(request)

    assert way.requests == []


def test_every_method_on_the_list_reads() -> None:
    assert {name.lower() for name in DOCUMENTED if name.lower() in READING_METHODS}
    assert [name for name in READING_METHODS if is_write(name)] == []


def test_reading_gets_through_alone_and_in_a_batch() -> None:
    assert _sent("crm.item.list", {"entityTypeId": 2})
    assert _sent("batch", {"cmd": {"a": "crm.item.list?entityTypeId=2", "b": "profile"}})


def test_a_client_made_for_reading_goes_that_way() -> None:
    scene = Scene(replying(ok([])), read_only=True)

    with pytest.raises(WriteRefused):
        scene.client.call("crm.item.add", {})
    with pytest.raises(WriteRefused):
        scene.client.call("crm.webform.list")
    with pytest.raises(WriteRefused):
        scene.client.batch({"a": Command("event.offline.list")})
    with pytest.raises(WriteRefused):
        scene.client.delete_items(2, [1])

    assert scene.adapter.requests == []
