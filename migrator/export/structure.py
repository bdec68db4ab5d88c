"""Read a portal's structure: what its items are made of, and who the webhook speaks for.

Kept as the portal sent it; `migrator.domain.structure` reads it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from migrator.bitrix.answers import Answer
from migrator.bitrix.commands import Command
from migrator.bitrix.errors import (
    AccessDenied,
    InvalidCredentials,
    ItemRefused,
    MissingScope,
    PlanWithoutRest,
    PortalError,
    UserNotAllowed,
)
from migrator.bitrix.keyset import PAGE
from migrator.domain.errors import UsageError
from migrator.domain.records import StructureElement
from migrator.domain.structure import ElementKind
from migrator.domain.vocabulary import SYSTEM_TYPES, EntityTypeId, is_spa
from migrator.plan.portal_rights import USER_FIELD_SCOPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migrator.bitrix.client import PortalClient

#: Scopes without which nothing can be moved (b24restdocs api-reference/scopes/permissions.md).
REQUIRED_SCOPES = ("crm",)
#: Any of these lets the webhook list users (b24restdocs api-reference/user/user-scope.md).
USER_SCOPES = frozenset({"user", "user_basic", "user_brief"})
#: Without it a department's users are known, but not which department it belongs to
#: (b24restdocs api-reference/departments/department-get.md).
DEPARTMENT_SCOPE = "department"

_USER_KEYS = ("ID", "EMAIL", "NAME", "LAST_NAME", "ACTIVE", "XML_ID", "UF_DEPARTMENT")


class PortalNotUsable(UsageError):
    """The webhook works, or does not, but cannot be used for a migration as it is."""

    reference = "portal-not-usable"


def read_profile(client: PortalClient) -> StructureElement:
    """Who the webhook speaks for, with which scopes, in which time zone.

    This is the first request to a portal, so what is wrong with the webhook is wrong with the
    configuration.

    Raises: PortalNotUsable; RepeatLater where the portal cannot be reached.
    """
    commands = {name: Command(name) for name in ("profile", "scope")}
    commands["time"] = Command("server.time")
    try:
        answers = client.batch(commands)
        profile = dict(_answer(answers["profile"]).mapping())
        scopes = [str(name) for name in _answer(answers["scope"]).rows()]
        moment = str(_answer(answers["time"]).result)
    except (InvalidCredentials, MissingScope, PlanWithoutRest, UserNotAllowed) as error:
        raise PortalNotUsable(error.message, hint=error.hint) from None
    _check_scopes(client, scopes)
    if not profile:
        raise PortalNotUsable(
            f"{client.webhook.host}: the webhook's user {client.webhook.user_id} is not active",
            hint="create a webhook as an active portal administrator",
        )
    payload = {**profile, "scopes": sorted(scopes), "utc_offset": moment[-6:]}
    name = " ".join(p for p in (profile.get("NAME"), profile.get("LAST_NAME")) if p)
    return StructureElement(
        kind=ElementKind.PROFILE,
        scope="",
        key="profile",
        name=name or f"user {profile['ID']}",
        payload=payload,
    )


def _check_scopes(client: PortalClient, scopes: Iterable[str]) -> None:
    granted = set(scopes)
    missing = [scope for scope in REQUIRED_SCOPES if scope not in granted]
    if not granted & USER_SCOPES:
        missing.append("user")
    if missing:
        listed = ", ".join(missing)
        raise PortalNotUsable(
            f"{client.webhook.host}: the webhook lacks the scope {listed}",
            hint=f"edit the webhook (Developer resources > Other > Inbound webhook) and tick: "
            f"{listed}, {USER_FIELD_SCOPE}",
        )


def read_structure(client: PortalClient, profile: StructureElement) -> list[StructureElement]:
    """Everything but the items: types, fields, pipelines, directories, currencies, users.

    Raises: PortalNotUsable where the webhook's user may not see the structure.
    """
    types = {EntityTypeId(int(element.key)): element for element in _entity_types(client)}
    elements = [profile]
    type_ids = []
    for entity_type_id, answer in _each_type(client, "crm.item.fields", types, _STORED_NAMES):
        if isinstance(answer, AccessDenied):
            refused = {**types[entity_type_id].payload, "refused": answer.code}
            elements.append(replace(types[entity_type_id], payload=refused))
        elif isinstance(answer, Answer):
            type_ids.append(entity_type_id)
            elements.append(types[entity_type_id])
            elements += _fields(entity_type_id, answer)
    elements += _categories(client, type_ids)
    elements += _statuses(client)
    elements += _user_fields(client, USER_FIELD_SCOPE in profile.payload["scopes"])
    elements += _currencies(client)
    elements += _users(client)
    if DEPARTMENT_SCOPE in profile.payload["scopes"]:
        elements += _departments(client)
    return elements


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
                found.append(_answer(answer).mapping(key))
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
        if isinstance(answer, PortalError):
            continue
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

    Yields refusals of a single type; raises what stops everything.
    """
    rest = list(types)
    while rest:
        part, rest = rest[:PAGE], rest[PAGE:]
        commands = {f"t{t}": Command(method, {"entityTypeId": t, **params}) for t in part}
        answers = client.batch(commands)
        for entity_type_id in part:
            answer = answers[f"t{entity_type_id}"]
            if isinstance(answer, PortalError) and not isinstance(answer, ItemRefused):
                raise answer
            yield entity_type_id, answer


def _answer(answer: Answer | PortalError) -> Answer:
    if isinstance(answer, PortalError):
        raise answer
    return answer


def _statuses(client: PortalClient) -> Iterator[StructureElement]:
    for row in client.list_all("crm.status.list", {"order": {"ID": "ASC"}}, key=None):
        yield StructureElement(
            kind=ElementKind.STATUS,
            scope=str(row["ENTITY_ID"]),
            key=str(row["STATUS_ID"]),
            name=str(row["NAME"]),
            payload=row,
        )


def _user_fields(client: PortalClient, has_scope: bool) -> Iterator[StructureElement]:  # noqa: FBT001
    """Settings in full, and the XML_ID of list values, which crm.item.fields does not print.

    Without the scope `userfieldconfig` the fields of the system types are read another way, and
    the list values of smart processes are known by their text only.
    """
    if not has_scope:
        yield from _classic_user_fields(client)
        return
    listed = client.list_all("userfieldconfig.list", {"moduleId": "crm"}, key="fields")
    rows = [row for row in listed if str(row["entityId"]).startswith("CRM_")]
    asked = [{"moduleId": "crm", "id": row["id"]} for row in rows]
    for row, whole in zip(
        rows, _in_full(client, "userfieldconfig.get", asked, "field"), strict=True
    ):
        yield _user_field(str(row["entityId"]), str(row["fieldName"]), whole or row)


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


def _departments(client: PortalClient) -> Iterator[StructureElement]:
    for row in client.list_all("department.get", {"sort": "ID", "order": "ASC"}, key=None):
        yield StructureElement(
            kind=ElementKind.DEPARTMENT,
            scope="",
            key=str(row["ID"]),
            name=str(row.get("NAME") or row["ID"]),
            payload=row,
        )
