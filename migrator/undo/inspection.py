"""Look at items in the target before they are taken away: are they ours, and as we left them?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.correlation import correlation_value, stored_name
from migrator.domain.findings import Finding, Phase
from migrator.domain.records import DeferredLink, IdPair, LinkState, Origin, StagedItem
from migrator.domain.references import references
from migrator.domain.undoing import KeepReason, KeptItem
from migrator.domain.values import Reference, UnreadableValueError, parse_datetime
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.plan.changed import Facts, sign_of_change
from migrator.transform.adjusted import apply_adjustments, apply_lost_record
from migrator.transform.compare import compare_item
from migrator.transform.item import TypeTransform, build_transforms
from migrator.transform.overwritten import overwritten_by_portal
from migrator.transform.transformed import Missing, TransformedItem
from migrator.undo.references import reference_fields, references_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from migrator.bitrix.client import PortalClient
    from migrator.domain.mapping import Mapping as PortalMapping
    from migrator.domain.structure import Structure
    from migrator.workspace import Workspace

#: Who changed or moved the item last, and when.
_STAMPS = frozenset({"updatedTime", "updatedBy", "movedTime", "movedBy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What staging knows of a page of items."""

    staged: Mapping[SourceId, StagedItem]
    partners: Mapping[tuple[EntityTypeId, SourceId], Reference]
    findings: Mapping[int, list[Finding]]
    links: Mapping[int, list[DeferredLink]]
    #: what verify has found, by source id and field
    recorded: Mapping[tuple[int, str], str | None]
    sent_from_here: frozenset[SourceId]
    elsewhere: Mapping[int, str]

    def resolve(self, reference: Reference) -> Reference | Missing:
        key = (reference.entity_type_id, SourceId(reference.item_id))
        return self.partners.get(key, Missing.NEVER)


_UNREADABLE = "the webhook's user may not read items of this type"


def mark_of(structure: Structure, target_type_id: EntityTypeId) -> str | None:
    """The name of the target's field that says which source item an item came from."""
    stored = stored_name(structure.entity_types[target_type_id])
    fields = structure.fields[target_type_id]
    return next((field.name for field in fields if field.stored_name == stored), None)


