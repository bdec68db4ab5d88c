"""Settings: command line, then environment, then `.env`, then the TOML file; checked once.

Every setting is described in docs/configuration.md, which a test compares with this module.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableSettings

from migrator.domain.errors import UsageError
from migrator.domain.policy import OnLateItem, OnUnmappedUser, WithoutImportRight

ENV_PREFIX = "MIGRATOR_"
_DOTENV = ".env"


class SettingsError(UsageError):
    """A setting is missing or wrong; the message names it and never repeats a value."""

    reference = "settings"


class PortalSettings(BaseModel):
    """One portal. Limits: b24restdocs limits.md; the defaults are those of most tariffs."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    webhook_url: SecretStr | None = Field(
        default=None,
        description="inbound webhook, `https://host/rest/<user>/<code>/`; a folder may stand "
        "between host and `rest`",
    )
    requests_per_second: float = Field(
        default=2.0,
        ge=0,
        description="what the leaky bucket drains in a second; 0 switches pacing off",
    )
    burst: int = Field(default=50, ge=1, description="how many requests the leaky bucket holds")
    operating_limit_seconds: float = Field(
        default=480.0,
        ge=0,
        description="execution seconds one method may use in the window; 0 for no limit",
    )
    operating_window_seconds: float = Field(
        default=600.0, gt=0, description="length of that window in seconds"
    )
    request_cutoff_seconds: float = Field(
        default=60.0,
        ge=0,
        description="when the portal ends a request by itself; only after this long is a request "
        "whose answer was lost certainly not being worked on any more",
    )


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        env_file=_DOTENV,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    source: PortalSettings = PortalSettings()
    target: PortalSettings = PortalSettings()
    staging_url: SecretStr = Field(
        default=SecretStr("sqlite:///migrator.db"),
        description="SQLAlchemy URL of the staging database",
    )
    mapping: Path | None = Field(default=None, description="mapping file (YAML)")
    on_unmapped_user: OnUnmappedUser = Field(
        default=OnUnmappedUser.FALLBACK,
        description="`fallback` sets the target webhook's own user, `block` asks first",
    )
    on_late_item: OnLateItem = Field(
        default=OnLateItem.CLAMP,
        description="an item older than the target's newest row: `clamp` to the oldest permitted "
        "time, `drop` the history fields, or `fail` the item",
    )
    without_import_right: WithoutImportRight = Field(
        default=WithoutImportRight.BLOCK,
        description="no import right for an entity type: `block`, or `add` (crm.item.add, which "
        "loses dates and fires automation)",
    )
    largest_request_bytes: int = Field(
        default=16_000_000,
        ge=100_000,
        description="items whose files would make a request larger than this go alone",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - their signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The TOML file comes last; read_settings hands its content over under one name."""
        options = dict(getattr(init_settings, "init_kwargs", {}))
        content = options.pop(_TOML, {})
        return (
            InitSettingsSource(settings_cls, init_kwargs=options),
            env_settings,
            dotenv_settings,
            InitSettingsSource(settings_cls, init_kwargs=content),
        )


_TOML = "toml_content"


def read_settings(config: Path | None = None, **options: Any) -> Settings:
    """Read the settings; `options` are those given on the command line (None: not given).

    Raises: SettingsError.
    """
    path = config or _config_from_environment()
    content = _read_toml(path) if path is not None else {}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    given[_TOML] = content
    try:
        return Settings(**given)
    except (ValidationError, UnreadableSettings) as error:
        raise SettingsError(
            _sentence(error), hint="every setting stands in config/migrator.example.toml"
        ) from None  # the original would print what was entered, a webhook perhaps
    except UnicodeDecodeError:
        raise SettingsError(f"the file {_DOTENV} is not a UTF-8 text") from None


def _config_from_environment() -> Path | None:
    named = os.environ.get(f"{ENV_PREFIX}CONFIG")
    return Path(named) if named else None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(
            f"the configuration file {path} cannot be read: {error.strerror}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the configuration file {path} is not valid TOML: {error}") from None
    unknown = sorted(content.keys() - Settings.model_fields.keys())
    if unknown:
        known = ", ".join(Settings.model_fields)
        raise SettingsError(
            f"{path}: there is no setting '{unknown[0]}'", hint=f"the settings are: {known}"
        )
    return content


def _sentence(error: ValidationError | UnreadableSettings) -> str:
    if isinstance(error, UnreadableSettings):
        # It names the field in quotes, and nothing else of use.
        name = ENV_PREFIX + str(error).partition('"')[2].partition('"')[0].upper()
        return f"{name}: names several settings, such as {name}__WEBHOOK_URL"
    faults = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        name = ENV_PREFIX + "__".join(str(part) for part in fault["loc"]).upper()
        faults.append(f"{name}: {fault['msg']}")
    return "; ".join(faults)
