"""Directories and stages: default lists, look-up, and the methods crm.status.*.

Source: b24restdocs api-reference/crm/status/*.md,
tutorials/crm/how-to-get-lists/how-to-get-stages-with-semantics.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import entity_types, php
from migrator.sandbox.errors import PortalError, access_denied
from migrator.sandbox.registry import Answer, Call, method, page
from migrator.sandbox.status_defaults import STAGES, SYSTEM_LISTS, StatusRow

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

_NAMES = {
    "STATUS": "Lead stages",
    "SOURCE": "Sources",
    "CONTACT_TYPE": "Contact type",
    "COMPANY_TYPE": "Company type",
    "EMPLOYEES": "Number of employees",
    "INDUSTRY": "Industry",
    "DEAL_TYPE": "Deal type",
    "QUOTE_STATUS": "Quote stages",
    "HONORIFIC": "Salutations",
    "CALL_LIST": "Call statuses",
}
#: Longest STATUS_ID per list (b24restdocs api-reference/crm/status/crm-status-add.md).
_LENGTHS = {"STATUS": 21, "QUOTE_STATUS": 22, "DEAL_STAGE": 22}
#: The prefix included; what a pipeline is born with is cut as well (b24restdocs
#: tutorials/crm/how-to-get-lists/how-to-get-elements-by-stage-filter.md: C10:PREPAYMENT_INVOIC).
_LENGTH_OF_NUMBERED_DEALS = 21
_LENGTH_OF_OTHERS = 50


class Statuses:
    def __init__(self) -> None:
        self._lists: dict[str, dict[str, dict[str, Any]]] = {}
        self._next_id = 1

    def load(self, rows: list[dict[str, Any]]) -> None:
        """Take seeded rows; a list given here is complete and replaces the default."""
        for entity_id in dict.fromkeys(row["ENTITY_ID"] for row in rows):
            self._lists[entity_id] = {}
        self._next_id = max([self._next_id, *(int(row.get("ID") or 0) + 1 for row in rows)])
        for row in rows:
            self._put(row)
        for entity_id in self._lists:
            self._sort(entity_id)

    def add_defaults(self) -> None:
        for entity_id, rows in SYSTEM_LISTS.items():
            if entity_id not in self._lists:
                self._add_list(entity_id, "", None, rows)

    def add_stages(self, entity_type_id: int, category_id: int) -> None:
        """Stages a new pipeline is born with."""
        entity_id = entity_types.stage_entity_id(entity_type_id, category_id)
        if entity_id is None or entity_id in self._lists:
            return
        rows = STAGES.get(entity_type_id, STAGES[0])
        prefix = entity_types.stage_prefix(entity_type_id, category_id)
        self._add_list(entity_id, prefix, str(category_id) if prefix else None, rows)

    def remove_list(self, entity_id: str) -> None:
        self._lists.pop(entity_id, None)

    def _add_list(
        self, entity_id: str, prefix: str, category: str | None, rows: tuple[StatusRow, ...]
    ) -> None:
        self._lists[entity_id] = {}
        for index, (code, name, semantics, color, system) in enumerate(rows):
            self._put(
                {
                    "ENTITY_ID": entity_id,
                    "STATUS_ID": (prefix + code)[: _longest(entity_id)],
                    "NAME": name,
                    "NAME_INIT": name if system else "",
                    "SORT": str(10 * (index + 1)),
                    "SYSTEM": "Y" if system else "N",
                    "CATEGORY_ID": category,
                    "COLOR": color,
                    "SEMANTICS": semantics,
                }
            )

    def _put(self, raw: dict[str, Any]) -> dict[str, Any]:
        row = {
            "ID": str(raw.get("ID") or self._next_id),
            "ENTITY_ID": raw["ENTITY_ID"],
            "STATUS_ID": raw["STATUS_ID"],
            "NAME": raw.get("NAME", raw["STATUS_ID"]),
            "NAME_INIT": raw.get("NAME_INIT") or "",
            "SORT": str(raw.get("SORT", 10)),
            "SYSTEM": raw.get("SYSTEM") or "N",
            "CATEGORY_ID": _text_or_none(raw.get("CATEGORY_ID")),
            "COLOR": raw.get("COLOR") or "",
            "SEMANTICS": raw.get("SEMANTICS") or None,
        }
        self._next_id = max(self._next_id, int(row["ID"]) + 1)
        self._lists.setdefault(row["ENTITY_ID"], {})[row["STATUS_ID"]] = row
        return row

    def _sort(self, entity_id: str) -> None:
        rows = sorted(self._lists[entity_id].values(), key=lambda r: (int(r["SORT"]), int(r["ID"])))
        self._lists[entity_id] = {row["STATUS_ID"]: row for row in rows}

    def add(self, raw: dict[str, Any]) -> dict[str, Any]:
        row = self._put({**raw, "ID": None, "SYSTEM": "N"})
        self._sort(row["ENTITY_ID"])
        return row

    def change(self, row: dict[str, Any], values: dict[str, Any]) -> None:
        row |= values
        self._sort(row["ENTITY_ID"])

    def remove(self, row: dict[str, Any]) -> None:
        del self._lists[row["ENTITY_ID"]][row["STATUS_ID"]]

    def find(self, entity_id: str | None, status_id: str) -> dict[str, Any] | None:
        return self._lists.get(entity_id or "", {}).get(status_id)

    def by_id(self, row_id: str) -> dict[str, Any] | None:
        return next((row for row in self.rows() if row["ID"] == row_id), None)

    def rows(self) -> list[dict[str, Any]]:
        return [row for rows in self._lists.values() for row in rows.values()]

    def of(self, entity_id: str | None) -> list[dict[str, Any]]:
        return list(self._lists.get(entity_id or "", {}).values())

    def lists(self) -> list[str]:
        return list(self._lists)

    def first(self, entity_id: str | None) -> str | None:
        return next(iter(self._lists.get(entity_id or "", {})), None)

    def first_open(self, entity_id: str | None) -> str | None:
        open_stages = (row for row in self.of(entity_id) if row["SEMANTICS"] is None)
        return next((str(row["STATUS_ID"]) for row in open_stages), self.first(entity_id))

    def semantics(self, entity_id: str | None, status_id: Any) -> str:
        """P, S or F as stageSemanticId prints it."""
        row = self.find(entity_id, str(status_id))
        return str(row["SEMANTICS"] or "P") if row else "P"


def _longest(entity_id: str) -> int:
    is_numbered = entity_id.startswith("DEAL_STAGE_")
    other = _LENGTH_OF_NUMBERED_DEALS if is_numbered else _LENGTH_OF_OTHERS
    return _LENGTHS.get(entity_id, other)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def _printed(row: dict[str, Any]) -> dict[str, Any]:
    """EXTRA stands only beside lead, deal and quote stages (crm-status-list.md)."""
    entity_id = row["ENTITY_ID"]
    if entity_id not in ("STATUS", "QUOTE_STATUS") and not entity_id.startswith("DEAL_STAGE"):
        return dict(row)
    meaning = {"S": "success", "F": "failure"}.get(row["SEMANTICS"] or "", "process")
    if row["STATUS_ID"].split(":")[-1] == "APOLOGY":
        meaning = "apology"
    return {**row, "EXTRA": {"SEMANTICS": meaning, "COLOR": row["COLOR"]}}


def _administrator(call: Call) -> None:
    if not call.user.crm_admin:
        raise access_denied()


@method("crm.status.list")
def list_statuses(portal: Portal, call: Call) -> Answer:
    """`select` is ignored; an unknown ENTITY_ID is an empty list."""
    wanted = call.array("filter", "FILTER")
    if php.is_array(wanted.get("ENTITY_ID")):
        raise PortalError("", "Filter by ENTITY_ID must be a string")
    rows = [
        _printed(row)
        for row in portal.statuses.rows()
        if all(_passes(row, key, value) for key, value in wanted.items())
    ]
    for key, direction in reversed(call.array("order", "ORDER").items()):
        backwards = str(direction).upper() == "DESC"
        rows.sort(key=lambda row: _sort_key(row.get(key)), reverse=backwards)
    rows, total, following = page(rows, call.get("start") or 0)
    return Answer(rows, total, following)


def _passes(row: dict[str, Any], key: str, value: Any) -> bool:
    name = key.lstrip("=!@%<>")
    if name not in row:
        return True
    wanted = [str(one) for one in (php.array_values(value) if php.is_array(value) else [value])]
    actual = str(row[name] if row[name] is not None else "")
    if key.startswith(">"):
        return php.to_int(actual) > php.to_int(value)
    return (actual in wanted) != key.startswith("!")


def _sort_key(value: Any) -> tuple[int, str]:
    return (php.to_int(value), "") if php.is_number(value) else (0, str(value or ""))


def _find(portal: Portal, call: Call) -> dict[str, Any]:
    row = portal.statuses.by_id(str(call.get("id", "ID")))
    if row is None:
        # Here the code is a sentence (b24restdocs api-reference/crm/status/crm-status-get.md).
        raise PortalError("Status is not found.", "Directory item not found.")
    return row


@method("crm.status.get")
def get(portal: Portal, call: Call) -> Answer:
    return Answer(_printed(_find(portal, call)))


@method("crm.status.add")
def add(portal: Portal, call: Call) -> Answer:
    _administrator(call)
    raw = call.array("fields", "FIELDS")
    for key in ("ENTITY_ID", "STATUS_ID", "NAME"):
        if php.is_empty(raw.get(key)):
            raise PortalError("", f"The field {key} is required.")
    entity_id = str(raw["ENTITY_ID"])
    if entity_id not in {*_NAMES, *portal.statuses.lists(), *portal.categories.stage_lists()}:
        raise PortalError("", "Specified entity type is not supported.")
    known = portal.statuses.of(entity_id)
    prefix = portal.categories.prefix_of_stages(entity_id)
    status_id = str(raw["STATUS_ID"])
    # The prefix is added when missing and accepted when present.
    status_id = status_id if status_id.startswith(prefix) else prefix + status_id
    status_id = status_id[: _longest(entity_id)]
    if portal.statuses.find(entity_id, status_id):
        raise PortalError("ERROR_CORE", "The specified status ID already exists.")
    semantics = raw.get("SEMANTICS") or None
    if semantics == "S" and any(row["SEMANTICS"] == "S" for row in known):
        raise PortalError("", "There can be only one successful stage.")
    _check_sort(known, semantics, php.to_int(raw.get("SORT", 10)))
    category = next((row["CATEGORY_ID"] for row in known), None)
    row = portal.statuses.add(
        {**raw, "STATUS_ID": status_id, "CATEGORY_ID": category, "SEMANTICS": semantics}
    )
    portal.structure_changed()
    return Answer(int(row["ID"]))


def _check_sort(known: list[dict[str, Any]], semantics: str | None, sort: int) -> None:
    """Stages in progress stand before the successful one, failed ones behind it.

    Source: b24restdocs api-reference/crm/status/crm-status-add.md, "Restrictions for SORT" and
    the table of errors. That table names the deal stages only and says nothing of failed stages;
    people have met both refusals in numbered pipelines.
    """
    success = next((int(row["SORT"]) for row in known if row["SEMANTICS"] == "S"), None)
    if success is None:
        return
    if semantics is None and sort > success:
        raise PortalError(
            "",
            "Cannot create more stages after the final stage because the final successful stage "
            "already exists. Try using sort order values less than that of the final stage.",
        )
    if semantics == "F" and sort < success:
        raise PortalError("", "Cannot add semantics with the specified sort order")


@method("crm.status.update")
def update(portal: Portal, call: Call) -> Answer:
    """ENTITY_ID, STATUS_ID and SEMANTICS are immutable and ignored."""
    _administrator(call)
    row = _find(portal, call)
    raw = call.array("fields", "FIELDS")
    values: dict[str, Any] = {key: str(raw[key]) for key in ("NAME", "SORT", "COLOR") if key in raw}
    portal.statuses.change(row, values)
    portal.structure_changed()
    return Answer(True)  # noqa: FBT003 - the documented result


@method("crm.status.delete")
def delete(portal: Portal, call: Call) -> Answer:
    """Whether other entries are in use is not looked at, only whether items stand in a stage."""
    _administrator(call)
    row = _find(portal, call)
    forced = call.array("params", "PARAMS").get("FORCED") == "Y"
    # Sentences stand in the place of codes here (crm-status-delete.md).
    if row["SYSTEM"] == "Y" and not forced:
        text = "CRM System Status can be deleted only if parameter FORCED is specified and equal "
        raise PortalError(f'{text}to "Y".')
    if portal.stage_in_use(row["ENTITY_ID"], row["STATUS_ID"]):
        raise PortalError("There are active items in this status.")
    portal.statuses.remove(row)
    portal.structure_changed()
    return Answer(True)  # noqa: FBT003 - the documented result


@method("crm.status.fields")
def fields(portal: Portal, call: Call) -> Answer:
    del portal, call
    flags = {"ID": "r", "ENTITY_ID": "qi", "STATUS_ID": "qi", "SORT": "", "NAME": "q"}
    flags |= {"NAME_INIT": "r", "SYSTEM": "r", "CATEGORY_ID": "i", "COLOR": "", "SEMANTICS": "i"}
    flags |= {"EXTRA": "r"}
    kinds = {"ID": "integer", "SORT": "integer", "CATEGORY_ID": "integer"}
    kinds |= {"SYSTEM": "char", "SEMANTICS": "char", "EXTRA": "crm_status_extra"}
    return Answer(
        {
            name: {
                "type": kinds.get(name, "string"),
                "isRequired": "q" in flag,
                "isReadOnly": "r" in flag,
                "isImmutable": "i" in flag,
                "isMultiple": False,
                "isDynamic": False,
                "title": name,
            }
            for name, flag in flags.items()
        }
    )


@method("crm.status.entity.items")
def entity_items(portal: Portal, call: Call) -> Answer:
    keys = ("NAME", "SORT", "STATUS_ID")
    rows = portal.statuses.of(str(call.get("entityId", "ENTITY_ID")))
    return Answer([{key: int(r[key]) if key == "SORT" else r[key] for key in keys} for r in rows])


@method("crm.status.entity.types")
def list_directories(portal: Portal, call: Call) -> Answer:
    del call
    stage_lists = portal.categories.stage_lists()
    rows: list[dict[str, Any]] = []
    for entity_id in portal.statuses.lists():
        row: dict[str, Any] = {"ID": entity_id, "NAME": _NAMES.get(entity_id, entity_id)}
        if entity_id in ("STATUS", "QUOTE_STATUS"):
            row["SEMANTIC_INFO"] = _ends(portal, entity_id)
            row["ENTITY_TYPE_ID"] = 1 if entity_id == "STATUS" else 7
        elif entity_id in stage_lists:
            row |= _describe_stages(portal, entity_id, *stage_lists[entity_id])
        rows.append(row)
    return Answer(rows)


def _describe_stages(portal: Portal, entity_id: str, etid: int, category_id: int) -> dict[str, Any]:
    category = portal.categories.get(etid, category_id)
    row: dict[str, Any] = {"NAME": f"{portal.types.title(etid)} ({category['name']})"}
    # Only deals describe their ends; the id of a numbered deal pipeline is a text here
    # (b24restdocs api-reference/crm/status/crm-status-entity-types.md, printed answer).
    row["SEMANTIC_INFO"] = _ends(portal, entity_id) if etid == entity_types.DEAL else []
    prefix = entity_types.stage_prefix(etid, category_id).rstrip(":")
    if prefix:
        row["PREFIX"] = prefix
    row["FIELD_ATTRIBUTE_SCOPE"] = f"category_{category_id}" if prefix else ""
    row["ENTITY_TYPE_ID"] = etid
    if etid == entity_types.DEAL:
        row["CATEGORY_ID"] = str(category_id) if prefix else category_id
        return row | ({"PARENT_ID": "DEAL_STAGE"} if prefix else {})
    row |= {"IS_ENABLED": True, "CATEGORY_ID": category_id}
    if etid != entity_types.INVOICE:
        row |= {
            "CATEGORY_NAME": category["name"],
            "CATEGORY_SORT": category["sort"],
            "IS_DEFAULT_CATEGORY": category["isDefault"] == "Y",
        }
    return row


def _ends(portal: Portal, entity_id: str) -> dict[str, Any]:
    rows = portal.statuses.of(entity_id)
    first = {kind: _first_with(rows, kind) for kind in (None, "S", "F")}
    return {
        "START_FIELD": first[None],
        "FINAL_SUCCESS_FIELD": first["S"],
        "FINAL_UNSUCCESS_FIELD": first["F"],
        "FINAL_SORT": 0,
    }


def _first_with(rows: list[dict[str, Any]], semantics: str | None) -> str:
    return next((str(row["STATUS_ID"]) for row in rows if row["SEMANTICS"] == semantics), "")
