"""Items and files in a file, for portals that hold more than fits into memory."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING

from migrator.sandbox.store import FileStore, Row, StoredFile, Table, text_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Rows of one table that are kept at hand; more than any call works on at once.
_AT_HAND = 1000


class ItemFile:
    """One file for all tables of a portal. It is a convenience, not a record: nothing is synced."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "CREATE TABLE item (number INT, id INT, body TEXT, PRIMARY KEY (number, id))",
            "CREATE TABLE value (number INT, field TEXT, value TEXT, id INT, "
            "PRIMARY KEY (number, field, value, id)) WITHOUT ROWID",
            "CREATE TABLE file (id INTEGER PRIMARY KEY, name TEXT, content BLOB)",
        ):
            self._connection.execute(statement)
        self._tables = 0

    def make_table(self) -> Table:
        self._tables += 1
        return _DiskTable(_DiskRows(self._connection, self._tables), self._connection, self._tables)

    def make_file_store(self) -> FileStore:
        return _DiskFiles(self._connection)

    def close(self) -> None:
        self._connection.close()


class _DiskRows(MutableMapping[int, Row]):
    """Rows by id. One that was changed in place is written when it makes room for others."""

    def __init__(self, connection: sqlite3.Connection, number: int) -> None:
        self._connection = connection
        self._number = number
        #: id -> row, and the text under which it is in the file ("" for none yet)
        self._at_hand: OrderedDict[int, tuple[Row, str]] = OrderedDict()

    def __getitem__(self, item_id: int) -> Row:
        if item_id in self._at_hand:
            self._at_hand.move_to_end(item_id)
            return self._at_hand[item_id][0]
        found = self._connection.execute(
            "SELECT body FROM item WHERE number = ? AND id = ?", (self._number, item_id)
        ).fetchone()
        if found is None:
            raise KeyError(item_id)
        row: Row = json.loads(found[0])
        self._keep(item_id, row, found[0])
        return row

    def __setitem__(self, item_id: int, row: Row) -> None:
        self._keep(item_id, row, "")

    def __delitem__(self, item_id: int) -> None:
        if item_id not in self:
            raise KeyError(item_id)
        self._at_hand.pop(item_id, None)
        self._connection.execute(
            "DELETE FROM item WHERE number = ? AND id = ?", (self._number, item_id)
        )

    def __contains__(self, item_id: object) -> bool:
        if item_id in self._at_hand:
            return True
        found = self._connection.execute(
            "SELECT 1 FROM item WHERE number = ? AND id = ?", (self._number, item_id)
        )
        return found.fetchone() is not None

    def __iter__(self) -> Iterator[int]:
        self._write_all()
        after = -1
        while True:
            rows = self._connection.execute(
                "SELECT id FROM item WHERE number = ? AND id > ? ORDER BY id LIMIT 1000",
                (self._number, after),
            ).fetchall()
            if not rows:
                return
            yield from (row[0] for row in rows)
            after = rows[-1][0]

    def __len__(self) -> int:
        self._write_all()
        counted = self._connection.execute(
            "SELECT COUNT(*) FROM item WHERE number = ?", (self._number,)
        )
        return int(counted.fetchone()[0])

    def _keep(self, item_id: int, row: Row, stored: str) -> None:
        self._at_hand[item_id] = (row, stored)
        self._at_hand.move_to_end(item_id)
        if len(self._at_hand) > _AT_HAND:
            oldest, (made_room, before) = self._at_hand.popitem(last=False)
            self._write(oldest, made_room, before)

    def _write_all(self) -> None:
        for item_id, (row, before) in self._at_hand.items():
            self._at_hand[item_id] = (row, self._write(item_id, row, before))

    def _write(self, item_id: int, row: Row, before: str) -> str:
        body = json.dumps(row, ensure_ascii=False)
        if body != before:
            self._connection.execute(
                "INSERT OR REPLACE INTO item VALUES (?, ?, ?)", (self._number, item_id, body)
            )
        return body


class _DiskTable(Table):
    """A table whose rows and texts are in the file; only the ids are in memory."""

    def __init__(self, rows: _DiskRows, connection: sqlite3.Connection, number: int) -> None:
        super().__init__(rows)
        self._connection = connection
        self._number = number
        self._noted: set[str] = set()

    def note_texts(self, row: Row) -> None:
        for name in self._noted:
            self._note(name, row)

    def with_text(self, name: str, values: Iterable[str]) -> list[int]:
        if name not in self._noted:
            for row in self.rows.values():
                self._note(name, row)
            self._noted.add(name)
        wanted = list(values)
        marks = ", ".join("?" * len(wanted))
        found = self._connection.execute(
            f"SELECT DISTINCT id FROM value WHERE number = ? AND field = ? AND value IN ({marks}) "  # noqa: S608 - question marks only
            "ORDER BY id",
            (self._number, name, *wanted),
        )
        return [int(row[0]) for row in found]

    def _note(self, name: str, row: Row) -> None:
        self._connection.execute(
            "INSERT OR IGNORE INTO value VALUES (?, ?, ?, ?)",
            (self._number, name, text_key(row.get(name)), row["id"]),
        )


class _DiskFiles(FileStore):
    """For one portal: its files are numbered across all tables."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection

    def add(self, name: str, content: bytes) -> int:
        added = self._connection.execute(
            "INSERT INTO file (name, content) VALUES (?, ?)", (name, content)
        )
        return int(added.lastrowid or 0)

    def get(self, file_id: int) -> StoredFile | None:
        found = self._connection.execute(
            "SELECT id, name, content FROM file WHERE id = ?", (file_id,)
        ).fetchone()
        return StoredFile(*found) if found is not None else None
