"""A staging database is copied to another of either kind: whole, once, and provably so."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from migrator.domain.findings import Phase
from migrator.domain.records import Checkpoint, MigrationId
from migrator.domain.vocabulary import DEAL, Role, SourceId
from migrator.interrupt import Interrupted
from migrator.staging import MigrationMismatch, MigrationOwned, Staging, copy_side, lease
from migrator.staging.copy_side import CopyRefused, CopySide
from migrator.staging.copying import CopyResult, copy_database
from migrator.staging.engine import Purpose
from migrator.staging.models import Base
from tests.integration.staging.builders import (
    a_finding,
    a_migration,
    a_request,
    a_saved_migration,
    an_element,
    an_item,
    sources,
)
from tests.integration.staging.scenario import play

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIRECTIONS = [
    ("sqlite", "sqlite"),
    pytest.param(("sqlite", "postgresql"), marks=pytest.mark.postgresql),
    pytest.param(("postgresql", "sqlite"), marks=pytest.mark.postgresql),
]

#: What JSON allows and PostgreSQL does not, and numbers that are equal to Python but not alike.
TRICKY: dict[str, Any] = {
    "null": "a\x00b",
    "escape": "␛␀",
    "half": "\ud83d",
    "huge": 10**30,
    "exponent": 1e22,
    "tiny": 1e-7,
    "whole": 1.0,
    "one": 1,
    "true": True,
    "nothing": None,
    "nested": {"b": [1, {"d": 2, "c": []}], "a": {}},
}


@pytest.fixture(params=DIRECTIONS, ids="-to-".join)
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A source with the current schema, and a target without any tables."""
    kinds: tuple[str, str] = request.param
    source: str = request.getfixturevalue(f"{kinds[0]}_url")
    if kinds[1] == "sqlite":
        return source, f"sqlite:///{tmp_path / 'target.db'}"
    target: str = request.getfixturevalue("empty_postgresql_url")
    return source, target


@pytest.fixture
def source(urls: tuple[str, str], open_staging: Callable[[str], Staging]) -> Staging:
    """Two migrations in the middle of their lives."""
    staging = open_staging(urls[0])
    play(staging, "one")
    play(staging, "two")
    return staging


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_side, "PAGE", 2)


class StopAfter:
    """A process that is asked to end when it has copied so many pages."""

    def __init__(self, pages: int) -> None:
        self._left = pages

    def __call__(self) -> None:
        self._left -= 1
        if self._left <= 0:
            raise Interrupted(15)


def stop_after(pages: int, urls: tuple[str, str]) -> None:
    with pytest.raises(Interrupted):
        copy_database(*urls, check_stop=StopAfter(pages))


def rows_of(staging: Staging) -> dict[str, int]:
    counted = {
        table: staging.query_read_only(f"SELECT COUNT(*) FROM {table}").rows[0][0]
        for table in Base.metadata.tables
    }
    return dict(sorted(counted.items()))


def pages_of(staging: Staging) -> int:
    """How many pages are copied; the migrations are entered before."""
    counts = (count for table, count in rows_of(staging).items() if table != "migration")
    return sum(math.ceil(count / copy_side.PAGE) for count in counts)


def change(staging: Staging, sql: str) -> None:
    with staging.begin() as tx:
        tx._connection.execute(text(sql))


def disagreeing(result: CopyResult) -> list[str]:
    return [table.table for table in result.tables if not table.agrees]


