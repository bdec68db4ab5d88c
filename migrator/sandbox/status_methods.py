"""The methods crm.status.*: directories and stages.

Sources: b24restdocs api-reference/crm/status/*.md,
tutorials/crm/how-to-add-crm-objects/how-to-add-category-to-spa.md;
core-corp: modules/crm/classes/general/crm_status.php, modules/crm/lib/status.php
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from migrator.sandbox import entity_types, php
from migrator.sandbox.errors import PortalError
from migrator.sandbox.registry import Answer, Call, method, page

if TYPE_CHECKING:
    from collections.abc import Callable

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
#: Longest STATUS_ID, prefix included; deal stages have 22 (core-corp: crm_status.php,
#: validateStatusId: 30 for rights less the name of the field, or the 50 of the column).
_LENGTHS = {"STATUS": 21, "QUOTE_STATUS": 22}
_LENGTH_OF_DEALS = 22
_LENGTH_OF_OTHERS = 50
_SYMBOLS = re.compile(r"[0-9A-Za-z_-]+")


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
    """Words without a code (crm-status-add.md)."""
    if not call.user.crm_admin:
        raise PortalError("", "Access denied.")


@method("crm.status.list")
def list_statuses(portal: Portal, call: Call) -> Answer:
    """`select` is ignored; an unknown ENTITY_ID is an empty list."""
    wanted = call.array("filter", "FILTER")
    if php.is_array(wanted.get("ENTITY_ID")):
        raise PortalError("", "Filter by ENTITY_ID must be a string")
    tests = _tests(wanted)
    rows = [
        _printed(row)
        for row in portal.statuses.rows()
        if all(test(str(row[name] or "")) for name, test in tests)
    ]
    _sort(rows, call.array("order", "ORDER"))
    rows, total, following = page(rows, call.get("start") or 0)
    return Answer(rows, total, following)


def _tests(wanted: dict[str, Any]) -> list[tuple[str, Callable[[str], bool]]]:
    """Keys are names without operators; any other key and an empty value are passed over.

    Source: core-corp: crm_status.php, GetList
    """
    known = {key.upper(): str(value) for key, value in wanted.items() if str(value) != ""}
    return [(name, _test(name, known[name])) for name in _COMPARED if name in known]


_COMPARED = ("ID", "ENTITY_ID", "STATUS_ID", "NAME", "SORT", "SYSTEM", "CATEGORY_ID", "SEMANTICS")


def _test(name: str, wanted: str) -> Callable[[str], bool]:
    if name == "NAME":
        return lambda actual: wanted.lower() in actual.lower()
    if name == "SYSTEM":
        return lambda actual: (actual == "Y") == (wanted == "Y")
    return lambda actual: actual == wanted


def _sort(rows: list[dict[str, Any]], order: dict[str, Any]) -> None:
    """By SORT where nothing is asked for; whatever is not ASC is descending (GetList)."""
    for key, direction in reversed((order or {"SORT": "ASC"}).items()):
        name = key.upper()
        if name in _COMPARED:
            backwards = str(direction).upper() != "ASC"
            rows.sort(key=lambda row, name=name: _sort_key(row[name]), reverse=backwards)  # type: ignore[misc] # mypy cannot infer a lambda with a default


def _sort_key(value: Any) -> tuple[int, str]:
    return (php.to_int(value), "") if php.is_number(value) else (0, str(value or ""))


def _find(portal: Portal, call: Call) -> dict[str, Any]:
    row = portal.statuses.by_id(str(call.get("id", "ID")))
    if row is None:
        # Here the code is a sentence (b24restdocs api-reference/crm/status/crm-status-get.md).
        raise PortalError("Status is not found.", "Directory item not found.")
    return row


def _find_to_change(portal: Portal, call: Call) -> dict[str, Any]:
    _administrator(call)
    if php.to_int(call.get("id", "ID")) <= 0:
        # b24restdocs .../crm-status-update.md, crm-status-delete.md
        raise PortalError("Invalid identifier.", "An invalid identifier was passed.")
    return _find(portal, call)


@method("crm.status.get")
def get(portal: Portal, call: Call) -> Answer:
    return Answer(_printed(_find(portal, call)))


@method("crm.status.add")
def add(portal: Portal, call: Call) -> Answer:
    _administrator(call)
    raw = _fields(call)
    _check_required(raw)
    entity_id = str(raw["ENTITY_ID"])
    if entity_id not in {*_NAMES, *portal.statuses.lists(), *portal.categories.stage_lists()}:
        raise PortalError("", "Specified entity type is not supported.")
    known = portal.statuses.of(entity_id)
    # Whatever stands before the first colon makes room for the list's own prefix.
    code = str(raw["STATUS_ID"]).partition(":")[2] or str(raw["STATUS_ID"])
    status_id = portal.categories.prefix_of_stages(entity_id) + code
    _check_code(entity_id, status_id, code)
    if portal.statuses.find(entity_id, status_id):
        raise PortalError("ERROR_CORE", "The specified status ID already exists.")
    semantics = raw.get("SEMANTICS") or None
    if semantics == "S" and any(row["SEMANTICS"] == "S" for row in known):
        # core-corp: modules/crm/lib/status.php, onBeforeAdd
        raise PortalError("", "There can be only one successful stage.")
    looks = _looks({"SORT": 10, **raw})
    _check_sort(known, semantics, int(looks["SORT"]))
    identity = {"ENTITY_ID": entity_id, "STATUS_ID": status_id, "SEMANTICS": semantics}
    category = _category(portal, entity_id, raw.get("CATEGORY_ID"))
    row = portal.statuses.add({**identity, **looks, "CATEGORY_ID": category})
    portal.structure_changed()
    return Answer(int(row["ID"]))


def _fields(call: Call) -> dict[str, Any]:
    if not php.is_array(call.get("fields", "FIELDS")):
        raise PortalError("", "Parameter 'fields' must be array.")
    return call.array("fields", "FIELDS")


def _check_required(raw: dict[str, Any]) -> None:
    """Of the two names both messages come at once (crm-status-add.md)."""
    missing = [key for key in ("ENTITY_ID", "STATUS_ID") if php.is_empty(raw.get(key))]
    if missing:
        raise PortalError("", " ".join(f"The field {key} is required." for key in missing))
    if php.is_empty(raw.get("NAME")):
        raise PortalError("", "The field Title is required.")


def _check_code(entity_id: str, status_id: str, code: str) -> None:
    """Refused, not cut; letters, digits, hyphens and underscores where rights hang on the code.

    Sources: crm-status-add.md, "Restrictions for STATUS_ID"; core-corp: crm_status.php,
    validateStatusId. Only the code is documented, the words are ours.
    """
    deals = entity_id.startswith("DEAL_STAGE")
    longest = _LENGTHS.get(entity_id, _LENGTH_OF_DEALS if deals else _LENGTH_OF_OTHERS)
    if len(status_id) > longest:
        most = longest - len(status_id) + len(code)
        raise PortalError("ERROR_CORE", f"The status ID is longer than {most} characters.")
    if (deals or entity_id in _LENGTHS) and not _SYMBOLS.fullmatch(code):
        raise PortalError("ERROR_CORE", "The status ID contains invalid characters.")


def _looks(raw: dict[str, Any]) -> dict[str, Any]:
    """What can be changed, as it is stored (core-corp: crm_status.php, Add and Update).

    A SORT that is no positive number is 10, and so is one that is not sent.
    """
    sort = php.to_int(raw.get("SORT"))
    values = {"SORT": str(sort if sort > 0 else 10)}
    if not php.is_empty(raw.get("NAME")):
        values["NAME"] = str(raw["NAME"])
    if not php.is_empty(raw.get("COLOR")):
        values["COLOR"] = "#" + str(raw["COLOR"]).removeprefix("#")
    return values


def _category(portal: Portal, entity_id: str, sent: Any) -> str:
    """As sent; a deal's pipeline is known from the list, of any other it becomes 0 otherwise.

    Automation looks for the stages of a pipeline by it. Sources: crm-status-fields.md (settable
    on creation only); core-corp: crm_status.php, Add
    """
    if sent is not None:
        return str(php.to_int(sent))
    entity_type_id, category_id = portal.categories.stage_lists().get(entity_id, (0, 0))
    return str(category_id if entity_type_id == entity_types.DEAL else 0)


def _check_sort(known: list[dict[str, Any]], semantics: str | None, sort: int) -> None:
    """Stages in progress stand before the successful one, failed ones behind it.

    Source: crm-status-add.md, "Restrictions for SORT" for all three groups. Its table of errors
    has the first refusal; the second is the server's CRM_STATUS_INCORRECT_SEMANTIC_SORT_ERROR,
    beside CRM_STATUS_INCORRECT_PROCESS_SEMANTIC_SORT_ERROR for the first (module crm of 2026),
    and people have met both in pipelines of smart processes.
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
    """ENTITY_ID, STATUS_ID, CATEGORY_ID and SEMANTICS are immutable and ignored."""
    row = _find_to_change(portal, call)
    portal.statuses.change(row, _looks(_fields(call)))
    portal.structure_changed()
    return Answer(True)  # noqa: FBT003 - the documented result


