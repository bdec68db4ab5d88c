"""What a step asks of the database does not depend on how much is staged there.

The whole measurement, up to a million items, is `tests/benchmarks/staging_scale.py`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from migrator.domain.vocabulary import DEAL
from migrator.staging.engine import Purpose
from tests.benchmarks.staging_scale import Migration
from tests.integration.staging.builders import a_saved_migration, an_item, ids, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.domain.records import MigrationId
    from migrator.staging import Staging

MEASURED = 100
FEW, MANY = 4 * MEASURED, 12 * MEASURED
#: Items that a stage reads at a time, instead of hundreds.
PAGE = 25

#: Statements per 1,000 items. An import has 50 requests for so many, each with an intent and an
#: outcome; a link is an update of its own; verify has 40 pages. In SQLite, a transaction begins
#: with three statements more.
MOST = {"import": 2_000, "links": 14_000, "verify": 1_200}


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in ("load.items", "verify.stage"):
        monkeypatch.setattr(f"migrator.{stage}.PAGE", PAGE)


def statements(url: str, deals: int, name: str) -> dict[str, float]:
    figures = Migration(url, deals, measured=MEASURED, name=name).run()
    return {one.work: one.statements_per_1000 for one in figures}


def test_statements_per_item_do_not_depend_on_the_number_of_items(staging_url: str) -> None:
    few = statements(staging_url, FEW, "few")
    many = statements(staging_url, MANY, "many")

    for stage, most in MOST.items():
        places = [work for work in many if work == stage or work.startswith(f"{stage}, ")]
        assert len(places) == (1 if stage == "links" else 3)
        for work in places:
            assert many[work] == pytest.approx(few[work], rel=0.15), work
            assert 0 < many[work] <= most, work


STAGED = 8_000
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}

#: What plans say where a page costs as much as the whole type.
WHOLE_TYPE = {
    "sqlite": ["SCAN item", "USE TEMP B-TREE", "(migration_id=? AND entity_type_id=?)\n"],
    "postgresql": ["Seq Scan on item", "Sort"],
}


@contextmanager
def explained(database: str) -> Iterator[list[str]]:
    """The plans of the queries that are run meanwhile."""
    plans: list[str] = []

    def explain(connection: Any, _: object, sql: str, values: Any, *__: object) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(EXPLAIN[database] + sql, values)
        plans.append("".join(f"{row[-1]}\n" for row in cursor.fetchall()))

    event.listen(Engine, "before_cursor_execute", explain)
    yield plans
    event.remove(Engine, "before_cursor_execute", explain)


@pytest.fixture
def many_staged(staging: Staging) -> MigrationId:
    """Much staged, nothing imported yet, and a planner that knows it."""
    migration_id = a_saved_migration(staging).migration_id
    with staging.begin() as tx:
        tx.of(migration_id).items.save([an_item(n) for n in range(1, STAGED + 1)])
    with staging._connect(Purpose.WRITE) as connection:
        connection.execute(text("ANALYZE"))
    return migration_id


def test_a_page_of_items_is_found_by_an_index_however_many_are_staged(
    staging: Staging, database: str, many_staged: MigrationId
) -> None:
    with staging.read() as tx:
        items = tx.of(many_staged).items
        page = items.next_to_import(DEAL, 20)
        after = (page[-1].created_time, page[-1].source_id)
        with explained(database) as plans:
            items.next_to_import(DEAL, 20, after)
            items.created_times(DEAL, sources(*ids(page)))
            items.get(DEAL, sources(*ids(page)))

    assert len(plans) == 3
    assert [(sign, plan) for plan in plans for sign in WHOLE_TYPE[database] if sign in plan] == []
