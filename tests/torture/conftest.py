"""What to attack with, made once for each database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.torture.bench import Bench, a_bench

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def sqlite_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with a_bench(tmp_path_factory.mktemp("torture")) as made:
        yield made


@pytest.fixture(scope="session")
def postgresql_bench(
    postgresql_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("torture")
    with a_bench(folder, postgresql_server.get_uri(database="postgres")) as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Attack on both databases; what depends on the portal alone is attacked on one."""
    made: Bench = request.getfixturevalue(f"{request.param}_bench")
    return made
