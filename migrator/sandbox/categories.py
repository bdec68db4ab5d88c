"""Pipelines: crm.category.*.

Sources: b24restdocs api-reference/crm/universal/category/*.md;
core-corp: modules/crm/lib/controller/category.php, .../Category/Entity/ClientDefaultCategory.php
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import entity_types, php
from migrator.sandbox.entity_types import COMPANY, CONTACT, DEAL, INVOICE, LEAD, QUOTE
from migrator.sandbox.errors import PortalError, not_found
from migrator.sandbox.registry import Answer, Call, method, page

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

Category = dict[str, Any]


class Categories:
    """Deals number their pipelines on their own; all other types share one sequence."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, Category]] = {}

    def load(self, raw: Category) -> Category:
        etid = int(raw["entityTypeId"])
        category_id = raw.get("id")
        row: Category = {
            "id": int(category_id) if category_id is not None else self._next_id(etid),
            "name": raw.get("name", ""),
            "sort": int(raw.get("sort", 500)),
            "entityTypeId": etid,
            "isDefault": raw.get("isDefault", "N"),
        }
        if etid == DEAL:
            # The built-in pipeline 0 has no origin fields (crm-category-list.md).
            if row["id"]:
                row |= {key: raw.get(key, "") for key in ("originId", "originatorId")}
        else:
            row |= {"code": raw.get("code") or "", "isSystem": raw.get("isSystem", "N")}
            if _is_clients_own(row):
                row["isSystem"] = "Y"
        self._rows.setdefault(etid, {})[row["id"]] = row
        return row

    def ensure_default(self, entity_type_id: int, name: str) -> None:
        rows = self._rows.setdefault(entity_type_id, {})
        if entity_type_id in (DEAL, CONTACT, COMPANY):
            if 0 not in rows:
                raw = {"id": 0, "entityTypeId": entity_type_id, "name": name, "sort": 300}
                self.load(raw | {"isDefault": "Y"})
            return
        if rows and not any(row["isDefault"] == "Y" for row in rows.values()):
            rows[min(rows)]["isDefault"] = "Y"
        if not rows:
            self.load({"entityTypeId": entity_type_id, "name": name, "isDefault": "Y"})

    def _next_id(self, entity_type_id: int) -> int:
        if entity_type_id == DEAL:
            return max(self._rows.get(DEAL, {}), default=0) + 1
        others = (max(rows, default=0) for etid, rows in self._rows.items() if etid != DEAL)
        return max(others, default=0) + 1

    def default_id(self, entity_type_id: int) -> int:
        rows = self._rows.get(entity_type_id, {}).values()
        return next((int(row["id"]) for row in rows if row["isDefault"] == "Y"), 0)

    def find(self, entity_type_id: int, category_id: int) -> Category | None:
        return self._rows.get(entity_type_id, {}).get(category_id)

    def get(self, entity_type_id: int, category_id: int) -> Category:
        return self._rows[entity_type_id][category_id]

    def of(self, entity_type_id: int) -> list[Category]:
        return sorted(
            self._rows.get(entity_type_id, {}).values(), key=lambda row: (row["sort"], row["id"])
        )

    def rows(self) -> list[Category]:
        return [row for rows in self._rows.values() for row in rows.values()]

    def stage_lists(self) -> dict[str, tuple[int, int]]:
        """ENTITY_ID of each pipeline's stages -> its entity type and category."""
        found = {}
        for row in self.rows():
            entity_id = entity_types.stage_entity_id(row["entityTypeId"], row["id"])
            if entity_id:
                found[entity_id] = (row["entityTypeId"], row["id"])
        return found

    def prefix_of_stages(self, entity_id: str) -> str:
        owner = self.stage_lists().get(entity_id)
        return entity_types.stage_prefix(*owner) if owner else ""

    def make_default(self, row: Category) -> None:
        """A new default demotes the old one."""
        for other in self._rows[row["entityTypeId"]].values():
            other["isDefault"] = "N"
        row["isDefault"] = "Y"

    def remove(self, row: Category) -> None:
        del self._rows[row["entityTypeId"]][row["id"]]


def _entity_type(portal: Portal, call: Call) -> int:
    etid = php.to_int(call.get("entityTypeId"))
    if etid in (LEAD, QUOTE):
        raise PortalError("ENTITY_TYPE_NOT_SUPPORTED", "The entity type is not supported")
    if etid not in (DEAL, CONTACT, COMPANY, INVOICE, *portal.types.by_entity_type_id):
        raise not_found("SPA not found")
    portal.require_served(etid)
    return etid


def _category(portal: Portal, call: Call) -> Category:
    found = portal.categories.find(_entity_type(portal, call), php.to_int(call.get("id")))
    if found is None:
        raise not_found()
    return found


@method("crm.category.list")
def list_categories(portal: Portal, call: Call) -> Answer:
    rows = portal.categories.of(_entity_type(portal, call))
    # The code is all that can be filtered by; other keys are passed over (controller/category.php).
    code = call.array("filter").get("code")
    if code is not None:
        rows = [row for row in rows if row.get("code", "") == str(code)]
    rows, total, following = page(rows, call.get("start") or 0)
    return Answer({"categories": [dict(row) for row in rows]}, total, following)