class Inspection:
    """Judges pages of mapped items of any entity type; asks the target, changes nothing."""

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        source_structure: Structure,
        target_structure: Structure,
        mapping: PortalMapping,
    ) -> None:
        self._workspace = workspace
        self._target = target
        self._structure = target_structure
        self._transforms = build_transforms(source_structure, target_structure, mapping)
        profile = target_structure.profile
        self._our_user = profile.user_id if profile is not None else 0
        #: Whether items have been deleted already, which may have stamped those that named them.
        self.has_begun = False

    def keep(self, pairs: Sequence[IdPair]) -> list[KeptItem]:
        """Those of the items, all of one entity type, that are not to be taken away.

        An item that is not there any more is none of them.
        """
        target_type_id = pairs[0].target_entity_type_id
        if target_type_id in {one.entity_type_id for one in self._structure.refused_types}:
            return [_kept(pair, KeepReason.REFUSED, _UNREADABLE) for pair in pairs]
        known = self._look_up(pairs)
        present = self._read(target_type_id, pairs)
        kept = []
        for pair in pairs:
            verdict = self._judge(pair, known, present.get(pair.target_id))
            if verdict is not None:
                kept.append(_kept(pair, *verdict))
        return kept

    def source_field(self, pair: IdPair, name: str) -> str | None:
        """What a field of the item is called in the source."""
        transform = self._transform_of(pair)
        return transform.source_name(name) if transform is not None else None

    def _look_up(self, pairs: Sequence[IdPair]) -> _Known:
        entity_type_id, target_type_id = pairs[0].entity_type_id, pairs[0].target_entity_type_id
        ids = [pair.source_id for pair in pairs]
        transform = self._transforms.get(entity_type_id)
        with self._workspace.read() as repositories:
            staged = {item.source_id: item for item in repositories.items.get(entity_type_id, ids)}
            references = {
                reference
                for item in (staged.values() if transform else ())
                for _, reference in (transform.references(item.payload) if transform else ())
            }
            partners = repositories.id_map.lookup_many(
                (one.entity_type_id, SourceId(one.item_id)) for one in references
            )
            findings: dict[int, list[Finding]] = defaultdict(list)
            for finding in repositories.findings.for_items(entity_type_id, ids, Phase.IMPORT):
                findings[finding.source_id or 0].append(finding)
            links: dict[int, list[DeferredLink]] = defaultdict(list)
            for link in repositories.deferred_links.for_items(entity_type_id, ids):
                links[link.source_id].append(link)
            return _Known(
                staged=staged,
                partners={key: Reference(*value) for key, value in partners.items()},
                findings=findings,
                links=links,
                recorded=repositories.undo.differences(entity_type_id, ids),
                sent_from_here=frozenset(repositories.undo.sent_from_here(entity_type_id, ids)),
                elsewhere=repositories.undo.mapped_elsewhere(
                    target_type_id, [pair.target_id for pair in pairs]
                ),
            )

    def _read(
        self, target_type_id: EntityTypeId, pairs: Sequence[IdPair]
    ) -> dict[int, dict[str, Any]]:
        if target_type_id not in self._structure.fields:
            return {}
        names = {"id", *_STAMPS & self._structure.fields[target_type_id].by_name.keys()}
        mark = mark_of(self._structure, target_type_id)
        names |= {mark} if mark is not None else set()
        transform = self._transform_of(pairs[0])
        names |= {carried.target.name for carried in transform.carried} if transform else set()
        rows = self._target.read_items(
            target_type_id, [pair.target_id for pair in pairs], select=sorted(names)
        )
        return {int(row["id"]): row for row in rows}

    def _transform_of(self, pair: IdPair) -> TypeTransform | None:
        """None where the mapping does not say any more what the item must hold."""
        transform = self._transforms.get(pair.entity_type_id)
        is_same = transform is not None and transform.target_type_id == pair.target_entity_type_id
        return transform if is_same else None

    def _judge(
        self, pair: IdPair, known: _Known, payload: Mapping[str, Any] | None
    ) -> tuple[KeepReason, str] | None:
        if pair.origin is Origin.MATCHED:
            return KeepReason.MATCHED, "it was in the target before the migration"
        is_own = pair.origin is not Origin.ADOPTED or pair.source_id in known.sent_from_here
        if not is_own and pair.target_id in known.elsewhere:
            name = known.elsewhere[pair.target_id]
            return KeepReason.OF_ANOTHER_MIGRATION, f"made by migration '{name}': undo that one"
        if payload is None:
            return None
        if not self._is_marked(pair, payload):
            return self._without_mark(pair, known, payload)
        sign = sign_of_change(self._facts(pair, known, payload, is_own=is_own))
        return (KeepReason.CHANGED, sign) if sign is not None else None

    def _is_marked(self, pair: IdPair, payload: Mapping[str, Any]) -> bool:
        mark = mark_of(self._structure, pair.target_entity_type_id)
        expected = correlation_value(self._workspace.migration, pair.entity_type_id, pair.source_id)
        fields = self._structure.fields[pair.target_entity_type_id]
        return mark is not None and fields.value(payload, mark) == expected

    def _without_mark(
        self, pair: IdPair, known: _Known, payload: Mapping[str, Any]
    ) -> tuple[KeepReason, str]:
        """Nobody can change when an item was created, so that tells it without the mark."""
        transform, staged = self._transform_of(pair), known.staged.get(pair.source_id)
        mark = mark_of(self._structure, pair.target_entity_type_id)
        has_no_mark = mark is None or not payload.get(mark)
        if has_no_mark and transform is not None and staged is not None:
            item, lost, differing = _compared(
                transform, pair, staged, payload, known, is_marked=False
            )
            if "createdTime" in item.values and "createdTime" not in lost | differing:
                return KeepReason.UNMARKED, "it does not carry this source item's mark any more"
        return (
            KeepReason.ANOTHER_ITEM,
            "it does not carry this source item's mark, and nothing else shows that it is the "
            "item this migration made",
        )

    def _facts(
        self, pair: IdPair, known: _Known, payload: Mapping[str, Any], *, is_own: bool
    ) -> Facts:
        transform, staged = self._transform_of(pair), known.staged.get(pair.source_id)
        links = known.links.get(pair.source_id, [])
        is_known_time, differing = False, frozenset[str]()
        if transform is not None and staged is not None:
            item, lost, differing = _compared(
                transform, pair, staged, payload, known, is_marked=True
            )
            is_known_time = "updatedTime" in item.values and "updatedTime" not in lost
            differing -= _open_fields(transform, item, links)
            if self.has_begun:
                differing -= _torn_fields(transform, item, payload)
        was_linked = any(link.state is not LinkState.UNRESOLVABLE for link in links)
        may_be_ours = not is_known_time or was_linked or not is_own or self.has_begun
        return Facts(
            has_its_stamps=is_known_time and not differing & _STAMPS,
            may_be_stamped_by_us=may_be_ours,
            changed_at=_moment(payload.get("updatedTime")),
            changed_by=_number(payload.get("updatedBy")),
            our_user=self._our_user,
            last_written=_last_written(pair, links) if is_own and not self.has_begun else None,
            differing=tuple(sorted(differing - _STAMPS)),
        )


