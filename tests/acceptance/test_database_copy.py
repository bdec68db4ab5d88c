"""A migration begun on SQLite goes on in PostgreSQL: nothing is lost on the way, or doubled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.engine import make_url

from migrator.staging import Staging
from migrator.staging.copy_side import MIGRATION, TABLES
from tests.acceptance.waiting import wait_until
from tests.docs.pages import JSON_OUTPUT

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair, Outcome, Pair

DEALS = 120
PASSWORD = "s3cret-word"

pytestmark = pytest.mark.postgresql


@pytest.fixture
def pair(portals: MakePair) -> Pair:
    """Deals that each refer to one of three companies."""
    deals = [
        {
            "id": number,
            "title": f"Deal {number}",
            "createdTime": f"2024-01-01T{number // 60:02d}:{number % 60:02d}:00+03:00",
            "updatedTime": "2024-02-01T00:00:00+03:00",
            "companyId": 1 + number % 3,
        }
        for number in range(1, DEALS + 1)
    ]
    companies = [{"id": number, "title": f"Company {number}"} for number in (1, 2, 3)]
    return portals({"items": {"2": deals, "4": companies}})


@pytest.fixture
def team_url(empty_postgresql_url: str) -> str:
    """A database that does not ask for the password, which is in the URL all the same."""
    return (
        make_url(empty_postgresql_url).set(password=PASSWORD).render_as_string(hide_password=False)
    )


def move_to(url: str, pair: Pair) -> Outcome:
    outcome = pair.migrator("db", "copy", pair.staging_url, url)
    assert outcome.code == 0, outcome.err
    pair.staging_url = url
    return outcome


def assert_everything_is_there_once(pair: Pair) -> None:
    for entity_type_id in (2, 4):
        titles = sorted(item["title"] for item in pair.target.items(entity_type_id).values())
        wanted = sorted(item["title"] for item in pair.source.items(entity_type_id).values())
        assert titles == wanted
    assert pair.migrator("audit", "duplicates", "--json").json == []
    assert pair.target.losses == []


def test_a_migration_begun_on_sqlite_is_finished_on_postgresql(pair: Pair, team_url: str) -> None:
    assert pair.migrator("run", "--only", "company").code == 0
    move_to(team_url, pair)

    outcome = pair.migrator("run", "--json")

    assert outcome.code == 0, outcome.err
    assert_everything_is_there_once(pair)
    verified = {row["entity_type_id"]: row["verified"] for row in outcome.json["progress"]}
    assert (verified[2], verified[4]) == (DEALS, 3)


@pytest.mark.parametrize("created", [1, 40])
def test_a_migration_killed_on_sqlite_is_finished_on_postgresql(
    pair: Pair, team_url: str, created: int
) -> None:
    pair.work_slowly()
    with pair.start("run") as process:
        wait_until(lambda: len(pair.target.items(2)) >= created)
        process.kill()
    pair.work_at_once()
    move_to(team_url, pair)

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    assert_everything_is_there_once(pair)


def test_a_migration_goes_back_to_sqlite_as_well(pair: Pair, team_url: str) -> None:
    assert pair.migrator("run", "--only", "company").code == 0
    move_to(team_url, pair)
    move_to(f"sqlite:///{pair.folder / 'back.db'}", pair)

    assert pair.migrator("run").code == 0

    assert_everything_is_there_once(pair)


def test_a_killed_copy_cannot_be_worked_on_until_it_is_completed(pair: Pair, team_url: str) -> None:
    assert pair.migrator("run", "--only", "company").code == 0
    small = pair.staging_url
    _copy_and_die(pair, team_url, pages=2)
    pair.staging_url = team_url

    refused = pair.migrator("run")
    pair.staging_url = small
    move_to(team_url, pair)

    assert refused.code == 2
    assert "copy not finished" in refused.err
    assert "hint: run `migrator db copy` again" in refused.err
    assert pair.target.items(2) == {}
    assert pair.migrator("run").code == 0
    assert_everything_is_there_once(pair)


def _copy_and_die(pair: Pair, url: str, *, pages: int) -> None:
    """A copy of two rows at a time, killed with no chance to tidy up."""
    program = [sys.executable, "-c", COPY_AND_DIE, pair.staging_url, url, str(pages)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run(program, env=environment, check=False, timeout=60)
    assert process.returncode == -signal.SIGKILL


COPY_AND_DIE = """
import os, signal, sys
from itertools import count
from migrator.staging import copy_side
from migrator.staging.copying import copy_database

copy_side.PAGE = 2
pages = count(1)

def die() -> None:
    if next(pages) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

copy_database(sys.argv[1], sys.argv[2], check_stop=die)
"""


def test_a_copy_that_is_worked_on_afterwards_differs_and_is_left_alone(
    pair: Pair, team_url: str
) -> None:
    small = pair.staging_url
    assert pair.migrator("run", "--only", "company").code == 0
    move_to(team_url, pair)
    assert pair.migrator("run").code == 0

    again = pair.migrator("db", "copy", small, team_url)

    assert again.code == 1
    assert "has been worked on since" in again.out
    assert_everything_is_there_once(pair)


def test_a_source_under_work_is_refused_with_who_works_on_it(pair: Pair, team_url: str) -> None:
    pair.work_slowly()
    with pair.start("run") as process:
        wait_until(lambda: len(pair.target.items(2)) >= 1)
        process.send_signal(signal.SIGSTOP)
        refused = pair.migrator("db", "copy", pair.staging_url, team_url)
        pair.work_at_once()
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)

    assert refused.code == 3
    assert "error: migration-owned" in refused.err
    assert f"process {process.pid}" in refused.err
    with Staging.open(team_url) as target:
        assert target.pending_revisions() != []


def test_the_table_names_every_table_and_no_password(pair: Pair, team_url: str) -> None:
    assert pair.migrator("run", "--only", "company").code == 0

    outcomes = [move_to(team_url, pair)]
    outcomes.append(pair.migrator("db", "copy", team_url, "sqlite:///other.db", "--json"))
    outcomes.append(pair.migrator("db", "copy", team_url, team_url))
    outcomes.append(pair.migrator("db", "copy", team_url, f"{team_url}&port=1"))

    assert [t.name for t in (MIGRATION, *TABLES) if t.name not in outcomes[0].out] == []
    assert [outcome.code for outcome in outcomes] == [0, 0, 2, 2]
    for outcome in outcomes:
        assert PASSWORD not in outcome.out + outcome.err


def test_json_is_the_document_the_guide_shows(pair: Pair, team_url: str) -> None:
    assert pair.migrator("run", "--only", "company").code == 0

    outcome = pair.migrator("db", "copy", pair.staging_url, team_url, "--json")

    shown = _document_after("`db copy`:", JSON_OUTPUT.text)
    assert outcome.json.keys() == shown.keys()
    assert [table.keys() for table in outcome.json["tables"]] == [
        shown["tables"][0].keys() for _ in (MIGRATION, *TABLES)
    ]
    assert all(table["agrees"] for table in outcome.json["tables"])


def _document_after(words: str, section: str) -> dict[str, Any]:
    block = section.partition(words)[2].partition("```json")[2].partition("```")[0]
    document: dict[str, Any] = json.loads(block)
    return document
