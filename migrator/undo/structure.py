"""Take back the structure that this migration made in the target, as far as nothing uses it.

In reverse order of creation. What is inside a pipeline or a smart process that goes, goes with it;
user fields go first all the same, because a portal may keep their settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from migrator.domain.records import CreationState, StructureCreation
from migrator.domain.vocabulary import EntityTypeId, entity_type_of_stages, stage_entity_id
from migrator.plan.plan import IMPORT_GRANTED
from migrator.plan.structure.parts import PartKind
from migrator.undo.inspection import mark_of
from migrator.undo.structure_parts import Part, PartRemoval
from migrator.undo.structure_use import StructureUse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.domain.structure import Structure
    from migrator.workspace import Workspace

#: Requests that changed a part that was there by then.
_RENAMED = frozenset({"crm.category.update", "crm.status.update"})

_INSIDE = "it belongs to what stays"
_RELATIONS = "relations between smart processes that stay are left as they are"


class StructureState(StrEnum):
    #: a listing: it goes if nothing that stays uses it
    LISTED = "listed"
    REMOVED = "removed"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureUndo:
    """A part of the target's structure that this migration made."""

    kind: str
    scope: str
    key: str
    name: str
    state: StructureState
    detail: str | None = None


class UndoStructure:
    """Removes what `structure apply` and the import have made in the target's structure."""

    def __init__(self, workspace: Workspace, target: PortalClient, structure: Structure) -> None:
        self._workspace = workspace
        self._structure = structure
        with workspace.read() as repositories:
            self._known = repositories.creations.load()
        made = frozenset(map(_part, self._known))
        self._use = StructureUse(workspace, target, structure, made)
        self._removal = PartRemoval(workspace, target, structure)
        #: parts that are gone: smart processes and directories of stages
        self._gone: set[tuple[str, str]] = set()

    def listed(self) -> list[StructureUndo]:
        """What there is to be removed, in that order; nothing is asked of the target."""
        marks = [_told(one, name, StructureState.LISTED) for one, name in self._marks()]
        made = [_told(_part(c), c.name, StructureState.LISTED) for c in self._creations()]
        return marks + made

    def run(self) -> list[StructureUndo]:
        """Remove what is unused; what stays is returned with the reason."""
        self._workspace.progress.begin("Removing structure from the target", None)
        done = [self._take(part, name, ()) for part, name in self._marks()]
        creations = self._creations()
        inside = [one for one in creations if self._goes_with_another(one, creations)]
        for creation in creations:
            if creation not in inside:
                takes_along = [one for one in inside if _is_inside(one, creation)]
                done.append(self._take(_part(creation), creation.name, [creation, *takes_along]))
        done += [self._told_of_inside(one) for one in inside]
        with self._workspace.write() as repositories:
            # A type made anew may get the number of one that is gone.
            repositories.settings.set(IMPORT_GRANTED, [])
        self._workspace.progress.end()
        return done

    def _marks(self) -> Iterator[tuple[Part, str]]:
        """The fields that say where items came from: the import makes them where it needs them."""
        for entity_type_id in self._structure.entity_types:
            name = mark_of(self._structure, entity_type_id)
            if name is not None:
                field = self._structure.fields[entity_type_id].by_name[name]
                yield Part(PartKind.FIELD, str(entity_type_id), field.stored_name), field.title

    def _creations(self) -> Sequence[StructureCreation]:
        return [one for one in reversed(self._known) if one.is_there]

    def _goes_with_another(
        self, creation: StructureCreation, creations: Sequence[StructureCreation]
    ) -> bool:
        """Whether it has no life of its own: part of a new pipeline or smart process, or a name."""
        if creation.method in _RENAMED or creation.kind == PartKind.RELATION:
            return True
        if creation.kind not in {PartKind.STAGE, PartKind.CATEGORY}:
            return False
        return any(_is_inside(creation, owner) for owner in creations if owner is not creation)

    def _take(self, part: Part, name: str, records: Sequence[StructureCreation]) -> StructureUndo:
        """Remove a part, and what is inside it from the records in the same breath."""
        self._workspace.check_stop()
        reason = self._use.of(part) or self._removal.remove(part)
        if reason is not None:
            return _told(part, name, StructureState.KEPT, reason)
        with self._workspace.write() as repositories:
            for creation in records:
                repositories.creations.settle(creation, CreationState.REMOVED)
        self._use.forget(part)
        self._gone.update(_inside_of(part))
        self._workspace.progress.advance(1)
        return _told(part, name, StructureState.REMOVED)

    def _told_of_inside(self, creation: StructureCreation) -> StructureUndo:
        """Its owner is gone, and it with it; or it stays like its owner."""
        part = _part(creation)
        if _owners(creation) & self._gone:
            return _told(part, creation.name, StructureState.REMOVED)
        reason = _RELATIONS if creation.kind == PartKind.RELATION else _INSIDE
        return _told(part, creation.name, StructureState.KEPT, reason)


def _part(creation: StructureCreation) -> Part:
    return Part(creation.kind, creation.target_scope or "", creation.target_key or "")


def _told(part: Part, name: str, state: StructureState, detail: str | None = None) -> StructureUndo:
    return StructureUndo(
        kind=part.kind, scope=part.scope, key=part.key, name=name, state=state, detail=detail
    )


def _inside_of(part: Part) -> set[tuple[str, str]]:
    """Under which owners the parts inside this one are found."""
    if part.kind == PartKind.ENTITY_TYPE:
        return {("type", part.key)}
    if part.kind == PartKind.CATEGORY:
        directory = stage_entity_id(EntityTypeId(int(part.scope)), int(part.key))
        return {("directory", directory or "")}
    return set()


def _owners(creation: StructureCreation) -> set[tuple[str, str]]:
    """What would take this part along."""
    match creation.kind:
        case PartKind.CATEGORY:
            return {("type", creation.target_scope or "")}
        case PartKind.STAGE:
            owner = entity_type_of_stages(creation.target_scope or "")
            return {("directory", creation.target_scope or ""), ("type", str(owner))}
        case PartKind.RELATION:
            sides = creation.params["fields"]["relations"]
            ends = {str(end["entityTypeId"]) for side in sides.values() for end in side}
            return {("type", one) for one in {creation.target_key or "", *ends}}
        case _:
            return set()


def _is_inside(creation: StructureCreation, owner: StructureCreation) -> bool:
    return bool(_owners(creation) & _inside_of(_part(owner)))
