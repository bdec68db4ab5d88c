"""The CSV files of the data sets, as rows of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from importlib import resources

Row = Mapping[str, str]


class Tables:
    """Reads the packaged tables; each row is what the file says, with nothing converted."""

    def rows(self, data_set: str, table: str) -> list[Row]:
        file = resources.files("migrator.demo") / "data" / data_set / f"{table}.csv"
        return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))


def given(value: str) -> str | None:
    """The value, or None where the file leaves it out: blank in one set, `NULL` in the other."""
    return None if value in {"", "NULL"} else value
