"""Take a migration back: what it made in the target goes, in reverse order, by the ID map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.domain.errors import UsageError
from migrator.domain.undoing import EVERY_TYPE, UNDO_UNFINISHED, KeepReason
from migrator.plan.plan import target_type_setting
from migrator.undo.inspection import Inspection
from migrator.undo.removal import Removal
from migrator.undo.structure import StructureState, StructureUndo, UndoStructure
from migrator.undo.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from migrator.bitrix.client import PortalClient
    from migrator.domain.mapping import Mapping as PortalMapping
    from migrator.domain.structure import Structure
    from migrator.domain.vocabulary import EntityTypeId
    from migrator.staging.repositories.progress import Settings
    from migrator.workspace import Workspace


class UndoUnfinished(UsageError):
    """Items are being taken away; importing between would mistake the gone for present."""

    reference = "undo-unfinished"


def require_no_undo(workspace: Workspace) -> None:
    """Raises: UndoUnfinished."""
    with workspace.read() as repositories:
        unfinished = repositories.settings.get(UNDO_UNFINISHED)
    if unfinished:
        only = "" if unfinished == EVERY_TYPE else " --only " + ",".join(map(str, unfinished))
        raise UndoUnfinished(
            "an undo of this migration was stopped before its end, so it is not on record for "
            "every item whether the target still has it",
            hint=f"finish it first: migrator undo --yes{only}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoOptions:
    """What the operator asked for."""

    only: frozenset[EntityTypeId] = frozenset()
    #: without it nothing is written to the target
    carry_out: bool = False
    force: bool = False
    with_structure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeUndo:
    """One entity type of the source: what goes or went, and what stays for which reason."""

    entity_type_id: EntityTypeId
    title: str
    to_remove: int
    removed: int
    kept: Mapping[KeepReason, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    types: tuple[TypeUndo, ...]
    structure: tuple[StructureUndo, ...] = ()
    #: entity types of the target that could not be looked through for references
    unseen: tuple[str, ...] = field(default=())

    @property
    def kept(self) -> int:
        """Items and structure that stay although the migration made them, or may have."""
        return self.kept_items + sum(one.state is StructureState.KEPT for one in self.structure)

    @property
    def kept_items(self) -> int:
        return sum(
            count
            for one in self.types
            for reason, count in one.kept.items()
            if reason is not KeepReason.MATCHED
        )


class Undo:
    """Takes back the items of one migration; requests in flight are settled before."""

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        source_structure: Structure,
        target_structure: Structure,
        mapping: PortalMapping,
        options: UndoOptions,
    ) -> None:
        self._workspace = workspace
        self._target = target
        self._source = source_structure
        self._structure = target_structure
        self._options = options
        self._inspection = Inspection(
            workspace, target, source_structure, target_structure, mapping
        )

    def run(self) -> UndoResult:
        """Find out what stays; then, if asked to, take the rest away."""
        with self._workspace.read() as repositories:
            order = _newest_first(repositories.undo.first_imported(), self._options.only)
            staged = repositories.items.counts()
            unfinished = bool(repositories.settings.get(UNDO_UNFINISHED))
        self._inspection.has_begun = unfinished
        titles = {one: known.title for one, known in self._source.entity_types.items()}
        survey = Survey(
            self._workspace,
            self._target,
            self._structure,
            self._inspection,
            frozenset(order),
            titles,
            force=self._options.force,
            carries_out=self._options.carry_out,
        )
        if order:
            survey.run()
        removal = Removal(
            workspace=self._workspace,
            target=self._target,
            inspection=self._inspection,
            survey=survey,
            titles=titles,
        )
        if self._options.carry_out:
            self._set_unfinished()
            removal.run(order)
            self._forget(frozenset(staged) | frozenset(order))
        return self._result(order, removal, self._undo_structure())

    def _undo_structure(self) -> list[StructureUndo]:
        if not self._options.with_structure:
            return []
        work = UndoStructure(self._workspace, self._target, self._structure)
        return work.run() if self._options.carry_out else work.listed()

    def _set_unfinished(self) -> None:
        only = self._options.only
        with self._workspace.write() as repositories:
            begun = repositories.settings.get(UNDO_UNFINISHED) or []
            whole = not only or begun == EVERY_TYPE
            types = EVERY_TYPE if whole else sorted({*begun, *only})
            repositories.settings.set(UNDO_UNFINISHED, types)

    def _forget(self, types: frozenset[EntityTypeId]) -> None:
        """Nothing that could go is there any more: let the next import begin anew."""
        only = self._options.only
        with self._workspace.write() as repositories:
            for entity_type_id in sorted(types):
                if only and entity_type_id not in only:
                    continue
                if repositories.undo.forget_rest(entity_type_id):
                    repositories.settings.remove(target_type_setting(entity_type_id))
            _set_finished(repositories.settings, only)

    def _result(
        self, order: list[EntityTypeId], removal: Removal, structure: list[StructureUndo]
    ) -> UndoResult:
        with self._workspace.read() as repositories:
            kept = repositories.kept_items.counts()
            mapped = repositories.id_map.counts()
        types = []
        for entity_type_id in order:
            reasons = kept.get(entity_type_id, {})
            known = self._source.entity_types.get(entity_type_id)
            staying = sum(n for reason, n in reasons.items() if reason is not KeepReason.COPY)
            types.append(
                TypeUndo(
                    entity_type_id=entity_type_id,
                    title=known.title if known is not None else str(entity_type_id),
                    to_remove=mapped.get(entity_type_id, 0) - staying,
                    removed=removal.removed[entity_type_id],
                    kept=reasons,
                )
            )
        return UndoResult(
            types=tuple(types),
            structure=tuple(structure),
            unseen=tuple(one.title for one in self._structure.refused_types),
        )


def _set_finished(settings: Settings, only: frozenset[EntityTypeId]) -> None:
    """An undo of other types, or of all, may have been stopped before; it stays unfinished."""
    begun = settings.get(UNDO_UNFINISHED)
    left = begun if begun == EVERY_TYPE else sorted(set(begun or ()) - only)
    if only and left:
        settings.set(UNDO_UNFINISHED, left)
    else:
        settings.remove(UNDO_UNFINISHED)


def _newest_first(
    first_imported: Mapping[EntityTypeId, datetime], only: frozenset[EntityTypeId]
) -> list[EntityTypeId]:
    """Reverse order of creation: the type whose first item came last goes first."""
    chosen = [(at, one) for one, at in first_imported.items() if not only or one in only]
    return [one for _, one in sorted(chosen, reverse=True)]
