"""The requests that create what is missing: pure, from two structures and the lines between them.

Each step is the record that is committed before its request is sent. What a step needs to know of
the target (the number of a new smart process, the id of a new pipeline) stands in the target's
structure, so steps are made phase by phase, each from the target as it is by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.records import StructureCreation
from migrator.plan.structure.details import is_switch
from migrator.plan.structure.diff import made_by_portal_alone
from migrator.plan.structure.lines import LineState
from migrator.plan.structure.parts import PartKind, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migrator.plan.structure.lines import Line, StructureDiff
    from migrator.plan.structure.parts import Correspondence, Parts

#: What stands before the identifiers that were in the target when a step was recorded: what was
#: there before cannot be what the step made.
_BEFORE = "there before: "


def there_before(keys: Iterable[object]) -> str:
    return _BEFORE + ", ".join(sorted(str(key) for key in keys))


def read_there_before(detail: str | None) -> frozenset[str]:
    """The way back from `there_before`."""
    listed = (detail or "").removeprefix(_BEFORE)
    return frozenset(key for key in listed.split(", ") if key)


def missing(diff: StructureDiff, *kinds: PartKind) -> list[Line]:
    return [one for one in diff.lines if one.kind in kinds and one.state is LineState.MISSING]


def type_steps(diff: StructureDiff, source: Parts, target: Parts) -> Iterator[StructureCreation]:
    """Smart processes with all their settings, but without relations: the others may not exist yet.

    The target chooses the number (b24restdocs
    api-reference/crm/universal/user-defined-object-types/crm-type-add.md).
    """
    refused = (one.entity_type_id for one in target.structure.refused_types)
    before = there_before([*target.structure.entity_types, *refused])
    for line in missing(diff, PartKind.ENTITY_TYPE):
        if made_by_portal_alone(line, source):
            continue
        raw = source.entity_type(int(line.key or 0))
        fields = {key: value for key, value in raw.items() if is_switch(key, value)}
        yield StructureCreation(
            kind=PartKind.ENTITY_TYPE,
            scope="",
            source_key=line.key or "",
            name=line.name,
            method="crm.type.add",
            params={"fields": {"title": line.name, **fields, **_linked(raw)}},
            detail=before,
        )


def _linked(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Written as "true" and "false": Y and N are not understood here (crm-type-add.md)."""
    linked = raw.get("linkedUserFields")
    if not isinstance(linked, dict) or raw.get("isUseInUserfieldEnabled") != "Y":
        return {}
    return {"linkedUserFields": {key: _truth(value == "Y") for key, value in linked.items()}}


def _truth(value: bool) -> str:  # noqa: FBT001 - the only argument
    return "true" if value else "false"


def relation_steps(
    diff: StructureDiff, source: Parts, target: Parts, correspondence: Correspondence
) -> Iterator[StructureCreation]:
    """One call for each smart process that ends missing relations.

    A type's relations are overwritten as a whole, on both sides, so what is there is sent along
    (b24restdocs api-reference/crm/universal/user-defined-object-types/crm-type-update.md).
    """
    wanted = dict(_wanted(diff, source, correspondence))
    done: set[Relation] = set()
    for relation in wanted:
        if relation in done:
            continue
        owner = relation.child if _type_id(target, relation.child) else relation.parent
        own = {one: listed for one, listed in wanted.items() if owner in (one.parent, one.child)}
        done |= own.keys()
        there = {
            one: listed
            for one, listed in target.relations.items()
            if owner in (one.parent, one.child)
        }
        yield _relation_step(target, owner, there | own)


def _wanted(
    diff: StructureDiff, source: Parts, correspondence: Correspondence
) -> Iterator[tuple[Relation, bool]]:
    for line in missing(diff, PartKind.RELATION):
        one = Relation(int(line.key or 0), int(line.scope))
        parent = correspondence.entity_type(one.parent)
        child = correspondence.entity_type(one.child)
        if parent is not None and child is not None:
            yield Relation(parent, child), source.relations[one]


