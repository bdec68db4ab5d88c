"""A target after trouble beside the same target without, and what its log says was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migrator.sandbox import Portal
    from tests.torture.canonical import Canonical

#: Items and links that lost their answers so often that they counted as failed: somebody has to
#: ask for them again. An item's code is that of the last answer, where there was one.
GIVEN_UP = (
    "SELECT count(*) AS n FROM failed_item WHERE error_description LIKE 'sent alone % times "
    "without an answer%'",
    "SELECT count(*) AS n FROM deferred_link WHERE state = 'failed' "
    "AND detail LIKE '%nobody knows whether this write was carried out%'",
)
_HISTORY = re.compile(r"\.(created|updated|moved)(Time|By): ")
_READING = (".list", ".get", ".fields", ".getTypes", ".types", ".getFile", "getByEntityTypeId")
_QUIET = {"batch", "profile", "scope", "server.time", "methods"}


def writes_since(portal: Portal, requests: int) -> list[str]:
    """The writes among a portal's requests after the first `requests` ones."""
    return [
        request.method
        for request in portal.requests[requests:]
        if request.method not in _QUIET and not request.method.endswith(_READING)
    ]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Nothing of it is left where a migration kept its promises."""

    #: items that are there more than once, or that came from nowhere
    doubled: tuple[str, ...]
    missing: tuple[str, ...]
    differing: tuple[str, ...]

    @property
    def complaints(self) -> list[str]:
        return [
            *(f"twice: {one}" for one in self.doubled),
            *(f"missing: {one}" for one in self.missing),
            *(f"differs: {one}" for one in self.differing),
        ]


def compare(made: Canonical, expected: Canonical, *, came_late: bool) -> Comparison:
    """Hold what a migration made against what it makes without trouble.

    Items that were given up and asked for again came late, and links to them were set by updates:
    whether findings account for every date that this cost is what `verify` says. A company lists
    its contacts in the order in which they came.
    """
    if came_late:
        made, expected = made.without_order_of_arrival(), expected.without_order_of_arrival()
    differing = [one for one in made.differences(expected) if ": only in" not in one]
    if came_late:
        differing = [one for one in differing if not _HISTORY.search(one)]
    strangers = made.strangers - expected.strangers
    return Comparison(
        doubled=(*sorted(made.duplicates.elements()), *["a stranger"] * strangers),
        missing=tuple(sorted(expected.items.keys() - made.items.keys())),
        differing=tuple(differing),
    )
