"""Where items live: rows by id in ascending order, bindings, file contents.

Rows are kept in memory here; `disk` keeps them in a file, for more than fit.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping, Sequence

Row = dict[str, Any]


class Table:
    """Items of one entity type; ids are kept sorted so that `>id` is a bisection."""

    def __init__(self, rows: MutableMapping[int, Row] | None = None) -> None:
        self.rows: MutableMapping[int, Row] = {} if rows is None else rows
        self.ids: list[int] = []
        self._next_id = 1
        #: text field -> value in lower case -> ids of items that have or once had it
        self._texts: dict[str, dict[str, set[int]]] = {}

    def load(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.rows[row["id"]] = row
        self.ids = sorted(self.rows)
        self._next_id = max(self._next_id, self.ids[-1] + 1 if self.ids else 1)
        self._texts.clear()

    def start_ids_at(self, first: int) -> None:
        self._next_id = max(first, self._next_id)

    @property
    def next_id(self) -> int:
        return self._next_id

    def allocate(self) -> int:
        item_id = self._next_id
        self._next_id += 1
        return item_id

    def insert(self, row: Row) -> None:
        item_id = row["id"]
        self.rows[item_id] = row
        if not self.ids or item_id > self.ids[-1]:
            self.ids.append(item_id)
        else:
            insort(self.ids, item_id)
        self.note_texts(row)

    def note_texts(self, row: Row) -> None:
        """To be called when an item has changed."""
        for name, ids in self._texts.items():
            ids[text_key(row.get(name))].add(row["id"])

    def with_text(self, name: str, values: Iterable[str]) -> list[int]:
        """Ids among which are all items whose text field has one of these values, ascending."""
        known = self._texts.get(name)
        if known is None:
            known = self._texts[name] = defaultdict(set)
            for item_id, row in self.rows.items():
                known[text_key(row.get(name))].add(item_id)
        return sorted({item_id for value in values for item_id in known.get(value, ())})

    def remove(self, item_id: int) -> None:
        del self.rows[item_id]
        self.ids.pop(bisect_left(self.ids, item_id))

    def newest(self) -> Row | None:
        """The row with the highest id, whatever its pipeline or createdTime."""
        return self.rows[self.ids[-1]] if self.ids else None

    def between(self, above: int | None, below: int | None) -> Sequence[int]:
        """Ids strictly between the two bounds."""
        low = bisect_right(self.ids, above) if above is not None else 0
        high = bisect_left(self.ids, below) if below is not None else len(self.ids)
        return self.ids[low:high]


def text_key(value: Any) -> str:
    """Texts are compared without regard to case."""
    return str(value or "").lower()


class Bindings:
    """The contact-company relation: one set of pairs, an order of its own at either end."""

    def __init__(self) -> None:
        self._companies: dict[int, list[int]] = {}
        self._contacts: dict[int, list[int]] = {}

    def companies_of(self, contact_id: int) -> list[int]:
        return self._companies.get(contact_id, [])

    def contacts_of(self, company_id: int) -> list[int]:
        return self._contacts.get(company_id, [])

    def set_companies(self, contact_id: int, companies: list[int]) -> None:
        _replace(self._companies, self._contacts, contact_id, companies)

    def set_contacts(self, company_id: int, contacts: list[int]) -> None:
        _replace(self._contacts, self._companies, company_id, contacts)

    def add(self, contact_id: int, company_id: int) -> None:
        if company_id not in self.companies_of(contact_id):
            self.set_companies(contact_id, [*self.companies_of(contact_id), company_id])


def _replace(
    near: dict[int, list[int]], far: dict[int, list[int]], key: int, others: list[int]
) -> None:
    before = near.get(key, [])
    for gone in before:
        if gone not in others:
            far[gone].remove(key)
    for other in others:
        if other not in before:
            far.setdefault(other, []).append(key)
    near[key] = list(others)


@dataclass(frozen=True, slots=True)
class StoredFile:
    file_id: int
    name: str
    content: bytes


class FileStore:
    def __init__(self) -> None:
        self._files: dict[int, StoredFile] = {}
        self._next_id = 1

    def add(self, name: str, content: bytes) -> int:
        file_id = self._next_id
        self._next_id += 1
        self._files[file_id] = StoredFile(file_id, name, content)
        return file_id

    def get(self, file_id: int) -> StoredFile | None:
        return self._files.get(file_id)
