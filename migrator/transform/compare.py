"""Compare what the target must hold with what it holds, field by field.

Tolerant only of what the portal documents: the offset a date is printed in (gone after decoding),
the number of digits of a number, the order of lists that have none.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.domain.values import (
    FileValue,
    Money,
    Multifield,
    UnreadableValueError,
    Value,
    decode,
    display,
    is_empty,
    scalars,
)
from migrator.domain.vocabulary import COMPANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migrator.domain.fields import Field, FieldSet
    from migrator.domain.vocabulary import EntityTypeId

#: Lists of which only the first place means something: that is the primary one.
_WITH_PRIMARY = frozenset({"contactIds", "companyIds"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """A target field that does not hold what it must."""

    field: str
    expected: str | None
    actual: str | None


def compare_item(
    entity_type_id: EntityTypeId,
    expected: Mapping[str, Value],
    fields: FieldSet,
    payload: Mapping[str, Any],
    skip: Iterable[str] = (),
) -> Iterator[FieldDifference]:
    """Every field of `expected` that the item read back from the target holds otherwise.

    File contents are not read here: files are compared by count only.
    """
    skipped = frozenset(skip)
    for name, want in expected.items():
        if name in skipped:
            continue
        field = fields.by_name[name]
        try:
            have = decode(field, fields.value(payload, name))
        except UnreadableValueError:
            yield FieldDifference(
                field=name, expected=display(want), actual=str(fields.value(payload, name))
            )
            continue
        if not same_value(entity_type_id, field, want, have):
            yield FieldDifference(field=name, expected=display(want), actual=display(have))


def same_value(entity_type_id: EntityTypeId, field: Field, want: Value, have: Value) -> bool:
    """Whether the target field holds what it must; `entity_type_id` is the target's."""
    if is_empty(want) and is_empty(have):
        return True
    if field.type == "boolean" or (not field.is_dynamic and field.type in _ZERO_IS_EMPTY):
        # The portal prints a system number nobody set as 0 or as null, and "no" likewise.
        want, have = want or None, have or None
        if want is None and have is None:
            return True
    if field.type == "crm_multifield":
        return _by_type(want) == _by_type(have)
    left, right = scalars(want), scalars(have)
    if len(left) != len(right):
        return False
    if any(isinstance(one, FileValue) for one in left):
        return True
    if field.name == "observers":
        return set(left) == set(right)
    if field.name in _WITH_PRIMARY:
        has_primary = (entity_type_id, field.name) not in _WITHOUT_PRIMARY
        return set(left) == set(right) and (left[:1] == right[:1] or not has_primary)
    return all(_same_scalar(a, b) for a, b in zip(left, right, strict=True))


#: A company's contacts come in the order in which the contacts named it.
_WITHOUT_PRIMARY = frozenset({(COMPANY, "contactIds")})
_ZERO_IS_EMPTY = frozenset({"double", "integer"})


def _by_type(value: Value) -> dict[str, list[Multifield]]:
    """Phones keep their order among phones: the first is the main one. Types have no order."""
    grouped: dict[str, list[Multifield]] = defaultdict(list)
    for one in scalars(value):
        if isinstance(one, Multifield):
            grouped[one.type_id].append(one)
    return grouped


def _same_scalar(a: object, b: object) -> bool:
    if isinstance(a, Money) and isinstance(b, Money):
        return a.amount == b.amount and a.currency == b.currency
    if isinstance(a, float) or isinstance(b, float):
        return (
            isinstance(a, (int, float))
            and isinstance(b, (int, float))
            and math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)
        )
    return a == b
