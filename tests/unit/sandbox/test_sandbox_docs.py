"""docs/sandbox.md names everything there is."""

from __future__ import annotations

import re
from pathlib import Path

from migrator.sandbox import FaultKind, FaultRule, LossKind
from migrator.sandbox.registry import METHODS
from migrator.sandbox.settings import Cost, Limits, Settings

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", PAGE))


def test_every_kind_of_loss_is_explained() -> None:
    assert {kind.value for kind in LossKind} <= NAMED


def test_every_setting_is_explained() -> None:
    settings = {
        name for one in (Settings, Limits, Cost, FaultRule) for name in one.__dataclass_fields__
    }

    assert settings <= NAMED


def test_every_kind_of_fault_is_explained() -> None:
    assert {kind.value for kind in FaultKind} <= NAMED


def test_every_method_is_listed() -> None:
    grouped = re.compile(r"crm\.(lead|deal|contact|company|quote)\.(userfield\.)?\w+")
    single = {one.name for one in METHODS.values() if not grouped.fullmatch(one.name)}

    assert single - NAMED == set()


def test_every_listed_method_exists() -> None:
    shapes = r"(?:crm|userfieldconfig|user|department|server|method)\.[\w.]+"
    listed = {name for name in NAMED if re.fullmatch(shapes, name)}

    assert {name for name in listed if name.lower() not in METHODS} == set()
