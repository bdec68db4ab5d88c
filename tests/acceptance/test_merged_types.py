"""Two smart processes of the source that become one of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.findings import FindingKind
from migrator.domain.policy import OnLateItem
from tests.acceptance.in_process import opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.conftest import MakePair

ORDERS, REPAIRS, TASKS = 1302, 1304, 1040


def _item(number: int, title: str, month: int) -> dict[str, Any]:
    moment = f"2024-{month:02d}-01T10:00:00+03:00"
    times = {"createdTime": moment, "updatedTime": moment}
    return {"id": number, "title": title, **times}


def _type(number: int, entity_type_id: int, title: str) -> dict[str, Any]:
    return {"id": number, "entityTypeId": entity_type_id, "title": title}


SOURCE = {
    "types": [_type(3, ORDERS, "Orders"), _type(4, REPAIRS, "Repairs")],
    "items": {
        str(ORDERS): [_item(1, "Order A", 2), _item(2, "Order B", 6)],
        str(REPAIRS): [
            _item(1, "Repair A", 1),
            _item(2, "Repair B", 4),
            _item(3, "Repair C", 6),
            _item(4, "Repair D", 9),
        ],
    },
}
TARGET = {
    "types": [_type(7, TASKS, "Tasks")],
    "items": {str(TASKS): [_item(50, "Old", 1)]},
}


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(f"entity_types: {{{ORDERS}: {TASKS}, {REPAIRS}: {TASKS}}}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("on_late", OnLateItem)
def test_a_plan_counts_what_comes_late_because_another_type_went_first(
    portals: MakePair, sqlite_url: str, mapping: Path, on_late: OnLateItem
) -> None:
    pair = portals(SOURCE, target=TARGET, staging_url=sqlite_url)

    with opened(pair, mapping=mapping, on_late_item=on_late) as app:
        app.export()
        blueprint = app.plan()
        app.load(blueprint)
        late = app.late_items()
        app.verify()
        failed = pair.rows("SELECT source_id FROM failed_item ORDER BY source_id")
        verified = pair.rows("SELECT DISTINCT verified_state FROM id_map")

    assert {t.entity_type_id: t.late_items for t in blueprint.plan.types} == {ORDERS: 0, REPAIRS: 2}
    (told,) = [one for one in blueprint.plan.findings if one.kind is FindingKind.LATE_ITEM]
    assert (told.entity_type_id, told.items) == (REPAIRS, 2)
    assert f"entity type {ORDERS}" in told.detail
    is_failing = on_late is OnLateItem.FAIL
    assert [row["source_id"] for row in failed] == ([1, 2] if is_failing else [])
    assert late == (0 if is_failing else 2)
    assert [row["verified_state"] for row in verified] == ["agrees"]
    assert len(pair.target.items(TASKS)) == (5 if is_failing else 7)


def test_where_the_dates_of_the_first_are_left_out_everything_after_them_is_late(
    portals: MakePair, sqlite_url: str, mapping: Path
) -> None:
    target = {**TARGET, "items": {str(TASKS): [_item(50, "Old", 4)]}}
    pair = portals(SOURCE, target=target, staging_url=sqlite_url)

    with opened(pair, mapping=mapping, on_late_item=OnLateItem.DROP) as app:
        app.export()
        blueprint = app.plan()
        app.load(blueprint)
        late = app.late_items()

    assert {t.entity_type_id: t.late_items for t in blueprint.plan.types} == {ORDERS: 1, REPAIRS: 4}
    assert late == 5
