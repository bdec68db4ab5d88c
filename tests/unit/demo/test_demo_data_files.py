"""What is packaged is used, all of it, and says where it came from."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import migrator.demo
from migrator.demo.portals import source_seed
from migrator.demo.tables import Row, Tables
from migrator.demo.user_fields import USER_FIELDS

DATA = Path(migrator.demo.__file__).parent / "data"
DATA_SETS = sorted(folder.name for folder in DATA.iterdir())


class ObservedRow(Mapping[str, str]):
    """A row that remembers which of its columns somebody read."""

    def __init__(self, row: Row, used: set[str]) -> None:
        self._row = row
        self._used = used

    def __getitem__(self, column: str) -> str:
        self._used.add(column)
        return self._row[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._row)

    def __len__(self) -> int:
        return len(self._row)


class ObservedTables(Tables):
    def __init__(self) -> None:
        self.used: dict[str, set[str]] = defaultdict(set)

    def rows(self, data_set: str, table: str) -> list[Row]:
        used = self.used[f"{data_set}/{table}.csv"]
        return [ObservedRow(row, used) for row in super().rows(data_set, table)]


def test_every_packaged_file_is_read_and_every_column_of_it_used() -> None:
    tables = ObservedTables()

    source_seed(tables)

    assert dict(tables.used) == {
        file.relative_to(DATA).as_posix(): set(_header(file)) for file in DATA.glob("*/*.csv")
    }


def test_two_data_sets_are_packaged() -> None:
    assert DATA_SETS == ["adventureworks_lt", "maven_crm"]


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_a_data_set_says_where_it_came_from_and_under_which_licence(data_set: str) -> None:
    text = (DATA / data_set / "LICENSE.md").read_text(encoding="utf-8")

    assert re.search(r"github\.com/[\w-]+/[\w-]+", text)
    assert re.search(r"\b[0-9a-f]{40}\b", text), "the commit it was taken from"
    assert "**Licence.**" in text
    assert "**Changes.**" in text


def test_the_documentation_names_every_user_field_with_its_type() -> None:
    page = (Path(__file__).parents[3] / "docs" / "demo-data.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| (company|contact|deal|order) \| ([^|]+) \| (\w+)", page, re.M)
    owners = {"CRM_COMPANY": "company", "CRM_CONTACT": "contact", "CRM_DEAL": "deal"}

    assert documented == [
        (owners.get(field.entity_id, "order"), field.label, field.type) for field in USER_FIELDS
    ]


def _header(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return next(csv.reader(lines))