def _type_id(target: Parts, entity_type_id: int) -> int | None:
    found = target.entity_type(entity_type_id).get("id")
    return int(found) if found else None


def _relation_step(
    target: Parts, owner: int, relations: Mapping[Relation, bool]
) -> StructureCreation:
    parents = [(one.parent, listed) for one, listed in relations.items() if one.child == owner]
    children = [(one.child, listed) for one, listed in relations.items() if one.parent == owner]
    sides = {"parent": _ends(parents), "child": _ends(children)}
    return StructureCreation(
        kind=PartKind.RELATION,
        scope="",
        source_key=str(owner),
        name=f"relations of {target.entity_type(owner).get('title')}",
        method="crm.type.update",
        params={"id": _type_id(target, owner), "fields": {"relations": sides}},
        target_key=str(owner),
    )


def _ends(ends: Iterable[tuple[int, bool]]) -> list[dict[str, Any]]:
    return [
        {"entityTypeId": other, "isChildrenListEnabled": _truth(listed)} for other, listed in ends
    ]


def currency_steps(
    diff: StructureDiff, source: Parts, target: Parts
) -> Iterator[StructureCreation]:
    """Rates are relative to the base currency, which may be another one in the target.

    Source: b24restdocs api-reference/crm/currency/crm-currency-add.md
    """
    for line in missing(diff, PartKind.CURRENCY):
        raw = source.currency(line.key or "")
        count, amount = _rate(raw, source, target)
        fields = {
            "CURRENCY": line.key,
            "AMOUNT_CNT": count,
            "AMOUNT": amount,
            "SORT": raw.get("SORT") or "100",
            "LANG": _localizations(raw),
        }
        yield StructureCreation(
            kind=PartKind.CURRENCY,
            scope="",
            source_key=line.key or "",
            name=line.name,
            method="crm.currency.add",
            params={"fields": fields},
            target_key=line.key,
        )


def _rate(raw: Mapping[str, Any], source: Parts, target: Parts) -> tuple[str, str]:
    """So many units, and their worth in the target's base currency where the source knows it."""
    count, amount = str(raw.get("AMOUNT_CNT") or "1"), str(raw.get("AMOUNT") or "1")
    base = source.currency(target.base_currency or "")
    if target.base_currency == source.base_currency or not float(base.get("AMOUNT") or 0):
        return count, amount
    units = int(float(count)) or 1
    worth = float(amount) * float(base.get("AMOUNT_CNT") or 1) / float(base["AMOUNT"])
    # Four decimals are kept, so a small worth is told of ten, a hundred or more units.
    while 0 < worth < 1:
        units, worth = units * 10, worth * 10
    return str(units), f"{worth:.4f}"


def rate_losses(diff: StructureDiff, source: Parts, target: Parts) -> Iterator[Finding]:
    """Currencies whose worth in the target's base currency the source cannot tell."""
    base = target.base_currency
    if base in {None, source.base_currency} or float(
        source.currency(base or "").get("AMOUNT") or 0
    ):
        return
    for line in missing(diff, PartKind.CURRENCY):
        yield Finding(
            kind=FindingKind.STRUCTURE_SETTING_LOST,
            severity=Severity.WARNING,
            effect=Effect.LOST,
            value=line.key,
            detail=f"the currency {line.key} is created with its rate in {source.base_currency}, "
            f"and the target counts in {base}, of which the source has no rate",
            hint="set the rate in the target by hand before the import",
        )


_LOCALIZATION = ("DECIMALS", "DEC_POINT", "FORMAT_STRING", "FULL_NAME", "HIDE_ZERO")
_SEPARATORS = ("THOUSANDS_SEP", "THOUSANDS_VARIANT")


def _localizations(raw: Mapping[str, Any]) -> dict[str, Any]:
    """In all languages where the source told them, else in that of its list."""
    told = raw.get("LANG")
    rows = told if isinstance(told, dict) and told else {str(raw.get("LID") or "en"): raw}
    keys = (*_LOCALIZATION, *_SEPARATORS)
    return {
        language: {key: row[key] for key in keys if row.get(key) is not None}
        for language, row in rows.items()
    }
