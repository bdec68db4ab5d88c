from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.sandbox import Portal, PortalServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def serve_portal() -> Iterator[Callable[..., PortalServer]]:
    """Serve a portal made from a seed; every server is stopped at the end of the test."""
    started: list[PortalServer] = []

    def start(seed: dict[str, Any] | Portal) -> PortalServer:
        portal = seed if isinstance(seed, Portal) else Portal.from_seed(seed)
        server = PortalServer(portal).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()
