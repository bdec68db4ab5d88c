"""Field metadata as data, from crm.item.fields and the user-field configuration.

Source: b24restdocs api-reference/crm/universal/crm-item-fields.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.domain.field_names import rest_names
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, LEAD, QUOTE, EntityTypeId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: The six fields an administrator may set in crm.item.import although they are read-only.
#: Source: b24restdocs api-reference/crm/universal/import/index.md
HISTORY_TIMES = ("createdTime", "updatedTime", "movedTime")
HISTORY_USERS = ("createdBy", "updatedBy", "movedBy")
HISTORY_FIELDS = frozenset(HISTORY_TIMES + HISTORY_USERS)

#: Field types whose value is an item of one fixed entity type.
REFERENCE_TYPES: Mapping[str, EntityTypeId] = {
    "crm_lead": LEAD,
    "crm_deal": DEAL,
    "crm_contact": CONTACT,
    "crm_company": COMPANY,
    "crm_quote": QUOTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumValue:
    """One value of an enumeration user field; `xml_id` is the only stable identity."""

    value_id: int
    value: str
    xml_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an entity type, under the name its portal reads and writes."""

    name: str
    stored_name: str
    type: str
    title: str = ""
    is_multiple: bool = False
    is_read_only: bool = False
    is_immutable: bool = False
    is_dynamic: bool = False
    is_required: bool = False
    status_type: str | None = None
    parent_entity_type_id: EntityTypeId | None = None
    xml_id: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    enum: tuple[EnumValue, ...] = ()

    @property
    def is_history(self) -> bool:
        return self.name in HISTORY_FIELDS

    @property
    def refers_to(self) -> EntityTypeId | None:
        """The entity type of every item this field can hold; None where each value says its own."""
        return REFERENCE_TYPES.get(self.type) or self.parent_entity_type_id


@dataclass(frozen=True, slots=True)
class FieldSet:
    """The fields of one entity type of one portal.

    A portal that ignores `useOriginalUfNames` (before CRM 25.0.0) prints user fields in camel case
    in one place and may be asked for stored names in another, so values are found under both.
    """

    by_name: Mapping[str, Field]
    _aliases: Mapping[str, str]

    @classmethod
    def of(cls, fields: Iterable[Field]) -> FieldSet:
        by_name = {f.name: f for f in fields}
        dynamic = [f for f in by_name.values() if f.is_dynamic]
        camel = rest_names(f.stored_name for f in dynamic)
        return cls(by_name, {f.name: camel[f.stored_name] for f in dynamic})

    def __iter__(self) -> Iterator[Field]:
        return iter(self.by_name.values())

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    def get(self, name: str) -> Field | None:
        return self.by_name.get(name)

    def value(self, payload: Mapping[str, Any], name: str) -> Any:
        """The raw value of a field in an item as the portal sent it; None where it is absent."""
        if name in payload:
            return payload[name]
        field_ = self.by_name.get(name)
        if field_ is None:
            return None
        alias = self._aliases.get(name)
        if alias is not None and alias in payload:
            return payload[alias]
        return payload.get(field_.stored_name)


def parse_field(name: str, meta: Mapping[str, Any]) -> Field:
    """Build a Field from one entry of crm.item.fields."""
    settings = meta.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    parent = settings.get("parentEntityTypeId")
    return Field(
        name=name,
        stored_name=str(meta.get("upperName") or name),
        type=str(meta.get("type") or "string"),
        title=_label(meta),
        is_multiple=bool(meta.get("isMultiple")),
        is_read_only=bool(meta.get("isReadOnly")),
        is_immutable=bool(meta.get("isImmutable")),
        is_dynamic=bool(meta.get("isDynamic")),
        is_required=bool(meta.get("isRequired")),
        status_type=_text(meta.get("statusType") or settings.get("ENTITY_TYPE")),
        parent_entity_type_id=EntityTypeId(int(parent)) if parent else None,
        xml_id=_text(meta.get("xmlId")),
        settings=settings,
        enum=tuple(_enum_values(meta.get("items"))),
    )


def _label(meta: Mapping[str, Any]) -> str:
    for key in ("title", "formLabel", "listLabel"):
        if meta.get(key):
            return str(meta[key])
    return ""


def _enum_values(items: Any) -> Iterator[EnumValue]:
    """Both shapes: crm.item.fields (`ID`, `VALUE`) and userfieldconfig (`id`, `value`, `xmlId`)."""
    rows = items.values() if isinstance(items, dict) else items or ()
    for row in rows:
        low = {str(k).lower().replace("_", ""): v for k, v in row.items()}
        yield EnumValue(
            value_id=int(low["id"]),
            value=str(low.get("value") or ""),
            xml_id=_text(low.get("xmlid")),
        )


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None
