"""One process at a time works on a migration: on whichever host, beside any number of others."""

from __future__ import annotations

import signal
import socket
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from migrator.clock import SystemClock
from migrator.staging import Staging, lease
from tests.acceptance.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.acceptance.conftest import MakePair, Pair

DEALS = 60

#: Looks in a row, some milliseconds apart, at which nothing has changed.
_LOOKS = 150


def many_deals(prefix: str = "Deal", **portal: Any) -> dict[str, Any]:
    deals = [
        {
            "id": number,
            "title": f"{prefix} {number}",
            "createdTime": f"2024-01-01T{number // 60:02d}:{number % 60:02d}:00+03:00",
            "updatedTime": "2024-02-01T00:00:00+03:00",
            "companyId": 1 + number % 3,
        }
        for number in range(1, DEALS + 1)
    ]
    companies = [{"id": number, "title": f"Company {number}"} for number in (1, 2, 3)]
    return {"portal": portal, "items": {"2": deals, "4": companies}}


@contextmanager
def suspended(process: subprocess.Popen[str]) -> Iterator[None]:
    """So that it is in the middle of its work for as long as it takes the test."""
    process.send_signal(signal.SIGSTOP)
    yield
    process.send_signal(signal.SIGCONT)


def wait_for(*processes: subprocess.Popen[str]) -> list[str]:
    """What they say on stderr."""
    return [process.communicate(timeout=60)[1] for process in processes]


def ask(pair: Pair, sql: str) -> list[tuple[Any, ...]]:
    with Staging.open(pair.staging_url) as staging:
        return staging.query_read_only(sql).rows


def imported(pair: Pair) -> int:
    return len(pair.target.items(2))


def start_and_wait(pair: Pair, created: int, *arguments: str) -> subprocess.Popen[str]:
    pair.work_slowly(0.04)
    process = pair.start("run", *arguments)
    wait_until(lambda: imported(pair) >= created or process.poll() is not None)
    return process


def assert_everything_is_there_once(pair: Pair) -> None:
    for entity_type_id in (2, 4):
        titles = sorted(item["title"] for item in pair.target.items(entity_type_id).values())
        wanted = sorted(item["title"] for item in pair.source.items(entity_type_id).values())
        assert titles == wanted
    with Staging.open(pair.staging_url) as staging:
        assert staging.audit.run("duplicates").rows == []
    assert pair.target.losses == []


def on_another_host(pair: Pair, name: str) -> None:
    """Another working directory: nothing but the database is shared."""
    pair.folder /= name
    pair.folder.mkdir()


@pytest.mark.postgresql
def test_a_migration_killed_on_one_host_goes_on_at_once_on_another_through_postgresql(
    portals: MakePair, empty_postgresql_url: str
) -> None:
    pair = portals(many_deals(), staging_url=empty_postgresql_url)
    with start_and_wait(pair, 20) as first:
        first.kill()
    pair.work_at_once()
    on_another_host(pair, "second-host")

    outcome = pair.migrator("run", "--json")

    assert outcome.code == 0, outcome.err
    assert_everything_is_there_once(pair)
    verified = {row["entity_type_id"]: row["verified"] for row in outcome.json["progress"]}
    assert verified == {2: DEALS, 4: 3}
    assert list(pair.folder.iterdir()) == []


def test_a_second_process_is_told_who_works_on_the_migration_and_since_when(
    portals: MakePair, staging_url: str
) -> None:
    pair = portals(many_deals(), staging_url=staging_url)
    first = start_and_wait(pair, 1)
    with suspended(first):
        second = pair.migrator("run")
        (holder,) = ask(pair, "SELECT host, pid, since FROM lease")
    pair.work_at_once()
    wait_for(first)

    assert (first.returncode, second.code) == (0, 3)
    assert "error: migration-owned" in second.err
    host, pid, since = holder
    assert (host, pid) == (socket.gethostname(), first.pid)
    assert f"process {pid} on {host}, since {since.partition('.')[0]} UTC" in second.err
    assert ask(pair, "SELECT * FROM lease") == []


def test_migrations_side_by_side_in_one_database_run_at_the_same_time(
    portals: MakePair, staging_url: str
) -> None:
    pairs = {
        name: portals(many_deals(name, host=f"{name}.bitrix24.test"), staging_url=staging_url)
        for name in ("north", "south")
    }
    first = start_and_wait(pairs["north"], 1, "--migration", "north")
    with suspended(first):
        second = start_and_wait(pairs["south"], 1, "--migration", "south")
    for pair in pairs.values():
        pair.work_at_once()
    said = wait_for(first, second)

    assert (first.returncode, second.returncode) == (0, 0), said
    for name, pair in pairs.items():
        assert_everything_is_there_once(pair)
        where = f"migration = '{name}' ORDER BY entity_type_id"
        assert ask(pair, f"SELECT verified FROM v_progress WHERE {where}") == [(DEALS,), (3,)]


class InTwoMinutes(SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(minutes=2)


@contextmanager
def replaced_from_another_machine(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold the migration as a machine would that has had no sign of life for two minutes."""
    with (
        monkeypatch.context() as patched,
        Staging.open(pair.staging_url, clock=InTwoMinutes()) as staging,
    ):
        patched.setattr(lease, "this_system", lambda: "another machine")
        with staging.begin() as transaction:
            (migration,) = transaction.migrations.list()
        with staging.own(migration.migration_id):
            yield


def wait_until_nothing_is_under_way(pair: Pair) -> None:
    """The portal ends a request that it has, whatever became of the process that sent it."""
    seen: list[int] = []

    def is_quiet() -> bool:
        seen.append(len(pair.target.requests))
        return len(seen) > _LOOKS and len(set(seen[-_LOOKS:])) == 1

    wait_until(is_quiet)


def test_a_process_that_was_replaced_while_it_was_suspended_sends_nothing_more(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(many_deals())
    first = start_and_wait(pair, 20)
    with suspended(first):
        wait_until_nothing_is_under_way(pair)
        replaced = replaced_from_another_machine(pair, monkeypatch)
        replaced.__enter__()
        sent = len(pair.writes())
    pair.work_at_once()
    (err,) = wait_for(first)
    replaced.__exit__(None, None, None)

    assert first.returncode == 3
    assert "error: migration-owned" in err
    assert "replaced by migrator process" in err
    assert len(pair.writes()) == sent
    assert pair.migrator("run").code == 0
    assert_everything_is_there_once(pair)
