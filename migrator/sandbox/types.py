"""Smart processes: definitions, relations and the methods crm.type.*.

Source: b24restdocs api-reference/crm/universal/user-defined-object-types/*.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.sandbox import entity_types, php
from migrator.sandbox.errors import PortalError, invalid_argument
from migrator.sandbox.registry import Answer, Call, method, page

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

FLAGS = (
    "isCategoriesEnabled",
    "isStagesEnabled",
    "isBeginCloseDatesEnabled",
    "isClientEnabled",
    "isUseInUserfieldEnabled",
    "isLinkWithProductsEnabled",
    "isMycompanyEnabled",
    "isDocumentsEnabled",
    "isSourceEnabled",
    "isObserversEnabled",
    "isRecyclebinEnabled",
    "isAutomationEnabled",
    "isBizProcEnabled",
    "isSetOpenPermissions",
    "isPaymentsEnabled",
    "isCountersEnabled",
)
_LINKED = ("CALENDAR_EVENT|UF_CRM_CAL_EVENT", "TASKS_TASK|UF_CRM_TASK")
_LINKED_TEMPLATE = "TASKS_TASK_TEMPLATE|UF_CRM_TASK"
#: The first own number is 1030 (b24restdocs .../crm-type-add.md).
_BEFORE_THE_FIRST = 1028
_CLIENT_PARENTS = (entity_types.CONTACT, entity_types.COMPANY)


@dataclass(slots=True)
class SmartType:
    row: dict[str, Any]
    linked_user_fields: dict[str, str]

    @property
    def type_id(self) -> int:
        return int(self.row["id"])

    @property
    def entity_type_id(self) -> int:
        return int(self.row["entityTypeId"])

    def enabled(self, flag: str) -> bool:
        return bool(self.row[flag] == "Y")


@dataclass(frozen=True, slots=True)
class Relation:
    parent: int
    child: int
    children_listed: bool = True


class SmartTypes:
    """All smart processes of a portal with their relations, seen from both ends."""

    def __init__(self) -> None:
        self.by_entity_type_id: dict[int, SmartType] = {}
        self.relations: list[Relation] = []
        #: the highest number so far; those of deleted types are not given again
        self._sequence = _BEFORE_THE_FIRST

    def add(self, raw: dict[str, Any], moment: str, user_id: int) -> SmartType:
        row: dict[str, Any] = {
            "id": int(raw.get("id") or self._next_type_id()),
            "title": raw.get("title") or "",
            "code": raw.get("code") or "",
            "createdBy": raw.get("createdBy", user_id),
            "entityTypeId": int(raw.get("entityTypeId") or self._next_entity_type_id()),
            "customSectionId": raw.get("customSectionId"),
        }
        for flag in FLAGS:
            row[flag] = _flag(raw.get(flag), "Y" if flag == "isSetOpenPermissions" else "N")
        row["createdTime"] = raw.get("createdTime") or moment
        row["updatedTime"] = raw.get("updatedTime") or moment
        row["updatedBy"] = raw.get("updatedBy", user_id)
        linked = raw.get("linkedUserFields") if row["isUseInUserfieldEnabled"] == "Y" else None
        found = SmartType(row, _linked(linked))
        self.by_entity_type_id[found.entity_type_id] = found
        self._sequence = max(self._sequence, found.entity_type_id)
        self._add_relations(found.entity_type_id, raw.get("relations"))
        return found

    def set_relations(self, entity_type_id: int, raw: Any) -> None:
        """Overwrite the relations of one type; predefined rows are left alone."""
        if not isinstance(raw, dict):
            return
        for side in ("parent", "child"):
            if side not in raw:
                continue
            self.relations = [
                one for one in self.relations if getattr(one, _OTHER[side]) != entity_type_id
            ]
        self._add_relations(entity_type_id, raw)

    def _add_relations(self, entity_type_id: int, raw: Any) -> None:
        """Either end may name a relation, so a new type takes none away."""
        sides = raw if isinstance(raw, dict) else {}
        for side in ("parent", "child"):
            for row in php.array_values(sides.get(side)):
                if row.get("isPredefined") == "Y":
                    continue
                other = int(row["entityTypeId"])
                pair = (other, entity_type_id) if side == "parent" else (entity_type_id, other)
                listed = _truth(row.get("isChildrenListEnabled"))
                self._link(Relation(*pair, children_listed=listed))

    def _link(self, relation: Relation) -> None:
        pair = (relation.parent, relation.child)
        self.relations = [one for one in self.relations if (one.parent, one.child) != pair]
        self.relations.append(relation)

    def remove(self, found: SmartType) -> None:
        etid = found.entity_type_id
        del self.by_entity_type_id[etid]
        self.relations = [one for one in self.relations if etid not in (one.parent, one.child)]

    def by_id(self, type_id: int) -> SmartType | None:
        return next((o for o in self.by_entity_type_id.values() if o.type_id == type_id), None)

    def parents(self, entity_type_id: int) -> list[int]:
        return [one.parent for one in self.relations if one.child == entity_type_id]

    def title(self, entity_type_id: int) -> str:
        if entity_type_id in entity_types.SYSTEM_CODES:
            return entity_types.SYSTEM_CODES[entity_type_id].title
        found = self.by_entity_type_id.get(entity_type_id)
        return str(found.row["title"]) if found else str(entity_type_id)

    def uf_entity(self, entity_type_id: int) -> str:
        """A smart process's user fields hang on its `id`, not on its entityTypeId."""
        found = self.by_entity_type_id.get(entity_type_id)
        return f"CRM_{found.type_id if found else entity_types.name_code(entity_type_id)}"

    def describe_relations(self, found: SmartType) -> dict[str, Any]:
        etid = found.entity_type_id
        # isClientEnabled creates the predefined parents (b24restdocs .../crm-type-add.md).
        clients = _CLIENT_PARENTS if found.enabled("isClientEnabled") else ()
        predefined = [_relation(other, listed=True, predefined=True) for other in clients]
        parents = [
            _relation(one.parent, listed=one.children_listed)
            for one in self.relations
            if one.child == etid
        ]
        children = [
            _relation(one.child, listed=one.children_listed)
            for one in self.relations
            if one.parent == etid
        ]
        return {"parent": predefined + parents, "child": children}

    def describe(self, found: SmartType) -> dict[str, Any]:
        return found.row | {
            "relations": self.describe_relations(found),
            "linkedUserFields": found.linked_user_fields,
            "customSections": [],
        }

    def _next_type_id(self) -> int:
        return max((one.type_id for one in self.by_entity_type_id.values()), default=0) + 1

    def _next_entity_type_id(self) -> int:
        """A sequence in steps of two (core-corp: modules/crm/lib/sequenceservice.php)."""
        return self._sequence + 2


