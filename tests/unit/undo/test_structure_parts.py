"""What becomes of a part of the structure that is to be taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from migrator.domain.structure import build_structure
from migrator.undo.structure_parts import Part, PartRemoval
from migrator.workspace import Workspace
from tests.fakes.scene import Scene, method_of, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests

    from migrator.staging import Staging
    from tests.fakes.transport import FakeReply

PIPELINE = Part("category", "1302", "8")


def remove(
    open_staging: Callable[[str], Staging], folder: Path, code: str
) -> tuple[str | None, list[str]]:
    """Take a pipeline away whose list the portal refuses; returns what was asked, too."""
    asked: list[str] = []

    def portal(request: requests.PreparedRequest) -> FakeReply:
        asked.append(method_of(request))
        return refused(code, "No")

    scene = Scene(portal)
    staging = open_staging(f"sqlite:///{folder / 'staging.db'}")
    staging.upgrade()
    with staging.begin() as transaction:
        migration = transaction.migrations.get_or_create(
            "default",
            source_portal="old",
            target_portal="new",
            source_origin="https://old",
            target_origin="https://new",
        )
    workspace = Workspace(staging=staging, migration=migration, clock=scene.clock)
    reason = PartRemoval(workspace, scene.client, build_structure([])).remove(PIPELINE)
    return reason, asked


@pytest.mark.parametrize("code", ["NOT_FOUND", "ENTITY_TYPE_NOT_SUPPORTED"])
def test_a_pipeline_whose_smart_process_is_gone_is_gone(
    open_staging: Callable[[str], Staging], tmp_path: Path, code: str
) -> None:
    assert remove(open_staging, tmp_path, code) == (None, ["crm.category.list"])


def test_a_pipeline_that_may_not_be_read_is_not_taken_for_gone(
    open_staging: Callable[[str], Staging], tmp_path: Path
) -> None:
    reason, asked = remove(open_staging, tmp_path, "ACCESS_DENIED")

    assert reason is not None
    assert "ACCESS_DENIED" in reason
    assert asked == ["crm.category.list"]
