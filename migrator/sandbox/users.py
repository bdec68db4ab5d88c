"""Users, their rights, and the methods user.*, profile and department.get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.sandbox import php
from migrator.sandbox.registry import Answer, Call, method, page

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

#: Keys of a seeded user that are settings of the sandbox, not part of user.get.
_RIGHTS = ("ADMIN", "IMPORT", "DELETE", "CRM", "CRM_ADMIN")
#: user_brief hides the addresses (b24restdocs api-reference/user/user-scope.md).
_HIDDEN_FROM_BRIEF = ("EMAIL", "PERSONAL_MOBILE", "WORK_PHONE")
_USER_SCOPES = "user|user_basic|user_brief"


@dataclass(frozen=True, slots=True)
class User:
    user_id: int
    row: dict[str, Any]
    admin: bool
    crm: bool
    #: May change CRM settings (rights of a CRM administrator).
    crm_admin: bool
    #: True for every entity type, or the entity types this user may import
    imports: bool | frozenset[int]
    #: May delete items, of every entity type.
    deletes: bool = True

    @property
    def extranet(self) -> bool:
        return self.row.get("USER_TYPE") == "extranet"

    def may_import(self, entity_type_id: int) -> bool:
        if isinstance(self.imports, bool):
            return self.imports
        return entity_type_id in self.imports


def read_user(raw: dict[str, Any]) -> User:
    row = _DEFAULTS | {key: value for key, value in raw.items() if key not in _RIGHTS}
    row["ID"] = str(raw["ID"])
    admin = bool(raw.get("ADMIN", False))
    imports = raw.get("IMPORT", admin)
    return User(
        user_id=int(raw["ID"]),
        row=row,
        admin=admin,
        crm=bool(raw.get("CRM", True)),
        crm_admin=bool(raw.get("CRM_ADMIN", admin)),
        imports=frozenset(imports) if isinstance(imports, list) else bool(imports),
        deletes=bool(raw.get("DELETE", True)),
    )


def dump_user(user: User) -> dict[str, Any]:
    imports = user.imports if isinstance(user.imports, bool) else sorted(user.imports)
    rights = {"ADMIN": user.admin, "CRM": user.crm, "CRM_ADMIN": user.crm_admin}
    return {**user.row, **rights, "IMPORT": imports, "DELETE": user.deletes}


_DEFAULTS: dict[str, Any] = {
    "ID": "",
    "ACTIVE": True,
    "NAME": "",
    "LAST_NAME": "",
    "SECOND_NAME": "",
    "EMAIL": "",
    "LAST_LOGIN": "",
    "DATE_REGISTER": "",
    "TIME_ZONE": "",
    "IS_ONLINE": "N",
    "PERSONAL_GENDER": "",
    "PERSONAL_BIRTHDAY": "",
    "WORK_POSITION": "",
    "UF_EMPLOYMENT_DATE": "",
    "UF_DEPARTMENT": [],
    "USER_TYPE": "employee",
}


def _visible(call: Call, user: User) -> dict[str, Any]:
    row = dict(user.row)
    if not {"user", "user_basic"} & set(call.webhook.scopes):
        for key in _HIDDEN_FROM_BRIEF:
            row.pop(key, None)
    return row


@method("user.current", scope=_USER_SCOPES)
def current(portal: Portal, call: Call) -> Answer:
    del portal
    row = _visible(call, call.user)
    row.pop("USER_TYPE")
    return Answer(row)


@method("user.admin", scope=None)
def admin(portal: Portal, call: Call) -> Answer:
    del portal
    return Answer(call.user.admin)


@method("profile", scope=None)
def profile(portal: Portal, call: Call) -> Answer:
    del portal
    row = call.user.row
    if not row["ACTIVE"]:
        return Answer([])
    keys = ("NAME", "LAST_NAME", "PERSONAL_GENDER", "TIME_ZONE")
    return Answer({"ID": row["ID"], "ADMIN": call.user.admin, **{k: row[k] for k in keys}})


@method("user.get", scope=_USER_SCOPES)
def get(portal: Portal, call: Call) -> Answer:
    rows = [_visible(call, user) for user in portal.users.values()]
    found = [row for row in rows if _passes(row, _user_filter(call))]
    return _sorted_page(call, found)


@method("user.search", scope=_USER_SCOPES)
def search(portal: Portal, call: Call) -> Answer:
    wanted = _user_filter(call)
    needle = str(wanted.pop("FIND", "") or wanted.pop("NAME_SEARCH", "")).lower()
    rows = [_visible(call, user) for user in portal.users.values()]
    found = [
        row
        for row in rows
        if _passes(row, wanted)
        and needle in " ".join(str(row[k]) for k in ("NAME", "LAST_NAME", "WORK_POSITION")).lower()
    ]
    return _sorted_page(call, found)


_NOT_FILTERS = {"start", "sort", "order", "select", "filter", "admin_mode", "image_resize"}


def _user_filter(call: Call) -> dict[str, Any]:
    """Filter keys stand under FILTER or at the top level (b24restdocs .../user/user-get.md)."""
    top = {k: v for k, v in call.params.items() if k.lower() not in _NOT_FILTERS}
    return top | call.array("FILTER", "filter")


def _passes(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(_matches(row, key, value) for key, value in wanted.items())


def _matches(row: dict[str, Any], key: str, value: Any) -> bool:
    name = key.lstrip("<>=!@%")
    operator = key[: len(key) - len(name)]
    if name not in row:
        return True
    actual = row[name]
    if operator in (">", ">=", "<", "<="):
        left, right = (php.to_int(actual), php.to_int(value)) if name == "ID" else (actual, value)
        return bool(
            {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[
                operator
            ]
        )
    values = php.array_values(value) if php.is_array(value) else [value]
    hit = any(_equal(actual, one, partly="%" in operator) for one in values)
    return hit != operator.startswith("!")


def _equal(actual: Any, wanted: Any, *, partly: bool) -> bool:
    if isinstance(actual, bool):
        return actual == (wanted in (True, "true", "Y", "1", 1))
    if isinstance(actual, list):
        return str(wanted) in [str(one) for one in actual]
    left, right = str(actual).lower(), str(wanted).lower()
    return right.strip("%") in left if partly else left == right


def _sorted_page(call: Call, rows: list[dict[str, Any]]) -> Answer:
    sort = call.get("sort", "SORT")
    order = call.get("order", "ORDER")
    if php.is_array(order):
        sort, order = next(iter(php.array_items(order)), ("ID", "ASC"))
    key = str(sort or "ID")
    backwards = str(order or "ASC").upper() == "DESC"
    rows.sort(key=lambda row: _sort_key(row.get(key, "")), reverse=backwards)
    rows, total, following = page(rows, call.get("start", "START") or 0)
    return Answer(rows, total, following)


def _sort_key(value: Any) -> tuple[int, str]:
    return (php.to_int(value), "") if php.is_number(value) else (0, str(value))


@method("department.get", scope="department")
def departments(portal: Portal, call: Call) -> Answer:
    rows = [row for row in portal.departments if _passes(row, _user_filter(call))]
    return _sorted_page(call, rows)
