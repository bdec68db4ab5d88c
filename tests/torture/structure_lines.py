"""The structure of a portal as lines of text, without any identifier that the portal gave itself.

What was made twice is there as two equal lines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from migrator.sandbox.entity_types import stage_entity_id, stage_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.sandbox import Portal
    from migrator.sandbox.user_fields import UserField

#: `UF_CRM_12_NOTE` and `CRM_12`: the number of the smart process.
_OWN_PREFIX = re.compile(r"^UF_CRM_\d+_")
_TYPE_KEYS = ("title", "code", "isCategoriesEnabled", "isStagesEnabled", "isClientEnabled")


def structure_lines(portal: Portal) -> list[str]:
    """Types with their relations, pipelines, directories, user fields, currencies."""
    dump = portal.dump()
    titles = {etid: portal.types.title(etid) for etid in portal.entity_type_ids()}
    entities = {portal.types.uf_entity(etid): title for etid, title in titles.items()}
    return [
        *_types(dump["types"], titles),
        *(f"pipeline {titles[row['entityTypeId']]}: {row['name']}" for row in dump["categories"]),
        *_statuses(dump, titles),
        *(_user_field(one, entities) for one in portal.user_fields.all()),
        *(f"currency {row['CURRENCY']}" for row in dump["currencies"]),
    ]


def _types(rows: list[dict[str, Any]], titles: dict[int, str]) -> Iterator[str]:
    for row in rows:
        yield "type " + ", ".join(f"{key} {row[key]}" for key in _TYPE_KEYS)
        for parent in row["relations"]["parent"]:
            name = titles.get(parent["entityTypeId"], "?")
            yield f"type {row['title']} has parent {name}"


def _statuses(dump: dict[str, Any], titles: dict[int, str]) -> Iterator[str]:
    """A stage by its pipeline's name; codes differ between portals where they are made."""
    owners, prefixes = {}, {}
    for row in dump["categories"]:
        etid, category_id = row["entityTypeId"], row["id"]
        directory = stage_entity_id(etid, category_id)
        if directory is not None:
            owners[directory] = f"{titles[etid]}: {row['name']}"
            prefixes[directory] = stage_prefix(etid, category_id)
    for row in dump["statuses"]:
        directory = row["ENTITY_ID"]
        code = row["STATUS_ID"].removeprefix(prefixes.get(directory, ""))
        owner = owners.get(directory, directory)
        yield f"status {owner}: {code} {row['NAME']}, {row['SEMANTICS']}"


def _user_field(one: UserField, entities: dict[str, str]) -> str:
    name = _OWN_PREFIX.sub("UF_CRM_*_", one.field_name)
    options = sorted(option["value"] for option in one.enum)
    return (
        f"user field {entities.get(one.entity_id, one.entity_id)}: {name} {one.user_type_id}"
        f"{' multiple' if one.multiple else ''} {options or ''}".rstrip()
    )