def test_every_table_arrives_with_all_its_rows(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    result = copy_database(*urls)

    assert result.agrees
    assert not result.was_finished
    assert rows_of(open_staging(urls[1])) == rows_of(source)
    copied = {table.table: table.target_rows for table in result.tables}
    # Who works on the migrations is no part of them.
    assert copied == {name: rows for name, rows in rows_of(source).items() if name != "lease"}


def test_the_copy_answers_every_audit_query_as_the_source_does(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    copy_database(*urls)

    target = open_staging(urls[1])
    for query in ("progress", "where-is", "unresolved-references", "findings", "coverage"):
        answer = source.audit.run(query)
        assert sorted(target.audit.run(query).rows, key=str) == sorted(answer.rows, key=str)
        assert answer.rows


@pytest.mark.usefixtures("small_pages")
def test_values_that_the_databases_keep_differently_arrive_as_they_were(
    urls: tuple[str, str], open_staging: Callable[[str], Staging]
) -> None:
    source = open_staging(urls[0])
    names = ["Z", "a", "B", "ä", "_", "a\x00", "␛", "\ud83d", "😀", "\uffff"]
    checkpoint = Checkpoint(stage="export", position=2**62, done=True, detail=TRICKY)
    with source.begin() as tx:
        repos = tx.of(a_migration(tx).migration_id)
        repos.items.save([an_item(1, title="a\x00b", **TRICKY)])
        repos.structure.save(Role.SOURCE, [an_element("user", name, name) for name in names])
        repos.checkpoints.set(checkpoint)
        for name in names:
            repos.settings.set(name, None)

    result = copy_database(*urls)

    assert disagreeing(result) == []
    with open_staging(urls[1]).read() as tx:
        repos = tx.of(tx.migrations.list()[0].migration_id)
        (item,) = repos.items.get(DEAL, sources(1))
        arrived = repos.checkpoints.get("export")
        assert {e.key for e in repos.structure.load(Role.SOURCE)} == set(names)
        assert repos.settings.all() == dict.fromkeys(names)
    assert arrived is not None
    assert (item.title, arrived.position, arrived.done) == ("a\x00b", 2**62, True)
    for payload in (item.payload, arrived.detail):
        assert {key: repr(payload[key]) for key in TRICKY if key != "nested"} == {
            key: repr(value) for key, value in TRICKY.items() if key != "nested"
        }
        assert payload["nested"] == TRICKY["nested"]


def test_text_keys_come_in_the_order_of_bytes_whatever_language_postgresql_sorts_by(
    postgresql_url: str,
) -> None:
    with CopySide.open(postgresql_url) as side, side._connect(Purpose.READ) as connection:
        order = copy_side._key_order(connection, Base.metadata.tables["difference"])

    assert [str(column) for column in order[2:]] == [
        "difference.source_id",
        'difference.field COLLATE "C"',
    ]


@pytest.mark.usefixtures("small_pages")
def test_a_copy_stopped_after_any_page_is_completed_by_the_next_one(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    for stopped_after in range(1, pages_of(source) + 1):
        stop_after(stopped_after, urls)

    result = copy_database(*urls)

    assert result.agrees
    assert rows_of(open_staging(urls[1])) == rows_of(source)


def test_a_copy_stopped_while_it_compares_is_not_given_free(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    stop_after(pages_of(source) + 1, urls)

    target = open_staging(urls[1])
    assert rows_of(target) == rows_of(source)
    with pytest.raises(MigrationMismatch, match="copy not finished"):
        a_saved_migration(target, "one")


def test_nobody_can_work_on_a_copy_before_it_is_finished_and_anybody_after(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    stop_after(1, urls)
    target = open_staging(urls[1])
    with pytest.raises(MigrationMismatch, match="copy not finished") as caught:
        a_saved_migration(target, "one")
    assert str(caught.value.hint).startswith("run `migrator db copy` again")

    copy_database(*urls)

    assert a_saved_migration(target, "one") == a_saved_migration(source, "one")


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    "meanwhile",
    [
        "DELETE FROM finding WHERE id = 1",
        "DELETE FROM request_log",
        "UPDATE item SET title = 'Renamed' WHERE source_id = 3",
        "UPDATE id_map SET target_id = 5000 - target_id WHERE source_id <> 7",
    ],
)
def test_where_the_source_was_worked_on_since_the_copy_is_begun_anew(
    urls: tuple[str, str],
    source: Staging,
    open_staging: Callable[[str], Staging],
    meanwhile: str,
) -> None:
    stop_after(pages_of(source), urls)
    change(source, meanwhile)
    play(source, "three")

    result = copy_database(*urls)

    assert result.agrees
    assert rows_of(open_staging(urls[1])) == rows_of(source)


def test_new_rows_are_numbered_behind_those_copied(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    copy_database(*urls)
    target = open_staging(urls[1])
    before = _highest(target)

    with target.begin() as tx:
        third = a_migration(tx, "three").migration_id
        repos = tx.of(third)
        repos.findings.add(Phase.IMPORT, [a_finding()])
        batch = repos.batches.open(DEAL, "crm.item.batchImport", [(SourceId(1), "m:2:1")])
        repos.request_log.add([a_request()])

    assert (third, batch) == (3, 3)
    assert _highest(target) == {table: highest + 1 for table, highest in before.items()}


def _highest(staging: Staging) -> dict[str, int]:
    numbered = ("migration", "finding", "import_batch", "request_log")
    return {
        table: staging.query_read_only(f"SELECT MAX(id) FROM {table}").rows[0][0]
        for table in numbered
    }


def test_copying_again_compares_and_changes_nothing(urls: tuple[str, str], source: Staging) -> None:
    copy_database(*urls)

    again = copy_database(*urls)

    assert (again.agrees, again.was_finished) == (True, True)


@pytest.mark.parametrize(
    ("table", "sql"),
    [
        ("item", "UPDATE item SET payload = '{\"id\": 1.0}' WHERE source_id = 1"),
        ("id_map", "UPDATE id_map SET target_id = 4711 WHERE source_id = 1 AND migration_id = 1"),
        ("difference", "DELETE FROM difference"),
    ],
)
def test_a_finished_copy_that_differs_is_reported_and_left_alone(
    urls: tuple[str, str],
    source: Staging,
    open_staging: Callable[[str], Staging],
    table: str,
    sql: str,
) -> None:
    copy_database(*urls)
    target = open_staging(urls[1])
    change(target, sql)
    left = rows_of(target)

    result = copy_database(*urls)

    assert disagreeing(result) == [table]
    assert not result.agrees
    assert rows_of(target) == left


def test_a_migration_begun_after_a_finished_copy_cannot_be_added(
    urls: tuple[str, str], source: Staging
) -> None:
    copy_database(*urls)
    a_saved_migration(source, "three")

    with pytest.raises(CopyRefused, match="is a finished copy"):
        copy_database(*urls)


def test_a_target_with_a_migration_of_its_own_is_refused_and_left_alone(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    target = open_staging(urls[1])
    target.upgrade()
    play(target, "one")
    # Of the same name and portals, but begun at another moment.
    change(target, "UPDATE migration SET created_at = '2025-12-31 23:59:59.000001'")
    left = rows_of(target)

    with pytest.raises(CopyRefused, match="'one' that is not that of"):
        copy_database(*urls)

    assert rows_of(target) == left


def test_a_target_with_requests_of_its_own_is_refused_and_left_alone(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    target = open_staging(urls[1])
    target.upgrade()
    with target.begin() as tx:
        tx.request_log.add([a_request("profile")])

    with pytest.raises(CopyRefused, match="is not empty"):
        copy_database(*urls)

    assert rows_of(target)["request_log"] == 1
    assert rows_of(target)["migration"] == 0


def test_a_source_somebody_works_on_is_refused_and_the_target_not_touched(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    with (
        source.own(a_saved_migration(source, "two").migration_id),
        pytest.raises(MigrationOwned, match="another process is working on migration 'two'"),
    ):
        copy_database(*urls)

    assert open_staging(urls[1]).pending_revisions() != []


def test_a_target_somebody_works_on_is_refused(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    copy_database(*urls)
    target = open_staging(urls[1])

    with (
        target.own(a_saved_migration(target, "one").migration_id),
        pytest.raises(MigrationOwned, match="another process is working on migration 'one'"),
    ):
        copy_database(*urls)


def test_a_source_that_was_lost_on_the_way_is_not_copied_to_the_end(
    urls: tuple[str, str],
    source: Staging,
    open_staging: Callable[[str], Staging],
) -> None:
    def replace() -> None:
        with source._connect(Purpose.WRITE) as connection:
            others = [MigrationId(1)], replace_token(lease.read(connection, MigrationId(1)))
            lease.take(connection, *others)

    with pytest.raises(MigrationOwned, match="replaced by migrator process"):
        copy_database(*urls, check_stop=Once(replace))

    with pytest.raises(MigrationMismatch, match="copy not finished"):
        a_saved_migration(open_staging(urls[1]), "one")


def replace_token(holder: lease.Holder | None) -> lease.Holder:
    assert holder is not None
    return dataclasses.replace(holder, token="another process")


def test_both_are_free_again_afterwards(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    copy_database(*urls)

    for staging in (source, open_staging(urls[1])):
        with staging.own(a_saved_migration(staging, "one").migration_id):
            assert rows_of(staging)["migration"] == 2


def test_more_migrations_than_a_pool_has_connections_are_held_at_once(
    urls: tuple[str, str], open_staging: Callable[[str], Staging]
) -> None:
    source = open_staging(urls[0])
    with source.begin() as tx:
        for number in range(20):
            a_migration(tx, f"migration {number}")

    assert copy_database(*urls).agrees


def test_a_migration_begun_in_the_source_meanwhile_is_left_out(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    result = copy_database(*urls, check_stop=Once(lambda: play(source, "three")))

    assert disagreeing(result) == []
    assert rows_of(open_staging(urls[1]))["migration"] == 2


class Once:
    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action

    def __call__(self) -> None:
        if self._action is not None:
            action, self._action = self._action, None
            action()


def test_work_begun_in_an_unfinished_copy_is_not_overwritten_and_the_copy_not_given_free(
    urls: tuple[str, str], source: Staging, open_staging: Callable[[str], Staging]
) -> None:
    def begin_there() -> None:
        target = open_staging(urls[1])
        with target.begin() as tx:
            tx._connection.execute(
                text(
                    "INSERT INTO migration VALUES"
                    " (9, 'mine', 'a', 'b', 'c', 'd', '2026-01-31 12:00:00.000000')"
                )
            )
            tx._connection.execute(
                text(
                    "INSERT INTO finding"
                    " (id, migration_id, phase, kind, severity, effect, detail, items, created_at)"
                    " VALUES (1, 9, 'plan', 'k', 'info', 'none', 'd', 1,"
                    " '2026-01-31 12:00:00.000000')"
                )
            )

    result = copy_database(*urls, check_stop=Once(begin_there))

    assert disagreeing(result) == ["finding"]
    with pytest.raises(MigrationMismatch, match="copy not finished"):
        a_saved_migration(open_staging(urls[1]), "one")
    mine = open_staging(urls[1]).query_read_only("SELECT kind FROM finding WHERE migration_id = 9")
    assert mine.rows == [("k",)]


def test_an_unfinished_copy_is_no_source(
    urls: tuple[str, str], source: Staging, tmp_path: Path
) -> None:
    stop_after(1, urls)

    with pytest.raises(CopyRefused, match="itself a copy that is not finished"):
        copy_database(urls[1], f"sqlite:///{tmp_path / 'third.db'}")


def test_a_source_without_a_migration_is_refused(urls: tuple[str, str]) -> None:
    with pytest.raises(CopyRefused, match="holds no migration"):
        copy_database(*urls)


def test_a_source_that_is_no_staging_database_is_refused_and_gets_no_tables(
    empty_postgresql_url: str, tmp_path: Path, open_staging: Callable[[str], Staging]
) -> None:
    with pytest.raises(CopyRefused, match="holds no migration"):
        copy_database(empty_postgresql_url, f"sqlite:///{tmp_path / 'target.db'}")

    assert open_staging(empty_postgresql_url).pending_revisions() != []


def test_a_database_is_not_copied_to_itself(urls: tuple[str, str], source: Staging) -> None:
    written = make_url(urls[0])
    if written.get_backend_name() == "sqlite":
        again = f"{urls[0].removesuffix('staging.db')}./staging.db"
    else:
        again = written.set(username="other", password="word").render_as_string(False)

    with pytest.raises(CopyRefused, match="the same database"):
        copy_database(urls[0], again)
