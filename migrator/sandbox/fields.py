"""Field metadata of one entity type: what crm.item.fields prints and what reading needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.sandbox import entity_types, naming, system_fields

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

#: Names of `crm.item.*` that `select: ['*']` leaves out; they have to be named
#: (b24_clear: bitrix/modules/crm/lib/controller/item.php).
NAMED_ONLY = frozenset({"contactIds", "contacts", "companyIds", "companies", "observers", "fm"})
#: Bindings printed as rows {COMPANY_ID, SORT, ...}; the docs' own tools skip them.
BINDING_ROWS = frozenset({"contacts", "companies"})
HISTORY_TIMES = ("createdTime", "updatedTime", "movedTime")
HISTORY_USERS = ("createdBy", "updatedBy", "movedBy")
HISTORY = frozenset(HISTORY_TIMES + HISTORY_USERS)
_PREDEFINED_INVOICE_PARENTS = (entity_types.DEAL, entity_types.QUOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    #: key in a stored item: camelCase for system fields, UF_... for user fields
    stored: str
    #: key on the wire without useOriginalUfNames
    rest: str
    type: str
    title: str
    read_only: bool = False
    required: bool = False
    multiple: bool = False
    dynamic: bool = False
    deprecated: bool = False
    #: switched off by settings or plan: always null
    disabled: bool = False
    status_type: str | None = None
    parent_entity_type_id: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    options: tuple[dict[str, Any], ...] = ()

    @property
    def upper(self) -> str:
        return self.stored if self.dynamic else naming.upper_name(self.stored)

    def wire(self, *, original: bool) -> str:
        return self.stored if original and self.dynamic else self.rest

    def option_ids(self) -> set[int]:
        return {int(option["id"]) for option in self.options}

    def describe(self) -> dict[str, Any]:
        """One entry of crm.item.fields (b24restdocs .../universal/crm-item-fields.md)."""
        meta: dict[str, Any] = {
            "type": self.type,
            "isRequired": self.required,
            "isReadOnly": self.read_only,
            "isImmutable": False,
            "isMultiple": self.multiple,
            "isDynamic": self.dynamic,
        }
        if self.deprecated:
            meta["isDeprecated"] = True
        if self.status_type and not self.dynamic:
            meta["statusType"] = self.status_type
        if self.type == "enumeration":
            # No XML_ID and no SORT here, only in userfieldconfig.get.
            meta["items"] = [{"ID": str(o["id"]), "VALUE": o["value"]} for o in self.options]
        meta["title"] = self.title
        if self.dynamic:
            meta |= dict.fromkeys(("listLabel", "formLabel", "filterLabel"), self.title)
            meta["settings"] = self.settings or []
        elif self.settings:
            meta["settings"] = self.settings
        meta["upperName"] = self.upper
        return meta


class FieldSet:
    """All fields of one entity type of one portal, with look-up by wire name."""

    def __init__(self, entity_type_id: int, fields: list[Field]) -> None:
        self.entity_type_id = entity_type_id
        self.fields = fields
        self.by_stored = {one.stored: one for one in fields}
        self._camel = {one.rest: one for one in fields}
        self._original = {one.wire(original=True): one for one in fields}
        self._upper = {one.upper: one for one in fields}

    def find(self, name: str, *, original: bool) -> Field | None:
        """A key of `fields`, `select` or a bare filter key.

        Upper-case names work as plain keys (core-corp: modules/crm/lib/Service/Converter.php).
        """
        exact = (self._original if original else self._camel).get(name)
        return exact or self._upper.get(name)

    def find_exact(self, name: str, *, original: bool) -> Field | None:
        """A name behind a filter operator, where the upper-case form is refused."""
        return (self._original if original else self._camel).get(name)

    def __contains__(self, stored: str) -> bool:
        return stored in self.by_stored


def build(portal: Portal, entity_type_id: int) -> FieldSet:
    fields = _system_fields(portal, entity_type_id)
    fields += [_parent_field(portal, parent) for parent in parents(portal, entity_type_id)]
    definitions = portal.user_fields.of_entity(portal.types.uf_entity(entity_type_id))
    names = naming.rest_names(
        (definition.field_name for definition in definitions), [one.rest for one in fields]
    )
    for definition in definitions:
        fields.append(
            Field(
                stored=definition.field_name,
                rest=names[definition.field_name],
                type=definition.user_type_id,
                title=definition.title(portal.settings.language),
                required=definition.mandatory,
                multiple=definition.multiple,
                dynamic=True,
                status_type=definition.settings.get("ENTITY_TYPE"),
                settings=definition.settings,
                options=tuple(definition.enum),
            )
        )
    return FieldSet(entity_type_id, fields)


def parents(portal: Portal, entity_type_id: int) -> list[int]:
    """Entity types whose items may be the parent: the `parentId<N>` fields.

    The predefined parents of a smart process with clients are companyId and contactId, not
    parentId4 and parentId3 (b24restdocs .../universal/crm-item-fields.md, printed answer).
    An invoice always knows its deal and quote (object-fields.md).
    """
    found = portal.types.parents(entity_type_id)
    if entity_type_id == entity_types.INVOICE:
        found = [*_PREDEFINED_INVOICE_PARENTS, *found]
    return sorted(set(found))


def _system_fields(portal: Portal, entity_type_id: int) -> list[Field]:
    spec = system_fields.BY_TYPE.get(entity_type_id, system_fields.DYNAMIC)
    hidden = _switched_off(portal, entity_type_id)
    category = portal.categories.default_id(entity_type_id)
    stage_list = entity_types.stage_entity_id(entity_type_id, category)
    rows = [line.split() for line in spec.splitlines() if line.strip()]
    return [_system_field(row, stage_list) for row in rows if row[0] not in hidden]


def _switched_off(portal: Portal, entity_type_id: int) -> set[str]:
    definition = portal.types.by_entity_type_id.get(entity_type_id)
    if definition is None:
        return set()
    return {
        name
        for flag, names in system_fields.DYNAMIC_SWITCHES.items()
        if not definition.enabled(flag)
        for name in names
    }


def _system_field(row: list[str], stage_list: str | None) -> Field:
    name, kind, flags = row[:3]
    extra = row[3] if len(row) > 3 else ""
    parent = int(extra[1:]) if extra.startswith("@") else None
    settings: dict[str, Any] = {}
    if name == "mycompanyId":
        settings = {"isMyCompany": True, "parentEntityTypeId": 4, "isEmbeddedEditorEnabled": True}
    elif parent and "m" not in flags and "d" not in flags:
        settings = {"parentEntityTypeId": parent}
    status_type = stage_list if extra == "*" else extra
    return Field(
        stored=name,
        rest=name,
        type=kind,
        title=naming.upper_name(name).replace("_", " ").capitalize(),
        read_only="r" in flags,
        required="q" in flags,
        multiple="m" in flags,
        deprecated="d" in flags,
        disabled="x" in flags,
        status_type=status_type if kind == "crm_status" else None,
        parent_entity_type_id=parent,
        settings=settings,
    )


def _parent_field(portal: Portal, parent: int) -> Field:
    return Field(
        stored=f"parentId{parent}",
        rest=f"parentId{parent}",
        type="crm_entity",
        title=portal.types.title(parent),
        parent_entity_type_id=parent,
        settings={"parentEntityTypeId": parent},
    )
