"""Settings: the table, the example file and the code agree."""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from migrator.settings import ENV_PREFIX, Settings, read_settings
from tests.docs.pages import CONFIGURATION, ROOT, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic.fields import FieldInfo

EXAMPLE = ROOT / "config" / "migrator.example.toml"


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the environment nor a `.env` of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _leaves(model: type[BaseModel], prefix: str = ENV_PREFIX) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _leaves(field.annotation, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", field


def _printed(name: str, default: Any) -> str:
    if name.endswith("WEBHOOK_URL"):
        return "required"
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return "none" if default is None else str(default)


def test_the_table_holds_every_setting_with_its_default_and_its_meaning() -> None:
    rows = CONFIGURATION.table("Settings", "variable")

    assert [(plain(name), plain(default), meaning) for name, default, meaning in rows] == [
        (name, _printed(name, field.default), field.description)
        for name, field in _leaves(Settings)
        if field.default is not PydanticUndefined
    ]


@pytest.mark.usefixtures("nothing_set")
def test_the_example_file_holds_the_defaults() -> None:
    assert read_settings(EXAMPLE) == read_settings()


def _all_keys_of_the_example() -> dict[str, Any]:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    switched_on = [
        line.removeprefix("#") if line.startswith("#") and line[1:2].isalpha() else line
        for line in lines
    ]
    return tomllib.loads("\n".join(switched_on))


def test_the_example_file_names_every_setting_once() -> None:
    content = _all_keys_of_the_example()

    named = [
        f"{ENV_PREFIX}{key}__{inner}".upper()
        if isinstance(value, dict)
        else f"{ENV_PREFIX}{key}".upper()
        for key, value in content.items()
        for inner in (value if isinstance(value, dict) else [None])
    ]

    assert sorted(named) == sorted(name for name, _ in _leaves(Settings))


@pytest.mark.usefixtures("nothing_set")
def test_what_the_example_file_shows_switched_off_can_be_switched_on(tmp_path: Path) -> None:
    file = tmp_path / "migrator.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    file.write_text(text.replace("\n#mapping", "\nmapping").replace("\n#webhook", "\nwebhook"))

    settings = read_settings(file)

    assert str(settings.mapping) == "mapping.yaml"
    assert settings.source.webhook_url is not None
    assert settings.target.webhook_url is not None


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize("block", CONFIGURATION.blocks("toml"))
def test_the_page_shows_files_that_can_be_used(block: str, tmp_path: Path) -> None:
    file = tmp_path / "migrator.toml"
    file.write_text(block, encoding="utf-8")

    assert read_settings(file) != read_settings()