@method("crm.category.get")
def get(portal: Portal, call: Call) -> Answer:
    return Answer({"category": dict(_category(portal, call))})


@method("crm.category.add")
def add(portal: Portal, call: Call) -> Answer:
    """Duplicate names are accepted: running it twice makes two pipelines."""
    call.require_administrator()
    etid = _entity_type(portal, call)
    raw = call.array("fields")
    if raw.get("isSystem") == "Y":
        raise PortalError("ADDING_DISABLED", "Adding a system category is prohibited")
    _check_default(etid, raw)
    _check_name(raw.get("name"))
    known: dict[str, Any] = {
        key: raw[key] for key in ("name", "originId", "originatorId") if key in raw
    }
    sort = max(php.to_int(raw.get("sort", _SORT)), 0)
    row = portal.categories.load({**known, "sort": sort, "entityTypeId": etid})
    if raw.get("isDefault") == "Y" and etid != DEAL:
        portal.categories.make_default(row)
    portal.statuses.add_stages(etid, row["id"])
    portal.structure_changed()
    return Answer({"category": dict(row)})


#: Where no place is named, and the longest name (crm-category-add.md).
_SORT = 500
_LONGEST_NAME = 255


def _check_name(name: Any) -> None:
    """Neither blank nor too long; the words for the latter are ours (crm-category-add.md)."""
    if not str(name or "").strip():
        raise PortalError(0, "Field 'NAME' is required")
    if len(str(name)) > _LONGEST_NAME:
        raise PortalError(0, f"Field 'NAME' is longer than {_LONGEST_NAME} characters")


def _check_default(entity_type_id: int, raw: dict[str, Any]) -> None:
    if raw.get("isDefault") == "Y" and entity_type_id in (CONTACT, COMPANY):
        text = "Default client category does not support updating default state"
        raise PortalError(0, text)


def _is_clients_own(row: Category) -> bool:
    """The category 0 of contacts and companies, which is no row of the database."""
    return row["id"] == 0 and row["entityTypeId"] in (CONTACT, COMPANY)


@method("crm.category.update")
def update(portal: Portal, call: Call) -> Answer:
    call.require_administrator()
    row = _category(portal, call)
    raw = call.array("fields")
    _check_default(row["entityTypeId"], raw)
    if _is_clients_own(row):
        raise PortalError(0, "Default client category can not be changed")
    if "name" in raw:
        _check_name(raw["name"])
    writable = {"name", "sort", *({"originId", "originatorId"} & set(row))}
    row |= {key: value for key, value in raw.items() if key in writable}
    row["sort"] = max(php.to_int(row["sort"]), 0)
    if raw.get("isDefault") == "Y" and row["entityTypeId"] != DEAL:
        portal.categories.make_default(row)
    portal.structure_changed()
    return Answer({"category": dict(row)})


@method("crm.category.delete")
def delete(portal: Portal, call: Call) -> Answer:
    call.require_administrator()
    row = _category(portal, call)
    etid = row["entityTypeId"]
    _check_removable(portal, row)
    portal.categories.remove(row)
    portal.statuses.remove_list(entity_types.stage_entity_id(etid, row["id"]) or "")
    portal.structure_changed()
    return Answer(None)


def _check_removable(portal: Portal, row: Category) -> None:
    """Deals answer in their own words (crm-category-delete.md); the portal's own stay for good."""
    is_deal = row["entityTypeId"] == DEAL
    if row.get("isSystem") == "Y":
        raise PortalError("REMOVING_DISABLED", "Deletion of system category is prohibited")
    if row["isDefault"] == "Y":
        if is_deal:
            raise PortalError(0, "Default deal category cannot be deleted")
        raise PortalError("BX_ERROR", "This funnel is the default funnel")
    items = portal.table(row["entityTypeId"]).rows.values()
    if any(item.get("categoryId") == row["id"] for item in items):
        if is_deal:
            raise PortalError(0, f"Deals related to the funnel {row['name']} found")
        raise PortalError("BX_ERROR", "Elements related to the funnel found")


_FIELD_FLAGS = {
    "id": ("integer", "r"),
    "name": ("string", ""),
    "sort": ("integer", ""),
    "entityTypeId": ("integer", "qr"),
    "isDefault": ("boolean", ""),
}


@method("crm.category.fields")
def fields(portal: Portal, call: Call) -> Answer:
    etid = _entity_type(portal, call)
    own = {"isDefault": ("boolean", "r")} if etid == DEAL else {"isSystem": ("boolean", "r")}
    texts = ("originId", "originatorId") if etid == DEAL else ("code",)
    known = _FIELD_FLAGS | own | dict.fromkeys(texts, ("string", ""))
    return Answer(
        {
            "fields": {
                name: {
                    "type": kind,
                    "isRequired": "q" in flags,
                    "isReadOnly": "r" in flags,
                    "isImmutable": False,
                    "isMultiple": False,
                    "isDynamic": False,
                    "title": _upper(name),
                    "upperName": _upper(name),
                }
                for name, (kind, flags) in known.items()
            }
        }
    )


def _upper(name: str) -> str:
    return "".join(f"_{c}" if c.isupper() else c for c in name).upper()
