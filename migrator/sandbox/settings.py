"""How an emulated portal is set up: the `portal` part of a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from migrator.sandbox.faults import FaultRule, read_rules

DEFAULT_SCOPES = ("crm", "user", "userfieldconfig", "department")


@dataclass(frozen=True, slots=True)
class Webhook:
    user_id: int
    secret: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """b24restdocs limits.md; None in `Settings.limits` switches them off."""

    requests_per_second: float = 2
    burst: float = 50
    operating_limit_seconds: float = 480
    operating_window_seconds: float = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds a method takes; waited for in reality and counted as `operating`."""

    seconds_per_read_item: float = 0.0
    seconds_per_imported_item: float = 0.0
    seconds_per_request: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    host: str = "portal.bitrix24.test"
    utc_offset: str = "+03:00"
    language: str = "en"
    webhooks: tuple[Webhook, ...] = ()
    limits: Limits | None = None
    cost: Cost = field(default_factory=Cost)
    #: {"deal": bool, "others": bool}: closedate becomes today on import into a final stage
    close_date_on_final_stage: dict[str, bool] = field(default_factory=dict)
    enforce_required_fields: bool = False
    select_star_includes_fm: bool = False
    #: 1: with leads, 2: without
    crm_mode: int = 1
    request_time_limit_seconds: float = 60
    #: by entity type, the code with which the portal refuses its items: it lacks the type, or the
    #: webhook's user may not see it
    refused_types: dict[int, str] = field(default_factory=dict)
    #: what goes wrong; only a server carries it out
    faults: tuple[FaultRule, ...] = ()


def read_settings(raw: dict[str, Any]) -> Settings:
    known = set(Settings.__dataclass_fields__)
    unknown = set(raw) - known
    if unknown:
        raise ValueError(f"unknown keys under 'portal' in the seed: {', '.join(sorted(unknown))}")
    values = dict(raw)
    hooks = values.get("webhooks") or [{"user_id": 1, "secret": "sandboxsecret001"}]
    values["webhooks"] = tuple(_webhook(hook) for hook in hooks)
    values["limits"] = Limits(**values["limits"]) if values.get("limits") else None
    values["cost"] = Cost(**(values.get("cost") or {}))
    values["faults"] = read_rules(values.get("faults") or [])
    close = {"deal": False, "others": True} | (values.get("close_date_on_final_stage") or {})
    values["close_date_on_final_stage"] = close
    refused = values.get("refused_types") or {}
    values["refused_types"] = {int(key): str(code) for key, code in refused.items()}
    return Settings(**values)


def _webhook(raw: dict[str, Any]) -> Webhook:
    scopes = tuple(raw.get("scopes") or DEFAULT_SCOPES)
    return Webhook(int(raw["user_id"]), str(raw["secret"]), scopes)