_OTHER = {"parent": "child", "child": "parent"}


def _relation(other: int, *, listed: bool, predefined: bool = False) -> dict[str, Any]:
    return {
        "entityTypeId": other,
        "isChildrenListEnabled": "Y" if listed else "N",
        "isPredefined": "Y" if predefined else "N",
    }


def _truth(value: Any) -> bool:
    """Seeds and answers say Y/N, writes say "true"/"false" (crm-type-add.md)."""
    return value in ("Y", "true", True)


def _flag(value: Any, default: str) -> str:
    if value is None:
        return default
    return "Y" if value in ("Y", "y", "true", True) else "N"


def _linked(raw: Any) -> dict[str, str]:
    given = raw if isinstance(raw, dict) else {}
    return {key: "Y" if _truth(given.get(key)) else "N" for key in (*_LINKED, _LINKED_TEMPLATE)}


def _by_id(portal: Portal, call: Call) -> SmartType:
    found = portal.types.by_id(php.to_int(call.get("id")))
    if found is None:
        # The code is the number 0 here (b24restdocs .../crm-type-update.md).
        raise PortalError(0, "SPA not found")
    return found


@method("crm.type.list")
def list_types(portal: Portal, call: Call) -> Answer:
    """Without relations and linkedUserFields (b24restdocs .../crm-type-list.md)."""
    call.require_administrator()
    wanted = call.array("filter")
    rows = [
        dict(one.row)
        for one in portal.types.by_entity_type_id.values()
        if all(_passes(one.row, key, value) for key, value in wanted.items())
    ]
    for key, direction in reversed(call.array("order").items()):
        rows.sort(key=lambda row: row.get(key) or 0, reverse=str(direction).upper() == "DESC")
    rows, total, following = page(rows, call.get("start") or 0)
    return Answer({"types": rows}, total, following)


def _passes(row: dict[str, Any], key: str, value: Any) -> bool:
    name = key.lstrip("=@!%<>")
    if name not in row:
        raise invalid_argument(f"Invalid filter: field '{key}' is not allowed in filter")
    wanted = php.array_values(value) if php.is_array(value) else [value]
    actual = str(row[name])
    if key.startswith("%"):
        return any(str(one).lower() in actual.lower() for one in wanted)
    if key.startswith((">", "<")):
        number, bound = php.to_int(row[name]), php.to_int(value)
        above = number > bound if key.startswith(">") else number < bound
        return above or (key[1:2] == "=" and number == bound)
    return (actual in [str(one) for one in wanted]) != key.startswith("!")


@method("crm.type.get")
def get(portal: Portal, call: Call) -> Answer:
    call.require_administrator()
    return Answer({"type": portal.types.describe(_by_id(portal, call))})


