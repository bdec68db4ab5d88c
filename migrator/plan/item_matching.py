"""By what an item of the source is the same as one of the target: the keys both are compared by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.domain.conversion import convert
from migrator.domain.identity import email_key, phone_key, text_key
from migrator.domain.references import is_ignored
from migrator.domain.values import (
    Multifield,
    Scalar,
    UnreadableValueError,
    decode,
    display,
    scalars,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migrator.domain.fields import Field, FieldSet
    from migrator.domain.mapping import Mapping as PortalMapping
    from migrator.domain.mapping import MatchRule
    from migrator.domain.vocabulary import EntityTypeId

#: The field that holds phones and e-mails.
MULTIFIELDS = "fm"
#: Kinds of multifield that say who somebody is, as the mapping file names them.
MULTIFIELD_KINDS = frozenset({"email", "phone"})

#: Values of other types are no identity, or mean something in one portal only.
_COMPARABLE_TYPES = frozenset({"string", "text", "url", "integer", "double", "date"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One entry of `match_on`."""

    name: str
    source: Field
    target: Field

    @property
    def kind(self) -> str | None:
        """The kind of multifield, if it is one."""
        return self.name.casefold() if self.name.casefold() in MULTIFIELD_KINDS else None

    def keys(self, own: Field, fields: FieldSet, payload: Mapping[str, Any]) -> set[str]:
        """What an item is found by; `own` is this side's field. Nothing empty is among it."""
        try:
            value = decode(own, fields.value(payload, own.name))
        except UnreadableValueError:
            return set()
        return {key for one in scalars(value) if (key := self._key(one))}

    def _key(self, one: Scalar) -> str | None:
        if isinstance(one, Multifield):
            if one.type_id.casefold() != self.kind:
                return None
            return email_key(one.value) if self.kind == "email" else phone_key(one.value)
        formed = convert(self.target, one)
        return text_key(display(formed)) if formed is not None else None


def why_unsuitable(name: str, fields: FieldSet) -> str | None:
    """Why items cannot be found by this field of theirs, as the end of a sentence."""
    field = fields.get(source_field(name))
    if field is None or name.casefold() in MULTIFIELD_KINDS:
        return None
    if field.type not in _COMPARABLE_TYPES or is_ignored(field):
        return f"items cannot be found by '{name}' ({field.type})"
    return None


def source_field(name: str) -> str:
    """The field of an item that holds what an entry of `match_on` names."""
    return MULTIFIELDS if name.casefold() in MULTIFIELD_KINDS else name


def criteria(
    rule: MatchRule,
    mapping: PortalMapping,
    entity_type_id: EntityTypeId,
    source: FieldSet,
    target: FieldSet,
) -> list[Criterion]:
    """The entries of a rule in their order, less those one of the portals has no field for."""
    return list(_criteria(rule.match_on, mapping, entity_type_id, source, target))


def _criteria(
    names: Iterable[str],
    mapping: PortalMapping,
    entity_type_id: EntityTypeId,
    source: FieldSet,
    target: FieldSet,
) -> Iterator[Criterion]:
    for name in names:
        ours = source.get(source_field(name))
        partner = mapping.target_field(entity_type_id, source_field(name))
        theirs = target.get(partner) if partner is not None else None
        if ours is not None and theirs is not None:
            yield Criterion(name=name, source=ours, target=theirs)
