"""Findings: what could not be carried over as it was, why, and what was done instead."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding asks of the operator."""

    #: Nothing is written to the target before this is answered.
    BLOCKING = "blocking"
    #: Something is lost or adjusted; the migration goes on.
    WARNING = "warning"
    #: Good to know; nothing of the data is affected.
    INFO = "info"


class Effect(StrEnum):
    """What the finding means for the value it is about."""

    NONE = "none"
    ADJUSTED = "adjusted"
    LOST = "lost"


class Phase(StrEnum):
    """Which stage found it; a stage replaces its own findings when it runs again."""

    EXPORT = "export"
    STRUCTURE = "structure"
    PLAN = "plan"
    IMPORT = "import"
    VERIFY = "verify"
    UNDO = "undo"


class FindingKind(StrEnum):
    """The documented enumeration behind `finding.kind`; the text says what each kind means."""

    text: str

    def __new__(cls, value: str, text: str) -> FindingKind:
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    @classmethod
    def named(cls, value: str) -> FindingKind:
        """The kind of that name. Raises: KeyError."""
        return {kind.value: kind for kind in cls}[value]

    UNMAPPED_ENTITY_TYPE = (
        "unmapped-entity-type",
        "an entity type with items has no partner in the target",
    )
    MAPPING_CHANGED = (
        "mapping-changed",
        "items of an entity type are in another type of the target than the mapping says now",
    )
    UNMAPPED_CATEGORY = ("unmapped-category", "a pipeline in use has no partner in the target")
    UNMAPPED_STAGE = ("unmapped-stage", "a stage in use has no partner in the target")
    UNMAPPED_STATUS = ("unmapped-status", "a directory entry in use has no partner in the target")
    UNMAPPED_FIELD = ("unmapped-field", "a field with values has no partner in the target")
    UNMAPPED_ENUMERATION = (
        "unmapped-enumeration",
        "a list value in use has no partner in the target",
    )
    UNMAPPED_CURRENCY = ("unmapped-currency", "a currency in use does not exist in the target")
    UNMAPPED_USER = ("unmapped-user", "a user has no partner in the target")
    DEFAULT_USER = (
        "default-user",
        "a user has no partner, so the mapping file's default for such users was set",
    )
    CURRENCY_WITHOUT_RATE = (
        "currency-without-rate",
        "a currency is mapped to another without a rate, so amounts would change their meaning",
    )
    AMOUNT_CONVERTED = (
        "amount-converted",
        "an amount was converted at the rate of the mapping file",
    )
    INCONVERTIBLE_VALUE = (
        "inconvertible-value",
        "the value does not have the form of the target's field, or is a link to an item that "
        "field may not hold",
    )
    DROPPED_BY_MAPPING = ("dropped-by-mapping", "the mapping file says to leave this value out")
    AMBIGUOUS_MATCH = (
        "ambiguous-match",
        "items of both portals are the same by `match_on`, but not one to one",
    )
    NOT_OVERWRITTEN = (
        "not-overwritten",
        "a matched item keeps what it holds in this field, so the source's value is left out",
    )
    FILTER_CHANGED = (
        "filter-changed",
        "the filter on an entity type changed, so its items were read anew",
    )
    DANGLING_REFERENCE = (
        "dangling-reference",
        "the item referred to is not in the source any more, or was not exported",
    )
    UPDATED_BY_LINK = (
        "updated-by-link",
        "setting a deferred link stamped the time and the author of the last change",
    )
    LATE_ITEM = (
        "late-item",
        "older than the newest row of its type in the target, so the portal refuses its dates",
    )
    LATE_AFTER_SAMPLE = (
        "late-after-sample",
        "older than the newest item of the sample, so the rest of the migration brings it late",
    )
    HISTORY_ADJUSTED = (
        "history-adjusted",
        "a date of the item's history lies outside the bounds the portal accepts",
    )
    HISTORY_LOST = ("history-lost", "created without its history, at the moment of the migration")
    NOT_ADMINISTRATOR = (
        "not-administrator",
        "a webhook's user is no portal administrator: unseen items, or lost history",
    )
    MISSING_SCOPE = (
        "missing-scope",
        "a webhook lacks a scope that the migration needs, or the portal refuses its methods",
    )
    NO_IMPORT_RIGHT = (
        "no-import-right",
        "the target webhook's user may not import items of this type",
    )
    SET_BY_PORTAL = ("set-by-portal", "the portal sets this field itself, whatever is sent")
    PORTAL_LOCAL_VALUE = (
        "portal-local-value",
        "the value is an identifier that means something in the source portal only",
    )
    UNSUPPORTED_FIELD_TYPE = (
        "unsupported-field-type",
        "values of this field type cannot be written over REST",
    )
    UNREADABLE_VALUE = ("unreadable-value", "the value does not have the form its field type has")
    FILE_NOT_READABLE = ("file-not-readable", "the source gives no download link for this file")
    UNSENDABLE_VALUE = (
        "unsendable-value",
        "the server takes this text for no value at all, so it cannot be written",
    )
    TOO_LONG = ("too-long", "the text is longer than the target stores")
    RECURRING_TEMPLATE = (
        "recurring-template",
        "a template of recurring deals: its schedule cannot be read over REST",
    )
    CREATED_DESPITE_ERROR = (
        "created-despite-error",
        "the portal reported an error, but the item exists in the target",
    )
    DUPLICATE_IN_TARGET = ("duplicate-in-target", "one source item exists more than once")
    TYPE_NOT_READABLE = ("type-not-readable", "an entity type of the source could not be read")
    STRUCTURE_CONFLICT = (
        "structure-conflict",
        "something in the target is in the way of creating a part of the source's structure",
    )
    STRUCTURE_REFUSED = (
        "structure-refused",
        "the target refused to create a part of the source's structure",
    )
    STRUCTURE_SETTING_LOST = (
        "structure-setting-lost",
        "a user field or currency was created without what means something in the source only",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row of `finding`. Without `source_id` it stands for `items` items of an entity type."""

    kind: FindingKind
    severity: Severity
    effect: Effect = Effect.NONE
    entity_type_id: int | None = None
    source_id: int | None = None
    field: str | None = None
    value: str | None = None
    detail: str
    #: What was sent instead of `value`, as verify expects to find it; None for nothing.
    sent: str | None = None
    #: How many items it concerns.
    items: int = 1
    #: What the operator can do about it.
    hint: str | None = None
