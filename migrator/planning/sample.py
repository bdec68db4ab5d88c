"""Draw the sample that is moved for real: the oldest items, and whatever they refer to.

The target refuses an item older than its newest row of that type. A sample of the oldest items
leaves the rest to be moved in order afterwards with all its dates; items drawn at random would not.
What a sampled item refers to may be newer, though: how many items that makes late is counted before
anything is sent (`late-after-sample`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from migrator.domain.records import SampleReason
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.plan.sample import Referring, Share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from migrator.domain.records import StagedItem
    from migrator.domain.structure import Structure
    from migrator.workspace import Workspace

#: The setting that says of which share the sample on record is, and whether it is whole.
_SETTING = "sample"

#: Items read with their payload at a time.
_PAGE = 500


class Take(Protocol):
    """Puts items into a sample."""

    def __call__(
        self, entity_type_id: EntityTypeId, source_ids: Sequence[SourceId], reason: SampleReason, /
    ) -> list[StagedItem]:
        """Returns: those that are staged and were not in it before."""


class Closure:
    """Takes items into a sample together with everything they refer to, as far as it is staged."""

    def __init__(self, source: Structure, take: Take) -> None:
        self._take = take
        self._referring = {t: Referring(source, t) for t in source.entity_types}
        #: What the items taken last refer to: ids only, and only of one round.
        self._next: dict[EntityTypeId, set[SourceId]] = defaultdict(set)

    def draw(self, entity_type_id: EntityTypeId, source_ids: Sequence[SourceId]) -> None:
        self._add(entity_type_id, source_ids, SampleReason.DRAWN)

    def close(self) -> None:
        """Follow references until nothing new comes."""
        while self._next:
            wave, self._next = self._next, defaultdict(set)
            for entity_type_id, ids in wave.items():
                self._add(entity_type_id, sorted(ids), SampleReason.REFERRED_TO)

    def _add(
        self, entity_type_id: EntityTypeId, source_ids: Sequence[SourceId], reason: SampleReason
    ) -> None:
        for start in range(0, len(source_ids), _PAGE):
            taken = self._take(entity_type_id, source_ids[start : start + _PAGE], reason)
            payloads = [item.payload for item in taken]
            for reference in self._referring[entity_type_id].of(payloads):
                if reference.entity_type_id in self._referring:
                    self._next[reference.entity_type_id].add(SourceId(reference.item_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSample:
    """The sample on record."""

    share: Share
    counts: Mapping[EntityTypeId, Mapping[SampleReason, int]]


class SampleDrawing:
    """Draws the sample of a migration, once; it can grow, and never shrinks."""

    def __init__(self, workspace: Workspace, source: Structure) -> None:
        self._workspace = workspace
        self._source = source

    def ensure(self, share: Share, types: Iterable[EntityTypeId]) -> DrawnSample:
        """The sample on record, if it is as large as asked for, or a new one that holds it."""
        with self._workspace.read() as repositories:
            known = repositories.settings.get(_SETTING) or {}
        had = Share(Decimal(known["percent"])) if known else None
        wanted = sorted(types)
        if had is None or had < share or not known["whole"] or not set(wanted) <= {*known["types"]}:
            share = max(share, had or share)
            wanted = sorted({*wanted, *known.get("types", ())})
            self._draw(share, wanted)
        else:
            share = had
        with self._workspace.read() as repositories:
            return DrawnSample(share=share, counts=repositories.sample.counts())

    def _draw(self, share: Share, types: Sequence[EntityTypeId]) -> None:
        self._remember(share, types, whole=False)
        closure = Closure(self._source, self._take)
        self._workspace.progress.begin("Drawing the sample", None)
        for entity_type_id in types:
            with self._workspace.read() as repositories:
                count = share.of(repositories.items.count(entity_type_id))
                for page in repositories.sample.oldest(entity_type_id, count):
                    self._workspace.check_stop()
                    closure.draw(entity_type_id, page)
        closure.close()
        self._remember(share, types, whole=True)
        self._workspace.progress.end()

    def _remember(self, share: Share, types: Sequence[EntityTypeId], *, whole: bool) -> None:
        """A sample that was not finished is drawn anew: it may not be closed yet."""
        with self._workspace.write() as repositories:
            if not whole:
                repositories.sample.clear()
            setting = {"percent": str(share.percent), "types": list(types), "whole": whole}
            repositories.settings.set(_SETTING, setting)

    def _take(
        self, entity_type_id: EntityTypeId, source_ids: Sequence[SourceId], reason: SampleReason
    ) -> list[StagedItem]:
        with self._workspace.write() as repositories:
            staged = repositories.items.existing(entity_type_id, source_ids)
            new = repositories.sample.add(entity_type_id, staged, reason)
            items = repositories.items.get(entity_type_id, new)
        self._workspace.progress.advance(len(items))
        return items
