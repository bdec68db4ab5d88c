"""Staging databases for trials: a new one for each, gone afterwards."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.engine import make_url

from migrator.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


class Databases(Protocol):
    """`upgraded` ones have the schema already, which saves a run the time to make it."""

    def new(self, *, upgraded: bool) -> AbstractContextManager[str]: ...


class SqliteFiles:
    """Files in a folder of their own, which also holds the locks of their owners."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        self._numbers = count(1)
        _upgrade(f"sqlite:///{self._template}")

    @contextmanager
    def new(self, *, upgraded: bool) -> Iterator[str]:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        path = folder / "staging.db"
        if upgraded:
            shutil.copyfile(self._template, path)
        yield f"sqlite:///{path}"
        shutil.rmtree(folder)


class PostgresqlDatabases:
    """Databases of a server; `url` is that of one that exists."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql")
        # Several processes may make databases on one server.
        self._prefix = f"torture_{os.getpid()}"
        self._numbers = count(1)
        self._template = f"{self._prefix}_template"
        self._execute(f"CREATE DATABASE {self._template}")
        _upgrade(self._url_of(self._template))

    @contextmanager
    def new(self, *, upgraded: bool) -> Iterator[str]:
        name = f"{self._prefix}_{next(self._numbers)}"
        template = self._template if upgraded else "template1"
        # Logging the copy is much quicker than copying files, which has to wait for a checkpoint.
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        yield self._url_of(name)
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._execute(f"DROP DATABASE {self._template} WITH (FORCE)")

    def _url_of(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url_of("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def _upgrade(url: str) -> None:
    with Staging.open(url) as staging:
        staging.upgrade()
