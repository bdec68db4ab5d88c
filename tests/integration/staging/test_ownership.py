"""Two processes must not import the same migration at the same time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from migrator.domain.errors import RetriableError
from migrator.staging import MigrationOwned, Staging
from tests.integration.staging.builders import a_saved_migration

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.domain.records import MigrationId


@pytest.fixture
def other(staging_url: str, open_staging: Callable[[str], Staging]) -> Staging:
    """What another process would have open."""
    return open_staging(staging_url)


def test_a_migration_somebody_works_on_is_not_to_be_had(staging: Staging, other: Staging) -> None:
    migration_id = a_saved_migration(staging).migration_id

    with (
        staging.own(migration_id),
        pytest.raises(MigrationOwned, match="another process") as caught,
        other.own(migration_id),
    ):
        pass

    assert isinstance(caught.value, RetriableError)
    assert f"process {os.getpid()} on {socket.gethostname()[:30]}, since 20" in str(caught.value)


def test_another_migration_in_the_same_database_is_free(staging: Staging, other: Staging) -> None:
    one, two = (a_saved_migration(staging, name).migration_id for name in ("one", "two"))

    with staging.own(one), other.own(two):
        assert other.query_read_only("SELECT COUNT(*) FROM migration").rows == [(2,)]


def test_a_migration_is_free_again_afterwards(staging: Staging, other: Staging) -> None:
    migration_id = a_saved_migration(staging).migration_id
    with staging.own(migration_id):
        pass

    with other.own(migration_id):
        assert a_saved_migration(staging).migration_id == migration_id


def test_a_migration_is_free_again_when_its_process_was_killed(
    staging: Staging, staging_url: str
) -> None:
    migration_id = a_saved_migration(staging).migration_id
    process = subprocess.Popen(
        [sys.executable, "-c", OWN_AND_WAIT, staging_url, str(migration_id)],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"owned\n"
        with pytest.raises(MigrationOwned), staging.own(migration_id):
            pass
        process.kill()

    assert any(can_own(staging, migration_id) for _ in range(ATTEMPTS))


def can_own(staging: Staging, migration_id: MigrationId) -> bool:
    try:
        with staging.own(migration_id):
            return True
    except MigrationOwned:
        return False


#: PostgreSQL notices a client's death within a few round trips, not before the first.
ATTEMPTS = 500

OWN_AND_WAIT = """
import signal, sys
from migrator.staging import Staging
with Staging.open(sys.argv[1]).own(int(sys.argv[2])):
    print("owned", flush=True)
    signal.pause()
"""
