"""Codes of the entity types.

Source: b24restdocs api-reference/crm/data-types.md,
api-reference/crm/auxiliary/enum/crm-enum-owner-type.md
"""

from __future__ import annotations

from dataclasses import dataclass

LEAD, DEAL, CONTACT, COMPANY, QUOTE, INVOICE = 1, 2, 3, 4, 7, 31
SYSTEM_TYPES = (LEAD, DEAL, CONTACT, COMPANY, QUOTE, INVOICE)
#: crm.item.* does not serve the old invoice (b24restdocs .../crm/universal/invoice.md).
OLD_INVOICE = 5


@dataclass(frozen=True, slots=True)
class TypeCode:
    entity_type_id: int
    title: str
    code: str
    short: str


SYSTEM_CODES = {
    row.entity_type_id: row
    for row in (
        TypeCode(LEAD, "Lead", "LEAD", "L"),
        TypeCode(DEAL, "Deal", "DEAL", "D"),
        TypeCode(CONTACT, "Contact", "CONTACT", "C"),
        TypeCode(COMPANY, "Company", "COMPANY", "CO"),
        TypeCode(OLD_INVOICE, "Invoice (old version)", "INVOICE", "I"),
        TypeCode(INVOICE, "Invoice", "SMART_INVOICE", "SI"),
        TypeCode(QUOTE, "Quote", "QUOTE", "Q"),
        TypeCode(8, "Billing Details", "REQUISITE", "RQ"),
    )
}


def is_dynamic(entity_type_id: int) -> bool:
    """Own smart processes: 128..192 or even from 1030 on (b24restdocs .../crm-type-add.md)."""
    return 128 <= entity_type_id <= 192 or (entity_type_id >= 1030 and entity_type_id % 2 == 0)


def short_code(entity_type_id: int) -> str:
    known = SYSTEM_CODES.get(entity_type_id)
    return known.short if known else f"T{entity_type_id:x}"


def name_code(entity_type_id: int) -> str:
    known = SYSTEM_CODES.get(entity_type_id)
    return known.code if known else f"DYNAMIC_{entity_type_id}"


def stage_entity_id(entity_type_id: int, category_id: int) -> str | None:
    """ENTITY_ID of the status list holding the stages of a category; None without stages."""
    match entity_type_id:
        case 1:
            return "STATUS"
        case 7:
            return "QUOTE_STATUS"
        case 2:
            return f"DEAL_STAGE_{category_id}" if category_id else "DEAL_STAGE"
        case 3 | 4:
            return None
        case 31:
            return f"SMART_INVOICE_STAGE_{category_id}"
        case _:
            return f"DYNAMIC_{entity_type_id}_STAGE_{category_id}"


def stage_prefix(entity_type_id: int, category_id: int) -> str:
    if entity_type_id == DEAL:
        return f"C{category_id}:" if category_id else ""
    return "" if entity_type_id in (LEAD, QUOTE) else f"DT{entity_type_id}_{category_id}:"
