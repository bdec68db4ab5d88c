"""From a stored item to what the wire shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from migrator.sandbox import files
from migrator.sandbox.entity_types import COMPANY, CONTACT
from migrator.sandbox.store import Row

if TYPE_CHECKING:
    from migrator.sandbox.fields import Field
    from migrator.sandbox.portal import Portal
    from migrator.sandbox.settings import Webhook

Getter = Callable[[Row], Any]

#: Flat aliases of a lead's multifields (b24restdocs .../crm-item-get.md, printed lead).
_ALIASES = {
    "phoneMobile": ("PHONE", "MOBILE"),
    "phoneWork": ("PHONE", "WORK"),
    "phoneMailing": ("PHONE", "MAILING"),
    "emailHome": ("EMAIL", "HOME"),
    "emailWork": ("EMAIL", "WORK"),
    "emailMailing": ("EMAIL", "MAILING"),
    "imol": ("IM", "IMOL"),
    "email": ("EMAIL", None),
    "phone": ("PHONE", None),
}
_HAS = {"hasPhone": "PHONE", "hasEmail": "EMAIL", "hasImol": "IM"}
#: An empty link reads 0 on the older types and null elsewhere (.../crm-item-get.md).
_ZERO_LINKS = {"companyId", "contactId"}
_ZERO_LINK_TYPES = {1, 2, 3, 7}


def getter(portal: Portal, entity_type_id: int, field: Field) -> Getter:
    """The stored value of a field, links and computed fields resolved."""
    name = field.stored
    if field.disabled:
        return lambda _row: None
    computed = _computed(portal, entity_type_id, name)
    if computed:
        return computed
    if field.multiple:
        return lambda row: row.get(name) or []
    return lambda row: row.get(name)


def _computed(portal: Portal, entity_type_id: int, name: str) -> Getter | None:
    if name in _HAS:
        kind = _HAS[name]
        return lambda row: "Y" if _multifield(row, kind, None) else "N"
    if name in _ALIASES:
        kind, value_type = _ALIASES[name]
        return lambda row: _multifield(row, kind, value_type)
    if name in ("stageSemanticId", "closed"):
        return _stage_getter(portal, entity_type_id, name)
    if name == "fullName":
        return lambda row: " ".join(filter(None, (row.get("name"), row.get("lastName"))))
    return _binding(portal, entity_type_id, name)


def _multifield(row: Row, kind: str, value_type: str | None) -> str:
    for one in row.get("fm") or ():
        if one["typeId"] == kind and value_type in (None, one["valueType"]):
            return str(one["value"])
    return ""


def _stage_getter(portal: Portal, entity_type_id: int, name: str) -> Getter:
    def semantics(row: Row) -> str:
        return portal.semantics(entity_type_id, row)

    if name == "closed":
        return lambda row: "N" if semantics(row) == "P" else "Y"
    return semantics


def _binding(portal: Portal, entity_type_id: int, name: str) -> Getter | None:
    plural, ids = bound_ids(portal, entity_type_id)
    singular = plural.removesuffix("s")
    if name == plural:
        return lambda row: list(ids(row))
    if name == singular and entity_type_id != COMPANY:
        return lambda row: next(iter(ids(row)), None)
    if name in ("contacts", "companies") and plural.startswith(name[:6]):
        key = plural.removesuffix("Ids").upper() + "_ID"
        return lambda row: [_binding_row(key, i, one) for i, one in enumerate(ids(row))]
    return None


def bound_ids(portal: Portal, entity_type_id: int) -> tuple[str, Callable[[Row], list[int]]]:
    """The list of bound clients of a type: its field and where its ids come from."""
    if entity_type_id == CONTACT:
        return "companyIds", lambda row: portal.bindings.companies_of(row["id"])
    if entity_type_id == COMPANY:
        return "contactIds", lambda row: portal.bindings.contacts_of(row["id"])
    return "contactIds", lambda row: row.get("contactIds") or []


def _binding_row(key: str, index: int, bound_id: int) -> dict[str, Any]:
    return {key: bound_id, "SORT": 10 * (index + 1), "ROLE_ID": 0, "IS_PRIMARY": "NY"[index == 0]}


def printer(portal: Portal, entity_type_id: int, field: Field, webhook: Webhook) -> Getter:
    """The wire form of a field."""
    read = getter(portal, entity_type_id, field)
    if field.disabled:
        return read
    scalar = _scalar_printer(portal, entity_type_id, field, webhook)
    if scalar is None:
        return read
    if field.multiple:
        return lambda row: [scalar(value, row) for value in read(row)]
    return lambda row: scalar(read(row), row)


_Scalar = Callable[[Any, Row], Any]


def _scalar_printer(
    portal: Portal, entity_type_id: int, field: Field, webhook: Webhook
) -> _Scalar | None:
    if field.type == "date":
        print_date = portal.moments.print_date
        return lambda value, _row: print_date(value) if value else None
    if field.type == "boolean":
        return lambda value, _row: value or "N"
    if field.type == "double" and not field.dynamic:
        # opportunity, taxValue, revenue read 0; a user field reads null.
        return lambda value, _row: value or 0
    if field.type == "file":
        return _file_printer(portal, entity_type_id, field, webhook)
    if field.stored in _ZERO_LINKS and entity_type_id in _ZERO_LINK_TYPES:
        return lambda value, _row: value or 0
    return None


def _file_printer(portal: Portal, entity_type_id: int, field: Field, hook: Webhook) -> _Scalar:
    if not field.dynamic:
        # Photo and logo are only a number here (b24restdocs .../crm/data-types.md).
        return lambda value, _row: value["id"] if value else None

    def show(value: Any, row: Row) -> dict[str, Any] | None:
        if not value:
            return None
        file_id = value["id"]
        page = (
            f"{portal.origin}/bitrix/services/main/ajax.php"
            f"?action=crm.controller.item.getFile&SITE_ID=s1&entityTypeId={entity_type_id}"
            f"&id={row['id']}&fieldName={field.stored}&fileId={file_id}"
        )
        # The machine link carries the webhook's secret, as in reality.
        machine = (
            f"{portal.origin}/rest/{hook.user_id}/{hook.secret}/{files.DOWNLOAD}.json"
            f"?token={quote(files.token(file_id))}"
        )
        return {"id": file_id, "url": page, "urlMachine": machine}

    return show


def item_title(portal: Portal, entity_type_id: int, item_id: int) -> str:
    """The generated title of an item saved without one (core-corp: .../Field/Title.php)."""
    return f"{portal.types.title(entity_type_id)} #{item_id}"
