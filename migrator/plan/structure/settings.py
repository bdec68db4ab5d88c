"""The settings of a user field, with every identifier in them changed to the target's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.domain.mapping import PairKind, directory_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.plan.structure.parts import Correspondence

_SPA_KEY = "DYNAMIC_"
#: Of information blocks and booked resources: numbers that mean something in the source only.
_PORTAL_LOCAL = {
    "iblock_element": ("IBLOCK_ID", "IBLOCK_TYPE_ID", "DEFAULT_VALUE"),
    "iblock_section": ("IBLOCK_ID", "IBLOCK_TYPE_ID", "DEFAULT_VALUE"),
}


def target_settings(
    field: Mapping[str, Any], correspondence: Correspondence
) -> tuple[dict[str, Any], list[str]]:
    """The settings as the target must have them, and the names of those that cannot be carried.

    Source: b24restdocs api-reference/crm/universal/userfieldconfig/userfieldconfig-add.md
    """
    given = field.get("settings")
    settings = dict(given) if isinstance(given, dict) else {}
    match field.get("userTypeId"):
        case "crm":
            return _bindings(settings, correspondence)
        case "crm_status":
            return _directory(settings, correspondence)
        case "money":
            return _default_money(settings, correspondence)
        case "resourcebooking":
            return {}, sorted(settings)
        case "iblock_element" | "iblock_section" as kind:
            lost = [key for key in _PORTAL_LOCAL[kind] if settings.pop(key, None)]
            return settings, lost
        case _:
            return settings, []


def _bindings(
    settings: Mapping[str, Any], correspondence: Correspondence
) -> tuple[dict[str, Any], list[str]]:
    """`DYNAMIC_1302: Y` becomes `DYNAMIC_1046: Y`."""
    mapped: dict[str, Any] = {}
    lost = []
    for key, value in settings.items():
        number = key.removeprefix(_SPA_KEY)
        if not key.startswith(_SPA_KEY) or not number.isdecimal():
            mapped[key] = value
            continue
        partner = correspondence.entity_type(int(number))
        if partner is not None:
            mapped[f"{_SPA_KEY}{partner}"] = value
        elif value == "Y":
            lost.append(key)
    return mapped, lost


def _directory(
    settings: dict[str, Any], correspondence: Correspondence
) -> tuple[dict[str, Any], list[str]]:
    name = str(settings.get("ENTITY_TYPE") or "")
    partner = correspondence.directories.get(name)
    if partner is None and directory_kind(name) is PairKind.STATUS:
        partner = name
    if partner is None:
        settings.pop("ENTITY_TYPE", None)
        return settings, ["ENTITY_TYPE"]
    return settings | {"ENTITY_TYPE": partner}, []


def _default_money(
    settings: dict[str, Any], correspondence: Correspondence
) -> tuple[dict[str, Any], list[str]]:
    amount, bar, code = str(settings.get("DEFAULT_VALUE") or "").partition("|")
    if not bar:
        return settings, []
    partner = correspondence.key(PairKind.CURRENCY, "", code)
    if partner is None:
        settings.pop("DEFAULT_VALUE")
        return settings, ["DEFAULT_VALUE"]
    return settings | {"DEFAULT_VALUE": f"{amount}|{partner}"}, []
