"""In what two parts that stand for each other differ; nothing here stands in the way of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.plan.structure.settings import target_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migrator.plan.structure.parts import Correspondence

_LABELS = {
    "editFormLabel": "label",
    "listColumnLabel": "column label",
    "listFilterLabel": "filter label",
    "helpMessage": "help text",
    "errorMessage": "error message",
}


def differing(
    source: Mapping[str, Any], target: Mapping[str, Any], names: Mapping[str, str]
) -> Iterator[str]:
    """Sentences on the keys whose values are not the same; numbers and texts are told alike."""
    for key, name in names.items():
        here, there = _plain(source.get(key)), _plain(target.get(key))
        if here != there:
            yield f"{name} {_shown(here)}, in the target {_shown(there)}"


def entity_type_details(source: Mapping[str, Any], target: Mapping[str, Any]) -> Iterator[str]:
    """Every switch the source prints; system types print none."""
    if not source or not target:
        return
    switches = {key: key for key in source if is_switch(key, source[key])}
    yield from differing(source, target, {"title": "title"} | switches)
    linked = source.get("linkedUserFields")
    there = target.get("linkedUserFields")
    if isinstance(linked, dict) and isinstance(there, dict):
        yield from differing(linked, there, {key: f"shown in {key}" for key in linked})


def is_switch(key: str, value: Any) -> bool:
    """Whether a key of an SPA is one of its settings.

    Source: b24restdocs api-reference/crm/universal/user-defined-object-types/crm-type-add.md
    """
    is_named_so = key.startswith("is") and (key.endswith("Enabled") or key == _OPEN)
    return is_named_so and value in ("Y", "N")


_OPEN = "isSetOpenPermissions"


def category_details(source: Mapping[str, Any], target: Mapping[str, Any]) -> Iterator[str]:
    return differing(source, target, {"name": "name", "sort": "order", "isDefault": "default"})


def status_details(source: Mapping[str, Any], target: Mapping[str, Any]) -> Iterator[str]:
    names = {"NAME": "name", "SORT": "order", "SEMANTICS": "meaning"}
    # Many have no colour, and the portal shows one of its own choice.
    colour = {"COLOR": "colour"} if source.get("COLOR") else {}
    return differing(_lower_colour(source), _lower_colour(target), names | colour)


def _lower_colour(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "COLOR": str(row.get("COLOR") or "").lower()}


def field_details(
    source: Mapping[str, Any], target: Mapping[str, Any], correspondence: Correspondence
) -> Iterator[str]:
    if not source or not target:
        return
    yield from differing(source, target, {"mandatory": "mandatory", "sort": "order"})
    for key, name in _LABELS.items():
        yield from _texts(name, source.get(key), target.get(key))
    settings, _ = target_settings(source, correspondence)
    there = target.get("settings")
    known = there if isinstance(there, dict) else {}
    yield from differing(settings, known, {key: f"setting {key}" for key in sorted(settings)})


def _texts(name: str, source: Any, target: Any) -> Iterator[str]:
    """A label in all the languages of the source; a portal may have been asked for one of them."""
    here = source if isinstance(source, dict) else {}
    there = target if isinstance(target, dict) else {}
    languages = [language for language in here if here[language]]
    yield from differing(here, there, {language: f"{name} ({language})" for language in languages})


def enumeration_details(source: Mapping[str, Any], target: Mapping[str, Any]) -> Iterator[str]:
    names = {"value": "text", "sort": "order", "def": "default", "xmlId": "XML_ID"}
    return differing(source, target, names)


def currency_details(source: Mapping[str, Any], target: Mapping[str, Any]) -> Iterator[str]:
    names = {"FULL_NAME": "name", "DECIMALS": "decimals", "FORMAT_STRING": "format"}
    return differing(source, target, names)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_plain(value[key])}" for key in sorted(value))
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value)
    return "" if value is None else str(value)


def _shown(text: str) -> str:
    return f"'{text}'" if text else "none"
