"""Read a portal's structure: what its items are made of.

Kept as the portal sent it; `migrator.domain.structure` reads it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from migrator.bitrix.answers import Answer, require
from migrator.bitrix.commands import Command
from migrator.bitrix.errors import (
    AccessDenied,
    ItemRefused,
    MethodNotFound,
    PortalError,
    UnknownError,
)
from migrator.bitrix.keyset import PAGE
from migrator.domain.records import StructureElement
from migrator.domain.structure import ElementKind
from migrator.domain.vocabulary import SYSTEM_TYPES, EntityTypeId, is_spa
from migrator.export.profile import DEPARTMENT_SCOPE, REFUSALS, PortalNotUsable, indispensable
from migrator.plan.portal_rights import USER_FIELD_SCOPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from migrator.bitrix.client import PortalClient


#: In place of a code: the portal knows the type, but names no field of it.
_NO_FIELDS = "no fields"
_USER_KEYS = ("ID", "EMAIL", "NAME", "LAST_NAME", "ACTIVE", "XML_ID", "UF_DEPARTMENT")


@indispensable()
def read_structure(
    client: PortalClient,
    profile: StructureElement,
    check_stop: Callable[[], None] = lambda: None,
) -> list[StructureElement]:
    """Everything but the items: types, fields, pipelines, directories, currencies, users.

    What some portals lack or hide is left out: entity types, departments, the full configuration
    of user fields; the profile then comes without the scope for the latter.

    Args:
        client: of the portal
        profile: as `read_profile` has read it
        check_stop: called between two parts; raises where the process has been asked to end

    Raises: PortalNotUsable where the webhook's user may not see the structure.
    """
    elements: list[StructureElement] = []
    for part in _parts(client, profile):
        check_stop()
        elements += part
    return elements


def _parts(client: PortalClient, profile: StructureElement) -> Iterator[Iterable[StructureElement]]:
    types = {EntityTypeId(int(element.key)): element for element in _entity_types(client)}
    yield ()
    configured = _configured_fields(client, profile)
    if configured is None:
        profile = _without_user_field_scope(profile)
        configured = list(_classic_user_fields(client))
    yield [profile]
    with_fields = list(_types_with_fields(client, types))
    yield with_fields
    yield _categories(client, _readable_types(with_fields))
    yield _statuses(client)
    yield configured
    yield _currencies(client)
    yield _users(client)
    yield _departments(client, profile)


def _types_with_fields(
    client: PortalClient, types: Mapping[EntityTypeId, StructureElement]
) -> Iterator[StructureElement]:
    for entity_type_id, answer in _each_type(client, "crm.item.fields", types, _STORED_NAMES):
        refusal = _refusal(answer)
        if refusal is not None:
            payload = {**types[entity_type_id].payload, "refused": refusal}
            yield replace(types[entity_type_id], payload=payload)
        elif isinstance(answer, Answer):
            yield types[entity_type_id]
            yield from _fields(entity_type_id, answer)


def _readable_types(elements: Iterable[StructureElement]) -> Iterator[EntityTypeId]:
    for element in elements:
        if element.kind == ElementKind.ENTITY_TYPE and "refused" not in element.payload:
            yield EntityTypeId(int(element.key))


def _refusal(answer: Answer | PortalError) -> str | None:
    """Why a type that exists cannot be read; only documented answers say that there is none."""
    match answer:
        case AccessDenied() | UnknownError():
            return answer.code or answer.reference
        case Answer() if not answer.mapping("fields"):
            return _NO_FIELDS
    return None


def _without_user_field_scope(profile: StructureElement) -> StructureElement:
    granted = profile.payload["scopes"]
    changes = {
        "scopes": [name for name in granted if name != USER_FIELD_SCOPE],
        "refused_scopes": [name for name in granted if name == USER_FIELD_SCOPE],
    }
    return replace(profile, payload={**profile.payload, **changes})


def _entity_types(client: PortalClient) -> Iterator[StructureElement]:
    for system in SYSTEM_TYPES.values():
        yield _entity_type(system.entity_type_id, system.title, {})
    try:
        rows = client.list_all("crm.type.list", key="types")
    except AccessDenied:
        raise PortalNotUsable(
            f"{client.webhook.host}: the webhook's user may not list the smart processes, so they "
            "could be forgotten without a word",
            hint="use the webhook of a user with administrator rights in the CRM",
        ) from None
    found = [row for row in rows if is_spa(int(row["entityTypeId"]))]
    in_full = _in_full(client, "crm.type.get", [{"id": row["id"]} for row in found], "type")
    for row, whole in zip(found, in_full, strict=True):
        yield _entity_type(EntityTypeId(int(row["entityTypeId"])), str(row["title"]), whole or row)


def _in_full(
    client: PortalClient, method: str, each: list[dict[str, Any]], key: str | None
) -> list[dict[str, Any]]:
    """What lists leave out, asked for one by one, many in a request; empty where refused.

    Relations of smart processes, labels of user fields and names of currencies in all languages,
    and values of lists (b24restdocs api-reference/crm/universal/user-defined-object-types/
    crm-type-list.md, api-reference/crm/universal/userfieldconfig/userfieldconfig-list.md,
    api-reference/crm/currency/crm-currency-list.md).
    """
    found: list[dict[str, Any]] = []
    rest = list(enumerate(each))
    while rest:
        part, rest = rest[:PAGE], rest[PAGE:]
        answers = client.batch({f"n{number}": Command(method, params) for number, params in part})
        for number, _ in part:
            answer = answers[f"n{number}"]
            if isinstance(answer, ItemRefused):
                found.append({})
            else:
                found.append(require(answer).mapping(key))
    return found


def _entity_type(
    entity_type_id: EntityTypeId, title: str, payload: Mapping[str, Any]
) -> StructureElement:
    return StructureElement(
        kind=ElementKind.ENTITY_TYPE,
        scope="",
        key=str(entity_type_id),
        name=title,
        payload=dict(payload),
    )


def _fields(entity_type_id: EntityTypeId, answer: Answer) -> Iterator[StructureElement]:
    for name, meta in answer.mapping("fields").items():
        yield StructureElement(
            kind=ElementKind.FIELD,
            scope=str(entity_type_id),
            key=name,
            name=str(meta.get("title") or name),
            payload=meta,
        )


#: User fields under the names they are stored by: the others can collide.
_STORED_NAMES = {"useOriginalUfNames": "Y"}


def _categories(client: PortalClient, types: Iterable[EntityTypeId]) -> Iterator[StructureElement]:
    asked = [t for t in types if is_spa(t) or SYSTEM_TYPES[t].has_categories]
    for entity_type_id, answer in _each_type(client, "crm.category.list", asked, {}):
        if isinstance(answer, AccessDenied | UnknownError):
            raise answer
        if isinstance(answer, PortalError):
            continue  # types without pipelines; smart processes in which they are switched off
        rows = answer.rows("categories")
        if len(rows) >= PAGE:
            params = {"entityTypeId": entity_type_id}
            rows = client.list_all("crm.category.list", params, key="categories")
        for row in rows:
            yield StructureElement(
                kind=ElementKind.CATEGORY,
                scope=str(entity_type_id),
                key=str(row["id"]),
                name=str(row.get("name") or ""),
                payload=row,
            )


def _each_type(
    client: PortalClient, method: str, types: Iterable[EntityTypeId], params: Mapping[str, Any]
) -> Iterator[tuple[EntityTypeId, Answer | PortalError]]:
    """One command per entity type, many in a request.

    Yields refusals of a single type; raises what stops everything, and a refusal of the method.
    """
    rest = list(types)
    while rest:
        part, rest = rest[:PAGE], rest[PAGE:]
        commands = {f"t{t}": Command(method, {"entityTypeId": t, **params}) for t in part}
        answers = client.batch(commands)
        for entity_type_id in part:
            answer = answers[f"t{entity_type_id}"]
            of_type = isinstance(answer, ItemRefused | UnknownError)
            if isinstance(answer, MethodNotFound) or not (of_type or isinstance(answer, Answer)):
                raise answer
            yield entity_type_id, answer


def _statuses(client: PortalClient) -> Iterator[StructureElement]:
    for row in client.list_all("crm.status.list", {"order": {"ID": "ASC"}}, key=None):
        yield StructureElement(
            kind=ElementKind.STATUS,
            scope=str(row["ENTITY_ID"]),
            key=str(row["STATUS_ID"]),
            name=str(row["NAME"]),
            payload=row,
        )


def _configured_fields(
    client: PortalClient, profile: StructureElement
) -> list[StructureElement] | None:
    """Settings in full, and the XML_ID of list values, which crm.item.fields does not print.

    None where they may not be read: the fields of the system types are then read another way, and
    the list values of smart processes are known by their text only.
    """
    if USER_FIELD_SCOPE not in profile.payload["scopes"]:
        return None
    try:
        listed = client.list_all("userfieldconfig.list", {"moduleId": "crm"}, key="fields")
    except REFUSALS:
        return None
    rows = [row for row in listed if str(row["entityId"]).startswith("CRM_")]
    asked = [{"moduleId": "crm", "id": row["id"]} for row in rows]
    in_full = _in_full(client, "userfieldconfig.get", asked, "field")
    return [
        _user_field(str(row["entityId"]), str(row["fieldName"]), whole or row)
        for row, whole in zip(rows, in_full, strict=True)
    ]


def _user_field(entity_id: str, name: str, payload: Mapping[str, Any]) -> StructureElement:
    return StructureElement(
        kind=ElementKind.USER_FIELD, scope=entity_id, key=name, name=name, payload=dict(payload)
    )


def _classic_user_fields(client: PortalClient) -> Iterator[StructureElement]:
    for system in SYSTEM_TYPES.values():
        try:
            rows = client.list_all(f"crm.{system.symbol.lower()}.userfield.list", key=None)
        except ItemRefused:
            continue  # smart invoices have no classic methods
        for row in rows:
            payload = {
                "xmlId": row.get("XML_ID"),
                "settings": row.get("SETTINGS"),
                "enum": row.get("LIST") or [],
            }
            yield _user_field(system.user_field_entity_id, str(row["FIELD_NAME"]), payload)


def _currencies(client: PortalClient) -> Iterator[StructureElement]:
    rows = client.list_all("crm.currency.list", key=None)
    asked = [{"id": row["CURRENCY"]} for row in rows]
    for row, whole in zip(rows, _in_full(client, "crm.currency.get", asked, None), strict=True):
        yield StructureElement(
            kind=ElementKind.CURRENCY,
            scope="",
            key=str(row["CURRENCY"]),
            name=str(row.get("FULL_NAME") or row["CURRENCY"]),
            payload={**row, **whole},
        )


def _users(client: PortalClient) -> Iterator[StructureElement]:
    """Dismissed users too: they are the authors of history."""
    for row in client.list_all("user.get", {"sort": "ID", "order": "ASC"}, key=None):
        name = " ".join(str(row[k]) for k in ("NAME", "LAST_NAME") if row.get(k))
        kept = {k: row.get(k) for k in _USER_KEYS}
        yield StructureElement(
            kind=ElementKind.USER,
            scope="",
            key=str(row["ID"]),
            name=name or str(row.get("EMAIL") or row["ID"]),
            payload=kept,
        )


def _departments(client: PortalClient, profile: StructureElement) -> Iterator[StructureElement]:
    """None where the webhook may not see them: they serve the mapping of users only."""
    if DEPARTMENT_SCOPE not in profile.payload["scopes"]:
        return
    try:
        rows = client.list_all("department.get", {"sort": "ID", "order": "ASC"}, key=None)
    except REFUSALS:
        return
    for row in rows:
        yield StructureElement(
            kind=ElementKind.DEPARTMENT,
            scope="",
            key=str(row["ID"]),
            name=str(row.get("NAME") or row["ID"]),
            payload=row,
        )
