"""Two processes never work on one migration at the same time, and a dead one stops nobody."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from migrator.domain.errors import RetriableError
from migrator.staging import MigrationOwned, Staging, StagingLost, lease, ownership
from migrator.staging.engine import Purpose
from tests.acceptance.waiting import wait_until
from tests.integration.staging.builders import a_migration, a_saved_migration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from migrator.domain.records import MigrationId
    from tests.fakes.clock import FakeClock

#: The lease, in seconds.
LASTS = 60.0

#: Where no lock tells whether the holder lives, its heartbeat does; in PostgreSQL one always tells.
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@pytest.fixture
def other(staging_url: str, open_staging: Callable[[str], Staging]) -> Staging:
    """What another process would have open."""
    return open_staging(staging_url)


@pytest.fixture
def migration_id(staging: Staging) -> MigrationId:
    return a_saved_migration(staging).migration_id


@contextmanager
def held_elsewhere(
    staging: Staging, migration_id: MigrationId, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """Held by a process of another machine, whose locks on files are not known here."""
    with monkeypatch.context() as patched:
        patched.setattr(lease, "this_system", lambda: "another machine")
        patched.setattr(socket, "gethostname", lambda: "elsewhere")
        held = staging.own(migration_id)
        still_held = held.__enter__()
    yield still_held
    held.__exit__(None, None, None)


def rows_of_lease(staging: Staging) -> int:
    count: int = staging.query_read_only("SELECT COUNT(*) FROM lease").rows[0][0]
    return count


def heartbeat_of(staging: Staging) -> str:
    return str(staging.query_read_only("SELECT heartbeat_at FROM lease").rows[0][0])


def has_beaten_since(staging: Staging, before: str) -> bool:
    return heartbeat_of(staging) > before


def can_own(staging: Staging, migration_id: MigrationId) -> bool:
    try:
        with staging.own(migration_id):
            return True
    except MigrationOwned:
        return False


def test_a_migration_somebody_works_on_is_not_to_be_had(
    staging: Staging, other: Staging, migration_id: MigrationId
) -> None:
    with (
        staging.own(migration_id),
        pytest.raises(MigrationOwned, match="another process") as caught,
        other.own(migration_id),
    ):
        pass

    assert isinstance(caught.value, RetriableError)
    assert f"process {os.getpid()} on {socket.gethostname()}, since 20" in str(caught.value)


def test_another_migration_in_the_same_database_is_free(staging: Staging, other: Staging) -> None:
    one, two = (a_saved_migration(staging, name).migration_id for name in ("one", "two"))

    with staging.own(one) as first, other.own(two) as second:
        first()
        second()
        assert rows_of_lease(other) == 2


def test_several_are_held_together_or_none_of_them(staging: Staging, other: Staging) -> None:
    one, two = (a_saved_migration(staging, name).migration_id for name in ("one", "two"))

    with other.own(two):
        with pytest.raises(MigrationOwned, match="'two'"), staging.own(one, two):
            pass
        assert can_own(staging, one)
    with staging.own(one, two):
        assert not can_own(other, one)
        assert not can_own(other, two)


def test_a_migration_is_free_again_afterwards_and_nothing_is_left_lying_about(
    staging: Staging, other: Staging, staging_url: str, migration_id: MigrationId
) -> None:
    with staging.own(migration_id):
        pass
    with pytest.raises(ZeroDivisionError), staging.own(migration_id):
        raise ZeroDivisionError

    with other.own(migration_id):
        assert rows_of_lease(other) == 1
    assert rows_of_lease(other) == 0
    assert lock_files(staging_url) == []


def lock_files(staging_url: str) -> list[Path]:
    if not staging_url.startswith("sqlite"):
        return []
    return list(Path(staging_url.removeprefix("sqlite:///")).parent.glob("*-owner-*"))


def test_a_process_that_was_killed_is_replaced_at_once(
    staging: Staging, staging_url: str, migration_id: MigrationId, database: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", OWN_AND_WAIT, staging_url, str(migration_id)],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"owned\n"
        with pytest.raises(MigrationOwned, match=f"process {process.pid} on"):
            staging.own(migration_id).__enter__()
        process.kill()

    if database == "postgresql":
        # It notices a client's death within a few round trips, not before the first.
        wait_until(lambda: can_own(staging, migration_id))
    else:
        assert can_own(staging, migration_id)
    assert rows_of_lease(staging) == 0
    assert lock_files(staging_url) == []


OWN_AND_WAIT = """
import signal, sys
from migrator.staging import Staging
with Staging.open(sys.argv[1]).own(int(sys.argv[2])):
    print("owned", flush=True)
    signal.pause()
