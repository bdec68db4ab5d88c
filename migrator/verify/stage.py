"""Read every mapped item back and compare it, field by field, with what the target must hold."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.bitrix.errors import ItemRefused
from migrator.correlation import CorrelationField
from migrator.domain.findings import Effect, Finding, FindingKind, Phase, Severity
from migrator.domain.records import (
    Difference,
    IdPair,
    StagedFile,
    StagedItem,
    VerifiedItem,
    VerifiedState,
)
from migrator.domain.values import FileValue, Reference, decode, scalars
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.transform.compare import FieldDifference, compare_item
from migrator.transform.item import TypeTransform, build_transforms
from migrator.transform.overwritten import overwritten_by_portal
from migrator.transform.transformed import Missing, TransformedItem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.domain.mapping import Mapping as PortalMapping
    from migrator.domain.structure import Structure
    from migrator.workspace import Workspace

#: Items compared at a time; the target sends 50 a page, up to 50 pages a request.
PAGE = 500

#: Told as a field of its own where the target has no such item any more.
EXISTENCE = "id"


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
        self._mapping = mapping
        self._titles = {t: e.title for t, e in source_structure.entity_types.items()}
        self._target_types = target_structure.entity_types
        self._transforms = build_transforms(source_structure, target_structure, mapping)

    def run(self, types: Sequence[EntityTypeId] = ()) -> VerifyCounts:
        """Verify the given entity types of the source, or all that have mapped items."""
        counts = VerifyCounts()
        with self._workspace.read() as repositories:
            mapped = repositories.id_map.counts()
        for entity_type_id, total in mapped.items():
            if entity_type_id in self._transforms and (not types or entity_type_id in types):
                self._workspace.progress.begin(f"Verifying {self._titles[entity_type_id]}", total)
                self._verify_type(self._transforms[entity_type_id], counts)
                self._find_copies(self._transforms[entity_type_id], counts)
                self._workspace.progress.end()
        return counts

    def _verify_type(self, transform: TypeTransform, counts: VerifyCounts) -> None:
        after = TargetId(0)
        while True:
            self._workspace.check_stop()
            with self._workspace.read() as repositories:
                pairs = repositories.id_map.page_to_verify(transform.entity_type_id, after, PAGE)
            if not pairs:
                return
            after = pairs[-1].target_id
            self._verify_page(transform, pairs, counts)
            self._workspace.progress.advance(len(pairs))

    def _find_copies(self, transform: TypeTransform, counts: VerifyCounts) -> None:
        """Look for items of the target that came from one source item more than once."""
        entity_type_id = transform.entity_type_id
        target_type = self._target_types[transform.target_type_id]
        clock = self._workspace.clock
        field = CorrelationField(self._target, target_type, transform.target_fields, clock)
        if not field.exists():
            return
        copies: dict[SourceId, list[TargetId]] = defaultdict(list)
        for found in field.scan(self._workspace.migration, entity_type_id):
            with self._workspace.read() as repositories:
                mapped = repositories.id_map.lookup(entity_type_id, list(found))
            for source_id, ids in found.items():
                others = [i for i in ids if source_id in mapped and i != mapped[source_id][1]]
                if others:
                    copies[source_id] += others
        self._record_copies(entity_type_id, copies, counts)

    def _record_copies(
        self,
        entity_type_id: EntityTypeId,
        copies: Mapping[SourceId, Sequence[TargetId]],
        counts: VerifyCounts,
    ) -> None:
        if not copies:
            return
        differences = []
        findings = []
        for source_id, ids in copies.items():
            listed = ", ".join(str(one) for one in ids)
            differences.append(
                Difference(
                    entity_type_id=entity_type_id,
                    source_id=source_id,
                    field=EXISTENCE,
                    expected="one item",
                    actual=f"also {listed}",
                )
            )
            findings.append(_copy_found(entity_type_id, source_id, listed))
        states = [VerifiedItem(source_id=i, state=VerifiedState.DIFFERS) for i in copies]
        with self._workspace.write() as repositories:
            repositories.differences.add(differences)
            repositories.findings.add(Phase.VERIFY, findings)
            repositories.id_map.mark_verified(entity_type_id, states)
        counts.differ += len(copies)

    def _verify_page(
        self, transform: TypeTransform, pairs: Sequence[IdPair], counts: VerifyCounts
    ) -> None:
        page = self._read_page(transform, pairs)
        differences: list[Difference] = []
        findings: list[Finding] = []
        verified: list[VerifiedItem] = []
        for pair in pairs:
            found, overwritten = self._compare(transform, page, pair)
            differences += (_difference(transform, pair, one) for one in found)
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
        names = [carried.target.name for carried in transform.carried]
        rows = self._target.read_items(
            transform.target_type_id,
            [pair.target_id for pair in pairs],
            select=["id", "title", "name", "lastName", *names],
        )
        return _Page(
            staged=staged,
            targets={key: Reference(*value) for key, value in targets.items()},
            adjusted=adjusted,
            files=files,
            present={int(row["id"]): row for row in rows},
        )

    def _compare(
        self, transform: TypeTransform, page: _Page, pair: IdPair
    ) -> tuple[list[FieldDifference], list[Finding]]:
        is_other_type = pair.target_entity_type_id != transform.target_type_id
        payload = None if is_other_type else page.present.get(pair.target_id)
        if payload is None:
            gone = FieldDifference(field=EXISTENCE, expected=str(pair.target_id), actual=None)
            return [gone], []
        staged = page.staged[pair.source_id]
        item = transform.transform(staged.source_id, staged.payload, page.resolve)
        lost = _apply_adjustments(transform, item, page.adjusted.get(pair.source_id, []))
        fields = transform.target_fields
        differences: list[FieldDifference] = []
        findings: list[Finding] = []
        for one in compare_item(transform.target_type_id, item.values, fields, payload, lost):
            detail = overwritten_by_portal(item, fields.by_name[one.field], one, pair.imported_at)
            if detail is None:
                differences.append(one)
            else:
                findings.append(_overwritten(transform, item, one, detail))
        staged_files = page.files.get(pair.source_id, [])
        differences += self._compare_files(transform, item, payload, staged_files)
        return differences, findings

    def _compare_files(
        self,
        transform: TypeTransform,
        item: TransformedItem,
        payload: Mapping[str, Any],
        staged: Sequence[StagedFile],
    ) -> list[FieldDifference]:
        """Download what the target holds and compare name and bytes with what was sent.

        A file that could not be read was not sent; the others of its field are compared.
        """
        by_field: dict[str, list[StagedFile]] = defaultdict(list)
        for file in staged:
            name = self._mapping.target_field(item.entity_type_id, file.field)
            if name is not None:
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

    def resolve(self, reference: Reference) -> Reference | Missing:
        key = (reference.entity_type_id, SourceId(reference.item_id))
        return self.targets.get(key, Missing.NEVER)


def _apply_adjustments(
    transform: TypeTransform, item: TransformedItem, findings: Sequence[Finding]
) -> frozenset[str]:
    """Expect what was sent instead of the original; return the fields that are known to be lost.

    Only what was decided while importing: translation finds its own adjustments again.
    """
    lost: set[str] = set()
    for finding in findings:
        name = transform.target_name(finding.field or "") or finding.field or ""
        if name not in item.values or finding.kind not in _DECIDED_ON_IMPORT:
            continue
        if finding.effect is Effect.LOST:
            lost.add(name)
        elif finding.effect is Effect.ADJUSTED:
            field = transform.target_fields.by_name[name]
            item.values[name] = decode(field, finding.sent)
    return frozenset(lost)


_DECIDED_ON_IMPORT = frozenset(
    {
        FindingKind.LATE_ITEM,
        FindingKind.HISTORY_ADJUSTED,
        FindingKind.HISTORY_LOST,
        FindingKind.UPDATED_BY_LINK,
        FindingKind.FILE_NOT_READABLE,
    }
)


def _difference(transform: TypeTransform, pair: IdPair, one: FieldDifference) -> Difference:
    return Difference(
        entity_type_id=pair.entity_type_id,
        source_id=pair.source_id,
        field=transform.source_name(one.field),
        expected=one.expected,
        actual=one.actual,
    )


def _copy_found(entity_type_id: EntityTypeId, source_id: SourceId, listed: str) -> Finding:
    return Finding(
        kind=FindingKind.DUPLICATE_IN_TARGET,
        severity=Severity.WARNING,
        entity_type_id=entity_type_id,
        source_id=source_id,
        value=listed,
        detail=f"the target holds it again as {listed}",
        hint="delete the copy, or, if people made it on purpose, empty its field 'Migrator: source "
        "item'",
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
