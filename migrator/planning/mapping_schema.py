"""The JSON Schema of the mapping file: what editors check and complete by.

It knows the form, not the portals: whether a stage exists is found out by `migrator plan`.
"""

from __future__ import annotations

import json
from typing import Any

from migrator.domain.mapping import OnMatch, PairKind
from migrator.planning.mapping_lines import (
    ANSWERS,
    DEFAULT_USER,
    DEPARTMENTS,
    FILTERS,
    MATCH,
    NEW,
    PAIR_SECTIONS,
    RATES,
    WITHOUT_SCOPE,
)

#: Beside each mapping file, so that the line in its head finds it without any address.
SCHEMA_NAME = "mapping.schema.json"

_ENTITY_TYPE = "^[0-9]+$"
_IDENTIFIER = {"type": ["string", "integer", "number", "null"]}
_USER = {"type": ["string", "integer", "null"], "description": "a user's ID or e-mail"}

#: What the right side of each section is, and the key of the level above.
_TEXTS = {
    PairKind.ENTITY_TYPE: ("entityTypeId of the source: entityTypeId of the target, or drop", ""),
    PairKind.CATEGORY: ("pipeline: pipeline", "entityTypeId of the source"),
    PairKind.STAGE: ("stage: stage", "directory of stages of the source, such as DEAL_STAGE_5"),
    PairKind.STATUS: ("entry: entry, or drop", "directory, such as SOURCE"),
    PairKind.FIELD: ("field: field, or drop", "entityTypeId of the source"),
    PairKind.ENUMERATION: ("list value: list value, or drop", "entityTypeId.field of the source"),
    PairKind.USER: ("user: user, by ID or e-mail, or drop", ""),
    PairKind.CURRENCY: ("currency: currency", ""),
}
_ABOVE = {
    PairKind.CATEGORY: _ENTITY_TYPE,
    PairKind.FIELD: _ENTITY_TYPE,
    PairKind.ENUMERATION: r"^[0-9]+\..+$",
}


def mapping_schema() -> dict[str, Any]:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Mapping file of migrator",
        "description": "What of the source is what of the target; explained in docs/mapping.md",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            **{name: _pairs(kind) for name, kind in PAIR_SECTIONS.items()},
            DEFAULT_USER: {**_USER, "description": "the user for all without a partner"},
            DEPARTMENTS: _level(
                "department of the source: the user for those of it without a partner",
                {_ENTITY_TYPE: _USER},
            ),
            RATES: _level(
                "currency: what one unit is in the currency it is mapped to",
                {".+": {"type": ["number", "string", "null"], "exclusiveMinimum": 0}},
            ),
            FILTERS: _level(
                "entityTypeId: which of its items to take, in the syntax of crm.item.list",
                {_ENTITY_TYPE: {"$ref": "#/definitions/conditions"}},
            ),
            MATCH: _level(
                "entityTypeId: by which fields items are looked for in the target first",
                {_ENTITY_TYPE: _match_rule()},
            ),
        },
        "definitions": {"conditions": _conditions()},
    }


def schema_text() -> str:
    """The schema as it is published."""
    return json.dumps(mapping_schema(), indent=2) + "\n"


def _level(description: str, patterns: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "type": ["object", "null"],
        "patternProperties": patterns,
        "additionalProperties": False,
    }


def _pairs(kind: PairKind) -> dict[str, Any]:
    text, above = _TEXTS[kind]
    key = _ENTITY_TYPE if kind is PairKind.ENTITY_TYPE else ".+"
    lines = _level(text, {key: _IDENTIFIER})
    if kind in WITHOUT_SCOPE:
        return lines
    return _level(f"{above}: {{{text}}}", {_ABOVE.get(kind, ".+"): lines})


def _conditions() -> dict[str, Any]:
    """A numbered key holds a group of its own, which may be joined by OR."""
    one = {"type": ["string", "number", "boolean"]}
    return {
        "type": ["object", "null"],
        "properties": {"logic": {"enum": ["AND", "OR"]}},
        "patternProperties": {"^[0-9]+$": {"$ref": "#/definitions/conditions"}},
        "additionalProperties": {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]},
    }


def _match_rule() -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "required": ["match_on"],
        "additionalProperties": False,
        "properties": {
            "match_on": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "on_match": {"enum": [one.value for one in OnMatch]},
            ANSWERS: _level(
                f"item of the source: item of the target, or {NEW}",
                {_ENTITY_TYPE: {"anyOf": [{"type": ["integer", "null"]}, {"const": NEW}]}},
            ),
        },
    }
