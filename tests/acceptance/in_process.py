"""The application in this process, for tests that interfere with it from outside."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from migrator.opening import open_app
from migrator.settings import PortalSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.app import App
    from tests.acceptance.conftest import Pair

_UNPACED: dict[str, Any] = {"requests_per_second": 0, "operating_limit_seconds": 0}


def settings_of(pair: Pair, *, cutoff_seconds: float = 0, **changes: Any) -> Settings:
    source = SecretStr(pair.source_server.webhook_url())
    target = SecretStr(pair.target_server.webhook_url())
    return Settings(
        source=PortalSettings(webhook_url=source, **_UNPACED),
        target=PortalSettings(
            webhook_url=target, request_cutoff_seconds=cutoff_seconds, **_UNPACED
        ),
        staging_url=SecretStr(pair.staging_url),
        **{"mapping": None, **changes},
    )


@contextmanager
def opened(pair: Pair, migration: str = "default", **changes: Any) -> Iterator[App]:
    with open_app(settings_of(pair, **changes), migration) as app:
        yield app


def move(pair: Pair, migration: str = "default", **changes: Any) -> None:
    """The whole job, as `migrator run` does it."""
    with opened(pair, migration, **changes) as app:
        app.check()
        app.export()
        app.load(app.plan())
        app.verify()
