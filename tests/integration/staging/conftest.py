"""One migration in the database, and its repositories inside a transaction that stays open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.staging.builders import a_migration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.staging import Repositories, Staging


@pytest.fixture
def repos(staging: Staging) -> Iterator[Repositories]:
    with staging.begin() as tx:
        yield tx.of(a_migration(tx).migration_id)
