"""One source item into what the target must hold: every identifier translated.

The result is in values, not in JSON: the import encodes it (`encode.py`), verify compares it with
what the target holds (`compare.py`). So both mean the same by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.mapping import Decision, PairKey, PairKind
from migrator.domain.mapping import Mapping as PortalMapping
from migrator.domain.references import (
    ItemPlace,
    implied_by_list,
    is_ignored,
    place_of,
    references,
    structural_key,
)
from migrator.domain.values import (
    FileValue,
    Money,
    Reference,
    Scalar,
    UnreadableValueError,
    Value,
    decode,
    display,
    is_empty,
    scalars,
)
from migrator.domain.writability import is_portal_local, is_unsupported, is_written

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.domain.structure import Structure
    from migrator.domain.vocabulary import EntityTypeId

#: Text fields the server cuts, and where (core-corp: modules/crm/lib/Model/FieldRepository.php).
TITLE_LENGTH = 255


class Missing(Enum):
    """Why a reference has no partner in the target at the moment."""

    #: Its item is staged and will be imported: the link is deferred.
    LATER = auto()
    #: Its item is not in staging, or its entity type is left out: the link is lost.
    NEVER = auto()


#: Asked for every reference of an item.
Resolve = Callable[[Reference], Reference | Missing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """A reference to set once both ends exist; `field` is the source's field."""

    field: str
    refers_to: Reference


@dataclass(slots=True, kw_only=True)
class TransformedItem:
    """What the target must hold for one source item.

    `values` has one entry for each target field that is to be written, empty ones included: a
    field that is not sent takes a default of the portal (first source, today's date, ...).
    """

    entity_type_id: EntityTypeId
    source_id: int
    values: dict[str, Value] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    #: References that will never have a partner.
    dangling: list[Deferred] = field(default_factory=list)
    #: Whether the target stage is a final one; such items lose closedate on import.
    is_final: bool = False

    @property
    def created_time(self) -> datetime | None:
        value = self.values.get("createdTime")
        return value if isinstance(value, datetime) else None


@dataclass(frozen=True, slots=True)
class _Carried:
    source: Field
    target: Field


class TypeTransform:
    """Transforms the items of one entity type; everything that does not vary is prepared once."""

    def __init__(
        self,
        entity_type_id: EntityTypeId,
        *,
        source: Structure,
        target: Structure,
        mapping: PortalMapping,
        fallback_user_id: int,
    ) -> None:
        target_type = mapping.target_type(entity_type_id)
        if target_type is None:
            raise ValueError(f"entity type {entity_type_id} has no partner")
        self.entity_type_id = entity_type_id
        self.target_type_id = target_type
        self.source_fields = source.fields[entity_type_id]
        self.target_fields = target.fields[target_type]
        self._source = source
        self._target = target
        self._mapping = mapping
        self.fallback_user_id = fallback_user_id
        self.carried = tuple(self._carried_fields())
        self._source_names = {c.target.name: c.source.name for c in self.carried}
        self._uncarried = tuple(self._uncarried_fields())

    def _carried_fields(self) -> Iterator[_Carried]:
        for source_field in self.source_fields:
            target_field = self._partner_of(source_field)
            if target_field is not None and is_written(target_field):
                implied = implied_by_list(self.entity_type_id, source_field.name)
                if implied is None or self._partner_of(self.source_fields.get(implied)) is None:
                    yield _Carried(source_field, target_field)

    def _uncarried_fields(self) -> Iterator[Field]:
        """Fields whose loss concerns single items: the plan has named the others."""
        for source_field in self.source_fields:
            if self._partner_of(source_field) is None and not is_ignored(source_field):
                yield source_field

    def _partner_of(self, source_field: Field | None) -> Field | None:
        if source_field is None:
            return None
        name = self._mapping.target_field(self.entity_type_id, source_field.name)
        return self.target_fields.get(name) if name is not None else None

    def source_name(self, target_name: str) -> str:
        """The source's name of a field, which is what findings and differences are kept under."""
        return self._source_names.get(target_name, target_name)

    def references(self, payload: Mapping[str, Any]) -> Iterator[tuple[Field, Reference]]:
        """Every item this one points at, by the source's field; unreadable values are passed."""
        for carried in self.carried:
            try:
                value = decode(
                    carried.source, self.source_fields.value(payload, carried.source.name)
                )
            except UnreadableValueError:
                continue
            for reference in references(value):
                yield carried.source, reference

    def transform(
        self, source_id: int, payload: Mapping[str, Any], resolve: Resolve
    ) -> TransformedItem:
        place = place_of(self._source, self.entity_type_id, self.source_fields, payload)
        work = _Work(self, source_id, place, resolve)
        for carried in self.carried:
            raw = self.source_fields.value(payload, carried.source.name)
            try:
                value = decode(carried.source, raw)
            except UnreadableValueError as error:
                work.lose(carried.source, FindingKind.UNREADABLE_VALUE, str(raw), str(error))
                value = None
            work.carry(carried.source, carried.target, _ordered(carried.source, value, payload))
        for lost in self._uncarried:
            self._note_uncarried(work, lost, payload)
        if self.source_fields.value(payload, "isRecurring") == "Y":
            work.note_template()
        work.result.is_final = self._is_final(work.result)
        return work.result

    def _note_uncarried(self, work: _Work, lost: Field, payload: Mapping[str, Any]) -> None:
        raw = self.source_fields.value(payload, lost.name)
        if raw in (None, "", [], 0, "0", False, "N"):
            return
        pair = self._mapping.get(PairKey(PairKind.FIELD, str(self.entity_type_id), lost.name))
        if pair is not None and pair.decision is Decision.DROPPED:
            work.lose(lost, FindingKind.DROPPED_BY_MAPPING, str(raw), "left out", Severity.INFO)
        elif not (lost.is_read_only and not lost.is_dynamic):
            work.lose(lost, FindingKind.UNMAPPED_FIELD, str(raw), "the target has no such field")

    def _is_final(self, item: TransformedItem) -> bool:
        stage_id = item.values.get("stageId")
        category = item.values.get("categoryId")
        category_id = category if isinstance(category, int) else None
        directories = self._target.stage_directories(self.target_type_id)
        if category_id in directories:
            entry = self._target.statuses.get(directories[category_id], {}).get(str(stage_id))
            return entry is not None and entry.semantics in {"S", "F"}
        return any(
            self._target.statuses.get(directory, {})[str(stage_id)].semantics in {"S", "F"}
            for directory in directories.values()
            if str(stage_id) in self._target.statuses.get(directory, {})
        )