def _kept(pair: IdPair, reason: KeepReason, detail: str) -> KeptItem:
    return KeptItem(
        entity_type_id=pair.entity_type_id,
        source_id=pair.source_id,
        target_entity_type_id=pair.target_entity_type_id,
        target_id=pair.target_id,
        reason=reason,
        detail=detail,
    )


def _compared(
    transform: TypeTransform,
    pair: IdPair,
    staged: StagedItem,
    payload: Mapping[str, Any],
    known: _Known,
    *,
    is_marked: bool,
) -> tuple[TransformedItem, frozenset[str], frozenset[str]]:
    """What the import sent, which fields of it were lost on the way, and which differ by now."""
    item = transform.transform(staged.source_id, staged.payload, known.resolve)
    lost = apply_adjustments(transform, item, known.findings.get(pair.source_id, []))
    if is_marked and pair.origin is Origin.ADOPTED:
        apply_lost_record(transform, item, payload)
    return item, lost, _differing(transform, pair, item, payload, lost, known)


def _differing(
    transform: TypeTransform,
    pair: IdPair,
    item: TransformedItem,
    payload: Mapping[str, Any],
    lost: frozenset[str],
    known: _Known,
) -> frozenset[str]:
    """Fields of the target that hold neither what they must nor what verify has found there."""
    fields = transform.target_fields
    found = compare_item(transform.target_type_id, item.values, fields, payload, lost)
    return frozenset(
        one.field
        for one in found
        if overwritten_by_portal(item, fields.by_name[one.field], one, pair.imported_at) is None
        and known.recorded.get((pair.source_id, transform.source_name(one.field)), _NOTHING)
        != one.actual
    )


#: Not even None, which verify records for an empty field.
_NOTHING = object()


def _open_fields(
    transform: TypeTransform, item: TransformedItem, links: Sequence[DeferredLink]
) -> set[str]:
    """Fields whose links are not set yet, or lead to items that are gone by now."""
    names = {one.field for one in (*item.deferred, *item.dangling)}
    names |= {link.field for link in links if link.state is not LinkState.DONE}
    found = (transform.target_name(name) for name in names)
    return {name for name in found if name is not None}


def _torn_fields(
    transform: TypeTransform, item: TransformedItem, payload: Mapping[str, Any]
) -> set[str]:
    """Fields that have lost links, and nothing else: the items may be gone already.

    When a process dies between a deletion and its record, the ID map still knows the item.
    """
    fields = transform.target_fields
    named = [field for field in reference_fields(fields) if field.name in item.values]
    held: dict[str, set[Reference]] = {field.name: set() for field in named}
    for field, reference in references_in(fields, named, payload):
        held[field.name].add(reference)
    return {name for name, there in held.items() if there < set(references(item.values[name]))}


def _last_written(pair: IdPair, links: Sequence[DeferredLink]) -> datetime | None:
    """None where an update may have been sent whose outcome is not on record."""
    if any(link.state in {LinkState.PENDING, LinkState.FAILED} for link in links):
        return None
    moments = [pair.imported_at, *(link.updated_at for link in links)]
    return max((moment for moment in moments if moment is not None), default=None)


def _moment(raw: Any) -> datetime | None:
    try:
        return parse_datetime(raw)
    except (UnreadableValueError, ValueError):
        return None


def _number(raw: Any) -> int | None:
    text = str(raw or "")
    return int(text) if text.isdecimal() else None
