"""Bitrix24's own words and numbers, as types.

Source: b24restdocs api-reference/crm/data-types.md (object types, short codes, stage prefixes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

EntityTypeId = NewType("EntityTypeId", int)
SourceId = NewType("SourceId", int)
TargetId = NewType("TargetId", int)


class Role(StrEnum):
    """Which of the two portals of a migration."""

    SOURCE = "source"
    TARGET = "target"


LEAD = EntityTypeId(1)
DEAL = EntityTypeId(2)
CONTACT = EntityTypeId(3)
COMPANY = EntityTypeId(4)
QUOTE = EntityTypeId(7)
SMART_INVOICE = EntityTypeId(31)

#: The lowest entityTypeId of a smart process.
FIRST_SPA = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemType:
    """What is fixed about an entity type that every portal has."""

    entity_type_id: EntityTypeId
    title: str
    symbol: str
    short_code: str
    user_field_entity_id: str
    has_categories: bool


SYSTEM_TYPES: dict[EntityTypeId, SystemType] = {
    t.entity_type_id: t
    for t in (
        SystemType(
            entity_type_id=LEAD,
            title="Lead",
            symbol="LEAD",
            short_code="L",
            user_field_entity_id="CRM_LEAD",
            has_categories=False,
        ),
        SystemType(
            entity_type_id=DEAL,
            title="Deal",
            symbol="DEAL",
            short_code="D",
            user_field_entity_id="CRM_DEAL",
            has_categories=True,
        ),
        SystemType(
            entity_type_id=CONTACT,
            title="Contact",
            symbol="CONTACT",
            short_code="C",
            user_field_entity_id="CRM_CONTACT",
            has_categories=True,
        ),
        SystemType(
            entity_type_id=COMPANY,
            title="Company",
            symbol="COMPANY",
            short_code="CO",
            user_field_entity_id="CRM_COMPANY",
            has_categories=True,
        ),
        SystemType(
            entity_type_id=QUOTE,
            title="Quote",
            symbol="QUOTE",
            short_code="Q",
            user_field_entity_id="CRM_QUOTE",
            has_categories=False,
        ),
        SystemType(
            entity_type_id=SMART_INVOICE,
            title="Smart invoice",
            symbol="SMART_INVOICE",
            short_code="SI",
            user_field_entity_id="CRM_SMART_INVOICE",
            has_categories=True,
        ),
    )
}


def is_spa(entity_type_id: int) -> bool:
    return entity_type_id >= FIRST_SPA


def short_code(entity_type_id: EntityTypeId) -> str:
    """The prefix of a `crm` binding: `D`, `CO`, or `T` and the lower-case hex number of an SPA."""
    system = SYSTEM_TYPES.get(entity_type_id)
    return system.short_code if system else f"T{entity_type_id:x}"


def entity_type_of_short_code(code: str) -> EntityTypeId | None:
    """The entity type a binding prefix names, or None for one this program does not move."""
    for system in SYSTEM_TYPES.values():
        if system.short_code == code.upper():
            return system.entity_type_id
    if code[:1] in {"T", "t"}:
        try:
            number = int(code[1:], 16)
        except ValueError:
            return None
        return EntityTypeId(number) if is_spa(number) else None
    return None


def stage_entity_id(entity_type_id: EntityTypeId, category_id: int | None) -> str | None:
    """The directory (`ENTITY_ID`) of a pipeline's stages; None for types without stages.

    `statusType` in crm.item.fields names the default pipeline only, so it is built here.
    """
    if entity_type_id == LEAD:
        return "STATUS"
    if entity_type_id == QUOTE:
        return "QUOTE_STATUS"
    if entity_type_id == DEAL:
        return f"DEAL_STAGE_{category_id}" if category_id else "DEAL_STAGE"
    if entity_type_id in {CONTACT, COMPANY} or category_id is None:
        return None
    if entity_type_id == SMART_INVOICE:
        return f"SMART_INVOICE_STAGE_{category_id}"
    return f"DYNAMIC_{entity_type_id}_STAGE_{category_id}"


_DIRECTORIES = (
    (re.compile(r"STATUS"), LEAD),
    (re.compile(r"QUOTE_STATUS"), QUOTE),
    (re.compile(r"DEAL_STAGE(_[0-9]+)?"), DEAL),
    (re.compile(r"SMART_INVOICE_STAGE_[0-9]+"), SMART_INVOICE),
)
_SPA_DIRECTORY = re.compile(r"DYNAMIC_([0-9]+)_STAGE_[0-9]+")


def entity_type_of_stages(directory: str) -> EntityTypeId | None:
    """The entity type whose stages a directory holds; the way back from `stage_entity_id`."""
    spa = _SPA_DIRECTORY.fullmatch(directory)
    if spa is not None:
        return EntityTypeId(int(spa[1]))
    return next((one for pattern, one in _DIRECTORIES if pattern.fullmatch(directory)), None)


_NUMBERED_STAGES = re.compile(r"(?:DEAL|SMART_INVOICE|DYNAMIC_[0-9]+)_STAGE_([0-9]+)")


def category_of_stages(directory: str) -> int | None:
    """The pipeline whose stages a directory holds, where its name carries one."""
    numbered = _NUMBERED_STAGES.fullmatch(directory)
    return int(numbered[1]) if numbered is not None else None
