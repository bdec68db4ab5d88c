"""What to attack with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.torture.bench import Bench


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Attack on both databases; what depends on the portal alone is attacked on one."""
    made: Bench = request.getfixturevalue(f"{request.param}_bench")
    return made
