"""Where settings come from, which one wins, and what a mistake says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from migrator.domain.errors import UsageError
from migrator.domain.policy import OnLateItem, OnUnmappedUser, WithoutImportRight
from migrator.settings import SettingsError, read_settings

WEBHOOK = "https://old.bitrix24.test/rest/1/s3cr3tc0de/"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and an environment without settings."""
    for name in [name for name in os.environ if name.startswith("MIGRATOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_file(folder: Path, text: str, name: str = "migrator.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def complaint(config: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings(config)
    assert caught.value.__cause__ is None
    return str(caught.value)


# Defaults


def test_without_any_settings_the_documented_defaults_hold() -> None:
    settings = read_settings()

    assert settings.staging_url.get_secret_value() == "sqlite:///migrator.db"
    assert settings.mapping is None
    assert settings.on_unmapped_user is OnUnmappedUser.FALLBACK
    assert settings.on_late_item is OnLateItem.CLAMP
    assert settings.without_import_right is WithoutImportRight.BLOCK
    for portal in (settings.source, settings.target):
        assert portal.webhook_url is None
        assert (portal.requests_per_second, portal.burst) == (2, 50)
        assert (portal.operating_limit_seconds, portal.operating_window_seconds) == (480, 600)


# Which one wins


def test_each_source_of_settings_beats_those_after_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = a_file(folder, 'mapping = "toml.yaml"')
    seen = [read_settings(config).mapping]
    a_file(folder, "MIGRATOR_MAPPING=dotenv.yaml\n", ".env")
    seen.append(read_settings(config).mapping)
    monkeypatch.setenv("MIGRATOR_MAPPING", "environment.yaml")
    seen.append(read_settings(config).mapping)
    seen.append(read_settings(config, mapping=Path("option.yaml")).mapping)

    assert [str(path) for path in seen] == [
        "toml.yaml",
        "dotenv.yaml",
        "environment.yaml",
        "option.yaml",
    ]


def test_an_option_that_was_not_given_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATOR_MAPPING", "environment.yaml")

    assert read_settings(mapping=None).mapping == Path("environment.yaml")


def test_the_parts_of_one_portal_may_come_from_several_places(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = a_file(folder, "[source]\nrequests_per_second = 5\nburst = 250\n")
    a_file(folder, f"MIGRATOR_SOURCE__WEBHOOK_URL={WEBHOOK}\n", ".env")
    monkeypatch.setenv("MIGRATOR_SOURCE__BURST", "100")

    source = read_settings(config).source

    assert (source.requests_per_second, source.burst) == (5, 100)
    assert source.webhook_url == SecretStr(WEBHOOK)


def test_the_environment_may_name_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATOR_CONFIG", str(a_file(folder, 'on_late_item = "fail"')))

    assert read_settings().on_late_item is OnLateItem.FAIL


def test_the_option_beats_the_environment_in_naming_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATOR_CONFIG", str(folder / "not there.toml"))

    config = a_file(folder, 'on_late_item = "drop"')
    assert read_settings(config).on_late_item is OnLateItem.DROP


@pytest.mark.parametrize(
    "name", ["MIGRATOR_MAPPING", "MIGRATOR_SOURCE__BURST", "MIGRATOR_TARGET__WEBHOOK_URL"]
)
def test_a_variable_that_is_empty_is_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_settings()

    monkeypatch.setenv(name, "")

    assert read_settings() == before


def test_other_variables_with_our_prefix_disturb_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATOR_TEST_POSTGRES", "off")

    assert read_settings().mapping is None


# Mistakes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MIGRATOR_ON_LATE_ITEM", "ignore"),
        ("MIGRATOR_ON_UNMAPPED_USER", "drop"),
        ("MIGRATOR_WITHOUT_IMPORT_RIGHT", "yes"),
        ("MIGRATOR_SOURCE__BURST", "many"),
        ("MIGRATOR_SOURCE__BURST", "0"),
        ("MIGRATOR_TARGET__REQUESTS_PER_SECOND", "-1"),
        ("MIGRATOR_TARGET__OPERATING_WINDOW_SECONDS", "0"),
        ("MIGRATOR_LARGEST_REQUEST_BYTES", "10"),
        ("MIGRATOR_SOURCE__WEBHOK_URL", WEBHOOK),
        ("MIGRATOR_SOURCE", WEBHOOK),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_repeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    message = complaint()

    assert f"{name}:" in message
    assert "s3cr3tc0de" not in message


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATOR_ON_LATE_ITEM", "ignore")
    monkeypatch.setenv("MIGRATOR_SOURCE__BURST", "many")

    message = complaint()

    assert "MIGRATOR_ON_LATE_ITEM:" in message
    assert "MIGRATOR_SOURCE__BURST:" in message


def test_a_wrong_setting_is_wrong_usage() -> None:
    assert issubclass(SettingsError, UsageError)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("on_late_itm = 'drop'", "there is no setting 'on_late_itm'"),
        ("[source]\nwebhok_url = 'x'", "MIGRATOR_SOURCE__WEBHOK_URL: "),
        ("source = 'x'", "MIGRATOR_SOURCE: "),
        ("on_late_item = ", "is not valid TOML: "),
        ("on_late_item = 'ignore'", "MIGRATOR_ON_LATE_ITEM: "),
    ],
)
def test_a_wrong_line_of_the_file_is_named(folder: Path, text: str, problem: str) -> None:
    assert problem in complaint(a_file(folder, text))


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    message = complaint(folder / "none.toml")

    assert message.endswith("none.toml cannot be read: No such file or directory")


@pytest.mark.parametrize("name", ["migrator.toml", ".env"])
def test_a_file_that_is_no_text_is_named(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(b"mapping = \xff\xfe\n")

    assert name in complaint(path if name.endswith("toml") else None)


# Secrets


def test_a_webhook_is_in_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATOR_SOURCE__WEBHOOK_URL", WEBHOOK)
    monkeypatch.setenv("MIGRATOR_STAGING_URL", "postgresql://ada:s3cr3tc0de@host/db")

    settings = read_settings()

    assert "s3cr3tc0de" not in f"{settings!r} {settings}"
    assert settings.source.webhook_url == SecretStr(WEBHOOK)


def test_settings_do_not_change_once_they_are_read() -> None:
    settings = read_settings()

    with pytest.raises(ValueError, match="frozen"):
        settings.mapping = Path("x")
