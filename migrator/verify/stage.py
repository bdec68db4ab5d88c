"""Read every mapped item back and compare it, field by field, with what the target must hold."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.bitrix import keyset
from migrator.bitrix.errors import ItemRefused, NotFound
from migrator.domain.findings import Effect, Finding, FindingKind, Phase, Severity
from migrator.domain.records import (
    Difference,
    IdPair,
    Origin,
    StagedFile,
    StagedItem,
    VerifiedItem,
    VerifiedState,
)
from migrator.domain.values import FileValue, Reference, decode, display, scalars
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.outlook import Outlook
from migrator.transform.adjusted import apply_adjustments, apply_lost_record
from migrator.transform.compare import FieldDifference, compare_item
from migrator.transform.item import TypeTransform, build_transforms
from migrator.transform.overwritten import overwritten_by_portal
from migrator.transform.transformed import Missing, TransformedItem
from migrator.transform.update import fields_to_read, update_of
from migrator.verify.copies import EXISTENCE, Copies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from migrator.bitrix.client import PortalClient
    from migrator.domain.mapping import Mapping as PortalMapping
    from migrator.domain.structure import Structure
    from migrator.workspace import Workspace

#: Items compared at a time; the target sends 50 a page, up to 50 pages a request.
PAGE = 500

#: Each item is read twice: to be compared, and among all that carry where they came from.
_READINGS = 2


@dataclass(slots=True)
class VerifyCounts:
    agree: int = 0
    differ: int = 0


class Verify:
    """Compares the target with staging; writes only to staging."""

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
        self._titles = {t: e.title for t, e in source_structure.entity_types.items()}
        self._transforms = build_transforms(source_structure, target_structure, mapping)
        #: Types of the target that somebody has deleted, and their items with them.
        self._gone: set[EntityTypeId] = set()
        self._outlook = Outlook(
            target,
            workspace.clock,
            workspace.progress,
            stage="verify",
            method="crm.item.list",
            page=keyset.PAGE,
        )
        self._copies = Copies(workspace, target, target_structure.entity_types, self._outlook)

    def run(
        self,
        types: Sequence[EntityTypeId] = (),
        above: Mapping[EntityTypeId, TargetId] | None = None,
    ) -> VerifyCounts:
        """Verify the given entity types of the source, or all that have mapped items.

        Of a type without a partner (any more) it is only found out which items are there.

        Args:
            types: of the source
            above: for a source type, the target id from which on items are looked at
        """
        counts = VerifyCounts()
        with self._workspace.read() as repositories:
            mapped = repositories.id_map.counts()
        chosen = {t: total for t, total in mapped.items() if not types or t in types}
        self._outlook.expect(total for total in chosen.values() for _ in range(_READINGS))
        for entity_type_id, total in chosen.items():
            title = self._titles.get(entity_type_id, str(entity_type_id))
            self._workspace.progress.begin(f"Verifying {title}", total)
            after = (above or {}).get(entity_type_id, TargetId(0))
            self._verify_type(entity_type_id, counts, after)
            self._outlook.next_type()
            transform = self._transforms.get(entity_type_id)
            if transform is not None and transform.target_type_id not in self._gone:
                doubled = self._copies.find(transform)
                counts.differ += len(doubled)
                counts.agree -= sum(partner > after for partner in doubled.values())
            self._outlook.next_type()
            self._workspace.progress.end()
        return counts

    def _verify_type(
        self, entity_type_id: EntityTypeId, counts: VerifyCounts, after: TargetId
    ) -> None:
        transform = self._transforms.get(entity_type_id)
        with self._workspace.read() as repositories:
            into = repositories.id_map.target_types(entity_type_id)
        while True:
            self._workspace.check_stop()
            with self._workspace.read() as repositories:
                pairs = repositories.id_map.page_to_verify(entity_type_id, after, PAGE, into=into)
            if not pairs:
                return
            after = pairs[-1].target_id
            if transform is not None:
                self._verify_page(transform, pairs, counts)
            else:
                self._look_for(pairs, counts)
            self._workspace.progress.advance(len(pairs))
            self._outlook.done(len(pairs), calls=math.ceil(len(pairs) / keyset.PAGE))

    def _look_for(self, pairs: Sequence[IdPair], counts: VerifyCounts) -> None:
        """The mapping does not say any more what these items must hold; exist they must."""
        by_type: dict[EntityTypeId, list[IdPair]] = defaultdict(list)
        for pair in pairs:
            by_type[pair.target_entity_type_id].append(pair)
        absent = []
        for target_type_id, group in by_type.items():
            rows = self._read_items(target_type_id, group, select=["id"])
            present = {int(row["id"]) for row in rows}
            absent += [pair for pair in group if pair.target_id not in present]
        if not absent:
            return
        kind = pairs[0].entity_type_id
        differences = [_difference(pair, EXISTENCE, self._absence(pair)) for pair in absent]
        states = [
            VerifiedItem(source_id=pair.source_id, state=VerifiedState.DIFFERS) for pair in absent
        ]
        with self._workspace.write() as repositories:
            ids = [pair.source_id for pair in absent]
            repositories.differences.replace_for_items(kind, ids, differences)
            repositories.id_map.mark_verified(kind, states)
        counts.differ += len(absent)

    def _read_items(
        self, target_type_id: EntityTypeId, pairs: Sequence[IdPair], *, select: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Those of the items that are there; of a type that is not, there are none."""
        try:
            ids = [pair.target_id for pair in pairs]
            return self._target.read_items(target_type_id, ids, select=select)
        except NotFound:
            self._gone.add(target_type_id)
            return []

    def _absence(self, pair: IdPair) -> FieldDifference:
        number = pair.target_entity_type_id
        actual = f"the target has no entity type {number}" if number in self._gone else None
        return FieldDifference(field=EXISTENCE, expected=str(pair.target_id), actual=actual)

    def _verify_page(
        self, transform: TypeTransform, pairs: Sequence[IdPair], counts: VerifyCounts
    ) -> None:
        page = self._read_page(transform, pairs)
        differences: list[Difference] = []
        findings: list[Finding] = []
        verified: list[VerifiedItem] = []
        for pair in pairs:
            found, overwritten = self._compare(transform, page, pair)
            differences += (
                _difference(pair, transform.source_name(one.field), one) for one in found
            )
            findings += overwritten
            state = VerifiedState.DIFFERS if found else VerifiedState.AGREES
            title = _title(page.present.get(pair.target_id))
            verified.append(VerifiedItem(source_id=pair.source_id, state=state, target_title=title))
            counts.differ += bool(found)
            counts.agree += not found
        ids = [pair.source_id for pair in pairs]
        with self._workspace.write() as repositories:
            kind = transform.entity_type_id
            repositories.differences.replace_for_items(kind, ids, differences)
            repositories.findings.replace_for_items(Phase.VERIFY, kind, ids, findings)
            repositories.id_map.mark_verified(kind, verified)

    def _read_page(self, transform: TypeTransform, pairs: Sequence[IdPair]) -> _Page:
        ids = [pair.source_id for pair in pairs]
        kind = transform.entity_type_id
        with self._workspace.read() as repositories:
            staged = {item.source_id: item for item in repositories.items.get(kind, ids)}
            references = {
                ref for item in staged.values() for _, ref in transform.references(item.payload)
            }
            targets = repositories.id_map.lookup_many(
                (ref.entity_type_id, SourceId(ref.item_id)) for ref in references
            )
            adjusted: dict[int, list[Finding]] = defaultdict(list)
            for finding in repositories.findings.for_items(kind, ids, Phase.IMPORT):
                adjusted[finding.source_id or 0].append(finding)
            files: dict[int, list[StagedFile]] = defaultdict(list)
            for file in repositories.files.for_items(kind, ids):
                files[file.source_id].append(file)
            matched = [pair.source_id for pair in pairs if pair.origin is Origin.MATCHED]
            updated = repositories.matched_pairs.updated(kind, matched) if matched else set()
        rows = self._read_items(
            transform.target_type_id,
            pairs,
            select=["id", "title", "name", "lastName", *fields_to_read(transform)],
        )
        return _Page(
            staged=staged,
            targets={key: Reference(*value) for key, value in targets.items()},
            adjusted=adjusted,
            files=files,
            present={int(row["id"]): row for row in rows},
            updated=updated,
        )

    def _compare(
        self, transform: TypeTransform, page: _Page, pair: IdPair
    ) -> tuple[list[FieldDifference], list[Finding]]:
        is_other_type = pair.target_entity_type_id != transform.target_type_id
        payload = None if is_other_type else page.present.get(pair.target_id)
        if payload is None:
            return [self._absence(pair)], []
        if pair.origin is Origin.MATCHED and pair.source_id not in page.updated:
            return [], []  # it was there before, and nothing was sent
        staged = page.staged[pair.source_id]
        item = transform.transform(staged.source_id, staged.payload, page.resolve)
        if pair.origin is Origin.MATCHED:
            found = _compare_updated(transform, item, payload)
            return _sorted_out(transform, item, found, None)
        lost = apply_adjustments(transform, item, page.adjusted.get(pair.source_id, []))
        fields = transform.target_fields
        adopted = pair.origin is Origin.ADOPTED
        dated = apply_lost_record(transform, item, payload) if adopted else []
        found = compare_item(transform.target_type_id, item.values, fields, payload, lost)
        differences, findings = _sorted_out(transform, item, found, pair.imported_at)
        findings += dated
        staged_files = page.files.get(pair.source_id, [])
        differences += self._compare_files(transform, payload, staged_files)
        differences += (
            FieldDifference(
                field=field.name, expected=display(value), actual="the target has no such field"
            )
            for field, value in transform.gone_values(staged.payload)
        )
        return differences, findings

    def _compare_files(
        self,
        transform: TypeTransform,
        payload: Mapping[str, Any],
        staged: Sequence[StagedFile],
    ) -> list[FieldDifference]:
        """Download what the target holds and compare name and bytes with what was sent.

        A file that could not be read was not sent; the others of its field are compared.
        """
        by_field: dict[str, list[StagedFile]] = defaultdict(list)
        for file in staged:
            name = transform.target_name(file.field)
            if name is not None:  # what was in a field that is gone is told by its value
                by_field[name].append(file)
        differences = []
        for name, files in by_field.items():
            expected = sorted(f"{file.name} {file.sha256}" for file in files)
            field = transform.target_fields.by_name[name]
            have = decode(field, transform.target_fields.value(payload, name))
            actual = sorted(self._fingerprint(one) for one in scalars(have))
            if expected != actual:
                differences.append(
                    FieldDifference(
                        field=name, expected=", ".join(expected), actual=", ".join(actual)
                    )
                )
        return differences

    def _fingerprint(self, one: object) -> str:
        if not isinstance(one, FileValue) or one.url_machine is None:
            return "no file"
        try:
            file = self._target.download(one.url_machine)
        except ItemRefused:
            return "not readable"
        return f"{file.name} {hashlib.sha256(file.content).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """All that is needed to compare some items, read at once."""

    staged: Mapping[SourceId, StagedItem]
    targets: Mapping[tuple[EntityTypeId, SourceId], Reference]
    adjusted: Mapping[int, list[Finding]]
    files: Mapping[int, list[StagedFile]]
    present: Mapping[int, dict[str, Any]]
    #: matched items that were updated
    updated: Collection[SourceId]

    def resolve(self, reference: Reference) -> Reference | Missing:
        key = (reference.entity_type_id, SourceId(reference.item_id))
        return self.targets.get(key, Missing.NEVER)


def _compare_updated(
    transform: TypeTransform, item: TransformedItem, payload: Mapping[str, Any]
) -> Iterator[FieldDifference]:
    """What an update must have set; everything else is the target's own."""
    wanted = update_of(transform, item, payload).wanted
    yield from compare_item(transform.target_type_id, wanted, transform.target_fields, payload)


