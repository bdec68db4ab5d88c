"""Steps that create user fields and values of lists.

Sources: b24restdocs api-reference/crm/universal/userfieldconfig/*.md,
api-reference/crm/deals/user-defined-fields/crm-deal-userfield-add.md
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.records import StructureCreation
from migrator.domain.vocabulary import SMART_INVOICE, SYSTEM_TYPES, EntityTypeId
from migrator.plan.structure.parts import PartKind
from migrator.plan.structure.settings import target_settings
from migrator.plan.structure.steps import missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migrator.domain.structure import EntityType
    from migrator.plan.structure.lines import Line, StructureDiff
    from migrator.plan.structure.parts import Correspondence, Parts

#: userfieldconfig-add.md and crm-deal-userfield-add.md say the same, prefix included.
LONGEST_FIELD_NAME = 50

_LABELS = ("editFormLabel", "listColumnLabel", "listFilterLabel", "errorMessage", "helpMessage")
_SWITCHES = ("multiple", "mandatory", "showFilter", "showInList", "editInList", "isSearchable")


class FieldSteps:
    """User fields that are missing, one request for each."""

    def __init__(
        self, diff: StructureDiff, source: Parts, target: Parts, correspondence: Correspondence
    ) -> None:
        self._source = source
        self._target = target
        self._correspondence = correspondence
        self._lines = list(self._with_partner(missing(diff, PartKind.FIELD)))
        self._names: dict[int, set[str]] = {}

    def _with_partner(self, lines: Iterable[Line]) -> Iterator[tuple[Line, EntityType]]:
        for line in lines:
            partner = self._correspondence.entity_type(int(line.scope))
            known = self._target.structure.entity_types.get(EntityTypeId(partner or 0))
            if known is not None:
                yield line, known

    def steps(self) -> Iterator[StructureCreation]:
        for line, owner in self._lines:
            raw = self._config(line)
            if not raw:
                continue
            name = self._name(line, owner)
            settings, _ = target_settings(raw, self._correspondence)
            # A field without a label is called by its name, which is another one in the target.
            label = line.name if line.name != self._stored_name(line) else ""
            definition = _definition(raw, owner, name, settings, label)
            method, params = _request(owner, definition)
            yield StructureCreation(
                kind=PartKind.FIELD,
                scope=line.scope,
                source_key=line.key or "",
                name=line.name,
                method=method,
                params=params,
                target_scope=str(owner.entity_type_id),
                target_key=name,
            )

    def losses(self) -> Iterator[Finding]:
        """Settings that hold identifiers of the source and cannot be carried over."""
        for line, _ in self._lines:
            raw = self._config(line)
            _, lost = target_settings(raw, self._correspondence)
            if lost:
                yield Finding(
                    kind=FindingKind.STRUCTURE_SETTING_LOST,
                    severity=Severity.WARNING,
                    effect=Effect.LOST,
                    entity_type_id=int(line.scope),
                    field=line.key,
                    value=", ".join(lost),
                    detail=f"the field '{line.name}' is created without the settings "
                    f"{', '.join(lost)}: they name something of the source portal",
                    hint="set them in the target by hand",
                )

    def _config(self, line: Line) -> Mapping[str, Any]:
        return self._source.user_field(int(line.scope), self._stored_name(line))

    def _stored_name(self, line: Line) -> str:
        fields = self._source.structure.fields.get(EntityTypeId(int(line.scope)))
        found = fields.get(line.key or "") if fields else None
        return found.stored_name if found else line.key or ""

    def _name(self, line: Line, owner: EntityType) -> str:
        """The source's code behind the target's prefix, shortened and numbered where need be."""
        before = self._source.structure.entity_types[EntityTypeId(int(line.scope))]
        code = before.user_field_code(self._stored_name(line))
        taken = self._names.setdefault(owner.entity_type_id, self._taken(owner))
        name = owner.user_field_prefix + code
        attempt = 0
        while len(name) > LONGEST_FIELD_NAME or name in taken:
            tail = "_" + hashlib.sha256(f"{code}{attempt}".encode()).hexdigest()[:4].upper()
            name = (owner.user_field_prefix + code)[: LONGEST_FIELD_NAME - len(tail)] + tail
            attempt += 1
        taken.add(name)
        return name

    def _taken(self, owner: EntityType) -> set[str]:
        fields = self._target.structure.fields.get(owner.entity_type_id, ())
        configured = self._target.user_fields(owner.entity_type_id)
        return {field.stored_name for field in fields} | set(configured)


def _definition(
    raw: Mapping[str, Any],
    owner: EntityType,
    name: str,
    settings: Mapping[str, Any],
    label: str,
) -> dict[str, Any]:
    """As userfieldconfig.add wants it."""
    definition: dict[str, Any] = {
        "entityId": owner.user_field_entity_id,
        "fieldName": name,
        "userTypeId": raw["userTypeId"],
        **{key: raw[key] for key in ("xmlId", "sort") if raw.get(key)},
        **{key: raw[key] for key in _SWITCHES if raw.get(key)},
    }
    if settings:
        definition["settings"] = dict(settings)
    definition |= dict(_labels(raw, label))
    if raw["userTypeId"] == "enumeration":
        definition["enum"] = [_value_to_add(row) for row in _ordered(raw.get("enum"))]
    return definition


def _labels(raw: Mapping[str, Any], label: str) -> Iterator[tuple[str, dict[str, str]]]:
    """In all languages that have one; `label` is what people see where none was told."""
    told = {key: raw[key] for key in _LABELS if isinstance(raw.get(key), dict)}
    for key, texts in told.items():
        kept = {language: text for language, text in texts.items() if text}
        if kept:
            yield key, kept
    if label and not any((told.get("editFormLabel") or {}).values()):
        languages = told.get("editFormLabel") or {"en": None}
        yield "editFormLabel", dict.fromkeys(languages, label)


def _ordered(rows: Any) -> list[Mapping[str, Any]]:
    return sorted(rows or (), key=lambda row: (int(row.get("sort") or 0), int(row.get("id") or 0)))


def _value_to_add(row: Mapping[str, Any]) -> dict[str, Any]:
    """A value of a list; its XML_ID is what it is found by, so it always has one."""
    return {
        "value": row.get("value"),
        "def": row.get("def") or "N",
        "sort": row.get("sort") or "500",
        "xmlId": row.get("xmlId") or f"migrator-{row.get('id')}",
    }


_FOUND_BY = "XML_ID "


def found_by(xml_id: str) -> str:
    return _FOUND_BY + xml_id


def read_found_by(detail: str | None) -> str:
    """The way back from `found_by`."""
    return (detail or "").removeprefix(_FOUND_BY)


_CLASSIC = {
    "fieldName": "FIELD_NAME",
    "userTypeId": "USER_TYPE_ID",
    "xmlId": "XML_ID",
    "sort": "SORT",
    "multiple": "MULTIPLE",
    "mandatory": "MANDATORY",
    "showFilter": "SHOW_FILTER",
    "showInList": "SHOW_IN_LIST",
    "editInList": "EDIT_IN_LIST",
    "isSearchable": "IS_SEARCHABLE",
    "settings": "SETTINGS",
    "editFormLabel": "EDIT_FORM_LABEL",
    "listColumnLabel": "LIST_COLUMN_LABEL",
    "listFilterLabel": "LIST_FILTER_LABEL",
    "errorMessage": "ERROR_MESSAGE",
    "helpMessage": "HELP_MESSAGE",
}
_CLASSIC_VALUE = {"value": "VALUE", "def": "DEF", "sort": "SORT", "xmlId": "XML_ID"}


def _request(owner: EntityType, definition: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """System types have methods of their own, which take names that begin with UF_CRM_.

    userfieldconfig.add asks for `UF_<entityId>_` (userfieldconfig-add.md), which existing fields
    of system types do not have, and it takes fewer labels.
    """
    system = SYSTEM_TYPES.get(owner.entity_type_id)
    if system is None or owner.entity_type_id == SMART_INVOICE:
        return "userfieldconfig.add", {"moduleId": "crm", "field": definition}
    fields = {classic: definition[key] for key, classic in _CLASSIC.items() if key in definition}
    if "enum" in definition:
        fields["LIST"] = [
            {classic: row[key] for key, classic in _CLASSIC_VALUE.items()}
            for row in definition["enum"]
        ]
    return f"crm.{system.symbol.lower()}.userfield.add", {"fields": fields}


def enumeration_steps(
    diff: StructureDiff, source: Parts, target: Parts
) -> Iterator[StructureCreation]:
    """Values that a list of the target lacks: one request for each list, a record for each value.

    Source: b24restdocs api-reference/crm/universal/userfieldconfig/userfieldconfig-update.md
    """
    by_field: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in missing(diff, PartKind.ENUMERATION):
        by_field[line.scope, line.target_scope or ""].append(line)
    for (scope, target_scope), lines in by_field.items():
        here, there = _field_of(source, scope), _field_of(target, target_scope)
        if not there.get("id"):
            continue
        keys = {line.key for line in lines}
        rows = [row for row in _ordered(here.get("enum")) if str(row.get("id")) in keys]
        # Those that are there are sent along as they are, in case a list is taken for the whole.
        values = [dict(row) for row in _ordered(there.get("enum"))]
        # Which value a new item begins with is for the target to say: it has this list already.
        values += [_value_to_add(row) | {"def": "N"} for row in rows]
        field = {"userTypeId": "enumeration", "enum": values}
        for row in rows:
            yield StructureCreation(
                kind=PartKind.ENUMERATION,
                scope=scope,
                source_key=str(row["id"]),
                name=str(row.get("value")),
                method="userfieldconfig.update",
                params={"moduleId": "crm", "id": int(there["id"]), "field": field},
                target_scope=target_scope,
                detail=found_by(_value_to_add(row)["xmlId"]),
            )


def _field_of(parts: Parts, scope: str) -> Mapping[str, Any]:
    """The configuration of the field that an enumeration scope names."""
    entity_type_id, _, name = scope.partition(".")
    if not entity_type_id.isdecimal():
        return {}
    fields = parts.structure.fields.get(EntityTypeId(int(entity_type_id)))
    found = fields.get(name) if fields else None
    return parts.user_field(int(entity_type_id), found.stored_name if found else name)
