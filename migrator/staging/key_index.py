"""Which source items are found by which key: looked up for a while, and gone with the process.

The keys of a million items would not fit into memory, and nobody asks for them afterwards, so they
stand in a temporary database that SQLite keeps on disk and removes by itself.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from migrator.domain.vocabulary import SourceId
from migrator.staging.errors import StagingLost
from migrator.staging.repositories.base import in_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

_KEYS_PER_STATEMENT = 500


class Key(NamedTuple):
    """`rank` is the place of the field in `match_on`."""

    rank: int
    text: str


class KeyIndex:
    """Use as a context manager."""

    def __init__(self) -> None:
        # An empty name means a private file that is removed when it is closed
        # (https://sqlite.org/inmemorydb.html#temp_db).
        self._connection = sqlite3.connect("")
        self._connection.execute("CREATE TABLE item (text TEXT, rank INTEGER, source_id INTEGER)")
        self._connection.execute("CREATE TABLE used (text TEXT, rank INTEGER, times INTEGER)")
        self._connection.execute("CREATE INDEX item_text ON item (text)")
        self._connection.execute("CREATE UNIQUE INDEX used_text ON used (text, rank)")

    def __enter__(self) -> KeyIndex:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.Error):
            msg = f"the file in which items are looked up for matching failed: {error}"
            hint = "make room where temporary files go (SQLITE_TMPDIR), then run the same command"
            raise StagingLost(msg, hint=hint) from None

    def add(self, keys: Iterable[tuple[Key, SourceId]]) -> None:
        self._connection.executemany(
            "INSERT INTO item (rank, text, source_id) VALUES (?, ?, ?)",
            ((key.rank, key.text, source_id) for key, source_id in keys),
        )

    @property
    def is_empty(self) -> bool:
        return self._connection.execute("SELECT 1 FROM item LIMIT 1").fetchone() is None

    def find(self, keys: Iterable[Key]) -> dict[Key, list[SourceId]]:
        """The source items with these keys."""
        wanted = set(keys)
        found: dict[Key, list[SourceId]] = defaultdict(list)
        for chunk in in_chunks({key.text for key in wanted}, _KEYS_PER_STATEMENT):
            marks = ", ".join("?" * len(chunk))
            rows = self._connection.execute(
                f"SELECT rank, text, source_id FROM item WHERE text IN ({marks})",  # noqa: S608  # marks only
                chunk,
            )
            for rank, text, source_id in rows:
                if (key := Key(rank, text)) in wanted:
                    found[key].append(SourceId(source_id))
        return dict(found)

    def use(self, key: Key) -> int:
        """Count that an item of the target has the key. Returns: how many have, with this one."""
        (times,) = self._connection.execute(
            "INSERT INTO used (rank, text, times) VALUES (?, ?, 1) "
            "ON CONFLICT (text, rank) DO UPDATE SET times = times + 1 RETURNING times",
            key,
        ).fetchone()
        return int(times)
