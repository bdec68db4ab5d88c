"""One line of `migrator check`: a question, the verdict, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from migrator.domain.vocabulary import Role


class Verdict(StrEnum):
    OK = "ok"
    #: The migration would go on, with less than everything.
    WARNING = "warning"
    #: Nothing would be written to the target.
    BLOCKING = "blocking"


class Question(StrEnum):
    """The documented enumeration behind `lines[].question`, in the order they are answered."""

    text: str

    def __new__(cls, value: str, text: str) -> Question:
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    REACHABLE = ("reachable", "does the portal answer, and does it accept the webhook")
    RIGHTS = ("rights", "whose webhook is it, and is that a portal administrator")
    SCOPES = ("scopes", "which permissions has the webhook, and what do missing ones cost")
    LIMITS = ("limits", "which limits are observed, and what does the portal say of them")
    TIME = ("time", "what time and time zone has the portal's server")
    CLOCKS = ("clocks", "do the clocks of the two portals agree")
    CRM_MODE = ("crm-mode", "does the target take leads")
    ENTITY_TYPES = ("entity-types", "has every entity type with items a partner in the target")
    STRUCTURE = ("structure", "does the target have the structure items are made of")
    ITEMS = ("items", "how many items of a type hold the source and the target")
    DATES = ("dates", "how many items are older than the target's newest row of their type")
    IMPORT_RIGHT = ("import-right", "which types may the target webhook's user import")
    USERS = ("users", "which users have no partner, and how many items do they own")
    DISMISSED = ("dismissed", "which users were dismissed, and would still own items")
    CURRENCIES = ("currencies", "which currencies are missing in the target, or have no rate")
    DISK = ("disk", "is there room for the staging database")
    HAND_OVER = ("hand-over", "what does no migration over REST carry along")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`role` is empty where the line is about both portals, or about this machine."""

    question: Question
    verdict: Verdict
    detail: str
    role: Role | None = None
    remedy: str | None = None
    #: The numbers and names behind the sentence, for programs.
    figures: Mapping[str, Any] = field(default_factory=dict)


_GRAVITY = list(Verdict)


def worst(lines: Iterable[Line]) -> Verdict:
    return max((line.verdict for line in lines), key=_GRAVITY.index, default=Verdict.OK)


def listed(names: Iterable[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    everything = list(names)
    shown = ", ".join(everything[:most])
    rest = len(everything) - most
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def counted(number: int, noun: str) -> str:
    """`1 item`, `1,204 items`, `2 currencies`."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {plural}"
