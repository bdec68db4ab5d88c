"""`migrator sandbox`: an emulated portal on loopback."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from migrator.cli.render import console
from migrator.clock import SystemClock
from migrator.domain.errors import UsageError
from migrator.interrupt import Interrupted, InterruptibleClock, StopRequest

_FOREVER = 3600.0


class SandboxUnavailable(UsageError):
    reference = "sandbox"


def sandbox(
    seed: Annotated[
        Path | None, typer.Option("--seed", metavar="FILE", help="JSON with what the portal holds.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="A loopback address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 8024,
) -> None:
    """Serve an emulated portal until Ctrl-C; its webhook is printed first."""
    module = import_sandbox()
    portal = module.Portal.from_seed(_read(seed))
    server = _started(module.PortalServer(portal, host, port))
    try:
        console().print(f"webhook: {server.webhook_url()}", markup=False, soft_wrap=True)
        console().print(f"what a real portal would have swallowed: {server.origin}/sandbox/losses")
        _wait_for_signal()
    finally:
        server.stop()


def _wait_for_signal() -> None:
    stop = StopRequest()
    stop.listen()
    clock = InterruptibleClock(SystemClock(), stop)
    with suppress(Interrupted):
        while True:
            clock.sleep(_FOREVER)


def _started(server: Any) -> Any:
    try:
        return server.start()
    except OSError as error:
        raise SandboxUnavailable(
            f"the sandbox cannot listen there: {error.strerror or error}",
            hint="choose another --port, or 127.0.0.1 as --host",
        ) from None


def import_sandbox() -> Any:
    """The sandbox package; its web server is an extra. Raises: SandboxUnavailable."""
    try:
        from migrator import sandbox as module
    except ImportError as error:
        raise SandboxUnavailable(
            f"the sandbox needs a package that is not installed: {error.name}",
            hint="pip install 'migrator[sandbox]'",
        ) from None
    return module


def _read(seed: Path | None) -> dict[str, Any]:
    if seed is None:
        return {}
    try:
        content = json.loads(seed.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SandboxUnavailable(f"the seed {seed} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise SandboxUnavailable(f"the seed {seed} must hold one JSON object")
    return content
