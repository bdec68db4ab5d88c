"""One source item into what the target must hold: every identifier translated.

The result is in values, not in JSON: the import encodes it (`encode.py`), verify compares it with
what the target holds (`compare.py`). So both mean the same by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.domain.findings import FindingKind, Severity
from migrator.domain.mapping import Decision, PairKey, PairKind
from migrator.domain.mapping import Mapping as PortalMapping
from migrator.domain.references import implied_by_list, is_ignored, place_of, references
from migrator.domain.values import (
    Reference,
    UnreadableValueError,
    Value,
    decode,
    is_empty,
    may_point_at,
)
from migrator.domain.writability import is_written
from migrator.transform.translation import Translation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migrator.domain.fields import Field
    from migrator.domain.structure import Structure
    from migrator.domain.vocabulary import EntityTypeId
    from migrator.transform.transformed import Resolve, TransformedItem


#: What fields print that nobody has filled in.
_EMPTY: tuple[object, ...] = (None, "", [], 0, "0", False, "N")


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
        self.mapping = mapping
        self.fallback_user_id = fallback_user_id
        self.currency_decimals = target.currency_decimals
        self.carried = tuple(self._carried_fields())
        self._source_names = {c.target.name: c.source.name for c in self.carried}
        self._target_names = {c.source.name: c.target.name for c in self.carried}
        self._uncarried = tuple(self._uncarried_fields())
        self._gone = tuple(self._gone_fields())

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

    def _gone_fields(self) -> Iterator[Field]:
        """Fields whose partner by the last mapping somebody has deleted in the target since."""
        for source_field in self.source_fields:
            name = self.mapping.target_field(self.entity_type_id, source_field.name)
            if name is not None and self.target_fields.get(name) is None:
                yield source_field

    def _partner_of(self, source_field: Field | None) -> Field | None:
        if source_field is None:
            return None
        name = self.mapping.target_field(self.entity_type_id, source_field.name)
        return self.target_fields.get(name) if name is not None else None

    def source_name(self, target_name: str) -> str:
        """The source's name of a field, which is what findings and differences are kept under."""
        return self._source_names.get(target_name, target_name)

    def target_name(self, source_name: str) -> str | None:
        """The target's name of a field that is carried; None for one that is not."""
        return self._target_names.get(source_name)

    def references(self, payload: Mapping[str, Any]) -> Iterator[tuple[Field, Reference]]:
        """Every item this one points at, by the source's field; unreadable values are passed.

        So are items of types that the target's field may not hold.
        """
        for carried in self.carried:
            try:
                value = decode(
                    carried.source, self.source_fields.value(payload, carried.source.name)
                )
            except UnreadableValueError:
                continue
            for reference in references(value):
                target_type = self.mapping.target_type(reference.entity_type_id)
                if target_type is None or may_point_at(carried.target, target_type):
                    yield carried.source, reference

    def gone_values(self, payload: Mapping[str, Any]) -> Iterator[tuple[Field, Value]]:
        """What an item of the source holds in fields that are gone from the target."""
        for field in self._gone:
            try:
                value = decode(field, self.source_fields.value(payload, field.name))
            except UnreadableValueError:
                continue
            if not is_empty(value) and value not in _EMPTY:
                yield field, value

    def transform(
        self, source_id: int, payload: Mapping[str, Any], resolve: Resolve
    ) -> TransformedItem:
        place = place_of(self._source, self.entity_type_id, self.source_fields, payload)
        work = Translation(self, source_id, place, resolve)
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

    def _note_uncarried(self, work: Translation, lost: Field, payload: Mapping[str, Any]) -> None:
        raw = self.source_fields.value(payload, lost.name)
        if raw in _EMPTY:
            return
        pair = self.mapping.get(PairKey(PairKind.FIELD, str(self.entity_type_id), lost.name))
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


def build_transforms(
    source: Structure, target: Structure, mapping: PortalMapping
) -> dict[EntityTypeId, TypeTransform]:
    """One transform for each entity type whose partner the target has and lets the webhook read.

    The last mapping may name a smart process that somebody has deleted since.
    """
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
        if mapping.target_type(entity_type_id) in target.fields
    }
