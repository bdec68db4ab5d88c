"""A staging database of its own for a rehearsal, so that none of it stays in the migration's.

The staged items are copied rather than read in place: what is still to be imported is found by
joining them with the ID map, and the rehearsal's must not stand beside the real one.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.domain.records import CreationState
from migrator.domain.vocabulary import Role, TargetId
from migrator.plan.sample import RandomDraw
from migrator.planning.sample import Closure
from migrator.planning.stage import load_structures
from migrator.staging import Staging
from migrator.workspace import EXPORT_STAGE, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from migrator.clock import Clock
    from migrator.domain.records import SampleReason, StagedItem
    from migrator.domain.vocabulary import EntityTypeId, SourceId
    from migrator.plan.sample import Share
    from migrator.progress import Progress

#: Rows copied in one transaction.
_PAGE = 500


@contextmanager
def own_folder(real: Workspace) -> Iterator[Path]:
    """A folder that is gone at the end.

    It has one name for each migration, so what a killed rehearsal has left goes with the next one.
    """
    folder = _place(real)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place(real: Workspace) -> Path:
    """Beside a staging database that is a file, where there is room for what is in it."""
    migration_id = real.migration.migration_id
    file = real.staging.file
    if file is not None:
        return file.with_name(f"{file.name}.rehearsal-{migration_id}")
    database = hashlib.sha256(real.staging.name.encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"migrator-rehearsal-{database}-{migration_id}"


@contextmanager
def own_workspace(
    real: Workspace, folder: Path, clock: Clock, progress: Progress
) -> Iterator[Workspace]:
    """An empty staging database for the same migration."""
    with Staging.open_scratch(folder / "staging.db", clock=clock) as staging:
        staging.upgrade()
        migration = real.migration
        with staging.begin() as transaction:
            row = transaction.migrations.get_or_create(
                migration.name,
                source_portal=migration.source_portal,
                target_portal=migration.target_portal,
                source_origin=migration.source_origin,
                target_origin=migration.target_origin,
            )
        yield Workspace(
            staging=staging,
            migration=row,
            clock=clock,
            progress=progress,
            check_stop=real.check_stop,
        )


class Copying:
    """Copies from the real staging database what the rehearsal works from."""

    def __init__(self, real: Workspace, own: Workspace) -> None:
        self._real = real
        self._own = own

    def copy(self, share: Share | None, types: Iterable[EntityTypeId]) -> None:
        """Everything staged, or a sample of these types with what it refers to."""
        self._copy_knowledge()
        self._copy_id_map()
        with self._real.read() as repositories:
            counts = repositories.items.counts()
        if share is None:
            self._own.progress.begin("Copying staged items", sum(counts.values()))
            for entity_type_id in counts:
                self._copy_items(entity_type_id)
        else:
            self._own.progress.begin("Drawing a sample", None)
            self._draw(share, [t for t in types if t in counts])
        self._own.progress.end()

    def _copy_knowledge(self) -> None:
        """Structure, what is exported, what was decided, and what has failed before."""
        with self._real.read() as real, self._own.write() as own:
            for role in Role:
                own.structure.save(role, real.structure.load(role))
            for checkpoint in real.checkpoints.all(EXPORT_STAGE):
                own.checkpoints.set(checkpoint)
            for key, value in real.settings.all().items():
                own.settings.set(key, value)
            own.failed_items.add(real.failed_items.list())
            creations = real.creations.load()
            own.creations.begin(creations)
            for one in creations:
                own.creations.settle(one, CreationState(one.state), target_key=one.target_key)

    def _copy_id_map(self) -> None:
        with self._real.read() as real:
            for entity_type_id in real.id_map.counts():
                after = TargetId(0)
                into = real.id_map.target_types(entity_type_id)
                while pairs := real.id_map.page_to_verify(entity_type_id, after, _PAGE, into=into):
                    self._real.check_stop()
                    with self._own.write() as own:
                        own.id_map.add(pairs)
                    after = pairs[-1].target_id

    def _copy_items(self, entity_type_id: EntityTypeId) -> None:
        with self._real.read() as real:
            for page in real.items.stream(entity_type_id):
                self._real.check_stop()
                self._save(page)

    def _draw(self, share: Share, types: Iterable[EntityTypeId]) -> None:
        source, _ = load_structures(self._real)
        closure = Closure(source, self._take)
        for entity_type_id in types:
            lot = RandomDraw(share, entity_type_id)
            with self._real.read() as real:
                for page in real.sample.strata(entity_type_id):
                    self._real.check_stop()
                    closure.draw(entity_type_id, lot.draw(page))
            closure.draw(entity_type_id, lot.rest())
        closure.close()

    def _take(
        self,
        entity_type_id: EntityTypeId,
        source_ids: Sequence[SourceId],
        reason: SampleReason,
    ) -> list[StagedItem]:
        with self._own.read() as own:
            known = own.items.existing(entity_type_id, source_ids)
        with self._real.read() as real:
            items = real.items.get(entity_type_id, [i for i in source_ids if i not in known])
        self._save(items)
        with self._own.write() as own:
            own.sample.add(entity_type_id, [item.source_id for item in items], reason)
        return items

    def _save(self, items: Sequence[StagedItem]) -> None:
        with self._own.write() as own:
            own.items.save(items)
        self._own.progress.advance(len(items))
