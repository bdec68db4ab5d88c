"""The folder of a rehearsal holds customers' data, so none is left for good."""

from __future__ import annotations

import tempfile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from migrator.rehearsal.staging import own_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["file", "server"])
def workspace(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """As much of a migration as decides on the place."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = tmp_path / "staging.db" if request.param == "file" else None
    name = "migrations at db.firm.test" if file is None else str(file)
    return SimpleNamespace(
        staging=SimpleNamespace(name=name, file=file), migration=SimpleNamespace(migration_id=7)
    )


def test_what_a_killed_rehearsal_has_left_goes_with_the_next_one(
    workspace: Any, tmp_path: Path
) -> None:
    with own_folder(workspace) as folder:
        killed = folder
    killed.mkdir()
    (killed / "staging.db").write_text("half a database")

    with own_folder(workspace) as folder:
        assert folder == killed
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o077 == 0

    assert list(tmp_path.glob("*rehearsal*")) == []
