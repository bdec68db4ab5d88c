"""Pipelines, stages and currencies of an item: what is checked with an error.

Sources: core-corp: modules/crm/lib/Field/Stage.php, Category.php, CurrencyId.php
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import entity_types
from migrator.sandbox.errors import invalid_field
from migrator.sandbox.losses import LossKind

if TYPE_CHECKING:
    from migrator.sandbox.fields import FieldSet
    from migrator.sandbox.store import Row
    from migrator.sandbox.writing import Write


def settle_category(write: Write, fields: FieldSet, values: dict[str, Any]) -> int:
    """The pipeline of a new item; an unknown one is an error."""
    categories = write.portal.categories
    default = categories.default_id(write.entity_type_id)
    if "categoryId" not in fields:
        return default
    chosen = values.get("categoryId")
    if chosen is None:
        chosen = default
    check_category(write, int(chosen))
    values["categoryId"] = int(chosen)
    return int(chosen)


def check_category(write: Write, category_id: int) -> None:
    if write.portal.categories.find(write.entity_type_id, category_id) is None:
        raise invalid_field("categoryId")


def settle_stage(write: Write, fields: FieldSet, values: dict[str, Any], category_id: int) -> None:
    """The stage of a new item: empty is the first one, a foreign one is an error."""
    if "stageId" not in fields:
        return
    etid = write.entity_type_id
    statuses = write.portal.statuses
    stage_list = entity_types.stage_entity_id(etid, category_id)
    sent = values.get("stageId")
    if sent is None:
        values["stageId"] = statuses.first(stage_list)
        return
    if statuses.find(stage_list, sent):
        return
    default = write.portal.categories.default_id(etid)
    default_list = entity_types.stage_entity_id(etid, default)
    if sent == statuses.first(default_list):
        # Taken as "not set": the first open stage of the named pipeline (Field/Stage.php).
        values["stageId"] = statuses.first_open(stage_list)
        write.lose(LossKind.STAGE_REPLACED, "stageId", sent, f"became {values['stageId']}")
        return
    raise invalid_field("stageId")


def settle_moved_stage(write: Write, row: Row, values: dict[str, Any]) -> None:
    """The stage of an updated item; a change of pipeline keeps the meaning of the stage."""
    etid = write.entity_type_id
    category = values.get("categoryId", row.get("categoryId"))
    if category is None:
        category = write.portal.categories.default_id(etid)
    if values.get("categoryId") is not None:
        check_category(write, int(category))
    statuses = write.portal.statuses
    stage_list = entity_types.stage_entity_id(etid, int(category))
    stage = values.get("stageId", row.get("stageId"))
    if stage_list is None or (stage is not None and statuses.find(stage_list, str(stage))):
        return
    if category == row.get("categoryId", category):
        if "stageId" in values:
            raise invalid_field("stageId")
        return
    # b24restdocs .../crm-item-update.md: a foreign stage becomes the first with its semantics.
    wanted = write.portal.semantics(etid, row)
    rows = statuses.of(stage_list)
    like = [one for one in rows if (one["SEMANTICS"] or "P") == wanted] or rows
    values["stageId"] = like[0]["STATUS_ID"] if like else None


def check_currency(write: Write, values: dict[str, Any]) -> None:
    """Unknown is an error, empty is the base currency."""
    currency = values.get("currencyId")
    if currency is None:
        values["currencyId"] = write.portal.currencies.base
    elif currency not in write.portal.currencies:
        raise invalid_field("currencyId")
