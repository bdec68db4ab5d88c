"""Which fields can be written over REST at all, and which values survive in another portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.references import is_ignored

if TYPE_CHECKING:
    from migrator.domain.fields import Field

#: Values that mean something in one portal only: forms, places, Drive files, events of the feed.
#: Source: b24restdocs api-reference/crm/universal/object-fields.md
PORTAL_LOCAL_FIELDS = frozenset(
    {"webformId", "locationId", "storageElementIds", "eventId", "faceId"}
)
PORTAL_LOCAL_TYPES = frozenset({"location", "iblock_element", "iblock_section"})

#: Field types whose values no method takes (b24restdocs api-reference/crm/data-types.md).
UNSUPPORTED_TYPES = frozenset({"resourcebooking", "crm_product_row"})


def is_written(target_field: Field) -> bool:
    """Whether import may set the field: writable, or one of the six an administrator may set."""
    if is_ignored(target_field):
        return False
    return target_field.is_history or not target_field.is_read_only


#: Every type of user field this program knows how to translate; applications bring types of their
#: own (`rest_*`), and on-premise modules more, whose values may be identifiers of anything.
KNOWN_USER_TYPES = frozenset(
    {
        "string",
        "text",
        "integer",
        "double",
        "boolean",
        "date",
        "datetime",
        "money",
        "url",
        "address",
        "enumeration",
        "file",
        "employee",
        "user",
        "crm",
        "crm_status",
        *PORTAL_LOCAL_TYPES,
        *UNSUPPORTED_TYPES,
    }
)


def is_unsupported(field: Field) -> bool:
    """Whether values of this field cannot be carried because nobody knows what they mean."""
    return field.type in UNSUPPORTED_TYPES or (
        field.is_dynamic and field.type not in KNOWN_USER_TYPES
    )


def is_portal_local(field: Field) -> bool:
    return field.name in PORTAL_LOCAL_FIELDS or field.type in PORTAL_LOCAL_TYPES


#: What says which item it is and where it stands. No other field may be put there.
POSITION_FIELDS = frozenset({"stageId", "categoryId", "currencyId", "previousStageId"})


def stays_itself(source_field: Field) -> bool:
    """Whether the field says where, when and whose an item is, which nothing else can say."""
    return not source_field.is_dynamic and (
        source_field.is_history
        or source_field.is_required
        or source_field.name in POSITION_FIELDS | {"assignedById"}
    )


def takes_other_values(target_field: Field) -> bool:
    """Whether the values of some other field of the source may be put into this one."""
    return (
        is_written(target_field)
        and not target_field.is_history
        and (target_field.is_dynamic or not target_field.is_required)
        and target_field.name not in POSITION_FIELDS
        and not is_unsupported(target_field)
        and not is_portal_local(target_field)
    )
