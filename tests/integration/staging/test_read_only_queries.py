"""`audit --sql` runs one query of somebody's own, which can read and nothing else."""

from __future__ import annotations

import pytest

from migrator.staging import QueryRefused, Staging, StagingLost
from tests.integration.staging.builders import a_saved_migration, an_item


def test_a_query_brings_column_names_and_rows(staging: Staging) -> None:
    a_saved_migration(staging)

    columns, rows = staging.query_read_only("-- who?\nSELECT id, name AS who FROM migration;")

    assert columns == ("id", "who")
    assert rows == [(1, "default")]


def test_a_query_without_rows_still_has_columns(staging: Staging) -> None:
    assert staging.query_read_only("SELECT name FROM migration") == (("name",), [])


def test_values_look_the_same_from_both_databases(staging: Staging) -> None:
    migration = a_saved_migration(staging)
    with staging.begin() as tx:
        tx.of(migration.migration_id).items.save([an_item(1, title="One", amount=1.5)])

    sql = "SELECT created_time, payload, SUM(source_id) FROM item GROUP BY created_time, payload"
    created_time, payload, total = staging.query_read_only(sql).rows[0]

    assert created_time == "2020-01-02 00:00:00.000000"
    assert payload.replace(" ", "") == '{"id":1,"amount":1.5}'
    assert total == 1


def test_no_more_rows_are_read_than_asked_for(staging: Staging) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

    assert staging.query_read_only(f"{numbers} LIMIT 100000", limit=2).rows == [(1,), (2,)]


def test_numbers_that_json_does_not_have_are_text(staging: Staging, database: str) -> None:
    huge = "1e999" if database == "sqlite" else "CAST('Infinity' AS float)"

    assert staging.query_read_only(f"SELECT {huge} AS n").rows == [("inf",)]


@pytest.mark.postgresql
def test_a_number_of_thousands_of_digits_is_text(postgresql_url: str) -> None:
    with Staging.open(postgresql_url) as staging:
        rows = staging.query_read_only("SELECT CAST('1e5000' AS numeric)").rows

    assert rows == [("1" + "0" * 5000,)]


@pytest.mark.postgresql
def test_a_query_during_which_the_server_goes_away_is_no_fault_of_the_query(
    postgresql_url: str,
) -> None:
    with Staging.open(postgresql_url) as staging, pytest.raises(StagingLost, match="failed: "):
        staging.query_read_only("SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_query_that_is_no_text_is_refused(staging: Staging) -> None:
    with pytest.raises(QueryRefused, match="bytes that are no text"):
        staging.query_read_only("SELECT '\udcff'")


def test_a_percent_sign_and_a_colon_are_just_text(staging: Staging) -> None:
    assert staging.query_read_only("SELECT '100 %s :name' AS t").rows == [("100 %s :name",)]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM migration",
        "ATTACH DATABASE 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "PRAGMA journal_mode = DELETE",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "/* SELECT */ DROP TABLE migration",
        "-- SELECT\nUPDATE migration SET name = 'x'",
        "",
    ],
)
def test_what_is_no_query_is_refused(staging: Staging, sql: str) -> None:
    with pytest.raises(QueryRefused, match="only a query can be run here"):
        staging.query_read_only(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DELETE FROM migration",
        "SELECT 1; COMMIT; DELETE FROM migration",
        "WITH x AS (SELECT 1) DELETE FROM migration",
        "SELECT * FROM no_such_table",
        "SELECT FROM WHERE",
    ],
)
def test_a_query_that_writes_or_cannot_run_is_refused_and_changes_nothing(
    staging: Staging, sql: str
) -> None:
    a_saved_migration(staging)

    with pytest.raises(QueryRefused, match="the query cannot be run: "):
        staging.query_read_only(sql)

    with staging.read() as tx:
        assert len(tx.migrations.list()) == 1
