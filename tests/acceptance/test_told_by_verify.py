"""Verify tells what is wrong in the target, once, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.policy import OnLateItem
from migrator.staging import Staging
from migrator.undo.stage import UndoOptions
from tests.acceptance.in_process import move, opened
from tests.acceptance.user_fields import a_file

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair, Pair

_MARK = "UF_CRM_MIGRATOR_SOURCE"


def _deal(item_id: int, **values: Any) -> dict[str, Any]:
    stamp = f"2024-01-{item_id:02d}T00:00:00+03:00"
    return {"id": item_id, "title": f"D{item_id}", "createdTime": stamp, "updatedTime": stamp} | (
        values
    )


def _rows(pair: Pair, sql: str) -> list[tuple[Any, ...]]:
    with Staging.open(pair.staging_url) as staging:
        return [tuple(row) for row in staging.query_read_only(sql, limit=100).rows]


def _differences(pair: Pair) -> list[tuple[Any, ...]]:
    return _rows(pair, "SELECT source_id, field, expected, actual FROM difference")


def test_the_files_of_a_field_that_is_gone_from_the_target_are_missed(portals: MakePair) -> None:
    field = {"entityId": "CRM_DEAL", "fieldName": "UF_CRM_SCAN", "userTypeId": "file"}
    deals = [_deal(1, UF_CRM_SCAN=a_file("scan.pdf", b"signed")), _deal(2)]
    pair = portals({"userFields": [field], "items": {"2": deals}})
    move(pair)
    fields = pair.target.call("crm.deal.userfield.list", {})["result"]
    number = next(row["ID"] for row in fields if row["FIELD_NAME"] == "UF_CRM_SCAN")
    assert pair.target.call("crm.deal.userfield.delete", {"id": number})["result"]

    with opened(pair) as app:
        app.structure_diff()
        counts = app.verify()

    assert (counts.agree, counts.differ) == (1, 1)
    ((source_id, field_name, _, actual),) = _differences(pair)
    assert (source_id, field_name) == (1, "UF_CRM_SCAN")
    assert actual == "the target has no such field"


def _copy(pair: Pair, item_id: int) -> int:
    row = pair.target.items(2)[item_id]
    values = {"title": row["title"], _MARK: row[_MARK]}
    asked = {"entityTypeId": 2, "fields": values, "useOriginalUfNames": "Y"}
    return int(pair.target.call("crm.item.add", asked)["result"]["item"]["id"])


def test_an_item_that_was_copied_and_changed_differs_once(portals: MakePair) -> None:
    pair = portals({"items": {"2": [_deal(1), _deal(2), _deal(3)]}})
    move(pair)
    changed, copied, _ = pair.target.items(2)
    _copy(pair, changed)
    _copy(pair, copied)
    asked = {"entityTypeId": 2, "id": changed, "fields": {"title": "by hand"}}
    assert "result" in pair.target.call("crm.item.update", asked)

    with opened(pair) as app:
        counts = app.verify()

    assert (counts.agree, counts.differ) == (1, 2)


def test_a_copy_does_not_hide_that_the_item_itself_is_gone(portals: MakePair) -> None:
    pair = portals({"items": {"2": [_deal(1)]}})
    move(pair)
    (item_id,) = pair.target.items(2)
    copy = _copy(pair, item_id)
    assert "result" in pair.target.call("crm.item.delete", {"entityTypeId": 2, "id": item_id})

    with opened(pair) as app:
        counts = app.verify()

    assert (counts.agree, counts.differ) == (0, 1)
    gone = f"gone, but {copy} is a copy of it"
    assert _differences(pair) == [(1, "id", str(item_id), gone)]
    # Nobody is advised to delete what is left of it.
    assert _rows(pair, "SELECT kind FROM finding WHERE kind = 'duplicate-in-target'") == []


@pytest.mark.parametrize(
    ("policy", "kind"),
    [(OnLateItem.CLAMP, "late-item"), (OnLateItem.DROP, "history-lost")],
)
def test_items_that_came_late_agree_when_their_staging_database_is_lost(
    portals: MakePair, policy: OnLateItem, kind: str
) -> None:
    people = [
        {"ID": "1", "EMAIL": "a@firm.test", "ADMIN": True},
        {"ID": "2", "EMAIL": "b@firm.test"},
    ]
    deals = [_deal(number, createdBy=2) for number in (1, 2, 9)]
    pair = portals({"users": people, "items": {"2": deals}})
    fields = {"title": "live", "createdTime": "2024-01-05T00:00:00+03:00"}
    assert "result" in pair.target.call("crm.item.import", {"entityTypeId": 2, "fields": fields})
    move(pair, on_late_item=policy)
    Path(pair.staging_url.removeprefix("sqlite:///")).unlink()

    move(pair)

    assert _differences(pair) == []
    told = f"SELECT source_id, value FROM finding WHERE kind = '{kind}' AND field = 'createdTime'"
    created = {(1, "2023-12-31T21:00:00+00:00"), (2, "2024-01-01T21:00:00+00:00")}
    assert set(_rows(pair, told)) == created
    with opened(pair) as app:
        undone = app.undo(UndoOptions())
    assert undone.kept_items == 0


def test_a_comment_in_html_is_told_as_rewritten_and_not_as_different(portals: MakePair) -> None:
    html = "<p>first &amp; <b>last</b></p><br>second"
    pair = portals({"items": {"2": [_deal(1, comments=html)]}})

    move(pair)

    assert _differences(pair) == []
    told = "SELECT source_id, field, value FROM finding WHERE kind = 'set-by-portal'"
    assert (1, "comments", html) in _rows(pair, told)


def test_a_link_that_was_set_after_all_is_not_on_record_as_lost(portals: MakePair) -> None:
    stamp = "2024-01-01T00:00:00+03:00"
    company = {"id": 5, "title": "C", "createdTime": stamp, "updatedTime": stamp}
    pair = portals({"items": {"4": [company], "2": [_deal(1, companyId=5)]}})
    mapping = pair.folder / "mapping.yaml"
    mapping.write_text("entity_types:\n  4: drop\n")
    move(pair, mapping=mapping)
    lost = "SELECT field, value FROM finding WHERE kind = 'dangling-reference' AND phase = 'import'"
    assert _rows(pair, lost) == [("companyId", "4:5")]

    move(pair)

    assert _rows(pair, lost) == []
    assert _differences(pair) == []
