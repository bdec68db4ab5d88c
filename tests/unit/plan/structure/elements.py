"""Builders of a portal's structure as it is staged, for the tests of diff and apply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.domain.records import StructureCreation, StructureElement
from migrator.plan.pairing import Pairing
from migrator.plan.structure.parts import Parts
from migrator.plan.structure.phases import Situation, created_pairs

if TYPE_CHECKING:
    from migrator.domain.mapping import Pair, PairKey

DEAL_FIELDS = {"id": "integer", "title": "string"}


class PortalElements:
    """A portal with deals and their pipeline 0; what a test needs beside it is added."""

    def __init__(self) -> None:
        self._elements: list[StructureElement] = []
        self._put("entity_type", "", "2", "Deal", {})
        for name, kind in DEAL_FIELDS.items():
            self._put("field", "2", name, name, {"type": kind, "upperName": name.upper()})
        self.category(2, 0, "General", default=True, stages=["NEW", "WON:S", "LOSE:F"])

    def _put(self, kind: str, scope: str, key: str, name: str, payload: Any) -> None:
        self._elements.append(
            StructureElement(kind=kind, scope=scope, key=key, name=name, payload=payload)
        )

    def smart_process(
        self, number: int, type_id: int, title: str, *, parents: tuple[int, ...] = (), **flags: str
    ) -> PortalElements:
        relations = {
            "parent": [{"entityTypeId": p, "isChildrenListEnabled": "Y"} for p in parents],
            "child": [],
        }
        payload = {"id": type_id, "entityTypeId": number, "title": title, "relations": relations}
        self._put("entity_type", "", str(number), title, payload | flags)
        self._put("field", str(number), "id", "ID", {"type": "integer", "upperName": "ID"})
        return self

    def invoices(self) -> PortalElements:
        self._put("entity_type", "", "31", "Invoice", {})
        self._put("field", "31", "id", "ID", {"type": "integer", "upperName": "ID"})
        return self

    def category(
        self,
        number: int,
        category_id: int,
        name: str,
        *,
        default: bool = False,
        stages: list[str] | tuple[str, ...] = (),
        system: tuple[str, ...] = (),
        portals_own: bool = False,
    ) -> PortalElements:
        payload = {"name": name, "isDefault": "Y" if default else "N", "sort": 100}
        payload["isSystem"] = "Y" if portals_own else "N"
        self._put("category", str(number), str(category_id), name, payload)
        plain = number == 2 and category_id == 0
        prefix = (
            "" if plain else f"C{category_id}:" if number == 2 else f"DT{number}_{category_id}:"
        )
        directory = (
            "DEAL_STAGE"
            if plain
            else f"DEAL_STAGE_{category_id}"
            if number == 2
            else f"DYNAMIC_{number}_STAGE_{category_id}"
        )
        for sort, one in enumerate(stages, start=1):
            code, _, semantics = one.partition(":")
            self.status(
                directory,
                prefix + code,
                code.title(),
                semantics=semantics,
                sort=10 * sort,
                system=code in system,
            )
        return self

    def status(
        self,
        directory: str,
        status_id: str,
        name: str,
        *,
        semantics: str = "",
        sort: int = 10,
        system: bool = False,
        colour: str = "",
    ) -> PortalElements:
        row = {
            "ID": str(1000 + len(self._elements)),
            "NAME": name,
            "SORT": str(sort),
            "SEMANTICS": semantics or None,
            "SYSTEM": "Y" if system else "N",
            "COLOR": colour,
        }
        self._put("status", directory, status_id, name, row)
        return self

    def user_field(
        self,
        name: str,
        kind: str = "string",
        *,
        label: str = "",
        entity_type: int = 2,
        owner: str = "CRM_DEAL",
        values: tuple[str, ...] = (),
        **config: Any,
    ) -> PortalElements:
        multiple = config.get("multiple") == "Y"
        meta = {
            "type": kind,
            "isDynamic": True,
            "isMultiple": multiple,
            "title": label or name,
            "upperName": name,
        }
        self._put("field", str(entity_type), name, label or name, meta)
        number = 500 + len(self._elements)
        enum = [
            {"id": str(10 * number + n), "value": text, "def": "N", "sort": str(10 * n)}
            | {"xmlId": f"x-{text}"}
            for n, text in enumerate(values, start=1)
        ]
        payload = {
            "id": str(number),
            "fieldName": name,
            "userTypeId": kind,
            "multiple": "N",
            "settings": {},
            "editFormLabel": {"en": label or name},
            "enum": enum,
        }
        self._put("user_field", owner, name, name, payload | config)
        return self

    def currency(self, code: str, *, base: str = "N", amount: str = "1") -> PortalElements:
        payload = {"CURRENCY": code, "BASE": base, "AMOUNT": amount, "AMOUNT_CNT": "1"}
        self._put("currency", "", code, code, payload)
        return self

    def parts(self) -> Parts:
        return Parts(self._elements)


def situation(
    source: PortalElements,
    target: PortalElements,
    *,
    overrides: dict[PairKey, str | None] | None = None,
    creations: tuple[StructureCreation, ...] = (),
) -> Situation:
    here, there = source.parts(), target.parts()
    created = created_pairs(creations)
    pairs: list[Pair] = Pairing(
        here.structure, there.structure, overrides or {}, created=created
    ).pairs()
    return Situation(here, there, pairs, list(creations))
