"""Whatever is wrong with the staging URL is one sentence, and none of them shows a password."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from migrator.domain.errors import RetriableError, UsageError
from migrator.staging import Staging, StagingLost, StagingUnavailable
from migrator.staging.engine import describe, parse_url
from tests.integration.staging.builders import a_saved_migration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import PostgresqlDatabases


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_usual_spelling_of_postgresql_means_psycopg(scheme: str) -> None:
    assert parse_url(f"{scheme}://host/database").drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("what is this", "the staging database's URL cannot be read"),
        ("", "the staging database's URL cannot be read"),
        ("mysql://root:secret@host/db", "of the kind 'mysql' is not supported"),
        ("postgresql+asyncpg://host/db", "of the kind 'postgresql+asyncpg' is not supported"),
        ("sqlite://", "the staging database needs a file"),
        ("sqlite:///:memory:", "the staging database needs a file"),
        ("sqlite:///a.db?mode=ro", "options behind the name of an SQLite file"),
        ("postgresql://ada:top@secret@host/db", "it has more than one @"),
        ("postgresql://ada:top@secret/word@host/db", "it has more than one @"),
        ("postgresql://ada:top?1@secret@host/db", "it has more than one @"),
    ],
)
def test_a_url_that_cannot_work_is_refused_with_a_remedy(url: str, sentence: str) -> None:
    with pytest.raises(StagingUnavailable) as caught:
        Staging.open(url)

    assert sentence in str(caught.value)
    assert isinstance(caught.value, UsageError)
    assert caught.value.hint is not None
    assert "secret" not in str(caught.value) + caught.value.hint


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StagingUnavailable, match="nowhere is no directory") as caught:
        Staging.open(f"sqlite:///{tmp_path}/nowhere/staging.db")

    assert caught.value.hint == f"create {tmp_path}/nowhere, or name another file"


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but long enough to look into" * 10)

    with pytest.raises(StagingUnavailable, match="file is not a database"):
        Staging.open(f"sqlite:///{tmp_path}/notes.txt")


def test_a_missing_file_is_not_made_when_it_is_only_to_be_read(tmp_path: Path) -> None:
    with pytest.raises(StagingUnavailable, match="there is no staging database at"):
        Staging.open(f"sqlite:///{tmp_path}/staging.db", create=False)

    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_said_to_be_the_trouble_not_the_url(
    sqlite_url: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("no_room")

    with pytest.raises(StagingLost, match="cannot be opened: disk I/O error") as caught:
        Staging.open(sqlite_url)

    assert isinstance(caught.value, RetriableError)
    assert caught.value.hint == "make room on the disk or repair it, then run the same command"


@pytest.fixture
def no_room() -> Iterator[None]:
    """No file of this process may grow, as on a full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_server_that_does_not_answer_is_named_without_the_password(tmp_path: Path) -> None:
    url = f"postgresql://ada:hunter2@/staging?host={tmp_path}"

    with pytest.raises(StagingUnavailable) as caught:
        Staging.open(url)

    text = f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert f"the staging database staging at {tmp_path} cannot be opened" in text
    assert "hunter2" not in text
    assert caught.value.__suppress_context__


def test_a_missing_driver_is_said_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_driver: dict[str, Any] = {"psycopg": None}
    for name, module in without_driver.items():
        monkeypatch.setitem(sys.modules, name, module)

    with pytest.raises(StagingUnavailable, match=r"driver .* is missing") as caught:
        Staging.open("postgresql://host/staging")

    assert caught.value.hint is not None
    assert "migrator[postgres]" in caught.value.hint


def test_a_question_mark_may_stand_in_the_name_of_a_file(tmp_path: Path) -> None:
    Staging.open(f"sqlite:///{tmp_path}/what%3F.db").close()

    assert (tmp_path / "what?.db").exists()


@pytest.mark.postgresql
def test_the_tables_stand_in_the_schema_that_the_url_names(empty_postgresql_url: str) -> None:
    with psycopg.connect(empty_postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA ours")

    with Staging.open(f"{empty_postgresql_url}&options=-csearch_path%3Dours") as staging:
        staging.upgrade()
        found = staging.query_read_only(
            "SELECT schemaname, current_setting('timezone') FROM pg_tables"
            " WHERE tablename = 'id_map'"
        )

    assert found.rows == [("ours", "UTC")]


@pytest.mark.postgresql
def test_migrations_of_two_schemas_are_worked_on_at_the_same_time(
    empty_postgresql_url: str,
) -> None:
    with ExitStack() as held, psycopg.connect(empty_postgresql_url, autocommit=True) as connection:
        for name in (b"one", b"two"):
            connection.execute(b"CREATE SCHEMA " + name)
            url = f"{empty_postgresql_url}&options=-csearch_path%3D{name.decode()}"
            staging = held.enter_context(Staging.open(url))
            staging.upgrade()
            held.enter_context(staging.own(a_saved_migration(staging).migration_id))


@pytest.mark.postgresql
def test_a_schema_that_does_not_exist_is_said_before_anything_is_made(
    empty_postgresql_url: str,
) -> None:
    url = f"{empty_postgresql_url}&options=-csearch_path%3Dno_such_schema"

    with Staging.open(url) as staging, pytest.raises(StagingUnavailable) as caught:
        staging.upgrade()

    assert "cannot be set up: no schema has been selected" in str(caught.value)
    assert caught.value.hint == "create the first schema of search_path, or name another"


@pytest.mark.postgresql
def test_a_role_that_may_not_create_tables_is_told_so(empty_postgresql_url: str) -> None:
    with psycopg.connect(empty_postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA theirs AUTHORIZATION pg_monitor")
        connection.execute("GRANT USAGE ON SCHEMA theirs TO pg_read_all_data")
    options = "-csearch_path%3Dtheirs%20-crole%3Dpg_read_all_data"

    with (
        Staging.open(f"{empty_postgresql_url}&options={options}") as staging,
        pytest.raises(StagingUnavailable, match="permission denied for schema") as caught,
    ):
        staging.upgrade()

    assert caught.value.hint is not None


@pytest.mark.postgresql
def test_a_server_that_is_gone_between_two_transactions_is_a_staging_database_lost(
    postgresql_databases: PostgresqlDatabases, upgraded_postgresql: str
) -> None:
    name = postgresql_databases.create(template=upgraded_postgresql)
    with Staging.open(postgresql_databases.url(name)) as staging:
        postgresql_databases.drop(name)

        with pytest.raises(StagingLost, match=r"failed: .*does not exist"), staging.begin():
            pass


@pytest.mark.postgresql
def test_a_database_that_has_become_read_only_is_a_staging_database_lost(
    postgresql_url: str,
) -> None:
    url = f"{postgresql_url}&options=-cdefault_transaction_read_only%3Don"
    with Staging.open(url) as staging, pytest.raises(StagingLost, match="read-only transaction"):
        a_saved_migration(staging)


def test_a_database_is_described_without_user_and_password() -> None:
    assert describe(parse_url("postgresql://ada:hunter2@db.example.com/crm")) == (
        "crm at db.example.com"
    )
    assert describe(parse_url("sqlite:///folder/migrator.db")) == "folder/migrator.db"


@pytest.mark.postgresql
def test_where_the_database_lies_is_told_of_a_file_only(
    tmp_path: Path, empty_postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        Staging.open("sqlite:///migrator.db") as on_disk,
        Staging.open(empty_postgresql_url) as on_server,
    ):
        assert on_disk.file == tmp_path / "migrator.db"
        assert on_server.file is None