@method("crm.type.getByEntityTypeId")
def get_by_entity_type_id(portal: Portal, call: Call) -> Answer:
    found = portal.types.by_entity_type_id.get(php.to_int(call.get("entityTypeId")))
    if found is None:
        raise PortalError("NOT_FOUND", "SPA not found")
    return Answer({"type": portal.types.describe(found)})


@method("crm.type.fields")
def fields(portal: Portal, call: Call) -> Answer:
    del portal, call
    names: tuple[str, ...] = ("id", "title", "code", "createdBy", "entityTypeId", *FLAGS)
    names += (
        "customSectionId",
        "createdTime",
        "updatedTime",
        "updatedBy",
        "relations",
        "linkedUserFields",
    )
    read_only = {"id", "createdBy", "createdTime", "updatedTime", "updatedBy"}
    return Answer({"fields": {name: _describe(name, name in read_only) for name in names}})


def _describe(name: str, read_only: bool) -> dict[str, Any]:  # noqa: FBT001 - one internal caller
    kind = "boolean" if name in FLAGS else "string" if name in ("title", "code") else "integer"
    return {
        "type": kind,
        "isRequired": name == "title",
        "isReadOnly": read_only,
        "isImmutable": name == "entityTypeId",
        "isMultiple": False,
        "isDynamic": False,
        "title": name,
    }


@method("crm.type.add")
def add(portal: Portal, call: Call) -> Answer:
    call.require_administrator()
    if not php.is_array(call.get("fields")):
        raise PortalError(100, "Could not find value for parameter {fields}")
    raw = call.array("fields")
    raw.pop("id", None)
    if php.is_empty(raw.get("title")):
        raise PortalError("CRM_FIELD_ERROR_REQUIRED", 'The "title" field is required')
    _as_written(raw)
    etid = raw.get("entityTypeId")
    if etid is not None:
        _check_entity_type_id(portal, php.to_int(etid))
    found = portal.types.add(raw, portal.now(), call.user.user_id)
    portal.open_type(found.entity_type_id)
    return Answer({"type": portal.types.describe(found)})


def _check_entity_type_id(portal: Portal, etid: int) -> None:
    if not entity_types.is_dynamic(etid) or etid in portal.types.by_entity_type_id:
        raise invalid_argument("entityTypeId is out of allowed range")


def _as_written(raw: dict[str, Any]) -> None:
    """Y and N do not work here, "true" and "false" do; and who asks for fields must be let in.

    Source: b24restdocs .../crm-type-add.md, the notes on relations and linkedUserFields
    """
    relations = raw.get("relations")
    if isinstance(relations, dict):
        raw["relations"] = {
            side: [
                {**row, "isChildrenListEnabled": _written(row.get("isChildrenListEnabled"))}
                for row in php.array_values(rows)
                if isinstance(row, dict)
            ]
            for side, rows in relations.items()
        }
    linked = raw.get("linkedUserFields")
    if isinstance(linked, dict):
        raw["linkedUserFields"] = {key: _written(value) for key, value in linked.items()}


def _written(value: Any) -> str:
    return "true" if value in ("true", True) else "false"


@method("crm.type.update")
def update(portal: Portal, call: Call) -> Answer:
    call.require_administrator()
    found = _by_id(portal, call)
    raw = call.array("fields")
    _as_written(raw)
    for key in ("title", "code"):
        if key in raw:
            found.row[key] = raw[key]
    for flag in FLAGS:
        if flag in raw:
            found.row[flag] = _flag(raw[flag], "N")
    if "linkedUserFields" in raw:
        found.linked_user_fields = _linked(raw["linkedUserFields"])
    portal.types.set_relations(found.entity_type_id, raw.get("relations"))
    found.row["updatedTime"] = portal.now()
    found.row["updatedBy"] = call.user.user_id
    portal.structure_changed()
    return Answer({"type": portal.types.describe(found)})


@method("crm.type.delete")
def delete(portal: Portal, call: Call) -> Answer:
    call.require_administrator()
    found = _by_id(portal, call)
    if portal.table(found.entity_type_id).ids:
        # b24restdocs .../crm-type-delete.md
        raise PortalError("BX_ERROR", "You cannot delete an entity type that has elements")
    # Its pipelines, stages and relations go with it, the settings of its user fields stay behind
    # (core-corp: modules/crm/lib/Model/Dynamic/TypeTable.php, onAfterDelete).
    for category in portal.categories.of(found.entity_type_id):
        stages = entity_types.stage_entity_id(found.entity_type_id, category["id"])
        portal.categories.remove(category)
        portal.statuses.remove_list(stages or "")
    portal.types.remove(found)
    portal.structure_changed()
    return Answer([])