def _sorted_out(
    transform: TypeTransform,
    item: TransformedItem,
    found: Iterator[FieldDifference],
    imported_at: datetime | None,
) -> tuple[list[FieldDifference], list[Finding]]:
    """What is wrong, and what the portal is known to write itself."""
    differences: list[FieldDifference] = []
    findings: list[Finding] = []
    for one in found:
        field = transform.target_fields.by_name[one.field]
        detail = overwritten_by_portal(item, field, one, imported_at)
        if detail is None:
            differences.append(one)
        else:
            findings.append(_overwritten(transform, item, one, detail))
    return differences, findings


def _difference(pair: IdPair, field: str, one: FieldDifference) -> Difference:
    return Difference(
        entity_type_id=pair.entity_type_id,
        source_id=pair.source_id,
        field=field,
        expected=one.expected,
        actual=one.actual,
    )


def _overwritten(
    transform: TypeTransform, item: TransformedItem, one: FieldDifference, detail: str
) -> Finding:
    return Finding(
        kind=FindingKind.SET_BY_PORTAL,
        severity=Severity.WARNING,
        effect=Effect.LOST,
        entity_type_id=item.entity_type_id,
        source_id=item.source_id,
        field=transform.source_name(one.field),
        value=one.expected,
        detail=detail,
        sent=one.actual,
    )


def _title(payload: Mapping[str, Any] | None) -> str | None:
    if payload is None:
        return None
    names = (payload.get("name"), payload.get("lastName"))
    return str(payload.get("title") or " ".join(str(part) for part in names if part))
