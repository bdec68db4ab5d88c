"""Find a part of the target's structure by its identifier, and take it away.

Each part knows how it is looked for and which request removes it, so that after a lost answer the
portal is asked whether the part is still there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.bitrix.errors import AccessDenied, ItemRefused, UnknownError, UnknownOutcome
from migrator.domain.vocabulary import SMART_INVOICE, SYSTEM_TYPES, EntityTypeId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.bitrix.client import PortalClient
    from migrator.domain.structure import Structure
    from migrator.workspace import Workspace

#: How often a request is sent whose answer is lost each time.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the target's structure; `scope` and `key` as in `structure_creation`."""

    kind: str
    scope: str
    key: str


Request = tuple[str, "Mapping[str, Any]"]


class PartRemoval:
    """Removes parts of one portal's structure; what is gone already counts as removed."""

    def __init__(self, workspace: Workspace, target: PortalClient, structure: Structure) -> None:
        self._workspace = workspace
        self._target = target
        self._structure = structure

    def remove(self, part: Part) -> str | None:
        """Take the part away; returns why it stays, or None."""
        for attempt in range(_ATTEMPTS):
            self._workspace.check_stop()
            try:
                request = self._request(part)
            except AccessDenied as error:
                return error.message
            if request is None:
                return None
            try:
                self._target.call(*request)
            except UnknownOutcome:
                # A field of many items can take longer to delete than a request may take
                # (b24restdocs api-reference/crm/universal/userfieldconfig/index.md).
                self._workspace.clock.sleep(2.0**attempt)
            except (ItemRefused, UnknownError) as error:
                return error.message if self._request(part) is not None else None
        return "the portal has not answered" if self._request(part) is not None else None

    def _request(self, part: Part) -> Request | None:
        """The request that removes the part, or None where it is not there."""
        match part.kind:
            case "entity_type":
                return self._type_request(part)
            case "category":
                return self._category_request(part)
            case "stage" | "status":
                return self._status_request(part)
            case "field":
                return self._field_request(part)
            case "enumeration":
                return self._value_request(part)
            case "currency":
                rows = self._target.list_all("crm.currency.list", key=None)
                there = any(row["CURRENCY"] == part.key for row in rows)
                return ("crm.currency.delete", {"id": part.key}) if there else None
            case _:
                raise ValueError(f"nothing removes a {part.kind}")

    def _type_request(self, part: Part) -> Request | None:
        rows = self._target.list_all("crm.type.list", key="types")
        ids = [row["id"] for row in rows if str(row["entityTypeId"]) == part.key]
        return ("crm.type.delete", {"id": ids[0]}) if ids else None

    def _category_request(self, part: Part) -> Request | None:
        params = {"entityTypeId": int(part.scope)}
        try:
            rows = self._target.list_all("crm.category.list", params, key="categories")
        except AccessDenied:
            raise
        except ItemRefused:
            return None  # its entity type is gone
        there = any(str(row["id"]) == part.key for row in rows)
        return ("crm.category.delete", {**params, "id": int(part.key)}) if there else None

    def _status_request(self, part: Part) -> Request | None:
        params = {"order": {"ID": "ASC"}, "filter": {"ENTITY_ID": part.scope}}
        rows = self._target.list_all("crm.status.list", params, key=None)
        ids = [int(row["ID"]) for row in rows if row["STATUS_ID"] == part.key]
        return ("crm.status.delete", {"id": ids[0]}) if ids else None

    def _field_request(self, part: Part) -> Request | None:
        """As they are made: by the classic methods of the system types where there are any."""
        entity_type_id = EntityTypeId(int(part.scope))
        system = SYSTEM_TYPES.get(entity_type_id)
        if system is not None and entity_type_id != SMART_INVOICE:
            methods = f"crm.{system.symbol.lower()}.userfield"
            rows = self._target.list_all(
                f"{methods}.list", {"filter": {"FIELD_NAME": part.key}}, key=None
            )
            ids = [int(row["ID"]) for row in rows if row["FIELD_NAME"] == part.key]
            return (f"{methods}.delete", {"id": ids[0]}) if ids else None
        found = self._configured(entity_type_id, part.key)
        return ("userfieldconfig.delete", {"moduleId": "crm", "id": found}) if found else None

    def _value_request(self, part: Part) -> Request | None:
        """The other values stay as they are: those named by id are changed, others left alone."""
        entity_type_id, _, name = part.scope.partition(".")
        found = self._configured(EntityTypeId(int(entity_type_id)), name)
        if found is None:
            return None
        known = {"moduleId": "crm", "id": found}
        rows = self._target.call("userfieldconfig.get", known).mapping("field").get("enum") or []
        if not any(str(row["id"]) == part.key for row in rows):
            return None
        kept = [dict(row) for row in rows if str(row["id"]) != part.key]
        enum = [*kept, {"id": int(part.key), "del": "Y"}]
        field = {"userTypeId": "enumeration", "enum": enum}
        return "userfieldconfig.update", {**known, "field": field}

    def _configured(self, entity_type_id: EntityTypeId, name: str) -> int | None:
        entity_type = self._structure.entity_types.get(entity_type_id)
        if entity_type is None:
            return None
        rows = self._target.list_all(
            "userfieldconfig.list", {"moduleId": "crm", "filter": {"fieldName": name}}, key="fields"
        )
        owner = entity_type.user_field_entity_id
        found = (r for r in rows if r["fieldName"] == name and r["entityId"] == owner)
        return next((int(row["id"]) for row in found), None)
