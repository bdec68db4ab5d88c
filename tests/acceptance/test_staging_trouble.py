"""A staging database that cannot be written stops the work with a sentence, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from migrator.sandbox import read_rules
from tests.acceptance.conftest import Outcome
from tests.acceptance.waiting import wait_until
from tests.torture.canonical import canonical
from tests.torture.small_portal import small_portal
from tests.torture.trial import a_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.conftest import MakePair, Pair
    from tests.torture.bench import Bench

#: Runs the program in a process that may not let a file grow beyond so many bytes.
_WITH_SMALL_FILES = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv[1:] = sys.argv[2:]
runpy.run_module("migrator", run_name="__main__")
"""
#: Runs the program in a process that has to respect the permissions of files, root or not
#: (linux/prctl.h PR_CAPBSET_DROP, linux/capability.h CAP_DAC_OVERRIDE).
_WITHOUT_PRIVILEGE = """
import ctypes, os, sys
getattr(ctypes.CDLL(None), "prctl", lambda *_: None)(24, 1, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-W", "error", "-m", "migrator", *sys.argv[1:]])
"""
_ITEMS = 27
IMPORT = "crm.item.batchImport"
#: In seconds; the program itself waits half a minute for another writer.
LITTLE_PATIENCE = {"migrator.staging.engine.BUSY_SECONDS": 1}


@pytest.fixture
def pair(portals: MakePair) -> Pair:
    return portals(small_portal())


def run_with(pair: Pair, launcher: str, *arguments: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", launcher, *arguments],
        cwd=pair.folder,
        env=pair.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def database_of(pair: Pair) -> Path:
    return Path(pair.staging_url.removeprefix("sqlite:///"))


def assert_refused(outcome: Outcome, *codes: int, saying: str) -> None:
    """One sentence and a hint, no traceback, and an exit code that says whether to run again."""
    assert outcome.code in codes, outcome.err
    assert "error: " in outcome.err
    assert saying in outcome.err
    assert "hint: " in outcome.err
    assert "Traceback" not in outcome.err


def assert_the_next_run_completes_it(pair: Pair) -> None:
    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    made = canonical(pair.target)
    assert len(made.items) == _ITEMS
    assert (made.strangers, made.duplicates.total(), pair.target.losses) == (0, 0, [])


@pytest.mark.parametrize("room", [8_000, 160_000, 700_000, 1_100_000])
def test_a_file_that_may_not_grow_stops_the_run_which_resumes_when_it_may(
    pair: Pair, room: int
) -> None:
    assert pair.migrator("export").code == 0
    # The log beside the database grows; it begins anew when the last process has closed it.
    stopped = run_with(pair, _WITH_SMALL_FILES, str(room), "run")

    assert_refused(stopped, 2, 3, saying="the staging database")
    assert unrecorded(pair) == []
    assert_the_next_run_completes_it(pair)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(["mount", *options], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("room", [500_000, 900_000])
def test_a_full_disk_stops_the_run_which_resumes_when_there_is_room(
    portals: MakePair, small_disk: Path, room: int
) -> None:
    pair = portals(small_portal(), staging_url=f"sqlite:///{small_disk / 'staging.db'}")
    assert pair.migrator("export").code == 0
    with filled(small_disk, room):
        stopped = pair.migrator("run")

    assert_refused(stopped, 3, saying="full")
    assert unrecorded(pair) == []
    assert_the_next_run_completes_it(pair)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_database_is_refused_before_anything_is_written(pair: Pair, what: str) -> None:
    assert pair.migrator("export").code == 0
    path = database_of(pair)
    locked = path if what == "file" else path.parent
    with read_only(locked):
        refused = run_with(pair, _WITHOUT_PRIVILEGE, "run")

    assert_refused(refused, 2, 3, saying="the staging database")
    assert pair.writes() == []
    assert_the_next_run_completes_it(pair)


def test_garbage_in_place_of_a_database_is_refused(pair: Pair) -> None:
    database_of(pair).write_bytes(b"this is no database, whatever its name says" * 100)

    refused = pair.migrator("run")

    assert_refused(refused, 2, saying="the staging database")
    assert pair.writes() == []


@pytest.mark.parametrize("page", [1, 8, 29, 43])
def test_a_damaged_page_stops_the_run_or_is_not_met(pair: Pair, page: int) -> None:
    """SQLite finds damage where it reads; a run that meets none does its work."""
    assert pair.migrator("export").code == 0
    path = database_of(pair)
    with path.open("r+b") as file:
        file.seek(4096 * page)
        file.write(b"\xa5" * 4096)

    outcome = pair.migrator("run")

    if outcome.code != 0:
        assert_refused(outcome, 2, 3, saying="the staging database")
    made = canonical(pair.target)
    assert (made.strangers, made.duplicates.total()) == (0, 0)


def test_a_schema_of_a_newer_program_is_refused(pair: Pair) -> None:
    assert pair.migrator("export").code == 0
    with closing(sqlite3.connect(database_of(pair))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    refused = pair.migrator("run")

    assert_refused(refused, 2, saying="upgraded by a newer program (revision 9999)")
    assert pair.writes() == []


@pytest.fixture
def bench(sqlite_bench: Bench) -> Bench:
    return sqlite_bench


def test_a_locked_database_is_waited_for_and_then_nothing_is_begun(bench: Bench) -> None:
    with bench.databases.new(upgraded=True) as url, a_trial(bench.server, url) as trial:
        trial.constants = LITTLE_PATIENCE
        with locked(url):
            refused = trial.run()
        items = [len(trial.target.items(etid)) for etid in trial.target.entity_type_ids()]

    assert refused.code == 3
    assert "another process has been writing to the staging database" in refused.err
    assert sum(items) == 0


def test_a_database_locked_during_a_request_stops_the_run_and_the_next_one_looks_first(
    bench: Bench,
) -> None:
    """The outcome of a request that cannot be recorded is in doubt, like that of a killed run."""
    rule = {"kind": "slow_answer", "method": IMPORT, "at": 3, "seconds": 0.3, "executed": True}
    with (
        bench.databases.new(upgraded=True) as url,
        a_trial(bench.server, url, target_rules=read_rules([rule])) as trial,
        ThreadPoolExecutor(1) as pool,
    ):
        trial.constants = LITTLE_PATIENCE
        running = pool.submit(trial.run)
        wait_until(lambda: bool(trial.target_server.faults.happened))
        with locked(url):
            stopped = running.result()
        trial.run()
        verdict = trial.judge(bench.quiet)

    assert stopped.code == 3
    assert "another process has been writing to the staging database" in stopped.err
    assert verdict.complaints == []


def unrecorded(pair: Pair) -> list[str]:
    """Items in the target that staging knows neither as done nor as in doubt."""
    with closing(sqlite3.connect(database_of(pair))) as connection:
        rows = connection.execute("SELECT correlation FROM import_batch_item")
        sent = {row[0].rsplit("/", 1)[1] for row in rows}
    return sorted(canonical(pair.target).items.keys() - sent)


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Write to the database without coming to an end."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.rollback()


@contextmanager
def filled(folder: Path, room: int) -> Iterator[None]:
    """Fill the disk but for so many bytes."""
    state = os.statvfs(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(b"\0" * max(0, state.f_bavail * state.f_frsize - room))
    yield
    ballast.unlink()


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    mode = path.stat().st_mode
    path.chmod(mode & ~0o222)
    yield
    path.chmod(mode)
