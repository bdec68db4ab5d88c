"""A request whose answer is lost is never repeated while the portal may still work on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from migrator import opening
from migrator.bitrix.transport import Reply, Transport
from migrator.sandbox import item_write
from migrator.sandbox.errors import PortalError
from tests.acceptance.in_process import move, opened
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from migrator.sandbox.store import Row
    from migrator.sandbox.writing import Write
    from tests.acceptance.conftest import MakePair, Pair

IMPORT = "crm.item.batchImport"


def deals(count: int) -> dict[str, Any]:
    time_of = "2024-01-01T00:00:00+03:00"
    return {
        "items": {
            "2": [
                {"id": n, "title": f"D{n}", "createdTime": time_of, "updatedTime": time_of}
                for n in range(1, count + 1)
            ]
        }
    }


class Died(BaseException):
    """Stands for the end of the process: nothing handles it."""


def _titles(pair: Pair) -> list[str]:
    return sorted(item["title"] for item in pair.target.items(2).values())


class PortalAtWork(FakeClock):
    """The portal goes on working, for so long, on a request nobody listens to any more."""

    def __init__(self, pair: Pair, seconds: float) -> None:
        super().__init__()
        self._target = pair.target
        self._seconds = seconds
        self._request: tuple[float, bytes] | None = None

    def take_on(self, body: bytes) -> None:
        self._request = (self.monotonic() + self._seconds, body)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self._request is not None and self.monotonic() >= self._request[0]:
            self._target.call(IMPORT, json.loads(self._request[1]))
            self._request = None


def test_a_request_sent_long_after_it_was_meant_to_be_is_waited_for_in_full(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the record of the intent and the sending lies a wait for the portal's limits."""
    pair = portals(deals(5))
    portal = PortalAtWork(pair, seconds=59)
    post = Transport.post

    def late_and_last(transport: Transport, method: str, body: bytes) -> Reply:
        if method == IMPORT:
            portal.advance(600)
            portal.take_on(body)
            raise Died
        return post(transport, method, body)

    monkeypatch.setattr(opening, "SystemClock", lambda: portal)
    with monkeypatch.context() as patched:
        patched.setattr(Transport, "post", late_and_last)
        with pytest.raises(Died):
            move(pair, cutoff_seconds=60)
    assert _titles(pair) == []

    move(pair, cutoff_seconds=60)

    portal.sleep(60)
    assert _titles(pair) == [f"D{n}" for n in range(1, 6)]


def test_a_staging_database_that_was_lost_is_no_reason_to_send_everything_again(
    portals: MakePair,
) -> None:
    pair = portals(deals(30))
    move(pair)

    move(pair, "a new name in the same database")

    assert len(pair.target.items(2)) == 30
    origins = pair.rows("SELECT origin, count(*) AS n FROM id_map GROUP BY origin ORDER BY origin")
    assert origins == [{"origin": "adopted", "n": 30}, {"origin": "import", "n": 30}]


def test_verify_finds_a_copy_that_the_id_map_does_not_know(portals: MakePair) -> None:
    pair = portals(deals(3))
    move(pair)
    known = next(iter(pair.target.items(2).values()))
    copied = {key: known[key] for key in ("title", "UF_CRM_MIGRATOR_SOURCE")}
    fields = {"entityTypeId": 2, "fields": copied, "useOriginalUfNames": "Y"}
    assert "result" in pair.target.call("crm.item.import", fields)

    outcome = pair.migrator("verify")

    assert outcome.code == 1
    rows = pair.rows("SELECT source_id, field, expected FROM difference")
    assert rows == [{"source_id": 1, "field": "id", "expected": "one item"}]


def test_one_item_the_portal_breaks_over_does_not_stop_the_others(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(deals(30))
    post = Transport.post

    def breaks_over_one(transport: Transport, method: str, body: bytes) -> Reply:
        if method == IMPORT and b'"D7"' in body:
            return Reply(status=500, content=b"<html>", headers={})
        return post(transport, method, body)

    monkeypatch.setattr(Transport, "post", breaks_over_one)
    move(pair)

    assert len(pair.target.items(2)) == 29
    failed = pair.rows("SELECT source_id, error FROM v_failed_items")
    assert [row["source_id"] for row in failed] == [7]


def test_a_batch_in_flight_is_settled_by_a_run_that_is_narrowed_to_other_types(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = deals(3)
    seed["items"]["4"] = [{"id": 1, "title": "Company"}]
    pair = portals(seed)
    post = Transport.post

    def dies_after_sending(transport: Transport, method: str, body: bytes) -> Reply:
        reply = post(transport, method, body)
        if method == IMPORT and b'"D1"' in body:
            raise Died
        return reply

    monkeypatch.setattr(Transport, "post", dies_after_sending)
    with pytest.raises(Died):
        move(pair)
    monkeypatch.undo()

    with opened(pair) as app:
        app.check()
        app.load(app.plan(frozenset({next(iter(app.moved_types() & {4}))})))

    assert pair.rows("SELECT count(*) AS n FROM import_batch WHERE state <> 'settled'") == [
        {"n": 0}
    ]
    assert pair.rows("SELECT count(*) AS n FROM id_map WHERE entity_type_id = 2") == [{"n": 3}]


def test_a_request_the_portal_breaks_off_in_the_middle_leaves_nothing_twice(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a portal throws ends the whole call, but the items before it are there."""
    pair = portals(deals(10))
    create = item_write.create

    def unreadable(write: Write, raw: dict[str, Any], *, importing: bool) -> Row:
        if raw["title"] == "D4":
            raise PortalError(100, "Expected iterable value for multiple field")
        return create(write, raw, importing=importing)

    monkeypatch.setattr(item_write, "create", unreadable)

    pair.migrator("run", "--yes")

    assert _titles(pair) == sorted(f"D{n}" for n in range(1, 11) if n != 4)
