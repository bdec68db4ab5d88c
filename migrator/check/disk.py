"""The room there is for the staging database."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from migrator.plan.check.facts import DiskFacts

if TYPE_CHECKING:
    from migrator.staging import Staging


def read_disk(staging: Staging) -> DiskFacts | None:
    """None where the database is on a server, whose disk nobody tells."""
    file = staging.file
    if file is None:
        return None
    return DiskFacts(
        folder=str(file.parent),
        free_bytes=shutil.disk_usage(file.parent).free,
        staged_bytes=file.stat().st_size,
    )
