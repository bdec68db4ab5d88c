"""`migrator demo`: the whole job on two emulated portals and a real data set."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretStr

from migrator.app import App, open_app
from migrator.cli import render
from migrator.cli.errors import ExitCode
from migrator.cli.progress import shown_progress
from migrator.cli.sandbox import import_sandbox
from migrator.interrupt import StopRequest
from migrator.settings import PortalSettings, Settings

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
        stop = StopRequest()
        stop.listen()
        with (
            shown_progress() as progress,
            open_app(settings, "demo", progress=progress, stop=stop) as app,
        ):
            rows = _move(app)
    losses = [*source.losses, *target.losses]
    _print_losses(losses)
    if losses or any(row["verified"] != row["source"] for row in rows):
        raise typer.Exit(ExitCode.DIFFERENT)


def _settings(folder: Path, source_url: str, target_url: str) -> Settings:
    return Settings(
        source=PortalSettings(webhook_url=SecretStr(source_url), **_UNPACED),
        target=PortalSettings(webhook_url=SecretStr(target_url), **_UNPACED),
        staging_url=SecretStr(f"sqlite:///{folder / 'demo.db'}"),
        mapping=None,
    )


def _move(app: App) -> list[dict[str, Any]]:
    app.check()
    app.export()
    blueprint = app.plan()
    app.load(blueprint)
    app.verify()
    audit = app.workspace.staging.audit
    progress = audit.run("progress", migration="demo")
    render.print_query(progress, "Result")
    where = app.workspace.staging.query_read_only(_WHERE_IS, 10)
    render.print_query(where, "Where is: ten of the items")
    findings = audit.run("findings", migration="demo")
    if findings.rows:
        render.print_query(findings, "Findings by kind")
    return render.query_document(progress)


_WHERE_IS = """
SELECT entity_type, source_id, title, target_id, state, imported_at
FROM v_where_is WHERE source_id % 97 = 5 ORDER BY entity_type_id DESC, source_id
"""


def _print_losses(losses: list[Any]) -> None:
    console = render.console()
    console.print(f"Silent losses counted by the emulated portals: {len(losses)}")
    for loss in losses[:10]:
        console.print(f"  {loss}", markup=False)