@method("crm.status.delete")
def delete(portal: Portal, call: Call) -> Answer:
    """Whether other entries are in use is not looked at, only whether items stand in a stage."""
    row = _find_to_change(portal, call)
    forced = call.array("params", "PARAMS").get("FORCED") == "Y"
    # Sentences stand in the place of codes here (crm-status-delete.md).
    if row["SYSTEM"] == "Y" and not forced:
        text = "CRM System Status can be deleted only if parameter FORCED is specified and equal "
        raise PortalError(f'{text}to "Y".')
    if portal.stage_in_use(row["ENTITY_ID"], row["STATUS_ID"]):
        raise PortalError("There are active items in this status.")
    if _is_last_of_its_group(portal, row):
        raise PortalError("Error on deleting status.")
    portal.statuses.remove(row)
    portal.structure_changed()
    return Answer(True)  # noqa: FBT003 - the documented result


def _is_last_of_its_group(portal: Portal, row: dict[str, Any]) -> bool:
    """A pipeline keeps a stage of each group (how-to-add-category-to-spa.md)."""
    entity_id = row["ENTITY_ID"]
    if entity_id not in {"STATUS", "QUOTE_STATUS", *portal.categories.stage_lists()}:
        return False
    alike = (one for one in portal.statuses.of(entity_id) if one["SEMANTICS"] == row["SEMANTICS"])
    return len(list(alike)) == 1


@method("crm.status.fields")
def fields(portal: Portal, call: Call) -> Answer:
    del portal, call
    flags = {"ID": "r", "ENTITY_ID": "qi", "STATUS_ID": "qi", "SORT": "", "NAME": "q"}
    flags |= {"NAME_INIT": "r", "SYSTEM": "r", "CATEGORY_ID": "i", "COLOR": "", "SEMANTICS": "i"}
    flags |= {"EXTRA": ""}
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
    entity_id = str(call.get("entityId", "ENTITY_ID") or "").upper()
    if not entity_id:
        raise PortalError("The parameter entityId is not defined or invalid.")
    rows = portal.statuses.of(entity_id)
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
    process = portal.types.by_entity_type_id.get(etid)
    # core-corp: crm_status.php, getDynamicEntities
    is_enabled = process is None or process.enabled("isStagesEnabled")
    row |= {"IS_ENABLED": is_enabled, "CATEGORY_ID": category_id}
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
