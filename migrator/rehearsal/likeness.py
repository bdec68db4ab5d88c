"""An emulated portal after the likeness of the target, from what was read of it.

Identifiers are the target's own, so what the mapping file says holds in both. Of the items only the
newest row of each type is there: its createdTime is what makes others late.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.domain.structure import ElementKind, build_structure
from migrator.domain.vocabulary import SYSTEM_TYPES, EntityTypeId, is_spa
from migrator.sandbox import Portal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from migrator.bitrix.keyset import NewestItem
    from migrator.bitrix.limits import PortalLimits
    from migrator.domain.records import StructureElement
    from migrator.sandbox.clock import Clock
    from migrator.sandbox.store import Table

#: The emulated portal's own; the real webhook's has no business there.
SECRET = "rehearsal0000000"  # noqa: S105 - opens nothing

_UNLIMITED = 1e12
#: Source: b24restdocs api-reference/crm/universal/crm-item-fields.md
_LACKING = "NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What the emulated portal is told that reading does not tell."""

    limits: PortalLimits
    #: Entity types of the target that a webhook's user without administrator rights may import.
    importable: frozenset[EntityTypeId] = frozenset()
    #: Whether the portal refuses items with empty required fields over REST, which is an option.
    checks_required_fields: bool = False
    seconds_per_item: float = 0.0
    seconds_per_item_read: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """The parts of the target by kind, and its newest rows."""

    host: str
    elements: Iterable[StructureElement]
    newest: Mapping[EntityTypeId, NewestItem | None]
    #: By entity type, the highest id that items have had.
    used_ids: Mapping[EntityTypeId, int]
    _by_kind: dict[str, list[StructureElement]] = field(
        init=False, default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        for element in self.elements:
            self._by_kind[element.kind].append(element)

    def seed(self, assumed: Assumptions) -> dict[str, Any]:
        """The document an emulated portal is made from."""
        return {
            "portal": self._portal(assumed),
            "users": self._users(assumed),
            "currencies": [dict(e.payload) for e in self._by_kind[ElementKind.CURRENCY]],
            "types": self._types(),
            "categories": [
                {**e.payload, "entityTypeId": int(e.scope)}
                for e in self._by_kind[ElementKind.CATEGORY]
            ],
            "statuses": [dict(e.payload) for e in self._by_kind[ElementKind.STATUS]],
            "userFields": self._user_fields(),
            "items": {
                str(t): [{"id": row.id, "createdTime": row.created_time.isoformat()}]
                for t, row in self.newest.items()
                if row is not None and row.created_time is not None
            },
            "next_ids": {str(t): used + 1 for t, used in self.used_ids.items()},
        }

    def portal(self, assumed: Assumptions, clock: Clock, make_table: Callable[[], Table]) -> Portal:
        """The emulated portal itself."""
        portal = Portal.from_seed(self.seed(assumed), clock, make_table)
        # A portal is born with directories that people of the target may have emptied.
        filled = {element.scope for element in self._by_kind[ElementKind.STATUS]}
        for row in portal.statuses.rows():
            if row["ENTITY_ID"] not in filled:
                portal.statuses.remove(row)
        return portal

    @property
    def _profile(self) -> Mapping[str, Any]:
        (element,) = self._by_kind[ElementKind.PROFILE]
        payload: Mapping[str, Any] = element.payload
        return payload

    def _portal(self, assumed: Assumptions) -> dict[str, Any]:
        return {
            "host": self.host,
            "utc_offset": self._profile["utc_offset"],
            "webhooks": [
                {
                    "user_id": int(self._profile["ID"]),
                    "secret": SECRET,
                    "scopes": list(self._profile["scopes"]),
                }
            ],
            "limits": _limits(assumed.limits),
            "cost": {
                "seconds_per_imported_item": assumed.seconds_per_item,
                "seconds_per_read_item": assumed.seconds_per_item_read,
            },
            "enforce_required_fields": assumed.checks_required_fields,
            "refused_types": self._refused_types(),
        }

    def _refused_types(self) -> dict[int, str]:
        """The code with which the target refuses a type: it lacks it, or hides it from this user.

        Which types there are depends on the tariff and on the settings of the CRM.
        """
        types = self._by_kind[ElementKind.ENTITY_TYPE]
        listed = {int(one.key): one.payload.get("refused") for one in types}
        hidden = {one: str(code) for one, code in listed.items() if code}
        return hidden | {int(one): _LACKING for one in SYSTEM_TYPES if one not in listed}

    def _users(self, assumed: Assumptions) -> list[dict[str, Any]]:
        profile = self._profile
        is_admin = bool(profile.get("ADMIN"))
        users = {int(e.key): dict(e.payload) for e in self._by_kind[ElementKind.USER]}
        own = int(profile["ID"])
        users[own] = {
            "NAME": profile.get("NAME") or "",
            "LAST_NAME": profile.get("LAST_NAME") or "",
            **users.get(own, {"ID": str(own)}),
            "ADMIN": is_admin,
            "IMPORT": is_admin or sorted(assumed.importable),
            # Only a CRM administrator could have read the structure.
            "CRM_ADMIN": True,
        }
        if not is_admin:
            # Every portal has an administrator; otherwise the emulated one would take the first.
            other = next((one for one in users if one != own), own + 1)
            users[other] = {**users.get(other, {"ID": str(other)}), "ADMIN": True}
        return list(users.values())

    def _types(self) -> list[dict[str, Any]]:
        parents: dict[int, set[int]] = defaultdict(set)
        children: dict[int, set[int]] = defaultdict(set)
        for element in self._by_kind[ElementKind.FIELD]:
            number = element.key.removeprefix("parentId")
            if number != element.key and number.isdigit():
                parents[int(element.scope)].add(int(number))
                children[int(number)].add(int(element.scope))
        types = []
        for element in self._by_kind[ElementKind.ENTITY_TYPE]:
            own = int(element.key)
            if not is_spa(own):
                continue
            told = element.payload.get("relations")
            read = {"parent": _relations(parents[own]), "child": _relations(children[own])}
            types.append({**element.payload, "relations": told or read})
        return types

    def _user_fields(self) -> list[dict[str, Any]]:
        """As the configuration tells; without its scope, as far as the item's metadata does."""
        types = build_structure(self.elements).entity_types
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for element in self._by_kind[ElementKind.FIELD]:
            entity_type = types.get(EntityTypeId(int(element.scope)))
            if entity_type is not None and element.payload.get("isDynamic"):
                row = _from_metadata(entity_type.user_field_entity_id, element)
                rows[row["entityId"], row["fieldName"]] = row
        for element in self._by_kind[ElementKind.USER_FIELD]:
            place = (element.scope, element.key)
            known = rows.get(place, {"entityId": element.scope, "fieldName": element.key})
            row = {**known, **{k: v for k, v in element.payload.items() if v is not None}}
            row["enum"] = [_option(one) for one in _listed(element.payload.get("enum"))]
            row["settings"] = _mapping(row.get("settings"))
            if "userTypeId" in row:
                rows[place] = row
        # Of several required fields that are empty a portal names the first one.
        return sorted(rows.values(), key=lambda row: int(row.get("id") or 0))


def _limits(limits: PortalLimits) -> dict[str, float]:
    rate, budget = limits.requests_per_second, limits.operating_limit_seconds
    return {
        "requests_per_second": rate or _UNLIMITED,
        "burst": limits.burst if rate else _UNLIMITED,
        "operating_limit_seconds": budget or _UNLIMITED,
        "operating_window_seconds": limits.operating_window_seconds,
    }


def _relations(entity_type_ids: Iterable[int]) -> list[dict[str, Any]]:
    return [
        {"entityTypeId": one, "isChildrenListEnabled": "Y", "isPredefined": "N"}
        for one in sorted(entity_type_ids)
    ]


def _from_metadata(entity_id: str, element: StructureElement) -> dict[str, Any]:
    meta = element.payload
    return {
        "entityId": entity_id,
        "fieldName": str(meta.get("upperName") or element.key),
        "userTypeId": str(meta.get("type") or "string"),
        "multiple": "Y" if meta.get("isMultiple") else "N",
        "mandatory": "Y" if meta.get("isRequired") else "N",
        "editFormLabel": {"en": element.name},
        "settings": _mapping(meta.get("settings")),
        "enum": [_option(one) for one in _listed(meta.get("items"))],
    }


def _option(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Both shapes: crm.item.fields (`ID`, `VALUE`) and userfieldconfig (`id`, `value`, `xmlId`)."""
    low = {key.lower().replace("_", ""): value for key, value in raw.items()}
    row = {"id": low["id"], "value": low.get("value"), "xmlId": low.get("xmlid")}
    return row | {key: low[key] for key in ("def", "sort") if key in low}


def _listed(raw: Any) -> list[Any]:
    return list(raw.values()) if isinstance(raw, dict) else list(raw or ())


def _mapping(raw: Any) -> dict[str, Any]:
    return dict(raw) if isinstance(raw, dict) else {}
