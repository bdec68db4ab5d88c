"""What a real portal would have swallowed without an error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class LossKind(StrEnum):
    UNKNOWN_FIELD = "unknown-field"
    READ_ONLY_FIELD = "read-only-field"
    HISTORY_ON_WRITE = "history-on-write"
    UNREADABLE_DATE = "unreadable-date"
    UNKNOWN_ENUMERATION = "unknown-enumeration"
    UNKNOWN_STATUS = "unknown-status"
    UNKNOWN_USER = "unknown-user"
    UNKNOWN_CURRENCY = "unknown-currency"
    DANGLING_REFERENCE = "dangling-reference"
    UNLINKED_PARENT = "unlinked-parent"
    DUPLICATE_BINDING = "duplicate-binding"
    FM_ON_IMPORT = "fm-on-import"
    MALFORMED_MULTIFIELD = "malformed-multifield"
    MALFORMED_VALUE = "malformed-value"
    UNREADABLE_FILE = "unreadable-file"
    ZERO_TO_NULL = "zero-to-null"
    TITLE_CUT = "title-cut"
    GENERATED_NAME = "generated-name"
    STAGE_REPLACED = "stage-replaced"
    NOT_CLEARED = "not-cleared"


@dataclass(frozen=True, slots=True)
class SilentLoss:
    #: one of `LossKind`
    kind: str
    #: the REST method that swallowed the value
    method: str
    entity_type_id: int
    item_id: int
    #: the key as the client sent it
    field: str
    value: Any
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
