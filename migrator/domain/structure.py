"""The structure of a portal: what its items are made of, as plain data.

Both portals' structure is kept in staging as the portal sent it (`StructureElement`); this module
turns those rows into values that pairing, planning and transformation work on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from migrator.domain.fields import Field, FieldSet, parse_field
from migrator.domain.vocabulary import (
    SMART_INVOICE,
    SYSTEM_TYPES,
    EntityTypeId,
    stage_entity_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class ElementKind(StrEnum):
    """The kinds of structure staged for each portal; `scope` and `key` are unique inside one."""

    PROFILE = "profile"
    ENTITY_TYPE = "entity_type"
    FIELD = "field"
    CATEGORY = "category"
    STATUS = "status"
    USER_FIELD = "user_field"
    CURRENCY = "currency"
    USER = "user"
    DEPARTMENT = "department"


class Element(Protocol):
    """One staged row of structure, whoever keeps it."""

    @property
    def kind(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def payload(self) -> Any: ...


#: Before every user field of the CRM.
_USER_FIELD = "UF_CRM_"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityType:
    """An entity type of a portal; `type_id` is an SPA's own id, which its user fields carry."""

    entity_type_id: EntityTypeId
    title: str
    code: str | None = None
    type_id: int | None = None
    #: The portal's code where the webhook's user may not see this type; it has no fields then.
    refused: str | None = None

    @property
    def user_field_entity_id(self) -> str:
        system = SYSTEM_TYPES.get(self.entity_type_id)
        return system.user_field_entity_id if system else f"CRM_{self.type_id}"

    @property
    def user_field_prefix(self) -> str:
        """What stands before the part of a user field's name that people chose.

        Fields of invoices are made by userfieldconfig.add, which asks for `UF_<entityId>_`; those
        of the other system types have methods of their own.
        """
        by_entity = self.type_id is not None or self.entity_type_id == SMART_INVOICE
        return f"UF_{self.user_field_entity_id}_" if by_entity else _USER_FIELD

    def user_field_code(self, stored_name: str) -> str:
        """The part of a user field's name that people chose."""
        return stored_name.removeprefix(self.user_field_prefix).removeprefix(_USER_FIELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    category_id: int
    name: str
    code: str | None = None
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A directory entry; a stage when its directory belongs to a pipeline."""

    status_id: str
    name: str
    semantics: str = ""
    is_system: bool = False
    sort: int = 0

    @property
    def code(self) -> str:
        """The code without the pipeline's prefix: `NEW` of `C9:NEW`."""
        return self.status_id.rpartition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    user_id: int
    name: str
    email: str
    is_active: bool = True
    departments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who the webhook speaks for. `is_admin` is the portal administrator of `user.admin`."""

    user_id: int
    name: str
    is_admin: bool
    scopes: frozenset[str]
    utc_offset: str
    #: False where the portal does not tell the scopes, and they are assumed.
    scopes_told: bool = True
    #: Granted, or assumed to be, but the portal refuses what belongs to them.
    refused_scopes: frozenset[str] = frozenset()

    def without_scope(self, scope: str) -> Profile:
        """The same, once the portal has refused what the scope is for."""
        return replace(
            self,
            scopes=self.scopes - {scope},
            refused_scopes=self.refused_scopes | (self.scopes & {scope}),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Everything a migration needs to know about one portal besides its items."""

    profile: Profile | None = None
    entity_types: Mapping[EntityTypeId, EntityType] = field(default_factory=dict)
    fields: Mapping[EntityTypeId, FieldSet] = field(default_factory=dict)
    categories: Mapping[EntityTypeId, Mapping[int, Category]] = field(default_factory=dict)
    #: Entity types that exist but may not be read with this webhook.
    refused_types: tuple[EntityType, ...] = ()
    #: ENTITY_ID -> STATUS_ID -> entry
    statuses: Mapping[str, Mapping[str, Status]] = field(default_factory=dict)
    users: Mapping[int, User] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    #: Digits after the point of a currency's amounts, where the portal says so.
    currency_decimals: Mapping[str, int] = field(default_factory=dict)
    #: Department -> the one above it, or None; empty where the webhook may not see them.
    departments: Mapping[int, int | None] = field(default_factory=dict)

    def stage_directories(self, entity_type_id: EntityTypeId) -> dict[int | None, str]:
        """Pipeline id (None for types without pipelines) -> ENTITY_ID of its stages."""
        categories: Iterable[int | None] = self.categories.get(entity_type_id) or (None,)
        found = ((c, stage_entity_id(entity_type_id, c)) for c in categories)
        return {c: d for c, d in found if d is not None}

    def stage(
        self, entity_type_id: EntityTypeId, category_id: int | None, stage_id: str
    ) -> Status | None:
        directory = stage_entity_id(entity_type_id, category_id)
        return self.statuses.get(directory or "", {}).get(stage_id)


def build_structure(elements: Iterable[Element]) -> Structure:
    """Read staged rows, in any order, into a Structure."""
    by_kind: dict[str, list[Element]] = defaultdict(list)
    for element in elements:
        by_kind[element.kind].append(element)
    listed = [_entity_type(element) for element in by_kind[ElementKind.ENTITY_TYPE]]
    entity_types = {t.entity_type_id: t for t in listed if t.refused is None}
    return Structure(
        profile=next(map(read_as_profile, by_kind[ElementKind.PROFILE]), None),
        entity_types=entity_types,
        refused_types=tuple(t for t in listed if t.refused is not None),
        fields=_fields(entity_types, by_kind[ElementKind.FIELD], by_kind[ElementKind.USER_FIELD]),
        categories=_categories(by_kind[ElementKind.CATEGORY]),
        statuses=_statuses(by_kind[ElementKind.STATUS]),
        users={int(e.key): _user(e) for e in by_kind[ElementKind.USER]},
        currencies={e.key: e.name for e in by_kind[ElementKind.CURRENCY]},
        currency_decimals=dict(_decimals(by_kind[ElementKind.CURRENCY])),
        departments={int(e.key): _parent(e) for e in by_kind[ElementKind.DEPARTMENT]},
    )


def _entity_type(element: Element) -> EntityType:
    raw = element.payload
    type_id = raw.get("id")
    return EntityType(
        entity_type_id=EntityTypeId(int(element.key)),
        title=element.name,
        code=raw.get("code") or None,
        type_id=int(type_id) if type_id else None,
        refused=raw.get("refused"),
    )


def _fields(
    entity_types: Mapping[EntityTypeId, EntityType],
    fields: Iterable[Element],
    user_fields: Iterable[Element],
) -> dict[EntityTypeId, FieldSet]:
    """Join crm.item.fields with the user-field configuration.

    Only the latter has the settings in full and the XML_ID of enumeration values.
    """
    configured = {(e.scope, e.key): e.payload for e in user_fields}
    parsed: dict[EntityTypeId, list[Field]] = defaultdict(list)
    for element in fields:
        entity_type_id = EntityTypeId(int(element.scope))
        entity_type = entity_types.get(entity_type_id)
        meta = dict(element.payload)
        stored_name = str(meta.get("upperName") or element.key)
        config = (
            configured.get((entity_type.user_field_entity_id, stored_name))
            if (entity_type)
            else None
        )
        parsed[entity_type_id].append(parse_field(element.key, _with_config(meta, config)))
    return {entity_type_id: FieldSet.of(rows) for entity_type_id, rows in parsed.items()}


def _with_config(meta: dict[str, Any], config: Mapping[str, Any] | None) -> dict[str, Any]:
    if config is None:
        return meta
    if config.get("settings"):
        meta["settings"] = config["settings"]
    if config.get("enum"):
        meta["items"] = config["enum"]
    meta["xmlId"] = config.get("xmlId")
    return meta


def _categories(elements: Iterable[Element]) -> dict[EntityTypeId, dict[int, Category]]:
    found: dict[EntityTypeId, dict[int, Category]] = defaultdict(dict)
    for element in elements:
        category_id = int(element.key)
        found[EntityTypeId(int(element.scope))][category_id] = Category(
            category_id=category_id,
            name=element.name,
            code=element.payload.get("code") or None,
            is_default=element.payload.get("isDefault") == "Y",
        )
    return dict(found)


def _statuses(elements: Iterable[Element]) -> dict[str, dict[str, Status]]:
    found: dict[str, dict[str, Status]] = defaultdict(dict)
    for element in elements:
        found[element.scope][element.key] = Status(
            status_id=element.key,
            name=element.name,
            semantics=str(element.payload.get("SEMANTICS") or ""),
            is_system=element.payload.get("SYSTEM") == "Y",
            sort=int(element.payload.get("SORT") or 0),
        )
    return dict(found)


def _user(element: Element) -> User:
    return User(
        user_id=int(element.key),
        name=element.name,
        email=str(element.payload.get("EMAIL") or ""),
        is_active=element.payload.get("ACTIVE") in (True, "Y", "true"),
        departments=_numbers(element.payload.get("UF_DEPARTMENT")),
    )


def _numbers(raw: Any) -> tuple[int, ...]:
    rows = raw if isinstance(raw, list) else [raw] if raw else []
    return tuple(int(row) for row in rows)


def _decimals(elements: Iterable[Element]) -> Iterator[tuple[str, int]]:
    for element in elements:
        decimals = str(element.payload.get("DECIMALS", ""))
        if decimals.isdecimal():
            yield element.key, int(decimals)


def _parent(element: Element) -> int | None:
    above = str(element.payload.get("PARENT") or "")
    return int(above) if above.isdecimal() and int(above) else None


def read_as_profile(element: Element) -> Profile:
    raw = element.payload
    return Profile(
        user_id=int(raw["ID"]),
        name=element.name,
        is_admin=bool(raw.get("ADMIN")),
        scopes=frozenset(raw.get("scopes") or ()),
        utc_offset=str(raw.get("utc_offset") or "+00:00"),
        scopes_told=bool(raw.get("scopes_told", True)),
        refused_scopes=frozenset(raw.get("refused_scopes") or ()),
    )
