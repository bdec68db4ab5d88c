"""Databases for tests: SQLite files, and one real PostgreSQL server per test process.

The server starts with the first test that needs it. If it cannot start, those tests fail; setting
MIGRATOR_TEST_POSTGRES=off skips them instead, and says so.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from migrator.staging import Staging
from tests.fakes.clock import FakeClock
from tests.postgresql_server import a_postgresql_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.torture.bench import Bench

_numbers = count(1)

# How long an example takes says more of what else the machine does than of the example.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgresql: needs a PostgreSQL server")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    if os.environ.get("MIGRATOR_TEST_POSTGRES") == "off":
        pytest.skip("PostgreSQL is switched off by MIGRATOR_TEST_POSTGRES=off")
    with a_postgresql_server() as server:
        yield server


class PostgresqlDatabases:
    """Makes databases on a server and drops them again."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def create(self, template: str = "template1") -> str:
        name = f"migrator_{next(_numbers)}"
        # Logging the copy is much quicker than copying files, which has to wait for a checkpoint.
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        return name

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        uri: str = self._server.get_uri(database=name)
        return uri

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server: Any) -> PostgresqlDatabases:
    return PostgresqlDatabases(postgresql_server)


@pytest.fixture(scope="session")
def upgraded_postgresql(postgresql_databases: PostgresqlDatabases) -> str:
    """A database with the current schema, to be used as a template only."""
    name = postgresql_databases.create()
    _upgrade(postgresql_databases.url(name))
    return name


@pytest.fixture(scope="session")
def upgraded_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the current schema, to be copied only."""
    path = tmp_path_factory.mktemp("upgraded") / "staging.db"
    _upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest) -> str:
    """Run the test on both databases."""
    name: str = request.param
    return name


@pytest.fixture
def sqlite_url(upgraded_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "staging.db"
    shutil.copyfile(upgraded_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(
    postgresql_databases: PostgresqlDatabases, upgraded_postgresql: str
) -> Iterator[str]:
    name = postgresql_databases.create(template=upgraded_postgresql)
    yield postgresql_databases.url(name)
    postgresql_databases.drop(name)


@pytest.fixture
def empty_postgresql_url(postgresql_databases: PostgresqlDatabases) -> Iterator[str]:
    name = postgresql_databases.create()
    yield postgresql_databases.url(name)
    postgresql_databases.drop(name)


@pytest.fixture
def staging_url(database: str, request: pytest.FixtureRequest) -> str:
    """An empty staging database with the current schema."""
    url: str = request.getfixturevalue(f"{database}_url")
    return url


@pytest.fixture
def empty_staging_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any tables."""
    if database == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgresql_url")
    return url


@pytest.fixture(scope="session")
def sqlite_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """To attack migrations with; made once, for the faults of portals and databases, too."""
    from tests.torture.bench import a_bench

    with a_bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


@pytest.fixture(scope="session")
def postgresql_bench(
    postgresql_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    from tests.torture.bench import a_bench

    folder = tmp_path_factory.mktemp("bench")
    with a_bench(folder, postgresql_server.get_uri(database="postgres")) as made:
        yield made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def open_staging(clock: FakeClock) -> Iterator[Callable[[str], Staging]]:
    """Open databases that are closed after the test."""
    opened: list[Staging] = []

    def open_(url: str) -> Staging:
        opened.append(Staging.open(url, clock=clock))
        return opened[-1]

    yield open_
    for staging in opened:
        staging.close()


@pytest.fixture
def staging(staging_url: str, open_staging: Callable[[str], Staging]) -> Staging:
    return open_staging(staging_url)


def _upgrade(url: str) -> None:
    with closing(Staging.open(url)) as staging:
        staging.upgrade()
