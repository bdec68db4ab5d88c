"""A second portal with the same structure under other identifiers, and without items.

For migrations on one machine: whatever is copied unmapped from one portal to its twin is wrong
there, and shows up as an error or on the list of silent losses.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from typing import Any

from migrator.sandbox import entity_types
from migrator.sandbox.clock import FixedClock
from migrator.sandbox.entity_types import DEAL
from migrator.sandbox.portal import Portal

#: What a type without dates gets: a twin is a pure function of its seed.
_EPOCH = "2020-01-01T00:00:00+00:00"


@dataclass(slots=True)
class _Renaming:
    """Old identifier -> new identifier."""

    shift: int
    users: dict[int, int] = field(default_factory=dict)
    types: dict[int, int] = field(default_factory=dict)
    entity_types: dict[int, int] = field(default_factory=dict)
    #: (old entity type, old category) -> new category
    categories: dict[tuple[int, int], int] = field(default_factory=dict)
    stage_lists: dict[str, str] = field(default_factory=dict)

    def entity_type(self, old: int) -> int:
        return self.entity_types.get(old, old)


def twin_structure(
    seed: dict[str, Any],
    *,
    shift: int = 1,
    host: str = "twin.bitrix24.test",
    utc_offset: str = "-05:00",
    rename_codes: bool = True,
) -> dict[str, Any]:
    """Build the seed of the twin; deterministic, the given seed is not changed.

    `shift` moves every number further away. With `rename_codes` some of the codes that are not
    the system's own change too, so that only their names still match.
    """
    source = _complete(seed)
    names = _renaming(source, shift)
    twin = {
        "portal": _portal(source["portal"], names, host, utc_offset),
        "users": _users(source["users"], names),
        "departments": source["departments"],
        "currencies": source["currencies"],
        "types": [_type(row, names) for row in reversed(source["types"])],
        "categories": [_category(row, names) for row in source["categories"]],
        "statuses": _statuses(source["statuses"], names, rename=rename_codes),
        "userFields": _user_fields(source["userFields"], names),
        "items": {},
    }
    twin["next_ids"] = _first_ids(seed, source, names)
    return twin


def _complete(seed: dict[str, Any]) -> dict[str, Any]:
    """The structure with everything a portal adds by itself, as the source will have it."""
    structure = {key: value for key, value in seed.items() if key not in ("items", "next_ids")}
    return Portal.from_seed(copy.deepcopy(structure), clock=FixedClock(_EPOCH)).dump()


def _renaming(source: dict[str, Any], shift: int) -> _Renaming:
    names = _Renaming(shift)
    # No new number equals an old one, and the order is turned round.
    user_ids = [int(row["ID"]) for row in source["users"]]
    names.users = _renumber(user_ids, first=_above(user_ids, 100 * shift), step=2)
    type_ids = [int(row["id"]) for row in source["types"]]
    names.types = _renumber(type_ids, first=_above(type_ids, 10 * shift), step=3)
    etids = [int(row["entityTypeId"]) for row in source["types"]]
    names.entity_types = _renumber(etids, first=_above([1030, *etids], 10 * shift), step=4)
    _renumber_categories(source["categories"], names)
    for (etid, old), new in names.categories.items():
        before = entity_types.stage_entity_id(etid, old)
        after = entity_types.stage_entity_id(names.entity_type(etid), new)
        if before and after:
            names.stage_lists[before] = after
    return names


def _above(numbers: list[int], distance: int) -> int:
    """An even number beyond all given ones."""
    start = max(numbers, default=0) + distance
    return start + start % 2


def _renumber(numbers: list[int], *, first: int, step: int) -> dict[int, int]:
    backwards = sorted(numbers, reverse=True)
    return {old: first + step * index for index, old in enumerate(backwards)}


def _renumber_categories(rows: list[dict[str, Any]], names: _Renaming) -> None:
    """Deals number their pipelines apart; pipeline 0 is built in and stays."""
    for deals in (True, False):
        own = [row for row in rows if (row["entityTypeId"] == DEAL) == deals]
        ids = [row["id"] for row in own if row["id"]]
        new = _renumber(ids, first=_above(ids, 10 * names.shift), step=1)
        for row in own:
            names.categories[(row["entityTypeId"], row["id"])] = new.get(row["id"], 0)


def _portal(portal: dict[str, Any], names: _Renaming, host: str, utc_offset: str) -> dict[str, Any]:
    hooks = [
        {
            **hook,
            "user_id": names.users.get(hook["user_id"], hook["user_id"]),
            "secret": _digest(hook["secret"])[:16],
        }
        for hook in portal["webhooks"]
    ]
    own = {"host": host, "utc_offset": utc_offset, "webhooks": hooks, "faults": []}
    refused = {
        str(names.entity_type(int(key))): code for key, code in portal["refused_types"].items()
    }
    return portal | own | {"refused_types": refused}


def _digest(text: str) -> str:
    return hashlib.sha256(f"twin of {text}".encode()).hexdigest()


def _users(rows: list[dict[str, Any]], names: _Renaming) -> list[dict[str, Any]]:
    renamed = [row | {"ID": str(names.users[int(row["ID"])])} for row in rows]
    imports = [
        [names.entity_type(one) for one in row["IMPORT"]]
        if isinstance(row["IMPORT"], list)
        else row["IMPORT"]
        for row in renamed
    ]
    return [row | {"IMPORT": one} for row, one in zip(renamed, imports, strict=True)][::-1]


def _type(row: dict[str, Any], names: _Renaming) -> dict[str, Any]:
    relations = {
        side: [
            one | {"entityTypeId": names.entity_type(one["entityTypeId"])}
            for one in row["relations"][side]
        ]
        for side in ("parent", "child")
    }
    authors = {key: names.users.get(row[key], row[key]) for key in ("createdBy", "updatedBy")}
    return {
        **row,
        **authors,
        "id": names.types[row["id"]],
        "entityTypeId": names.entity_type(row["entityTypeId"]),
        "relations": relations,
    }


def _category(row: dict[str, Any], names: _Renaming) -> dict[str, Any]:
    etid = row["entityTypeId"]
    new = {"id": names.categories[(etid, row["id"])], "entityTypeId": names.entity_type(etid)}
    return row | new


def _statuses(
    rows: list[dict[str, Any]], names: _Renaming, *, rename: bool
) -> list[dict[str, Any]]:
    prefixes = {
        entity_types.stage_entity_id(etid, old): (
            entity_types.stage_prefix(etid, old),
            entity_types.stage_prefix(names.entity_type(etid), new),
            new,
        )
        for (etid, old), new in names.categories.items()
    }
    repeated = _repeated_names(rows)
    result = []
    for index, row in enumerate(rows):
        entity_id = row["ENTITY_ID"]
        before, after, category = prefixes.get(entity_id, ("", "", 0))
        code = row["STATUS_ID"].removeprefix(before)
        unique = (entity_id, row["NAME"].lower()) not in repeated
        # The system's own codes are the same on every portal.
        if rename and unique and row["SYSTEM"] != "Y" and index % 3 == 1:
            code = "UC_" + _digest(f"{entity_id}{code}{names.shift}")[:6].upper()
        result.append(
            row
            | {
                "ID": str(int(row["ID"]) + 1000 * names.shift),
                "ENTITY_ID": names.stage_lists.get(entity_id, entity_id),
                "STATUS_ID": after + code,
                "CATEGORY_ID": str(category) if after else row["CATEGORY_ID"],
            }
        )
    return result


def _repeated_names(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    repeated: set[tuple[str, str]] = set()
    for row in rows:
        key = (row["ENTITY_ID"], row["NAME"].lower())
        (repeated if key in seen else seen).add(key)
    return repeated


def _user_fields(rows: list[dict[str, Any]], names: _Renaming) -> list[dict[str, Any]]:
    # Options are numbered across all fields.
    options = [int(option["id"]) for row in rows for option in row.get("enum", ())]
    new_options = _renumber(options, first=_above(options, 1000 * names.shift), step=1)
    ids = [int(row["id"]) for row in rows]
    new_ids = _renumber(ids, first=_above(ids, 100 * names.shift), step=2)
    entities = {f"CRM_{old}": f"CRM_{new}" for old, new in names.types.items()}
    return [_user_field(row, names, entities, new_ids, new_options) for row in rows]


def _user_field(
    row: dict[str, Any],
    names: _Renaming,
    entities: dict[str, str],
    new_ids: dict[int, int],
    new_options: dict[int, int],
) -> dict[str, Any]:
    before = row["entityId"]
    after = entities.get(before, before)
    field_name = row["fieldName"]
    if field_name.startswith(f"UF_{before}_"):
        field_name = f"UF_{after}_" + field_name.removeprefix(f"UF_{before}_")
    field_id = str(new_ids[int(row["id"])])
    renamed = row | {"id": field_id, "entityId": after, "fieldName": field_name}
    renamed["settings"] = _settings(row["settings"] or {}, names)
    if "enum" in row:
        renamed["enum"] = [
            option | {"id": str(new_options[int(option["id"])]), "userFieldId": field_id}
            for option in row["enum"]
        ]
    return renamed


def _settings(settings: dict[str, Any], names: _Renaming) -> dict[str, Any]:
    """`DYNAMIC_1302: Y` of a crm field and `ENTITY_TYPE: DEAL_STAGE_3` of a crm_status field."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        if key.startswith("DYNAMIC_"):
            result[f"DYNAMIC_{names.entity_type(int(key.removeprefix('DYNAMIC_')))}"] = value
        elif key == "ENTITY_TYPE":
            result[key] = names.stage_lists.get(value, value)
        else:
            result[key] = value
    return result


def _first_ids(seed: dict[str, Any], source: dict[str, Any], names: _Renaming) -> dict[str, int]:
    """New items get numbers no item of the source has."""
    items = {int(key): rows for key, rows in (seed.get("items") or {}).items()}
    first = {}
    for key in source["next_ids"]:
        etid = int(key)
        highest = max((int(row.get("id") or 0) for row in items.get(etid, ())), default=0)
        rounded = (highest // 1000 + names.shift) * 1000 + 1
        first[str(names.entity_type(etid))] = rounded
    return first
