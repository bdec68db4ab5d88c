"""The three ways to create items in the target, each with an outcome per item.

Sources: b24restdocs api-reference/crm/universal/import/crm-item-batch-import.md,
crm-item-import.md, api-reference/crm/universal/crm-item-add.md
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from migrator.bitrix.answers import Answer, php_map
from migrator.bitrix.errors import AccessDenied, ItemRefused, MethodNotFound, UnknownOutcome
from migrator.domain.records import BatchOutcome, ItemOutcome
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.bitrix.client import PortalClient


class ImportMethod(StrEnum):
    BATCH_IMPORT = "crm.item.batchImport"
    IMPORT = "crm.item.import"
    ADD = "crm.item.add"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendable:
    """One item as it goes over the wire."""

    source_id: SourceId
    correlation: str
    fields: dict[str, Any]


def send(
    target: PortalClient,
    method: ImportMethod,
    entity_type_id: EntityTypeId,
    items: Sequence[Sendable],
) -> tuple[list[ItemOutcome], float | None]:
    """Create the items; one request. `entity_type_id` is the target's.

    Also returns the seconds the portal says it has worked, waiting for its limits not included.

    Raises:
        UnknownOutcome: the answer is missing, or does not tell about every item.
        PortalError: the request as a whole was refused.
    """
    common = {"entityTypeId": entity_type_id, "useOriginalUfNames": "Y"}
    if method is ImportMethod.BATCH_IMPORT:
        # The answer keeps the keys of `data`, so outcomes need not be matched by position
        # (b24_clear: bitrix/modules/crm/lib/controller/item.php).
        data = {_key(item.source_id): item.fields for item in items}
        answer = target.call(method, {**common, "data": data}, items=len(items))
        return _outcomes(answer, items), answer.time.duration
    (item,) = items
    try:
        answer = target.call(method, {**common, "fields": item.fields}, items=1)
    except (AccessDenied, MethodNotFound):
        raise
    except ItemRefused as error:
        return [_failed(item.source_id, error.code, error.description)], None
    return [_created(item.source_id, answer.mapping("item"), answer)], answer.time.duration


def _key(source_id: SourceId) -> str:
    return f"i{source_id}"


def _outcomes(answer: Answer, items: Sequence[Sendable]) -> list[ItemOutcome]:
    entries = php_map(answer.mapping().get("items"))
    by_position = list(entries.values()) if len(entries) == len(items) else []
    outcomes = []
    for position, item in enumerate(items):
        entry = entries.get(_key(item.source_id))
        if entry is None and by_position:
            entry = by_position[position]
        if not isinstance(entry, dict):
            raise _incomplete(answer)
        if "error" in entry:
            text = str(entry.get("error_description") or "")
            outcomes.append(_failed(item.source_id, str(entry["error"]), text))
        else:
            outcomes.append(_created(item.source_id, entry.get("item"), answer))
    return outcomes


def _created(source_id: SourceId, item: Any, answer: Answer) -> ItemOutcome:
    if not isinstance(item, dict) or not item.get("id"):
        raise _incomplete(answer)
    return ItemOutcome(
        source_id=source_id, outcome=BatchOutcome.CREATED, target_id=TargetId(int(item["id"]))
    )


def _failed(source_id: SourceId, code: str, description: str) -> ItemOutcome:
    return ItemOutcome(
        source_id=source_id,
        outcome=BatchOutcome.FAILED,
        error=code,
        error_description=description,
    )


def _incomplete(answer: Answer) -> UnknownOutcome:
    return UnknownOutcome(
        method=answer.method,
        portal=answer.portal,
        description="the answer does not say what became of every item",
    )
