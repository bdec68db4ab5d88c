"""The values of one item, each identifier translated or its loss put on record."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from migrator.domain.conversion import convert, convert_amount
from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.mapping import Decision, Mapping, Pair, PairKey, PairKind
from migrator.domain.references import ItemPlace, structural_key
from migrator.domain.values import (
    FileValue,
    Money,
    Multifield,
    Reference,
    Scalar,
    Value,
    display,
    is_empty,
    may_point_at,
    scalars,
)
from migrator.domain.writability import is_portal_local, is_unsupported
from migrator.transform.transformed import Deferred, Missing, Resolve, TransformedItem

if TYPE_CHECKING:
    from collections.abc import Mapping as Lookup

    from migrator.domain.fields import Field
    from migrator.domain.vocabulary import EntityTypeId

#: Text fields the server cuts, and where (core-corp: modules/crm/lib/Model/FieldRepository.php).
TITLE_LENGTH = 255


class Translator(Protocol):
    """What the translation of an item needs of the transform of its entity type."""

    @property
    def entity_type_id(self) -> EntityTypeId: ...
    @property
    def mapping(self) -> Mapping: ...
    @property
    def fallback_user_id(self) -> int: ...
    @property
    def currency_decimals(self) -> Lookup[str, int]: ...


#: Amounts in the currency of their item; money fields carry their own.
#: Source: b24restdocs api-reference/crm/universal/object-fields.md
AMOUNT_FIELDS = frozenset({"opportunity", "taxValue", "revenue"})


class Translation:
    """The transformation of one item under way."""

    def __init__(
        self, transform: Translator, source_id: int, place: ItemPlace, resolve: Resolve
    ) -> None:
        self._t = transform
        self._place = place
        self._resolve = resolve
        self.result = TransformedItem(entity_type_id=transform.entity_type_id, source_id=source_id)

    def carry(self, source_field: Field, target_field: Field, value: Value) -> None:
        obstacle = None if is_empty(value) else _obstacle(source_field, value)
        if obstacle is not None:
            self.lose(source_field, obstacle, display(value), obstacle.text)
            value = () if target_field.is_multiple else None
        translated = [
            new
            for one in scalars(value)
            if (new := self._translate(source_field, target_field, one)) is not None
        ]
        if target_field.is_multiple or target_field.type == "crm_multifield":
            if any(self._is_identifier(source_field, one) for one in scalars(value)):
                # Two of the source may have become one of the target.
                translated = list(dict.fromkeys(translated))
            self.result.values[target_field.name] = tuple(translated)
        else:
            self.result.values[target_field.name] = translated[0] if translated else None

    def _is_identifier(self, source_field: Field, one: Scalar) -> bool:
        if isinstance(one, Reference):
            return True
        return not isinstance(one, Money) and (
            structural_key(source_field, one, self._place) is not None
        )

    def note_template(self) -> None:
        """It stays marked as a template, but nothing would ever be made from it."""
        self.result.findings.append(
            Finding(
                kind=FindingKind.RECURRING_TEMPLATE,
                severity=Severity.WARNING,
                entity_type_id=self._t.entity_type_id,
                source_id=self.result.source_id,
                field="isRecurring",
                value="Y",
                detail=FindingKind.RECURRING_TEMPLATE.text,
                hint="set up its schedule in the target by hand",
            )
        )

    def lose(
        self,
        source_field: Field,
        kind: FindingKind,
        value: str | None,
        detail: str,
        severity: Severity = Severity.WARNING,
    ) -> None:
        self._note(source_field, kind, value, detail, Effect.LOST, severity=severity)

    def _note(
        self,
        source_field: Field,
        kind: FindingKind,
        value: str | None,
        detail: str,
        effect: Effect,
        *,
        severity: Severity = Severity.WARNING,
        sent: str | None = None,
    ) -> None:
        self.result.findings.append(
            Finding(
                kind=kind,
                severity=severity,
                effect=effect,
                entity_type_id=self._t.entity_type_id,
                source_id=self.result.source_id,
                field=source_field.name,
                value=value,
                detail=detail,
                sent=sent,
            )
        )

    def _translate(self, source_field: Field, target_field: Field, one: Scalar) -> Scalar | None:
        if isinstance(one, Reference):
            return self._reference(source_field, target_field, one)
        amount = self._in_target_currency(source_field, one)
        key = structural_key(source_field, one, self._place)
        if key is not None:
            found = self._structural(source_field, target_field, amount, key)
            return None if found is None else self._in_form(source_field, target_field, found)
        return self._in_form(source_field, target_field, amount)

    def _in_form(self, source_field: Field, target_field: Field, one: Scalar) -> Scalar | None:
        """As the target's field takes it, which may be of another type by the operator's word."""
        formed = convert(target_field, one)
        if formed is None:
            self.lose(
                source_field,
                FindingKind.INCONVERTIBLE_VALUE,
                display(one),
                f"'{target_field.name}' holds values of type {target_field.type}: left empty",
            )
            return None
        if (formed.value if isinstance(formed, Multifield) else formed) == "0":
            # PHP's empty(): the text "0" counts as nothing and would be stored as null.
            self.lose(source_field, FindingKind.UNSENDABLE_VALUE, display(formed), "left out")
            return None
        if target_field.name == "title" and isinstance(formed, str) and len(formed) > TITLE_LENGTH:
            cut = formed[:TITLE_LENGTH]
            self._note(
                source_field,
                FindingKind.TOO_LONG,
                formed,
                "cut to 255 characters",
                Effect.ADJUSTED,
                sent=cut,
            )
            return cut
        return formed

    def _in_target_currency(self, source_field: Field, one: Scalar) -> Scalar:
        """An amount at the rate of the mapping file, if there is one; its code is still ours."""
        currency, amount = self._amount_of(source_field, one)
        rate = self._t.mapping.rates.get(currency)
        if amount is None or rate is None or rate == 1 or not amount:
            return one
        into = self._t.mapping.target_key(PairKey(PairKind.CURRENCY, "", currency)) or currency
        decimals = self._t.currency_decimals.get(into)
        converted = convert_amount(amount, rate, decimals)
        self._note(
            source_field,
            FindingKind.AMOUNT_CONVERTED,
            f"{amount}|{currency}",
            f"converted from {currency} to {into} at {rate}",
            Effect.ADJUSTED,
            severity=Severity.INFO,
            sent=f"{converted}|{into}",
        )
        return Money(converted, currency) if isinstance(one, Money) else float(converted)

    def _amount_of(self, source_field: Field, one: Scalar) -> tuple[str, Decimal | None]:
        if isinstance(one, Money):
            return one.currency, one.amount
        if source_field.name in AMOUNT_FIELDS and isinstance(one, (int, float)):
            return self._place.currency, Decimal(str(one))
        return "", None

    def _reference(
        self, source_field: Field, target_field: Field, one: Reference
    ) -> Reference | None:
        target_type = self._t.mapping.target_type(one.entity_type_id)
        if target_type is not None and not may_point_at(target_field, target_type):
            self.lose(
                source_field,
                FindingKind.INCONVERTIBLE_VALUE,
                display(one),
                f"'{target_field.name}' may not hold items of entity type {target_type}: left out",
            )
            return None
        found = self._resolve(one)
        if isinstance(found, Reference):
            return Reference(found.entity_type_id, found.item_id, one.bare)
        if found is Missing.NEVER:
            self.result.dangling.append(Deferred(field=source_field.name, refers_to=one))
            self.lose(
                source_field,
                FindingKind.DANGLING_REFERENCE,
                display(one),
                self._t.mapping.why_missing(one),
            )
        else:
            self.result.deferred.append(Deferred(field=source_field.name, refers_to=one))
        return None

    def _structural(
        self, source_field: Field, target_field: Field, one: Scalar, key: PairKey
    ) -> Scalar | None:
        pair = self._t.mapping.get(key)
        if pair is not None and pair.target_key is not None:
            if pair.decision is Decision.DEFAULT:
                self._note_default(source_field, one, pair)
            return _retyped(target_field, one, pair.target_key)
        name = pair.source_name if pair else key.key
        if pair is not None and pair.decision is Decision.DROPPED:
            if key.kind is PairKind.USER and not source_field.is_dynamic:
                return self._fallback_user(
                    source_field,
                    FindingKind.DROPPED_BY_MAPPING,
                    one,
                    f"user {name} is left out by the mapping",
                )
            self._note(
                source_field,
                FindingKind.DROPPED_BY_MAPPING,
                display(one),
                f"'{name}' is left out by the mapping",
                Effect.LOST,
                severity=Severity.INFO,
            )
            return None
        kind = FindingKind.named(f"unmapped-{key.kind.replace('_', '-')}")
        if key.kind is PairKind.USER:
            return self._fallback_user(source_field, kind, one, f"user {name} has no partner")
        self.lose(source_field, kind, display(one), f"'{name}' has no partner in the target")
        return None

    def _note_default(self, source_field: Field, one: Scalar, pair: Pair) -> None:
        self._note(
            source_field,
            FindingKind.DEFAULT_USER,
            display(one),
            f"user {pair.source_name} has no partner: the mapping's default was set",
            Effect.ADJUSTED,
            severity=Severity.INFO,
            sent=pair.target_key,
        )

    def _fallback_user(
        self, source_field: Field, kind: FindingKind, one: Scalar, why: str
    ) -> int | None:
        """The target webhook's own user, whom the portal would set anyway; no list needs one."""
        fallback = (
            None if kind is _DROPPED and source_field.is_multiple else self._t.fallback_user_id
        )
        self._note(
            source_field,
            kind,
            display(one),
            f"{why}: the target webhook's own user was set" if fallback else why,
            Effect.ADJUSTED if fallback else Effect.LOST,
            severity=Severity.INFO if kind is _DROPPED else Severity.WARNING,
            sent=str(fallback) if fallback else None,
        )
        return fallback


_DROPPED = FindingKind.DROPPED_BY_MAPPING


def _obstacle(source_field: Field, value: Value) -> FindingKind | None:
    """Why a filled value cannot be written over REST at all, if so."""
    if is_portal_local(source_field):
        return None if value in (0, (0,)) or value == "0" else FindingKind.PORTAL_LOCAL_VALUE
    if is_unsupported(source_field):
        return FindingKind.UNSUPPORTED_FIELD_TYPE
    if any(isinstance(one, FileValue) and one.url_machine is None for one in scalars(value)):
        return FindingKind.FILE_NOT_READABLE
    return None


def _retyped(target_field: Field, one: Scalar, target_key: str) -> Scalar:
    if isinstance(one, Money):
        return Money(one.amount, target_key)
    return int(target_key) if target_field.type in _NUMBERED_TYPES else target_key


#: What is identified by a number: everything else by a code, or written out.
_NUMBERED_TYPES = frozenset({"crm_category", "enumeration", "user", "employee"})
