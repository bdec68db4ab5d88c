"""What taking a migration back leaves in the target, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId


class KeepReason(StrEnum):
    """Why an item stays in the target; the documented values of `kept_item.reason`."""

    #: it was in the target before, and `match_on` found it
    MATCHED = "matched"
    #: another migration of this staging database made it; this one has only found it
    OF_ANOTHER_MIGRATION = "of-another-migration"
    #: it was born when the source's item was, but does not carry this migration's mark any more
    UNMARKED = "unmarked"
    #: nothing shows that it is the item this migration made: its number may be another's by now
    ANOTHER_ITEM = "another-item"
    #: somebody has changed it since
    CHANGED = "changed"
    #: it carries the mark of a source item whose partner is another one; people copy items, too
    COPY = "copy"
    #: an item that stays refers to it
    REFERRED_TO = "referred-to"
    #: the portal did not delete it
    REFUSED = "refused"


#: What `--force` does not remove: it is not the migration's own, or cannot be removed.
KEPT_ALWAYS = frozenset(
    {
        KeepReason.MATCHED,
        KeepReason.OF_ANOTHER_MIGRATION,
        KeepReason.ANOTHER_ITEM,
        KeepReason.COPY,
        KeepReason.REFUSED,
    }
)

#: The setting of a migration that says: items are being taken away, and not all of them are gone.
#: It holds the entity types of the source, or `EVERY_TYPE`.
UNDO_UNFINISHED = "undo_unfinished"
EVERY_TYPE = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptItem:
    """An item of the target that stays, under the source item it came from."""

    entity_type_id: EntityTypeId
    source_id: SourceId
    target_entity_type_id: EntityTypeId
    target_id: TargetId
    reason: KeepReason
    detail: str
    noted_at: datetime | None = None
