"""What in an item's value is an identifier of something else: structure, or another item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.domain.mapping import PairKey, PairKind, directory_kind, enumeration_scope
from migrator.domain.values import Money, Reference, Scalar, Value, scalars
from migrator.domain.vocabulary import COMPANY, CONTACT, EntityTypeId, stage_entity_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migrator.domain.fields import Field, FieldSet
    from migrator.domain.structure import Structure

#: A contact's companies and a company's contacts are one relation seen from both ends, so setting
#: it at one end sets it at the other.
#: Source: b24restdocs api-reference/crm/contacts/company/index.md
MIRRORED_FIELDS: Mapping[tuple[EntityTypeId, str], tuple[EntityTypeId, str]] = {
    (COMPANY, "contactIds"): (CONTACT, "companyIds"),
}

#: Single fields that say again what the first element of a list says: the list is sent.
#: Source: b24restdocs api-reference/crm/universal/object-fields.md
IMPLIED_BY_LIST: Mapping[str, str] = {"contactId": "contactIds"}
CONTACT_IMPLIED_BY_LIST: Mapping[str, str] = {"companyId": "companyIds"}

#: Identity is what the ID map is for; `contacts` and `companies` repeat contactIds and companyIds
#: in undocumented shapes.
_IGNORED_FIELDS = frozenset({"id", "entityTypeId", "contacts", "companies"})

#: How the field ends that says in the target which source item an item came from. A source that
#: was a target once has it, too, and it speaks of another migration.
CORRELATION_SUFFIX = "MIGRATOR_SOURCE"


def is_ignored(field: Field) -> bool:
    """Whether a field plays no part in a migration."""
    return field.name in _IGNORED_FIELDS or field.stored_name.endswith(CORRELATION_SUFFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlace:
    """Where an item stands: what the meaning of its stage depends on."""

    entity_type_id: EntityTypeId
    stage_directory: str | None
    #: What its amounts are in; empty where the item does not say.
    currency: str = ""


def place_of(
    structure: Structure, entity_type_id: EntityTypeId, fields: FieldSet, payload: Mapping[str, Any]
) -> ItemPlace:
    """Find the directory an item's stage belongs to.

    The pipeline is read from the item; where the portal does not print it, the directory that
    knows the stage is taken.
    """
    raw = fields.value(payload, "categoryId")
    category_id = int(raw) if raw not in (None, "") else None
    directory = stage_entity_id(entity_type_id, category_id)
    stage = str(payload.get("stageId") or "")
    if directory is None or (stage and stage not in structure.statuses.get(directory, {})):
        for candidate in structure.stage_directories(entity_type_id).values():
            if stage and stage in structure.statuses.get(candidate, {}):
                directory = candidate
                break
    return ItemPlace(
        entity_type_id=entity_type_id,
        stage_directory=directory,
        currency=str(payload.get("currencyId") or ""),
    )


def implied_by_list(entity_type_id: EntityTypeId, name: str) -> str | None:
    """The list field that makes a single field redundant, if there is one."""
    if entity_type_id == CONTACT and name in CONTACT_IMPLIED_BY_LIST:
        return CONTACT_IMPLIED_BY_LIST[name]
    return IMPLIED_BY_LIST.get(name)


def structural_key(field: Field, value: Scalar, place: ItemPlace) -> PairKey | None:
    """Under which key of the mapping a single value is found; None where it needs no mapping."""
    match field.type:
        case "crm_category":
            return PairKey(PairKind.CATEGORY, str(place.entity_type_id), str(value))
        case "crm_status":
            # Without a directory no pair is found, so the value stays open: never copied unmapped.
            directory = _directory_of(field, place) or ""
            return PairKey(directory_kind(directory), directory, str(value))
        case "enumeration":
            scope = enumeration_scope(place.entity_type_id, field.name)
            return PairKey(PairKind.ENUMERATION, scope, str(value))
        case "user" | "employee":
            return PairKey(PairKind.USER, "", str(value))
        case "crm_currency":
            return PairKey(PairKind.CURRENCY, "", str(value))
        case "money" if isinstance(value, Money) and value.currency:
            return PairKey(PairKind.CURRENCY, "", value.currency)
        case _:
            return None


def _directory_of(field: Field, place: ItemPlace) -> str | None:
    if field.name == "stageId":
        return place.stage_directory or field.status_type
    return field.status_type


def references(value: Value) -> Iterator[Reference]:
    for one in scalars(value):
        if isinstance(one, Reference):
            yield one
