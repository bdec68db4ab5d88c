"""What the target will look like once a step is taken: for a dry run, which takes none.

Identifiers that the target will choose are the next free ones here; they are expected, not known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from migrator.domain.records import CreationState, StructureCreation, StructureElement
from migrator.domain.structure import ElementKind
from migrator.domain.vocabulary import DEAL, EntityTypeId, stage_entity_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Code, meaning and whether the stage stays, as new pipelines are born.
#: Source: b24restdocs api-reference/crm/status/crm-status-list.md,
#: tutorials/crm/how-to-add-crm-objects/how-to-add-category-to-spa.md
_DEAL_STAGES = (
    ("NEW", "", True),
    ("PREPARATION", "", False),
    ("PREPAYMENT_INVOICE", "", False),
    ("EXECUTING", "", False),
    ("FINAL_INVOICE", "", False),
    ("WON", "S", True),
    ("LOSE", "F", True),
    ("APOLOGY", "F", False),
)
_SPA_STAGES = (
    ("NEW", "", True),
    ("PREPARATION", "", False),
    ("CLIENT", "", False),
    ("SUCCESS", "S", True),
    ("FAIL", "F", True),
)
#: Codes of the stages that a portal makes by itself with a pipeline.
BORN_CODES = tuple(code for code, _, _ in (*_DEAL_STAGES, *_SPA_STAGES))
#: The lowest number the portal gives to a new smart process (crm-type-add.md).
_FIRST_NUMBER = 1030


class Prediction:
    """A portal's structure that steps are taken on in thought."""

    def __init__(self, elements: list[StructureElement]) -> None:
        self._elements = {(e.kind, e.scope, e.key): e for e in elements}

    @property
    def elements(self) -> list[StructureElement]:
        return list(self._elements.values())

    def take(self, step: StructureCreation) -> StructureCreation:
        """Returns: the step as it will be on record."""
        key = step.target_key
        state = CreationState.CREATED
        match step.method:
            case "crm.type.add":
                key = str(self._add_type(step))
            case "crm.type.update":
                self._relate(step)
            case "crm.category.add":
                key = str(self._add_category(step.target_scope or "", step.params["fields"]))
            case "crm.category.update":
                self._change(ElementKind.CATEGORY, step, step.params["fields"])
            case "crm.status.add":
                self._put_status(step.target_scope or "", step.target_key or "", step.params)
            case "crm.status.update":
                self._change(ElementKind.STATUS, step, step.params["fields"])
            case "crm.status.delete":
                gone = (ElementKind.STATUS, step.target_scope or "", step.target_key or "")
                self._elements.pop(gone, None)
                state = CreationState.REMOVED
            case "crm.currency.add":
                self._put(ElementKind.CURRENCY, "", key or "", step.name, step.params["fields"])
            case "userfieldconfig.update":
                key = step.source_key
            case _:
                self._add_field(step)
        return replace(step, state=state, target_key=key)

    def _put(self, kind: ElementKind, scope: str, key: str, name: str, payload: Any) -> None:
        element = StructureElement(kind=kind, scope=scope, key=key, name=name, payload=payload)
        self._elements[kind, scope, key] = element

    def _keys(self, kind: ElementKind) -> Iterator[tuple[str, str]]:
        return ((e.scope, e.key) for e in self.elements if e.kind == kind)

    def _add_type(self, step: StructureCreation) -> int:
        fields: Mapping[str, Any] = step.params["fields"]
        numbers = [int(key) for _, key in self._keys(ElementKind.ENTITY_TYPE)]
        number = max([n for n in numbers if n >= _FIRST_NUMBER], default=_FIRST_NUMBER - 2) + 2
        known = [e for e in self.elements if e.kind == ElementKind.ENTITY_TYPE]
        type_id = max((int(e.payload.get("id") or 0) for e in known), default=0) + 1
        payload = {**fields, "id": type_id, "entityTypeId": number, "relations": {}}
        self._put(ElementKind.ENTITY_TYPE, "", str(number), step.name, payload)
        self._put(ElementKind.FIELD, str(number), "id", "ID", {"type": "integer"})
        self._add_category(str(number), {"name": step.name, "isDefault": "Y"})
        return number

    def _relate(self, step: StructureCreation) -> None:
        key = (ElementKind.ENTITY_TYPE, "", step.target_key or "")
        sides = {
            side: [
                {
                    "entityTypeId": end["entityTypeId"],
                    "isChildrenListEnabled": "Y" if end["isChildrenListEnabled"] == "true" else "N",
                }
                for end in ends
            ]
            for side, ends in step.params["fields"]["relations"].items()
        }
        found = self._elements[key]
        self._elements[key] = replace(found, payload={**found.payload, "relations": sides})

    def _add_category(self, entity_type_id: str, fields: Mapping[str, Any]) -> int:
        """Deals number their pipelines by themselves."""
        of_deals = entity_type_id == str(DEAL)
        keys = self._keys(ElementKind.CATEGORY)
        numbers = (int(key) for scope, key in keys if (scope == str(DEAL)) == of_deals)
        number = max(numbers, default=0) + 1
        name = str(fields["name"])
        payload = {"isDefault": "N", "sort": 500, **fields, "id": number}
        self._put(ElementKind.CATEGORY, entity_type_id, str(number), name, payload)
        directory = stage_entity_id(EntityTypeId(int(entity_type_id)), number)
        if directory is not None:
            prefix = f"C{number}:" if of_deals else f"DT{entity_type_id}_{number}:"
            born = _DEAL_STAGES if of_deals else _SPA_STAGES
            for place, (code, semantics, stays) in enumerate(born, start=1):
                row = {"NAME": code, "SORT": 10 * place, "SEMANTICS": semantics}
                row["SYSTEM"] = "Y" if stays else "N"
                self._put_status(directory, prefix + code, {"fields": row})
        return number

    def _put_status(self, directory: str, status_id: str, params: Mapping[str, Any]) -> None:
        """The number of a row that is not there yet is named after its code."""
        row = {"ID": f"<ID of {status_id}>", **params["fields"]}
        self._put(ElementKind.STATUS, directory, status_id, str(row["NAME"]), row)

    def _change(self, kind: ElementKind, step: StructureCreation, values: Any) -> None:
        key = (kind, step.target_scope or "", step.target_key or "")
        found = self._elements.get(key)
        if found is not None:
            payload = {**found.payload, **values}
            self._elements[key] = replace(found, name=step.name, payload=payload)

    def _add_field(self, step: StructureCreation) -> None:
        name = step.target_key or ""
        meta = {"type": "string", "isDynamic": True, "title": step.name, "upperName": name}
        self._put(ElementKind.FIELD, step.target_scope or "", name, step.name, meta)
