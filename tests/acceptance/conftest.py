"""Two emulated portals and the command line between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from migrator.sandbox import Portal, PortalServer, twin_structure
from tests.fork_server import ForkServer

if TYPE_CHECKING:
    from pathlib import Path

#: A loopback portal answers at once; only the tests about pacing and lost answers change these.
UNPACED = {
    "MIGRATOR_SOURCE__REQUESTS_PER_SECOND": "0",
    "MIGRATOR_TARGET__REQUESTS_PER_SECOND": "0",
    "MIGRATOR_TARGET__REQUEST_CUTOFF_SECONDS": "1",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(slots=True)
class Pair:
    """A source and a target portal, and a clean directory in which the CLI is used."""

    source: Portal
    target: Portal
    source_server: PortalServer
    target_server: PortalServer
    folder: Path
    staging_url: str
    program: ForkServer
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("MIGRATOR_")}
        return {
            **clean,
            **UNPACED,
            "MIGRATOR_SOURCE__WEBHOOK_URL": self.source_server.webhook_url(),
            "MIGRATOR_TARGET__WEBHOOK_URL": self.target_server.webhook_url(),
            "MIGRATOR_STAGING_URL": self.staging_url,
            **self.extra,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin what is interfered with on the way; `migrator` is quicker."""
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "migrator", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def migrator(self, *arguments: str) -> Outcome:
        """Run the command line as a user would, in a clean directory."""
        ended = self.program.run(arguments, self.environment, self.folder)
        return Outcome(ended.code, ended.out, ended.err)

    def work_slowly(self, seconds_per_item: float = 0.02) -> None:
        """Have the target take time over each item, so that a process can be caught at work."""
        cost = replace(self.target.settings.cost, seconds_per_imported_item=seconds_per_item)
        self.target.settings = replace(self.target.settings, cost=cost)

    def work_at_once(self) -> None:
        self.work_slowly(0)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the staging database, as an auditor would."""
        outcome = self.migrator("audit", "--sql", sql, "--limit", "100000", "--json")
        assert outcome.code == 0, outcome.err
        return list(outcome.json)

    def writes(self) -> list[str]:
        """The writing methods the target was asked for, in order."""
        reading = (".list", ".get", ".fields", ".getTypes", ".types", "getByEntityTypeId")
        quiet = {"batch", "profile", "scope", "server.time", "methods"}
        return [
            request.method
            for request in self.target.requests
            if request.method not in quiet and not request.method.endswith(reading)
        ]

    @property
    def secrets(self) -> list[str]:
        servers = (self.source_server, self.target_server)
        return [server.webhook_url().rstrip("/").rsplit("/", 1)[1] for server in servers]


MakePair = Callable[..., Pair]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with ForkServer(tmp_path_factory.mktemp("program")) as server:
        yield server


@pytest.fixture
def portals(tmp_path: Path, program: ForkServer) -> Iterator[MakePair]:
    """Make a pair of portals from a seed; the target is the seed's twin unless given."""
    servers: list[PortalServer] = []

    def make(
        seed: dict[str, Any],
        *,
        target: dict[str, Any] | None = None,
        staging_url: str | None = None,
        **extra: str,
    ) -> Pair:
        source_portal = Portal.from_seed(seed)
        target_portal = Portal.from_seed(target if target is not None else twin_structure(seed))
        source, destination = PortalServer(source_portal), PortalServer(target_portal)
        for server in (source, destination):
            server.start()
            servers.append(server)
        return Pair(
            source_portal,
            target_portal,
            source,
            destination,
            tmp_path,
            staging_url or f"sqlite:///{tmp_path / 'staging.db'}",
            program,
            dict(extra),
        )

    yield make
    for server in servers:
        server.stop()
