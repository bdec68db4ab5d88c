"""Before anything is taken away: which items stay, and why.

The target is read through once, every entity type of it. Filters on each field that can refer to
an item would bring mostly items that go as well, and not every field can be filtered by.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.correlation import correlation_value
from migrator.domain.records import DeferredLink, IdPair, Origin
from migrator.domain.undoing import KEPT_ALWAYS, KeepReason, KeptItem
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.undo.inspection import Inspection, mark_of
from migrator.undo.references import reference_fields, references_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.domain.structure import Structure
    from migrator.domain.values import Reference
    from migrator.staging.repositories import Repositories
    from migrator.workspace import Workspace

#: Items judged at a time; the target sends 50 a page, up to 50 pages a request.
PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pointer:
    """An item of the target that stays, and one it refers to."""

    title: str
    item_id: int
    field: str
    refers_to: Reference
    #: where it came from, if it is one of this migration's
    pair: IdPair | None


class Survey:
    """Notes in staging what stays; asks the target and changes nothing there."""

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        structure: Structure,
        inspection: Inspection,
        types: frozenset[EntityTypeId],
        titles: Mapping[EntityTypeId, str],
        *,
        force: bool,
        carries_out: bool,
    ) -> None:
        self._workspace = workspace
        self._target = target
        self._structure = structure
        self._inspection = inspection
        self._types = types
        self._titles = titles
        self._force = force
        #: Else it is a listing: links of items that stay to items that would go are left alone.
        self._carries_out = carries_out
        self._prefixes = {correlation_value(workspace.migration, one, 0)[:-1]: one for one in types}

    def run(self) -> None:
        """Note what stays, in the place of what an earlier survey has noted.

        Once items are gone, those that named them are stamped, and not every change by people can
        be told from that any more: what was found to be changed before stays so.
        """
        forced = self._force and self._carries_out
        settled = self._inspection.has_begun and not forced
        with self._workspace.write() as repositories:
            repositories.kept_items.clear(but=[KeepReason.CHANGED] if settled else [])
        for entity_type_id in self._structure.entity_types:
            self._look_through(entity_type_id)
        for entity_type_id in sorted(self._types):
            self._judge(entity_type_id)
        if not self._force:
            for kept in self._noted():
                self._keep_what_they_need(kept)

    def note(self, items: Sequence[KeptItem]) -> None:
        """Note that items stay, and with them whatever they refer to."""
        self._keep_what_they_need(self._note(items))

    def _noted(self) -> Iterator[list[KeptItem]]:
        """All that stays by now, page by page, with what is noted on the way.

        What a copy refers to is kept already: it is one of the items looked through.
        """
        unasked = [KeepReason.MATCHED, KeepReason.COPY]
        last: KeptItem | None = None
        while True:
            with self._workspace.read() as repositories:
                page = repositories.kept_items.list(without=unasked, limit=PAGE, after=last)
            if not page:
                return
            yield page
            last = page[-1]

    def _note(self, items: Sequence[KeptItem]) -> list[KeptItem]:
        wanted = [one for one in items if not self._force or one.reason in KEPT_ALWAYS]
        if not wanted:
            return []
        with self._workspace.write() as repositories:
            return repositories.kept_items.add(wanted)

    def _look_through(self, entity_type_id: EntityTypeId) -> None:
        """Note items that others refer to, and copies of this migration's items."""
        fields = self._structure.fields[entity_type_id]
        title = self._structure.entity_types[entity_type_id].title
        named = reference_fields(fields)
        mark = mark_of(self._structure, entity_type_id)
        select = [*(field.name for field in named), *([mark] if mark is not None else [])]
        self._workspace.progress.begin(f"Looking through {title} in the target", None)
        for page in self._target.iter_items(entity_type_id, select=["id", *select]):
            self._workspace.check_stop()
            with self._workspace.read() as repositories:
                ids = [int(row["id"]) for row in page.items]
                pairs = repositories.undo.pairs_of_targets(entity_type_id, ids)
            pointers = [
                _Pointer(
                    title=title,
                    item_id=int(row["id"]),
                    field=field.name,
                    refers_to=reference,
                    pair=pairs.get(int(row["id"])),
                )
                for row in page.items
                if not self._goes(pairs.get(int(row["id"])))
                for field, reference in references_in(fields, named, row)
            ]
            self._keep_referred_to(pointers)
            strangers = (row for row in page.items if int(row["id"]) not in pairs)
            self._note(self._copies(entity_type_id, mark, strangers))
            self._workspace.progress.advance(len(page.items))
        self._workspace.progress.end()

    def _goes(self, pair: IdPair | None) -> bool:
        return (
            pair is not None
            and pair.entity_type_id in self._types
            and pair.origin is not Origin.MATCHED
        )

    def _keep_referred_to(self, pointers: Sequence[_Pointer]) -> list[KeptItem]:
        with self._workspace.read() as repositories:
            going = self._going(repositories, (pointer.refers_to for pointer in pointers))
        found = [
            (pointer, going[key])
            for pointer in pointers
            if (key := _key(pointer.refers_to)) in going
        ]
        if self._force:
            self._reopen(found)
            return []
        return self._note([_referred_to(pointer, pair) for pointer, pair in found])

    def _going(
        self, repositories: Repositories, references: Iterable[Reference]
    ) -> dict[tuple[EntityTypeId, int], IdPair]:
        """The pairs of those items that are to be taken away."""
        by_type: dict[EntityTypeId, set[int]] = defaultdict(set)
        for reference in references:
            by_type[reference.entity_type_id].add(reference.item_id)
        return {
            (entity_type_id, target_id): pair
            for entity_type_id, ids in by_type.items()
            for target_id, pair in repositories.undo.pairs_of_targets(entity_type_id, ids).items()
            if self._goes(pair)
        }

    def _reopen(self, found: Sequence[tuple[_Pointer, IdPair]]) -> None:
        """Let a later run set the links of this migration's items that stay once more."""
        links = [
            DeferredLink(
                entity_type_id=pointer.pair.entity_type_id,
                source_id=pointer.pair.source_id,
                field=name,
                refers_to_entity_type_id=pair.entity_type_id,
                refers_to_source_id=pair.source_id,
            )
            for pointer, pair in found
            if pointer.pair is not None
            and (name := self._inspection.source_field(pointer.pair, pointer.field)) is not None
        ]
        if links and self._carries_out:
            with self._workspace.write() as repositories:
                repositories.deferred_links.save(links)

    def _copies(
        self, target_type_id: EntityTypeId, mark: str | None, rows: Iterable[Mapping[str, Any]]
    ) -> list[KeptItem]:
        """Items that carry the mark of a source item, but are not its partner."""
        found = []
        for row in rows if mark is not None else ():
            prefix, underscore, number = str(row.get(mark or "") or "").rpartition("_")
            entity_type_id = self._prefixes.get(prefix + underscore)
            if entity_type_id is not None and number.isdecimal():
                found.append(
                    KeptItem(
                        entity_type_id=entity_type_id,
                        source_id=SourceId(int(number)),
                        target_entity_type_id=target_type_id,
                        target_id=TargetId(int(row["id"])),
                        reason=KeepReason.COPY,
                        detail="it carries this source item's mark, but the ID map knows another "
                        "partner or none: a copy that people or the portal made",
                    )
                )
        return found

    def _judge(self, entity_type_id: EntityTypeId) -> None:
        title = self._titles.get(entity_type_id, str(entity_type_id))
        self._workspace.progress.begin(f"Looking for changes of {title}", None)
        for pairs in pages_of_pairs(self._workspace, entity_type_id, PAGE):
            self._note(self._inspection.keep(pairs))
            self._workspace.progress.advance(len(pairs))
        self._workspace.progress.end()

    def _keep_what_they_need(self, kept: Sequence[KeptItem]) -> None:
        """Keep what items that stay refer to, and so on: their links would be torn."""
        while kept and not self._force:
            by_type: dict[EntityTypeId, list[KeptItem]] = defaultdict(list)
            for item in kept:
                by_type[item.target_entity_type_id].append(item)
            kept = [new for items in by_type.values() for new in self._keep_needed_by(items)]

    def _keep_needed_by(self, items: Sequence[KeptItem]) -> list[KeptItem]:
        """The same for items of one entity type of the target, one step far."""
        entity_type_id = items[0].target_entity_type_id
        if entity_type_id not in self._structure.fields:
            return []
        fields = self._structure.fields[entity_type_id]
        named = reference_fields(fields)
        new: list[KeptItem] = []
        for start in range(0, len(items), PAGE):
            self._workspace.check_stop()
            part = items[start : start + PAGE]
            rows = self._target.read_items(
                entity_type_id,
                [item.target_id for item in part],
                select=["id", *(field.name for field in named)],
            )
            pointers = [
                _Pointer(
                    title=self._structure.entity_types[entity_type_id].title,
                    item_id=int(row["id"]),
                    field=field.name,
                    refers_to=reference,
                    pair=None,
                )
                for row in rows
                for field, reference in references_in(fields, named, row)
            ]
            new += self._keep_referred_to(pointers)
        return new


def pages_of_pairs(
    workspace: Workspace, entity_type_id: EntityTypeId, size: int
) -> Iterator[list[IdPair]]:
    """Items of a source type that may go, the newest first; those of a page are of one type."""
    with workspace.read() as repositories:
        target_types = repositories.undo.target_types(entity_type_id)
    for target_type_id in target_types:
        before: TargetId | None = None
        while True:
            workspace.check_stop()
            with workspace.read() as repositories:
                undo = repositories.undo
                page = undo.newest_pairs(entity_type_id, target_type_id, size, before)
            if not page:
                break
            yield page
            before = page[-1].target_id


def _key(reference: Reference) -> tuple[EntityTypeId, int]:
    return reference.entity_type_id, reference.item_id


def _referred_to(pointer: _Pointer, pair: IdPair) -> KeptItem:
    return KeptItem(
        entity_type_id=pair.entity_type_id,
        source_id=pair.source_id,
        target_entity_type_id=pair.target_entity_type_id,
        target_id=pair.target_id,
        reason=KeepReason.REFERRED_TO,
        detail=f"{pointer.title} {pointer.item_id} stays and refers to it ({pointer.field})",
    )
