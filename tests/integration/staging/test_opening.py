"""Whatever is wrong with the staging URL is one sentence, and none of them shows a password."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.errors import RetriableError, UsageError
from migrator.staging import Staging, StagingLost, StagingUnavailable
from migrator.staging.engine import describe, parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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


def test_a_database_is_described_without_user_and_password() -> None:
    assert describe(parse_url("postgresql://ada:hunter2@db.example.com/crm")) == (
        "crm at db.example.com"
    )
    assert describe(parse_url("sqlite:///folder/migrator.db")) == "folder/migrator.db"
