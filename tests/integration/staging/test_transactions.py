"""A unit of work is done as a whole or not at all, and readers do not wait for writers."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from migrator.domain.records import Checkpoint
from migrator.domain.vocabulary import DEAL, SourceId
from migrator.staging import MigrationMismatch, Staging, StagingBusy, StagingLost, engine
from tests.integration.staging.builders import (
    a_migration,
    a_pair,
    a_request,
    a_saved_migration,
    an_item,
)

if TYPE_CHECKING:
    from collections.abc import Callable

WRITE_AND_DIE = """
import os, signal, sys
from migrator.staging import Staging
from tests.integration.staging.builders import a_migration, an_item
with Staging.open(sys.argv[1]).begin() as tx:
    tx.of(a_migration(tx).migration_id).items.save([an_item(number) for number in range(1, 2000)])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_exception_takes_back_everything_the_unit_of_work_did(staging: Staging) -> None:
    migration = a_saved_migration(staging)

    def work_until_interrupted() -> None:
        with staging.begin() as tx:
            repos = tx.of(migration.migration_id)
            repos.items.save([an_item(1)])
            repos.id_map.add([a_pair(1)])
            repos.batches.open(DEAL, "crm.item.batchImport", [(SourceId(1), "c")])
            repos.checkpoints.set(Checkpoint(stage="import", position=1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_until_interrupted()

    with staging.read() as tx:
        repos = tx.of(migration.migration_id)
        assert repos.items.counts() == {}
        assert repos.id_map.counts() == {}
        assert repos.batches.in_flight() == []
        assert repos.checkpoints.get("import") is None


def test_a_process_killed_while_writing_leaves_nothing_behind(
    staging: Staging, staging_url: str
) -> None:
    migration = a_saved_migration(staging)

    killed = subprocess.run(
        [sys.executable, "-c", WRITE_AND_DIE, staging_url],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    with staging.begin() as tx:
        assert tx.of(migration.migration_id).items.count(DEAL) == 0


def test_a_reader_sees_the_last_commit_while_a_writer_is_at_work(
    staging_url: str, open_staging: Callable[[str], Staging]
) -> None:
    writer, reader = open_staging(staging_url), open_staging(staging_url)
    migration = a_saved_migration(writer)

    with writer.begin() as writing:
        writing.of(migration.migration_id).items.save([an_item(1)])
        with reader.read() as reading:
            assert reading.of(migration.migration_id).items.count(DEAL) == 0

    with reader.read() as reading:
        assert reading.of(migration.migration_id).items.count(DEAL) == 1


def test_one_read_sees_one_state_although_a_writer_commits_meanwhile(
    staging_url: str, open_staging: Callable[[str], Staging]
) -> None:
    writer, reader = open_staging(staging_url), open_staging(staging_url)
    migration = a_saved_migration(writer)

    with reader.read() as reading:
        before = reading.of(migration.migration_id).items.count(DEAL)
        with writer.begin() as writing:
            writing.of(migration.migration_id).items.save([an_item(1)])
        assert reading.of(migration.migration_id).items.count(DEAL) == before


def test_nothing_can_be_written_in_a_read_only_transaction(staging: Staging) -> None:
    with pytest.raises(DBAPIError, match=r"read.?only"), staging.read() as tx:
        a_migration(tx)


def test_after_reading_the_same_connection_can_write_again(staging: Staging) -> None:
    with staging.read() as tx:
        assert tx.migrations.list() == []

    with staging.begin() as tx:
        a_migration(tx)

    with staging.read() as tx:
        assert [migration.name for migration in tx.migrations.list()] == ["default"]


def test_a_second_sqlite_writer_that_waits_in_vain_is_told_to_try_again(
    sqlite_url: str, open_staging: Callable[[str], Staging], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0)
    first, second = open_staging(sqlite_url), open_staging(sqlite_url)

    with first.begin(), pytest.raises(StagingBusy, match="another process"), second.begin():
        pass


@pytest.mark.postgresql
def test_a_server_that_goes_away_is_one_sentence_and_the_run_can_be_resumed(
    postgresql_url: str, open_staging: Callable[[str], Staging]
) -> None:
    staging = open_staging(postgresql_url)

    def work_while_the_server_hangs_up() -> None:
        with staging.begin() as tx:
            server = tx._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with psycopg.connect(postgresql_url) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [server])
            a_migration(tx)

    with pytest.raises(StagingLost, match="failed: "):
        work_while_the_server_hangs_up()

    assert a_saved_migration(staging).name == "default"


def test_sqlite_is_set_up_for_readers_beside_a_writer_and_checks_references(
    sqlite_url: str, open_staging: Callable[[str], Staging]
) -> None:
    staging = open_staging(sqlite_url)

    def pragma(name: str) -> object:
        with staging.begin() as tx:
            return tx._connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    full = 2
    assert pragma("journal_mode") == "wal"
    assert pragma("foreign_keys") == 1
    assert pragma("synchronous") == full
    assert pragma("busy_timeout") == engine.BUSY_SECONDS * 1000


def test_a_closed_sqlite_database_is_a_single_file(sqlite_url: str) -> None:
    with closing(Staging.open(sqlite_url)) as staging:
        a_saved_migration(staging)

    path = Path(sqlite_url.removeprefix("sqlite:///"))
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM migration").fetchall() == [("default",)]


def test_rows_of_a_migration_that_does_not_exist_are_refused(staging: Staging) -> None:
    known = a_saved_migration(staging)
    unknown = type(known.migration_id)(known.migration_id + 1)

    with pytest.raises(DBAPIError, match=r"(?i)foreign key"), staging.begin() as tx:
        tx.of(unknown).items.save([an_item(1)])


def test_a_migration_is_created_once_and_found_by_its_name(staging: Staging) -> None:
    created = a_saved_migration(staging)

    assert a_saved_migration(staging) == created
    assert created.source_origin == "https://old.example.com"


def test_a_migration_keeps_its_portals_once_anything_is_kept_under_its_name(
    staging: Staging,
) -> None:
    known = a_saved_migration(staging)
    with staging.begin() as tx:
        tx.of(known.migration_id).items.save([an_item(1)])

    with pytest.raises(MigrationMismatch) as caught, staging.begin() as tx:
        tx.migrations.claim(
            "default", source_portal="old.example.com", target_portal="third.example.com"
        )

    assert str(caught.value) == (
        "the migration 'default' is from old.example.com to new.example.com, "
        "not from old.example.com to third.example.com"
    )


def test_a_name_that_a_mistyped_address_has_taken_is_free_for_the_right_one(
    staging: Staging,
) -> None:
    mistyped = a_saved_migration(staging)
    right = {"source_portal": "old.example.com", "target_portal": "right.example.com"}

    with staging.begin() as tx:
        tx.of(mistyped.migration_id).request_log.add([a_request()])
        claimed = tx.migrations.claim("default", **right)

    assert claimed.migration_id == mistyped.migration_id
    assert claimed.target_portal == "right.example.com"
    assert claimed.target_origin == "https://right.example.com"
    with staging.begin() as tx:
        assert tx.migrations.claim("default", **right) == claimed
