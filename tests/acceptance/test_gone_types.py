"""Somebody deletes a smart process of the target with all its items, or a user field of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.transport import Reply, Transport
from migrator.domain.vocabulary import EntityTypeId
from migrator.plan.blocked import BlockedByFindings
from migrator.staging import Staging
from migrator.undo.stage import UndoOptions
from tests.acceptance.in_process import move, opened
from tests.acceptance.structured_portal import empty_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.app import App
    from tests.acceptance.conftest import MakePair, Pair

PROJECT = 1302


def _prepared(portals: MakePair) -> Pair:
    stamp = "2024-01-01T00:00:00+03:00"
    items = [
        {"id": n, "title": f"I{n}", "createdTime": stamp, "updatedTime": stamp} for n in (1, 2)
    ]
    seed: dict[str, Any] = {
        "users": [{"ID": "1", "NAME": "Ada", "EMAIL": "ada@firm.test", "ADMIN": True}],
        "types": [{"id": 12, "entityTypeId": PROJECT, "title": "Project"}],
        "items": {"2": items, str(PROJECT): items},
    }
    pair = portals(seed, target=empty_target(seed))
    with opened(pair) as app:
        app.export()
        app.apply_structure()
    return pair


def _moved(portals: MakePair) -> Pair:
    pair = _prepared(portals)
    move(pair)
    return pair


def _delete_type(pair: Pair) -> int:
    rows = pair.target.call("crm.type.list", {})["result"]["types"]
    row = next(row for row in rows if row["title"] == "Project")
    number = int(row["entityTypeId"])
    for item_id in list(pair.target.items(number)):
        pair.target.call("crm.item.delete", {"entityTypeId": number, "id": item_id})
    assert "result" in pair.target.call("crm.type.delete", {"id": row["id"]})
    return number


def _rows(pair: Pair, sql: str) -> list[tuple[Any, ...]]:
    with Staging.open(pair.staging_url) as staging:
        return [tuple(row) for row in staging.query_read_only(sql, limit=10).rows]


@pytest.mark.parametrize(
    "before", [lambda _: None, lambda app: app.structure_diff(), lambda app: app.plan()]
)
def test_verify_misses_every_item_of_a_type_that_is_gone_whatever_was_read_of_it_before(
    portals: MakePair, before: Callable[[App], object]
) -> None:
    pair = _moved(portals)
    gone = _delete_type(pair)

    with opened(pair) as app:
        before(app)
    with opened(pair) as app:
        counts = app.verify()

    assert (counts.agree, counts.differ) == (2, 2)
    rows = _rows(pair, "SELECT entity_type_id, field, actual FROM difference")
    assert rows == [(PROJECT, "id", f"the target has no entity type {gone}")] * 2


def test_a_field_that_is_gone_is_no_agreement_though_nothing_can_be_compared(
    portals: MakePair,
) -> None:
    note = {"id": "1", "entityId": "CRM_DEAL", "fieldName": "UF_CRM_NOTE", "userTypeId": "string"}
    deals = [{"id": n, "title": f"I{n}", "UF_CRM_NOTE": "kept" if n == 1 else ""} for n in (1, 2)]
    pair = portals({"userFields": [note], "items": {"2": deals}})
    move(pair)
    rows = pair.target.call("crm.deal.userfield.list", {})["result"]
    (field,) = (row["ID"] for row in rows if row["FIELD_NAME"] == "UF_CRM_NOTE")
    assert "result" in pair.target.call("crm.deal.userfield.delete", {"id": field})
    with opened(pair) as app:
        app.structure_diff()

    with opened(pair) as app:
        counts = app.verify()

    assert (counts.agree, counts.differ) == (1, 1)
    found = _rows(pair, "SELECT source_id, field, expected, actual FROM difference")
    assert found == [(1, "UF_CRM_NOTE", "kept", "the target has no such field")]


def test_its_items_are_imported_anew_after_an_undo_of_the_type(portals: MakePair) -> None:
    pair = _moved(portals)
    pair.target.call("crm.type.add", {"fields": {"title": "Theirs"}})
    gone = _delete_type(pair)
    with opened(pair) as app:
        app.apply_structure()
    with opened(pair) as app, pytest.raises(BlockedByFindings) as blocked:
        app.load(app.plan())

    with opened(pair) as app:
        app.undo(UndoOptions(carry_out=True, only=frozenset({EntityTypeId(PROJECT)})))
    move(pair)

    assert f"type {gone} of the target, which is gone by now" in str(blocked.value)
    assert f"migrator undo --only {PROJECT} --yes" in (blocked.value.hint or "")
    new = max(pair.target.entity_type_ids())
    assert (new != gone, len(pair.target.items(new)), len(pair.target.items(2))) == (True, 2, 2)
    with opened(pair) as app:
        assert app.verify().differ == 0


def test_requests_in_flight_to_a_type_that_is_gone_hold_nothing_up(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = _prepared(portals)
    post = Transport.post

    def dies_after_projects(transport: Transport, method: str, body: bytes) -> Reply:
        reply = post(transport, method, body)
        if method == "crm.item.batchImport" and b"/T516_" in body:
            raise KeyboardInterrupt
        return reply

    monkeypatch.setattr(Transport, "post", dies_after_projects)
    with pytest.raises(KeyboardInterrupt):
        move(pair)
    monkeypatch.undo()
    _delete_type(pair)
    assert _rows(pair, "SELECT entity_type_id FROM import_batch WHERE state <> 'settled'") == [
        (PROJECT,)
    ]

    with opened(pair) as app:
        app.undo(UndoOptions(carry_out=True))
        app.apply_structure()
    move(pair)

    counted = {n: len(pair.target.items(n)) for n in pair.target.entity_type_ids()}
    assert sorted(counted.values())[-2:] == [2, 2]