def _ordered(source_field: Field, value: Value, payload: Mapping[str, Any]) -> Value:
    """Put the primary contact or company first, which is how import tells which one it is."""
    primaries = {"contactIds": "contactId", "companyIds": "companyId"}
    primary = payload.get(primaries.get(source_field.name, ""))
    if not isinstance(value, tuple) or not primary:
        return value
    return tuple(sorted(value, key=lambda ref: getattr(ref, "item_id", 0) != int(primary)))


class _Work:
    """The transformation of one item under way."""

    def __init__(
        self, transform: TypeTransform, source_id: int, place: ItemPlace, resolve: Resolve
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
            return self._reference(source_field, one)
        key = structural_key(source_field, one, self._place)
        if key is not None:
            return self._structural(source_field, one, key)
        if one == "0" and not target_field.is_multiple:
            # PHP's empty(): the text "0" counts as nothing and would be stored as null.
            self.lose(source_field, FindingKind.UNSENDABLE_VALUE, "0", "left empty")
            return None
        if source_field.name == "title" and isinstance(one, str) and len(one) > TITLE_LENGTH:
            cut = one[:TITLE_LENGTH]
            self._note(
                source_field,
                FindingKind.TOO_LONG,
                one,
                "cut to 255 characters",
                Effect.ADJUSTED,
                sent=cut,
            )
            return cut
        return _as_type(target_field, one)

    def _reference(self, source_field: Field, one: Reference) -> Reference | None:
        found = self._resolve(one)
        if isinstance(found, Reference):
            return Reference(found.entity_type_id, found.item_id, one.bare)
        if found is Missing.NEVER:
            self.result.dangling.append(Deferred(field=source_field.name, refers_to=one))
            self.lose(
                source_field,
                FindingKind.DANGLING_REFERENCE,
                display(one),
                f"item {one.item_id} of entity type {one.entity_type_id} is not among the "
                "exported items",
            )
        else:
            self.result.deferred.append(Deferred(field=source_field.name, refers_to=one))
        return None

    def _structural(self, source_field: Field, one: Scalar, key: PairKey) -> Scalar | None:
        pair = self._t._mapping.get(key)  # noqa: SLF001 - one module, one object in two parts
        if pair is not None and pair.target_key is not None:
            return _retyped(one, pair.target_key)
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


def _retyped(one: Scalar, target_key: str) -> Scalar:
    match one:
        case Money(amount, _):
            return Money(amount, target_key)
        case int():
            return int(target_key)
        case _:
            return target_key


def _as_type(target_field: Field, one: Scalar) -> Scalar:
    """A number may become a text where the operator paired fields of two types."""
    if target_field.type in {"string", "text"} and not isinstance(one, (str, tuple)):
        return display(one) or ""
    return one


def build_transforms(
    source: Structure, target: Structure, mapping: PortalMapping
) -> dict[EntityTypeId, TypeTransform]:
    """One transform for each entity type that has a partner in the target."""
    fallback = target.profile.user_id if target.profile is not None else 0
    return {
        entity_type_id: TypeTransform(
            entity_type_id,
            source=source,
            target=target,
            mapping=mapping,
            fallback_user_id=fallback,
        )
        for entity_type_id in source.entity_types
        if mapping.target_type(entity_type_id) is not None
    }