"""


def test_a_process_that_lives_is_never_replaced_however_long_it_gives_no_sign(
    staging: Staging, other: Staging, migration_id: MigrationId, clock: FakeClock
) -> None:
    with staging.own(migration_id) as still_held:
        clock.advance(10 * LASTS)

        assert not can_own(other, migration_id)
        still_held()


def test_signs_of_life_go_on_while_nothing_is_written(
    staging: Staging,
    migration_id: MigrationId,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.01)

    with staging.own(migration_id):
        for _ in range(2):
            before = heartbeat_of(staging)
            clock.advance(LASTS)
            wait_until(partial(has_beaten_since, staging, before))


def test_the_heartbeat_and_the_work_stand_in_nobodys_way(
    staging: Staging,
    migration_id: MigrationId,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.0001)
    written = range(100)

    with staging.own(migration_id) as still_held:
        for number in written:
            clock.advance(LASTS)
            still_held()
            with staging.begin() as tx:
                tx.of(migration_id).settings.set(f"number {number}", number)

    with staging.read() as tx:
        assert len(tx.of(migration_id).settings.all()) == len(written)


def test_a_process_that_went_on_writing_gives_signs_of_life_with_it(
    staging: Staging, migration_id: MigrationId, clock: FakeClock
) -> None:
    with staging.own(migration_id):
        before = heartbeat_of(staging)
        clock.advance(ownership.HEARTBEAT_SECONDS)

        with staging.begin() as tx:
            a_migration(tx)

        assert heartbeat_of(staging) > before


@ON_SQLITE
def test_a_fresh_heartbeat_keeps_the_migration(
    staging: Staging,
    other: Staging,
    migration_id: MigrationId,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with held_elsewhere(staging, migration_id, monkeypatch):
        clock.advance(LASTS - 1)

        with pytest.raises(MigrationOwned, match="on elsewhere, since") as caught:
            other.own(migration_id).__enter__()

    assert "60 s after its last sign of life, 00:00:00 UTC" in str(caught.value.hint)


@ON_SQLITE
def test_a_holder_that_was_replaced_notices_before_it_writes_anywhere(
    staging: Staging,
    other: Staging,
    migration_id: MigrationId,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with held_elsewhere(staging, migration_id, monkeypatch) as still_held:
        clock.advance(LASTS)

        with other.own(migration_id) as others:
            with pytest.raises(MigrationOwned, match="replaced by migrator process"):
                still_held()
            with pytest.raises(MigrationOwned, match="replaced"), staging.begin() as tx:
                a_migration(tx, "two")
            others()
        with pytest.raises(MigrationOwned, match="another one, which has ended"):
            still_held()

    assert rows_of_lease(other) == 0
    assert other.query_read_only("SELECT name FROM migration").rows == [("default",)]


@ON_SQLITE
def test_a_holder_that_paused_without_being_replaced_goes_on(
    staging: Staging,
    other: Staging,
    migration_id: MigrationId,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with held_elsewhere(staging, migration_id, monkeypatch) as still_held:
        clock.advance(10 * LASTS)

        still_held()

        assert not can_own(other, migration_id)


@ON_SQLITE
def test_a_lock_file_that_somebody_tidied_away_says_nothing_so_the_heartbeat_counts(
    staging: Staging,
    other: Staging,
    staging_url: str,
    migration_id: MigrationId,
    clock: FakeClock,
) -> None:
    with staging.own(migration_id) as still_held:
        (file,) = lock_files(staging_url)
        file.unlink()

        assert not can_own(other, migration_id)
        clock.advance(LASTS)
        assert can_own(other, migration_id)
        with pytest.raises(MigrationOwned):
            still_held()


@pytest.fixture
def cut(other: Staging) -> Callable[[], None]:
    """End the connections that hold a lock, as an administrator or a firewall would."""

    def end_them() -> None:
        with other._connect(Purpose.WRITE) as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d"
                    " ON d.oid = l.database WHERE l.locktype = 'advisory'"
                    " AND d.datname = current_database()"
                )
            )

    return end_them


@ON_POSTGRESQL
def test_a_holder_whose_connection_was_cut_notices_before_it_writes_to_the_target(
    staging: Staging, migration_id: MigrationId, cut: Callable[[], None]
) -> None:
    with staging.own(migration_id) as still_held:
        still_held()
        cut()

        with pytest.raises(StagingLost, match="connection that holds"):
            still_held()


@ON_POSTGRESQL
def test_a_holder_whose_connection_was_cut_records_nothing_once_it_is_replaced(
    staging: Staging,
    other: Staging,
    migration_id: MigrationId,
    cut: Callable[[], None],
) -> None:
    with staging.own(migration_id):
        cut()
        wait_until(lambda: can_own(other, migration_id))

        with pytest.raises(MigrationOwned, match="replaced"), staging.begin() as tx:
            a_migration(tx, "two")
