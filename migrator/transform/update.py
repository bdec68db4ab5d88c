"""What an item that was in the target before must hold once it is updated from its source item.

Nothing that is there is taken away: an empty value of the source leaves what the target has, and to
a list what is missing is added. The same rule makes an update that is sent twice harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.identity import email_key, phone_key
from migrator.domain.values import (
    FileValue,
    Money,
    Multifield,
    Scalar,
    UnreadableValueError,
    Value,
    decode,
    display,
    scalars,
)
from migrator.transform.compare import same_value
from migrator.transform.translation import AMOUNT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migrator.domain.fields import Field
    from migrator.transform.item import TypeTransform
    from migrator.transform.transformed import TransformedItem

#: A user who stands in for one without a partner is no reason to replace whoever is there.
_STAND_INS = frozenset(
    {FindingKind.UNMAPPED_USER, FindingKind.DROPPED_BY_MAPPING, FindingKind.DEFAULT_USER}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemUpdate:
    """`wanted` is what the fields must hold that the source fills, `changed` those that do not."""

    wanted: Mapping[str, Value]
    changed: tuple[str, ...]
    #: phones, e-mails and the like the target does not have yet
    added: tuple[Multifield, ...]
    findings: tuple[Finding, ...]


def update_of(
    transform: TypeTransform, item: TransformedItem, payload: Mapping[str, Any]
) -> ItemUpdate:
    """Compare an item of the target, as it was read, with its source item."""
    stand_ins = {f.field for f in item.findings if _is_stand_in(f)}
    findings = [_left_as_it_is(f) if _is_stand_in(f) else f for f in item.findings]
    wanted: dict[str, Value] = {}
    changed: list[str] = []
    added: tuple[Multifield, ...] = ()
    for name, value in item.values.items():
        field = transform.target_fields.by_name[name]
        if all(map(_is_nothing, scalars(value))) and not _is_first_category(field, value):
            continue
        if field.is_history:
            findings.append(_history(transform, item, field, value))
            continue
        if transform.source_name(name) in stand_ins:
            continue
        why = _why_kept(transform, item, field, value, payload)
        if why is not None:
            findings.append(_not_overwritten(transform, item, field, value, why))
            continue
        have = _read(transform, field, payload)
        wanted[name] = merged(field, value, have)
        if not same_value(transform.target_type_id, field, wanted[name], have):
            changed.append(name)
            if field.type == "crm_multifield":
                added = tuple(_multifields(wanted[name]))[len(scalars(have)) :]
    return ItemUpdate(wanted=wanted, changed=tuple(changed), added=added, findings=tuple(findings))


def fields_to_read(transform: TypeTransform) -> list[str]:
    """The fields of the target's item that `update_of` looks at."""
    carried = [carried.target.name for carried in transform.carried]
    return [*carried, *(name for name in _amounts(transform) if name not in carried)]


def merged(field: Field, value: Value, have: Value) -> Value:
    """What a field of a matched item must hold: lists grow, anything else is replaced."""
    if not _grows(field):
        return value
    there = scalars(have)
    known = {_sameness(one) for one in there}
    return (*there, *(one for one in scalars(value) if _sameness(one) not in known))


def _grows(field: Field) -> bool:
    return field.is_multiple or field.type == "crm_multifield"


def _is_nothing(one: Scalar) -> bool:
    """Zero, "no" and no money say nothing about the target's item."""
    return not (one.amount if isinstance(one, Money) else one)


def _is_first_category(field: Field, value: Value) -> bool:
    return field.type == "crm_category" and value == 0


def _why_kept(
    transform: TypeTransform,
    item: TransformedItem,
    field: Field,
    value: Value,
    payload: Mapping[str, Any],
) -> str | None:
    if field.is_immutable:
        return "can only be set when an item is created"
    if any(isinstance(one, FileValue) for one in scalars(value)):
        return "files stay behind"
    if field.name == "currencyId" and _relabels(transform, item, field, value, payload):
        return "it is the currency of an amount that the source's item does not fill"
    if _grows(field) and not _is_readable(transform, field, payload):
        return "what it holds cannot be read, so nothing can be added"
    return None


def _relabels(
    transform: TypeTransform,
    item: TransformedItem,
    field: Field,
    value: Value,
    payload: Mapping[str, Any],
) -> bool:
    """Whether the source's currency would be put on an amount that is the target's own."""
    amounts = _amounts(transform)
    if value == _read(transform, field, payload) or any(item.values.get(one) for one in amounts):
        return False
    fields = transform.target_fields.by_name
    return any(_read(transform, fields[one], payload) for one in amounts)


def _amounts(transform: TypeTransform) -> list[str]:
    return sorted(name for name in AMOUNT_FIELDS if name in transform.target_fields)


def _is_readable(transform: TypeTransform, field: Field, payload: Mapping[str, Any]) -> bool:
    try:
        decode(field, transform.target_fields.value(payload, field.name))
    except UnreadableValueError:
        return False
    return True


def _sameness(one: Scalar) -> object:
    if not isinstance(one, Multifield):
        return one
    key = {"PHONE": phone_key, "EMAIL": email_key}.get(one.type_id)
    return one.type_id, (key(one.value) if key else None) or one.value.strip().casefold()


def _read(transform: TypeTransform, field: Field, payload: Mapping[str, Any]) -> Value:
    try:
        return decode(field, transform.target_fields.value(payload, field.name))
    except UnreadableValueError:
        return None


def _multifields(value: Value) -> Iterator[Multifield]:
    return (one for one in scalars(value) if isinstance(one, Multifield))


def _is_stand_in(finding: Finding) -> bool:
    return finding.kind in _STAND_INS and finding.effect is Effect.ADJUSTED


def _left_as_it_is(finding: Finding) -> Finding:
    return replace(
        finding,
        effect=Effect.LOST,
        sent=None,
        detail=f"user {finding.value} has no partner: the matched item keeps its own",
    )


def _history(
    transform: TypeTransform, item: TransformedItem, field: Field, value: Value
) -> Finding:
    return _lost(
        transform, item, field, value, FindingKind.HISTORY_LOST, "a matched item keeps its own"
    )


def _not_overwritten(
    transform: TypeTransform, item: TransformedItem, field: Field, value: Value, why: str
) -> Finding:
    kind = FindingKind.NOT_OVERWRITTEN
    return _lost(transform, item, field, value, kind, f"the item was matched: {why}")


def _lost(
    transform: TypeTransform,
    item: TransformedItem,
    field: Field,
    value: Value,
    kind: FindingKind,
    detail: str,
) -> Finding:
    return Finding(
        kind=kind,
        severity=Severity.WARNING,
        effect=Effect.LOST,
        entity_type_id=item.entity_type_id,
        source_id=item.source_id,
        field=transform.source_name(field.name),
        value=display(value),
        detail=detail,
    )
