"""Revisions lead to the schema of the models and back again, with rows, on both databases."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import alembic.command
import pytest
from sqlalchemy import CheckConstraint, inspect, text

import migrator
from migrator.domain.errors import UsageError
from migrator.staging import Staging, StagingTooNew, schema
from migrator.staging.engine import Purpose
from migrator.staging.models import Base
from tests.integration.staging.scenario import play

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.config import Config
    from sqlalchemy.engine import Connection

VIEWS = {
    "v_progress",
    "v_unresolved_references",
    "v_failed_items",
    "v_where_is",
    "v_findings_by_kind",
    "v_coverage",
}


@pytest.fixture
def empty(empty_staging_url: str, open_staging: Callable[[str], Staging]) -> Staging:
    return open_staging(empty_staging_url)


def configured(connection: Connection) -> Config:
    config = schema.configuration()
    config.attributes["connection"] = connection
    return config


def test_an_empty_database_is_upgraded_which_is_told_in_one_line(empty: Staging) -> None:
    lines: list[str] = []

    applied = empty.upgrade(lines.append)

    assert [line.split()[0] for line in applied] == ["0001", "0002", "0003", "0004", "0005", "0006"]
    assert lines == [f"staging database created: {empty.name}"]


def test_of_an_older_database_each_revision_is_told(empty: Staging) -> None:
    with empty._connect(Purpose.CHANGE_SCHEMA) as connection:
        alembic.command.upgrade(configured(connection), "0003")
    lines: list[str] = []

    applied = empty.upgrade(lines.append)

    assert applied[0].startswith("0004 ")
    assert lines == [f"staging database upgraded: {line}" for line in applied]


def test_upgrading_again_does_nothing_and_says_nothing(empty: Staging) -> None:
    empty.upgrade()
    lines: list[str] = []

    assert empty.upgrade(lines.append) == []
    assert lines == []


def test_pending_revisions_are_known_before_they_are_applied(empty: Staging) -> None:
    pending = empty.pending_revisions()

    assert empty.upgrade() == pending
    assert empty.pending_revisions() == []


def test_the_revisions_make_what_the_models_describe(empty: Staging) -> None:
    empty.upgrade()

    with empty._connect(Purpose.CHANGE_SCHEMA) as connection:
        alembic.command.check(configured(connection))
        found = inspect(connection)
        assert set(found.get_table_names()) == {*Base.metadata.tables, "alembic_version"}
        assert set(found.get_view_names()) == VIEWS


def test_closed_sets_of_values_are_those_of_the_models(empty: Staging) -> None:
    """Alembic does not compare CHECK constraints."""
    empty.upgrade()

    with empty._connect(Purpose.READ) as connection:
        found = inspect(connection)
        for table in Base.metadata.sorted_tables:
            described = {
                str(constraint.name): quoted(str(constraint.sqltext))
                for constraint in table.constraints
                if isinstance(constraint, CheckConstraint)
            }
            assert described == {
                str(check["name"]): quoted(check["sqltext"])
                for check in found.get_check_constraints(table.name)
            }


def quoted(condition: str) -> set[str]:
    return set(re.findall(r"'(\w+)'", condition))


def test_rows_are_still_there_after_the_schema_was_changed_without_foreign_keys(
    empty: Staging,
) -> None:
    empty.upgrade()
    play(empty)

    with empty._connect(Purpose.CHANGE_SCHEMA) as connection:
        counts = {
            table: connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one()
            for table in Base.metadata.tables
        }

    without_rows = {table for table, rows in counts.items() if not rows}
    assert without_rows == {
        "item_file",
        "checkpoint",
        "migration_setting",
        "structure_creation",
        "sample_item",
        "match_candidate",
        "kept_item",
        "lease",
    }


def test_rows_of_the_first_schema_are_kept_when_it_is_upgraded(empty: Staging) -> None:
    with empty._connect(Purpose.CHANGE_SCHEMA) as connection:
        alembic.command.upgrade(configured(connection), "0001")
    play(empty)
    before = contents(empty)

    empty.upgrade()

    assert contents(empty) == before
    assert before["v_where_is"]


def contents(staging: Staging) -> dict[str, list[str]]:
    """Every row of the tables that a later revision changes, and of a view over them."""
    names = ("structure_pair", "finding", "id_map", "v_where_is")
    return {
        name: sorted(
            str(tuple(row)) for row in staging.query_read_only(f"SELECT * FROM {name}").rows
        )
        for name in names
    }


def test_a_database_with_rows_can_be_downgraded_to_nothing_and_upgraded_again(
    empty: Staging,
) -> None:
    empty.upgrade()
    play(empty)

    with empty._connect(Purpose.CHANGE_SCHEMA) as connection:
        alembic.command.downgrade(configured(connection), "base")
    with empty._connect(Purpose.READ) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
        assert inspect(connection).get_view_names() == []

    empty.upgrade()
    play(empty)
    assert empty.query_read_only("SELECT COUNT(*) FROM item").rows == [(7,)]


def test_a_revision_that_fails_leaves_the_database_as_it_was(
    empty: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Path(migrator.__file__).parent.parent / "migrations"
    shutil.copytree(original, tmp_path / "migrations")
    (tmp_path / "migrations" / "versions" / "9999_breaks.py").write_text(
        BREAKS.replace("LATEST", empty.pending_revisions()[-1].split()[0])
    )
    monkeypatch.setattr(migrator, "__file__", str(tmp_path / "migrator" / "__init__.py"))

    with pytest.raises(ZeroDivisionError):
        empty.upgrade()

    with empty._connect(Purpose.READ) as connection:
        assert inspect(connection).get_table_names() == []


BREAKS = '''
"""breaks halfway"""
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "LATEST", None, None
def upgrade():
    op.execute("CREATE TABLE half_done (id INTEGER)")
    1 / 0
'''


def test_a_database_of_a_newer_program_is_refused(empty: Staging) -> None:
    empty.upgrade()
    with empty._connect(Purpose.WRITE) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    for use in (empty.upgrade, empty.pending_revisions):
        with pytest.raises(StagingTooNew, match=r"newer program \(revision 9999\)") as caught:
            use()
        assert isinstance(caught.value, UsageError)


def test_alembic_itself_works_from_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(migrator.__file__).parent.parent
    monkeypatch.setenv("MIGRATOR_STAGING_URL", f"sqlite:///{tmp_path}/by-hand.db")
    config = alembic.config.Config(str(root / "alembic.ini"))

    alembic.command.upgrade(config, "head")

    alembic.command.check(config)
