"""`migrator demo`: the whole job on two emulated portals and a real data set."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretStr

from migrator.app import App
from migrator.cli import render
from migrator.cli.errors import ExitCode
from migrator.cli.progress import shown_progress
from migrator.cli.sandbox import import_sandbox
from migrator.interrupt import StopRequest
from migrator.opening import open_app
from migrator.settings import PortalSettings, Settings
from migrator.staging import QueryResult

#: The sandbox answers at once; pacing for a tariff would only make the demo longer.
_UNPACED: dict[str, Any] = {
    "requests_per_second": 0,
    "operating_limit_seconds": 0,
    "request_cutoff_seconds": 0,
}


def demo() -> None:
    """Move 10,235 items of two published data sets between two emulated portals."""
    module = import_sandbox()
    from migrator.demo.portals import source_seed

    seed = source_seed()
    source = module.Portal.from_seed(seed)
    target = module.Portal.from_seed(module.twin_structure(seed))
    with (
        module.PortalServer(source) as source_server,
        module.PortalServer(target) as target_server,
        tempfile.TemporaryDirectory(prefix="migrator-demo-") as folder,
    ):
        settings = _settings(Path(folder), source_server.webhook_url(), target_server.webhook_url())
        with shown_progress() as progress:
            stop = StopRequest(progress.stopping)
            stop.listen()
            with open_app(settings, "demo", progress=progress, stop=stop) as app:
                shown = _move(app)
    for title, result in shown.items():
        render.print_query(result, title)
    losses = [*source.losses, *target.losses]
    _print_losses(losses)
    progress_rows = render.query_document(shown[_RESULT])
    if losses or any(row["verified"] != row["source"] for row in progress_rows):
        raise typer.Exit(ExitCode.DIFFERENT)


def _settings(folder: Path, source_url: str, target_url: str) -> Settings:
    return Settings(
        source=PortalSettings(webhook_url=SecretStr(source_url), **_UNPACED),
        target=PortalSettings(webhook_url=SecretStr(target_url), **_UNPACED),
        staging_url=SecretStr(f"sqlite:///{folder / 'demo.db'}"),
        mapping=None,
    )


_RESULT = "Result"


def _move(app: App) -> dict[str, QueryResult]:
    """The whole job; what to show of it, by title."""
    app.check()
    app.export()
    app.load(app.plan())
    app.verify()
    staging = app.workspace.staging
    return {
        "Where is: ten of the items": staging.query_read_only(_WHERE_IS, 10),
        "Findings by kind": staging.audit.run("findings", migration="demo"),
        _RESULT: staging.audit.run("progress", migration="demo"),
    }


#: Some of each entity type, not the first ten of one.
_WHERE_IS = """
SELECT entity_type, source_id, title, target_id, state, target_link
FROM (
    SELECT w.*, ROW_NUMBER() OVER (PARTITION BY entity_type_id ORDER BY source_id % 97) AS n
    FROM v_where_is w
) AS numbered
WHERE n <= 3 ORDER BY n, entity_type
"""


def _print_losses(losses: list[Any]) -> None:
    console = render.console()
    console.print(f"Silent losses counted by the emulated portals: {len(losses)}")
    for loss in losses[:10]:
        console.print(f"  {loss}", markup=False)
