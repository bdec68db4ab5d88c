"""Items in memory and items in a file: one contract."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from migrator.sandbox import Portal
from migrator.sandbox.disk import ItemFile
from migrator.sandbox.store import FileStore, StoredFile, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: More than a table in a file keeps at hand.
_MANY = 2_500


@pytest.fixture(params=["memory", "file"])
def make_table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Table]]:
    if request.param == "memory":
        yield Table
        return
    with closing(ItemFile(tmp_path / "items.db")) as items:
        yield items.make_table


@pytest.fixture
def table(make_table: Callable[[], Table]) -> Table:
    found = make_table()
    found.load({"id": n, "title": f"Item {n}", "UF_CRM_X": f"Old/{n % 7}"} for n in (3, 1, 2))
    return found


def test_rows_are_found_by_id_and_stand_in_the_order_of_their_ids(table: Table) -> None:
    assert table.ids == [1, 2, 3]
    assert table.rows[2]["title"] == "Item 2"
    assert table.rows.get(9) is None
    assert (3 in table.rows, 9 in table.rows) == (True, False)
    assert sorted(row["id"] for row in table.rows.values()) == [1, 2, 3]
    assert table.next_id == 4


def test_a_row_changed_in_place_stays_changed_however_many_come_after(table: Table) -> None:
    row = table.rows[1]
    row["title"] = "Changed"
    for _ in range(_MANY):
        table.insert({"id": table.allocate(), "title": "More"})

    assert table.rows[1]["title"] == "Changed"
    assert len(table.rows) == len(table.ids) == _MANY + 3
    newest = table.newest()
    assert newest is not None
    assert newest["id"] == _MANY + 3


def test_a_removed_row_is_gone(table: Table) -> None:
    table.remove(2)

    assert table.ids == [1, 3]
    assert 2 not in table.rows
    with pytest.raises(KeyError):
        table.rows[2]


def test_a_text_is_found_whatever_its_case_before_and_after_changes(table: Table) -> None:
    assert table.with_text("UF_CRM_X", ["old/1", "old/9"]) == [1]

    table.insert({"id": table.allocate(), "UF_CRM_X": "OLD/1"})
    row = table.rows[2]
    row["UF_CRM_X"] = "Old/1"
    table.note_texts(row)

    assert table.with_text("UF_CRM_X", ["old/1"]) == [1, 2, 4]
    assert table.with_text("UF_CRM_X", ["old/3", "old/1"]) == [1, 2, 3, 4]


def test_two_tables_of_a_portal_do_not_know_each_other(make_table: Callable[[], Table]) -> None:
    one, other = make_table(), make_table()
    one.insert({"id": 5, "UF_CRM_X": "a"})
    other.insert({"id": 5, "UF_CRM_X": "b"})

    assert one.with_text("UF_CRM_X", ["b"]) == []
    assert other.rows[5]["UF_CRM_X"] == "b"


def test_a_filter_on_a_user_field_finds_what_an_update_has_set(
    make_table: Callable[[], Table],
) -> None:
    field = {"entityId": "CRM_DEAL", "fieldName": "UF_CRM_X", "userTypeId": "string"}
    items = [{"id": 1, "UF_CRM_X": "a"}, {"id": 2, "UF_CRM_X": "b"}, {"id": 3, "UF_CRM_X": "A"}]
    portal = Portal.from_seed({"userFields": [field], "items": {"2": items}}, None, make_table)
    question = {
        "entityTypeId": 2,
        "useOriginalUfNames": "Y",
        "filter": {"@UF_CRM_X": ["a", "c"], ">id": 1},
        "order": {"id": "ASC"},
        "select": ["id"],
    }

    def found() -> list[int]:
        rows = portal.call("crm.item.list", question)["result"]["items"]
        return [row["id"] for row in rows]

    assert found() == [3]
    change = {"entityTypeId": 2, "id": 2, "useOriginalUfNames": "Y", "fields": {"UF_CRM_X": "c"}}
    portal.call("crm.item.update", change)
    change = {"entityTypeId": 2, "id": 3, "useOriginalUfNames": "Y", "fields": {"UF_CRM_X": "d"}}
    portal.call("crm.item.update", change)
    assert found() == [2]


@pytest.fixture(params=["memory", "file"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FileStore]:
    if request.param == "memory":
        yield FileStore()
        return
    with closing(ItemFile(tmp_path / "items.db")) as items:
        yield items.make_file_store()


def test_a_file_is_found_by_its_number_with_name_and_bytes(files: FileStore) -> None:
    first, second = files.add("one.txt", b"1"), files.add("two.bin", b"\x00\xff")

    found = files.get(second)
    assert first != second
    assert found == StoredFile(second, "two.bin", b"\x00\xff")
    assert files.get(second + 1) is None
