"""The ready-made questions, through the program and through the databases' own tools."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.records import BatchOutcome, ItemOutcome, VerifiedItem, VerifiedState
from migrator.domain.vocabulary import DEAL, SourceId, TargetId
from migrator.staging import QueryRefused, audit_queries
from tests.integration.staging.builders import a_migration
from tests.integration.staging.scenario import match, play

if TYPE_CHECKING:
    from migrator.staging import Staging

NAMES = sorted(audit_queries())


@pytest.fixture
def played(staging: Staging) -> Staging:
    play(staging)
    return staging


def rows(staging: Staging, name: str, **narrowed: Any) -> list[dict[str, Any]]:
    columns, found = staging.audit.run(name, **narrowed)
    return [dict(zip(columns, row, strict=True)) for row in found]


def test_these_questions_are_answered() -> None:
    assert NAMES == [
        "coverage",
        "differences",
        "duplicates",
        "failed-items",
        "findings",
        "late-items",
        "matches",
        "progress",
        "requests-by-method",
        "unresolved-references",
        "users-without-partner",
        "where-is",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_question_is_described_by_its_first_line(name: str) -> None:
    query = audit_queries()[name]

    assert query.sql.startswith(f"-- {query.description}\n")
    assert query.description.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_question_begins_with_the_migration_and_can_be_narrowed_to_it(
    staging: Staging, name: str
) -> None:
    for migration in ("one", "two"):
        play(staging, migration)
        match(staging, migration)

    result = staging.audit.run(name, migration="two")

    assert result.columns[0] == "migration"
    assert {row[0] for row in result.rows} <= {"two"}
    if name != "duplicates":
        assert result.rows


@pytest.mark.parametrize("name", NAMES)
def test_a_question_runs_unchanged_in_the_databases_own_tool(
    name: str, database: str, played: Staging, staging_url: str
) -> None:
    sql = audit_queries()[name].sql

    by_hand = run_sqlite(staging_url, sql) if database == "sqlite" else run_psql(staging_url, sql)

    assert by_hand == len(played.audit.run(name).rows)


def run_sqlite(url: str, sql: str) -> int:
    """Python's own module runs a file as the shell does: comments, semicolon and all."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return len(connection.execute(sql).fetchall())


def run_psql(url: str, sql: str) -> int:
    import psycopg

    with psycopg.connect(url) as connection:
        return len(connection.execute(sql.encode()).fetchall())


def test_where_is_answers_for_one_item(played: Staging) -> None:
    (found,) = rows(played, "where-is", entity_type_id=2, source_id=1)

    assert (found["state"], found["target_id"]) == ("verified", 1001)


def test_titles_no_database_can_store_are_shown_with_visible_escapes(played: Staging) -> None:
    title = "half of a pair \ud83d, null \x00"
    found = VerifiedItem(source_id=SourceId(1), state=VerifiedState.AGREES, target_title=title)
    with played.begin() as tx:
        tx.of(a_migration(tx).migration_id).id_map.mark_verified(DEAL, [found])

    (row,) = rows(played, "where-is", entity_type_id=2, source_id=1)

    assert row["target_title"] == "half of a pair \u241bd83d, null \u241b\u2400"


def test_differences_show_expected_and_actual_value_with_both_links(played: Staging) -> None:
    (found,) = rows(played, "differences")

    assert (found["field"], found["expected"], found["actual"]) == ("stageId", "before", "after")
    assert found["source_link"].endswith("/2/")
    assert found["target_link"].endswith("/1002/")


def test_blocking_findings_come_first(played: Staging) -> None:
    severities = [row["severity"] for row in rows(played, "findings")]

    assert severities == ["blocking", "warning", "warning"]


def test_users_without_a_partner_come_with_the_number_of_items(played: Staging) -> None:
    (found,) = rows(played, "users-without-partner")

    assert (found["user_id"], found["user_name"], found["items_affected"]) == ("5", "Ada", 2)


def test_requests_are_summed_per_method_those_before_any_migration_too(played: Staging) -> None:
    before, listing = rows(played, "requests-by-method")

    assert (before["migration"], before["method"]) == ("", "profile")
    assert (listing["requests"], listing["commands"], listing["items"]) == (3, 5, 70)
    assert (listing["errors"], listing["unanswered"]) == (1, 1)
    assert (listing["seconds"], listing["peak_operating_s"]) == (1.5, 2.5)


def test_an_item_older_than_what_was_imported_is_late(played: Staging) -> None:
    (late,) = rows(played, "late-items")

    assert (late["source_id"], late["created_time"][:10]) == (5, "2020-01-03")
    assert late["newest_imported"][:10] == "2020-01-04"


def test_a_healthy_migration_has_no_duplicates(played: Staging) -> None:
    assert rows(played, "duplicates") == []


def test_an_item_created_but_not_mapped_is_a_duplicate_waiting_to_happen(
    played: Staging,
) -> None:
    with played.begin() as tx:
        tx._connection.exec_driver_sql("DELETE FROM id_map WHERE source_id = 3")

    (found,) = rows(played, "duplicates")

    assert (found["source_id"], found["target_id"]) == (3, 1003)
    assert found["problem"] == "this item was created, but the ID map does not say so"


def test_an_item_created_by_two_batches_is_a_duplicate(played: Staging) -> None:
    with played.begin() as tx:
        repos = tx.of(tx.migrations.list()[0].migration_id)
        batch = repos.batches.open(DEAL, "crm.item.batchImport", [(SourceId(3), "m:2:3")])
        again = ItemOutcome(
            source_id=SourceId(3), outcome=BatchOutcome.CREATED, target_id=TargetId(2003)
        )
        repos.batches.settle(batch, [again])

    problems = {row["problem"] for row in rows(played, "duplicates")}

    assert "this source item was created more than once" in problems


def test_an_unknown_question_is_answered_with_the_known_ones(staging: Staging) -> None:
    with pytest.raises(QueryRefused, match="there is no audit query 'where'; there are coverage, "):
        staging.audit.run("where")


def test_a_question_that_is_not_about_items_cannot_be_narrowed_to_one(staging: Staging) -> None:
    with pytest.raises(QueryRefused, match="cannot be narrowed by source_id") as caught:
        staging.audit.run("requests-by-method", source_id=1)

    assert caught.value.hint is not None
    assert caught.value.hint.startswith("its columns are migration, portal_role")


def test_answers_can_be_written_as_json_and_limited(played: Staging) -> None:
    result = played.audit.run("where-is", limit=2)

    assert len(json.loads(json.dumps(result.rows))) == 2
