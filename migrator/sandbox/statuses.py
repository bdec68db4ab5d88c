"""Directories and stages: default lists and look-up.

Source: b24restdocs api-reference/crm/status/*.md,
tutorials/crm/how-to-get-lists/how-to-get-stages-with-semantics.md
"""

from __future__ import annotations

from typing import Any

from migrator.sandbox import entity_types
from migrator.sandbox.status_defaults import STAGES, SYSTEM_LISTS, StatusRow

#: Codes that a numbered deal pipeline is born with are cut, prefix included (b24restdocs
#: tutorials/crm/how-to-get-lists/how-to-get-elements-by-stage-filter.md: C10:PREPAYMENT_INVOIC).
_LONGEST_BORN = 21


class Statuses:
    def __init__(self) -> None:
        self._lists: dict[str, dict[str, dict[str, Any]]] = {}
        self._next_id = 1

    def load(self, rows: list[dict[str, Any]]) -> None:
        """Take seeded rows; a list given here is complete and replaces the default."""
        for entity_id in dict.fromkeys(row["ENTITY_ID"] for row in rows):
            self._lists[entity_id] = {}
        self._next_id = max([self._next_id, *(int(row.get("ID") or 0) + 1 for row in rows)])
        for row in rows:
            self._put(row)
        for entity_id in self._lists:
            self._sort(entity_id)

    def add_defaults(self) -> None:
        for entity_id, rows in SYSTEM_LISTS.items():
            if entity_id not in self._lists:
                self._add_list(entity_id, "", None, rows)

    def add_stages(self, entity_type_id: int, category_id: int) -> None:
        """Stages a new pipeline is born with."""
        entity_id = entity_types.stage_entity_id(entity_type_id, category_id)
        if entity_id is None or entity_id in self._lists:
            return
        rows = STAGES.get(entity_type_id, STAGES[0])
        prefix = entity_types.stage_prefix(entity_type_id, category_id)
        self._add_list(entity_id, prefix, str(category_id) if prefix else None, rows)

    def remove_list(self, entity_id: str) -> None:
        self._lists.pop(entity_id, None)

    def _add_list(
        self, entity_id: str, prefix: str, category: str | None, rows: tuple[StatusRow, ...]
    ) -> None:
        self._lists[entity_id] = {}
        for index, (code, name, semantics, color, system) in enumerate(rows):
            self._put(
                {
                    "ENTITY_ID": entity_id,
                    "STATUS_ID": _born(entity_id, prefix + code),
                    "NAME": name,
                    "NAME_INIT": name if system else "",
                    "SORT": str(10 * (index + 1)),
                    "SYSTEM": "Y" if system else "N",
                    "CATEGORY_ID": category,
                    "COLOR": color,
                    "SEMANTICS": semantics,
                }
            )

    def _put(self, raw: dict[str, Any]) -> dict[str, Any]:
        row = {
            "ID": str(raw.get("ID") or self._next_id),
            "ENTITY_ID": raw["ENTITY_ID"],
            "STATUS_ID": raw["STATUS_ID"],
            "NAME": raw.get("NAME", raw["STATUS_ID"]),
            "NAME_INIT": raw.get("NAME_INIT") or "",
            "SORT": str(raw.get("SORT", 10)),
            "SYSTEM": raw.get("SYSTEM") or "N",
            "CATEGORY_ID": _text_or_none(raw.get("CATEGORY_ID")),
            "COLOR": raw.get("COLOR") or "",
            "SEMANTICS": raw.get("SEMANTICS") or None,
        }
        self._next_id = max(self._next_id, int(row["ID"]) + 1)
        self._lists.setdefault(row["ENTITY_ID"], {})[row["STATUS_ID"]] = row
        return row

    def _sort(self, entity_id: str) -> None:
        rows = sorted(self._lists[entity_id].values(), key=lambda r: (int(r["SORT"]), int(r["ID"])))
        self._lists[entity_id] = {row["STATUS_ID"]: row for row in rows}

    def add(self, raw: dict[str, Any]) -> dict[str, Any]:
        row = self._put({**raw, "ID": None, "SYSTEM": "N"})
        self._sort(row["ENTITY_ID"])
        return row

    def change(self, row: dict[str, Any], values: dict[str, Any]) -> None:
        row |= values
        self._sort(row["ENTITY_ID"])

    def remove(self, row: dict[str, Any]) -> None:
        del self._lists[row["ENTITY_ID"]][row["STATUS_ID"]]

    def find(self, entity_id: str | None, status_id: str) -> dict[str, Any] | None:
        return self._lists.get(entity_id or "", {}).get(status_id)

    def by_id(self, row_id: str) -> dict[str, Any] | None:
        return next((row for row in self.rows() if row["ID"] == row_id), None)

    def rows(self) -> list[dict[str, Any]]:
        return [row for rows in self._lists.values() for row in rows.values()]

    def of(self, entity_id: str | None) -> list[dict[str, Any]]:
        return list(self._lists.get(entity_id or "", {}).values())

    def lists(self) -> list[str]:
        return list(self._lists)

    def first(self, entity_id: str | None) -> str | None:
        return next(iter(self._lists.get(entity_id or "", {})), None)

    def first_open(self, entity_id: str | None) -> str | None:
        open_stages = (row for row in self.of(entity_id) if row["SEMANTICS"] is None)
        return next((str(row["STATUS_ID"]) for row in open_stages), self.first(entity_id))

    def semantics(self, entity_id: str | None, status_id: Any) -> str:
        """P, S or F as stageSemanticId prints it."""
        row = self.find(entity_id, str(status_id))
        return str(row["SEMANTICS"] or "P") if row else "P"


def _born(entity_id: str, status_id: str) -> str:
    return status_id[:_LONGEST_BORN] if entity_id.startswith("DEAL_STAGE_") else status_id


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
