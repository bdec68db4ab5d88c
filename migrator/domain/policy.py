"""What the operator decides beforehand about items that cannot be moved as they are."""

from __future__ import annotations

from enum import StrEnum


class OnLateItem(StrEnum):
    """What becomes of an item older than the target's newest row (MIGRATOR_ON_LATE_ITEM)."""

    #: its dates are moved to the oldest permitted time
    CLAMP = "clamp"
    #: its dates and their authors are left out
    DROP = "drop"
    #: it is not imported and counts as failed
    FAIL = "fail"


class OnUnmappedUser(StrEnum):
    """What becomes of a user without a partner (MIGRATOR_ON_UNMAPPED_USER)."""

    #: the target webhook's own user is set
    FALLBACK = "fallback"
    #: nothing is written before the mapping file answers
    BLOCK = "block"


class WithoutImportRight(StrEnum):
    """What becomes of types the webhook's user may not import (MIGRATOR_WITHOUT_IMPORT_RIGHT)."""

    #: nothing is written before the right is given
    BLOCK = "block"
    #: crm.item.add is used: dates and authors are lost, automation starts
    ADD = "add"
