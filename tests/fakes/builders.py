"""Structures, fields and items with everything a test does not care about filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.domain.fields import EnumValue, Field, FieldSet
from migrator.domain.mapping import Mapping as PortalMapping
from migrator.domain.mapping import PairKey, PairKind
from migrator.domain.structure import Category, EntityType, Profile, Status, Structure, User
from migrator.domain.values import Reference
from migrator.domain.vocabulary import DEAL, SYSTEM_TYPES, EntityTypeId, stage_entity_id
from migrator.plan.pairing import Pairing
from migrator.transform.item import TypeTransform
from migrator.transform.transformed import Missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: An SPA of the source and the one it became in the target: no identifier is the same.
SPA = EntityTypeId(1302)
OTHER_SPA = EntityTypeId(1046)


def a_field(name: str, type_: str = "string", **more: Any) -> Field:
    """A system field."""
    return Field(**{"name": name, "stored_name": name, "type": type_, **more})


def a_user_field(name: str = "UF_CRM_COLOUR", type_: str = "string", **more: Any) -> Field:
    return a_field(name, type_, **{"is_dynamic": True, **more})


def a_list_field(*values: EnumValue, name: str = "UF_CRM_COLOUR", **more: Any) -> Field:
    return a_user_field(name, "enumeration", **{"enum": values, **more})


def a_list_value(value_id: int, value: str, xml_id: str | None = None) -> EnumValue:
    return EnumValue(value_id=value_id, value=value, xml_id=xml_id)


TITLE = a_field("title")
CATEGORY = a_field("categoryId", "crm_category")
STAGE = a_field("stageId", "crm_status", status_type="DEAL_STAGE")
CREATED = a_field("createdTime", "datetime", is_read_only=True)
UPDATED = a_field("updatedTime", "datetime", is_read_only=True)
MOVED = a_field("movedTime", "datetime", is_read_only=True)
CREATED_BY = a_field("createdBy", "user", is_read_only=True)
RESPONSIBLE = a_field("assignedById", "user")


def a_category(category_id: int, name: str, **more: Any) -> Category:
    return Category(category_id=category_id, name=name, **more)


def a_status(status_id: str, name: str | None = None, semantics: str = "", **more: Any) -> Status:
    return Status(status_id=status_id, name=name or status_id.title(), semantics=semantics, **more)


def a_user(user_id: int, email: str = "", name: str | None = None) -> User:
    return User(user_id=user_id, name=name or f"User {user_id}", email=email)


def a_profile(
    user_id: int = 1,
    name: str = "Ada",
    *,
    is_admin: bool = True,
    scopes: Iterable[str] = ("crm", "user", "userfieldconfig"),
) -> Profile:
    return Profile(
        user_id=user_id,
        name=name,
        is_admin=is_admin,
        scopes=frozenset(scopes),
        utc_offset="+00:00",
    )


@dataclass(frozen=True, kw_only=True)
class TypeSketch:
    """An entity type with all that belongs to it."""

    entity_type: EntityType
    fields: Sequence[Field]
    categories: Sequence[Category]
    stages: Mapping[int | None, Sequence[Status]]


def a_type(
    entity_type_id: EntityTypeId = DEAL,
    *fields: Field,
    title: str | None = None,
    code: str | None = None,
    type_id: int | None = None,
    categories: Sequence[Category] = (),
    stages: Mapping[int | None, Sequence[Status]] | None = None,
) -> TypeSketch:
    """`stages` are those of each pipeline, by its id; None for a type without pipelines."""
    system = SYSTEM_TYPES.get(entity_type_id)
    return TypeSketch(
        entity_type=EntityType(
            entity_type_id=entity_type_id,
            title=title or (system.title if system else f"Process {entity_type_id}"),
            code=code,
            type_id=type_id if type_id is not None or system else entity_type_id - 1000,
        ),
        fields=fields,
        categories=categories,
        stages=stages or {},
    )


def a_structure(
    *types: TypeSketch,
    directories: Mapping[str, Sequence[Status]] | None = None,
    users: Iterable[User] = (),
    currencies: Iterable[str] = (),
    profile: Profile | None = None,
    refused: Iterable[EntityType] = (),
) -> Structure:
    """A portal; `directories` are the plain ones, by ENTITY_ID."""
    statuses = {name: {s.status_id: s for s in rows} for name, rows in (directories or {}).items()}
    for one in types:
        for category_id, rows in one.stages.items():
            directory = stage_entity_id(one.entity_type.entity_type_id, category_id)
            statuses[directory or ""] = {s.status_id: s for s in rows}
    return Structure(
        profile=profile or a_profile(),
        entity_types={t.entity_type.entity_type_id: t.entity_type for t in types},
        fields={t.entity_type.entity_type_id: FieldSet.of(t.fields) for t in types},
        categories={
            t.entity_type.entity_type_id: {c.category_id: c for c in t.categories}
            for t in types
            if t.categories
        },
        statuses=statuses,
        users={one.user_id: one for one in users},
        currencies={code: f"{code} by name" for code in currencies},
        refused_types=tuple(refused),
    )


def a_small_portal(spa: EntityTypeId = SPA) -> Structure:
    """Something of every kind; in another portal the SPA has another number."""
    return a_structure(
        a_type(
            DEAL,
            TITLE,
            STAGE,
            a_list_field(a_list_value(1, "Red"), a_list_value(2, "Odd")),
            a_user_field("UF_CRM_NOTES", is_multiple=True, title="Notes"),
            a_user_field("UF_CRM_NOTE", title="Note"),
            categories=[a_category(0, "Sales"), a_category(5, "Repair")],
            stages={0: [a_status("NEW", "New")], 5: [a_status("C5:NEW", "New")]},
        ),
        a_type(
            spa,
            TITLE,
            title="Projects",
            categories=[a_category(9, "Main")],
            stages={9: [a_status(f"DT{spa}_9:NEW", "New")]},
        ),
        directories={"SOURCE": [a_status("CALL", "Call"), a_status("01", "Fair")]},
        users=[a_user(7, "ada@example.com", "Ada"), a_user(8, name="Bob")],
        currencies=["USD"],
    )


def a_deal(item_id: int = 1, **fields: Any) -> dict[str, Any]:
    """A deal as crm.item.list prints it."""
    return {"id": item_id, "title": f"Deal {item_id}", **fields}


def pair_up(
    source: Structure, target: Structure, overrides: Mapping[PairKey, str | None] | None = None
) -> PortalMapping:
    return PortalMapping(Pairing(source, target, overrides or {}).pairs())


def type_key(entity_type_id: int) -> PairKey:
    return PairKey(PairKind.ENTITY_TYPE, "", str(entity_type_id))


def category_key(entity_type_id: int, category_id: int) -> PairKey:
    return PairKey(PairKind.CATEGORY, str(entity_type_id), str(category_id))


def stage_key(directory: str, stage: str) -> PairKey:
    return PairKey(PairKind.STAGE, directory, stage)


def status_key(directory: str, status: str) -> PairKey:
    return PairKey(PairKind.STATUS, directory, status)


def field_key(entity_type_id: int, name: str) -> PairKey:
    return PairKey(PairKind.FIELD, str(entity_type_id), name)


def list_value_key(entity_type_id: int, name: str, value_id: int) -> PairKey:
    return PairKey(PairKind.ENUMERATION, f"{entity_type_id}.{name}", str(value_id))


def user_key(user_id: int) -> PairKey:
    return PairKey(PairKind.USER, "", str(user_id))


def currency_key(code: str) -> PairKey:
    return PairKey(PairKind.CURRENCY, "", code)


def a_transform(
    source: Structure,
    target: Structure,
    overrides: Mapping[PairKey, str | None] | None = None,
    *,
    entity_type_id: EntityTypeId = DEAL,
    fallback_user_id: int = 1,
) -> TypeTransform:
    return TypeTransform(
        entity_type_id,
        source=source,
        target=target,
        mapping=pair_up(source, target, overrides),
        fallback_user_id=fallback_user_id,
    )


@dataclass
class Partners:
    """Where references lead: to imported items, to staged ones, or nowhere."""

    imported: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    staged: set[tuple[int, int]] = field(default_factory=set)

    def resolve(self, reference: Reference) -> Reference | Missing:
        key = (reference.entity_type_id, reference.item_id)
        if key in self.imported:
            entity_type_id, item_id = self.imported[key]
            return Reference(EntityTypeId(entity_type_id), item_id)
        return Missing.LATER if key in self.staged else Missing.NEVER


def nowhere(_: Reference) -> Missing:
    return Missing.NEVER
