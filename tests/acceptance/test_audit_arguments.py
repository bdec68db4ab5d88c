"""What is asked of `audit` in vain is refused with a sentence, never answered by silence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from migrator.staging import Staging
from tests.integration.staging.builders import a_saved_migration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fork_server import Ended, ForkServer

    Audit = Callable[..., Ended]


@pytest.fixture
def audit(program: ForkServer, sqlite_url: str, tmp_path: Path) -> Audit:
    with Staging.open(sqlite_url) as staging:
        a_saved_migration(staging)

    def run(*arguments: str) -> Ended:
        return program.run(("audit", *arguments), {"MIGRATOR_STAGING_URL": sqlite_url}, tmp_path)

    return run


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("failed-items", "--migration", "defualt"), "holds no migration 'defualt'"),
        (("failed-items", "--limit", "0"), "greater than or equal to 1"),
        (("failed-items", "--limit", "-1"), "greater than or equal to 1"),
        (("where-is", "--id", "9" * 20), "less than or equal to"),
        (("where-is", "--only", "9" * 20), "there is no entity type"),
        (("--sql", "SELECT 1", "--migration", "default"), "narrow a ready-made query, not --sql"),
        (("--sql", "SELECT 1", "--id", "7"), "narrow a ready-made query, not --sql"),
        (("--sql", "SELECT 1", "--only", "deal"), "narrow a ready-made query, not --sql"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    audit: Audit, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = audit(*arguments)

    assert ended.code == 2
    assert sentence in " ".join(ended.err.split())
    assert "Traceback" not in ended.err


def test_columns_of_the_same_name_are_told_apart_in_json(audit: Audit) -> None:
    ended = audit("--json", "--sql", "SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a")

    assert json.loads(ended.out) == [{"a": 1, "a_2": 2, "a_2_2": 3, "a_3": 4}]
