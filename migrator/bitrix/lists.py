"""Small lists of a portal's structure, read to their end.

`crm.status.list`, `crm.category.list` and `crm.currency.list` stop silently at 50 rows, and a
total may be missing or 0, so the only proof of the end is a page that is not full or brings
nothing new. Source: b24restdocs settings/how-to-call-rest-api/list-methods-pecularities.md
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.bitrix.answers import Answer

PAGE = 50


class Caller(Protocol):
    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Answer: ...


def list_all(
    client: Caller, method: str, params: Mapping[str, Any], *, key: str | None
) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    start = 0
    while True:
        answer = client.call(method, {**params, "start": start} if start else params)
        page = answer.rows(key)
        known = len(rows)
        # A method that does not know `start` sends its first page again and again.
        rows.update((json.dumps(row, sort_keys=True), row) for row in page)
        whole = answer.total is not None and 0 < answer.total <= len(rows)
        if len(page) < PAGE or len(rows) == known or whole:
            return list(rows.values())
        start = answer.next or start + PAGE
