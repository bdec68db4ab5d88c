"""Ask the target whether a step was carried out, and what came of it.

REST has no idempotency key for structure. Directory entries, user fields, list values and
currencies carry an identifier that we chose and that was free; smart processes and pipelines are
known by their name and by not having been there when the step was recorded, smart processes by
who made them, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.plan.structure.fields import read_found_by
from migrator.plan.structure.parts import PartKind
from migrator.plan.structure.steps import read_there_before

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migrator.bitrix.answers import Answer
    from migrator.bitrix.client import PortalClient
    from migrator.domain.records import StructureCreation


class Lookup:
    """Finds in the target what a step has made; `claimed` are keys that belong to other steps."""

    def __init__(self, target: PortalClient) -> None:
        self._target = target

    def find(self, step: StructureCreation, claimed: Iterable[str] = ()) -> str | None:
        """The target's identifier of what the step made, or None where it made nothing."""
        match step.method:
            case "crm.type.add":
                return self._entity_type(step, set(claimed))
            case "crm.type.update":
                return self._relations(step)
            case "crm.category.add":
                return self._category(step, set(claimed))
            case "crm.category.update":
                return self._renamed_category(step)
            case "crm.status.add":
                return self._status(step)
            case "crm.status.update":
                return self._renamed_status(step)
            case "crm.status.delete":
                rows = self._statuses(step.target_scope or "")
                ids = {str(row["ID"]) for row in rows}
                return None if str(step.params["id"]) in ids else step.target_key
            case "crm.currency.add":
                rows = self._target.list_all("crm.currency.list", key=None)
                return step.target_key if step.target_key in _column(rows, "CURRENCY") else None
            case "userfieldconfig.update":
                return self._value(step)
            case _:
                return self._field(step)

    def read_key(self, step: StructureCreation, answer: Answer) -> str | None:
        """The target's identifier from the answer to a step."""
        match step.method:
            case "crm.type.add":
                return str(answer.mapping("type")["entityTypeId"])
            case "crm.category.add":
                return str(answer.mapping("category")["id"])
            case "crm.status.add":
                # The portal may have cut or prefixed the code it was given.
                row = self._target.call("crm.status.get", {"id": answer.result})
                return str(row.mapping()["STATUS_ID"])
            case "userfieldconfig.update":
                return _value_id(answer.mapping("field"), step)
            case "crm.type.update":
                return self._relations(step)
            case _:
                return step.target_key

    def _entity_type(self, step: StructureCreation, claimed: set[str]) -> str | None:
        rows = self._target.list_all("crm.type.list", key="types")
        ours = self._target.webhook.user_id
        named = (
            row
            for row in rows
            if row["title"] == step.params["fields"]["title"]
            and str(row.get("createdBy") or ours) == str(ours)
        )
        return _new(step, (str(row["entityTypeId"]) for row in named), claimed)

    def _relations(self, step: StructureCreation) -> str | None:
        """A type's relations are set as a whole, and errors in them are not told."""
        answer = self._target.call("crm.type.get", {"id": step.params["id"]})
        told = answer.mapping("type").get("relations")
        wanted = step.params["fields"]["relations"]
        is_there = isinstance(told, dict) and all(
            {int(end["entityTypeId"]) for end in wanted[side]}
            <= {int(end["entityTypeId"]) for end in told.get(side) or ()}
            for side in ("parent", "child")
        )
        return step.target_key if is_there else None

    def _categories(self, step: StructureCreation) -> list[dict[str, Any]]:
        params = {"entityTypeId": step.params["entityTypeId"]}
        return self._target.list_all("crm.category.list", params, key="categories")

    def _category(self, step: StructureCreation, claimed: set[str]) -> str | None:
        rows = self._categories(step)
        named = (row for row in rows if row["name"] == step.params["fields"]["name"])
        return _new(step, (str(row["id"]) for row in named), claimed)

    def _renamed_category(self, step: StructureCreation) -> str | None:
        wanted = step.params["fields"]
        for row in self._categories(step):
            if str(row["id"]) == step.target_key and _agrees(row, wanted):
                return step.target_key
        return None

    def _statuses(self, directory: str) -> list[dict[str, Any]]:
        params = {"order": {"ID": "ASC"}, "filter": {"ENTITY_ID": directory}}
        return self._target.list_all("crm.status.list", params, key=None)

    def _status(self, step: StructureCreation) -> str | None:
        rows = self._statuses(step.target_scope or "")
        return step.target_key if step.target_key in _column(rows, "STATUS_ID") else None

    def _renamed_status(self, step: StructureCreation) -> str | None:
        for row in self._statuses(step.target_scope or ""):
            is_it = str(row["ID"]) == str(step.params["id"])
            if is_it and _agrees(row, step.params["fields"]):
                return step.target_key
        return None

    def _value(self, step: StructureCreation) -> str | None:
        params = {"moduleId": "crm", "id": step.params["id"]}
        return _value_id(self._target.call("userfieldconfig.get", params).mapping("field"), step)

    def _field(self, step: StructureCreation) -> str | None:
        """Asked for by entity type: not every portal filters userfieldconfig.list by name."""
        answer = self._target.call(
            "crm.item.fields",
            {"entityTypeId": int(step.target_scope or 0), "useOriginalUfNames": "Y"},
        )
        fields = answer.mapping("fields").items()
        names = {str(meta.get("upperName") or name): name for name, meta in fields}
        return names.get(step.target_key or "")


def _new(step: StructureCreation, keys: Iterator[str], claimed: set[str]) -> str | None:
    """The lowest identifier that was not there before and is nobody else's."""
    before = read_there_before(step.detail) | claimed
    return min((key for key in keys if key not in before), key=int, default=None)


def _column(rows: Iterable[Mapping[str, Any]], name: str) -> set[str]:
    return {str(row[name]) for row in rows}


def _agrees(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(str(row.get(key)) == str(value) for key, value in wanted.items())


def _value_id(field: Mapping[str, Any], step: StructureCreation) -> str | None:
    wanted = read_found_by(step.detail)
    rows = field.get("enum") or ()
    return next((str(row["id"]) for row in rows if row.get("xmlId") == wanted), None)


#: Steps that make something under an identifier the target chooses: which of two is whose?
CHOSEN_BY_TARGET = frozenset({PartKind.ENTITY_TYPE, PartKind.CATEGORY})
