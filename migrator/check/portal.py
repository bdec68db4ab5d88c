"""One portal: its clock, its limits, and the lists that two portals are compared by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from migrator.bitrix.answers import Answer
from migrator.bitrix.commands import Command
from migrator.bitrix.errors import PortalError
from migrator.check.asking import Listing, ListQuery, ask, read_list, refusal
from migrator.domain.fields import FieldSet, parse_field
from migrator.domain.records import StructureElement
from migrator.domain.structure import ElementKind, Structure, build_structure
from migrator.domain.vocabulary import DEAL, SYSTEM_TYPES, EntityTypeId, Role, is_spa
from migrator.plan.check.facts import LimitFacts, PortalFacts, Refusal
from migrator.plan.portal_rights import USER_FIELD_SCOPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migrator.bitrix.client import PortalClient
    from migrator.clock import Clock
    from migrator.domain.structure import Profile

_LISTS = {
    "types": ListQuery(method="crm.type.list", key="types", is_whole=True),
    "currencies": ListQuery(method="crm.currency.list", is_whole=True),
    "users": ListQuery(method="user.get", params={"sort": "ID", "order": "ASC"}, is_whole=True),
    # Whether the scope is worth what it promises.
    "user_fields": ListQuery(
        method="userfieldconfig.list", params={"moduleId": "crm"}, key="fields"
    ),
    # For the users the mapping file names by department.
    "departments": ListQuery(method="department.get", is_whole=True),
}
_CALLS = {
    "time": Command("server.time"),
    # Told to applications only; a webhook is refused, which is an answer, too.
    "app": Command("app.info"),
    "mode": Command("crm.settings.mode.get"),
    # For what the portal counts of the method that nearly everything is read by.
    "items": Command(
        "crm.item.list",
        {"entityTypeId": DEAL, "select": ["id"], "filter": {">id": 0}, "start": -1},
    ),
}
#: crm.settings.mode.get: 1 with leads, 2 without (b24restdocs .../crm-settings-mode-get.md).
_WITH_LEADS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalReading:
    """What a portal told, and as much of its structure as a check needs."""

    client: PortalClient
    facts: PortalFacts
    structure: Structure


def read_portal(client: PortalClient, role: Role, profile: Profile, clock: Clock) -> PortalReading:
    """Two requests for a portal with up to fifty users, types and currencies.

    Raises: PortalError where the portal as a whole fails.
    """
    begun = clock.now()
    outcomes = ask(client, _CALLS | {name: query.command() for name, query in _LISTS.items()})
    ended = clock.now()
    took = (ended - begun).total_seconds()
    server_time = _moment(outcomes["time"])
    lists = {name: read_list(client, query, outcomes[name]) for name, query in _LISTS.items()}
    refused = _refused(lists)
    if "user_fields" in refused:
        profile = profile.without_scope(USER_FIELD_SCOPE)
    facts = PortalFacts(
        role=role,
        host=client.webhook.host,
        profile=profile,
        limits=_limits(client, outcomes),
        server_time=server_time,
        ahead_s=(server_time - begun).total_seconds() - took / 2 if server_time else None,
        # The portal tells whole seconds.
        uncertain_s=took / 2 + 1,
        has_leads=_has_leads(outcomes["mode"]),
        refused=refused,
    )
    return PortalReading(client=client, facts=facts, structure=_structure(lists))


def _moment(outcome: Answer | PortalError) -> datetime | None:
    if isinstance(outcome, PortalError):
        return None
    try:
        moment = datetime.fromisoformat(str(outcome.result))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _limits(client: PortalClient, outcomes: Mapping[str, Answer | PortalError]) -> LimitFacts:
    limits = client.limits
    app = outcomes["app"]
    plan = None if isinstance(app, PortalError) else app.mapping().get("LICENSE_FAMILY")
    return LimitFacts(
        requests_per_second=limits.requests_per_second,
        burst=limits.burst,
        operating_limit_s=limits.operating_limit_seconds,
        operating_window_s=limits.operating_window_seconds,
        operating_s=_operating(outcomes.values()),
        plan=str(plan) if plan else None,
    )


def _operating(outcomes: Iterable[Answer | PortalError]) -> dict[str, float]:
    told = (one for one in outcomes if isinstance(one, Answer) and one.time.operating is not None)
    return {one.method: one.time.operating or 0.0 for one in told}


def _has_leads(outcome: Answer | PortalError) -> bool | None:
    if isinstance(outcome, PortalError):
        return None
    return str(outcome.result) == str(_WITH_LEADS)


def _refused(lists: Mapping[str, Listing | PortalError]) -> dict[str, Refusal]:
    return {name: refusal(one) for name, one in lists.items() if isinstance(one, PortalError)}


def _structure(lists: Mapping[str, Listing | PortalError]) -> Structure:
    """What is compared by name or e-mail; fields, pipelines and directories are not asked for."""
    elements = [
        *_entity_types(_rows(lists["types"])),
        *_elements(ElementKind.CURRENCY, "CURRENCY", _rows(lists["currencies"])),
        *_elements(ElementKind.USER, "ID", _rows(lists["users"])),
        *_elements(ElementKind.DEPARTMENT, "ID", _rows(lists["departments"])),
    ]
    structure = build_structure(elements)
    return replace(structure, fields={t: FieldSet.of([]) for t in structure.entity_types})


def read_fields(
    client: PortalClient, types: Iterable[EntityTypeId]
) -> dict[EntityTypeId, FieldSet]:
    """The fields of a few entity types. Raises: PortalError."""
    params = {"useOriginalUfNames": "Y"}
    commands = {f"t{t}": Command("crm.item.fields", {"entityTypeId": t, **params}) for t in types}
    found: dict[EntityTypeId, FieldSet] = {}
    for key, outcome in ask(client, commands).items():
        if isinstance(outcome, PortalError):
            raise outcome
        rows = outcome.mapping("fields").items()
        fields = FieldSet.of(parse_field(name, meta) for name, meta in rows)
        found[EntityTypeId(int(key.removeprefix("t")))] = fields
    return found


def _rows(listing: Listing | PortalError) -> list[dict[str, Any]]:
    return [] if isinstance(listing, PortalError) else listing.rows


def _entity_types(rows: Iterable[dict[str, Any]]) -> Iterator[StructureElement]:
    for one in SYSTEM_TYPES.values():
        yield _element(ElementKind.ENTITY_TYPE, str(one.entity_type_id), one.title, {})
    for row in rows:
        if is_spa(int(row["entityTypeId"])):
            number, title = str(row["entityTypeId"]), str(row["title"])
            yield _element(ElementKind.ENTITY_TYPE, number, title, row)


def _elements(
    kind: ElementKind, key: str, rows: Iterable[dict[str, Any]]
) -> Iterator[StructureElement]:
    for row in rows:
        parts = (str(row[part]) for part in ("NAME", "LAST_NAME") if row.get(part))
        name = " ".join(parts) or str(row.get("EMAIL") or row[key])
        yield _element(kind, str(row[key]), name, row)


def _element(kind: ElementKind, key: str, name: str, payload: dict[str, Any]) -> StructureElement:
    return StructureElement(kind=kind, scope="", key=key, name=name, payload=payload)
