"""What only the target has, below what the source has, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.mapping import PairKind, directory_kind, enumeration_scope
from migrator.domain.vocabulary import EntityTypeId, is_spa
from migrator.plan.structure.lines import Line, LineState
from migrator.plan.structure.parts import Correspondence, PartKind, Parts, Relation

if TYPE_CHECKING:
    from collections.abc import Iterator


class TargetOnly:
    """Lists what nothing of the source stands for; parts of another's SPA are its own business."""

    def __init__(self, source: Parts, target: Parts, correspondence: Correspondence) -> None:
        pairs = correspondence.pairs
        self._target = target
        self._taken = {(p.kind, p.target_scope or "", p.target_key) for p in pairs}
        self._directories = {p.target_scope for p in pairs if p.kind is PairKind.STAGE}
        self._types = {
            entity_type_id
            for entity_type_id in target.structure.entity_types
            if (PairKind.ENTITY_TYPE, "", str(entity_type_id)) in self._taken
        }
        self._related = {
            Relation(parent, child)
            for one in source.relations
            if (parent := correspondence.entity_type(one.parent)) is not None
            and (child := correspondence.entity_type(one.child)) is not None
        }

    def lines(self) -> Iterator[Line]:
        structure = self._target.structure
        for entity_type in structure.entity_types.values():
            number = entity_type.entity_type_id
            if number in self._types:
                yield from self._categories(number)
                yield from self._fields(number)
            elif is_spa(number):
                yield _only(PartKind.ENTITY_TYPE, "", str(number), entity_type.title)
        yield from self._statuses()
        for code, name in structure.currencies.items():
            yield from self._unless_taken(PairKind.CURRENCY, "", code, name)
        yield from self._relations()

    def _categories(self, entity_type_id: EntityTypeId) -> Iterator[Line]:
        for category in self._target.structure.categories.get(entity_type_id, {}).values():
            key = str(category.category_id)
            yield from self._unless_taken(
                PairKind.CATEGORY, str(entity_type_id), key, category.name
            )

    def _fields(self, entity_type_id: EntityTypeId) -> Iterator[Line]:
        configured = self._target.user_fields(entity_type_id)
        for field in self._target.structure.fields.get(entity_type_id, ()):
            if field.stored_name not in configured:
                continue
            scope = str(entity_type_id)
            yield from self._unless_taken(PairKind.FIELD, scope, field.name, field.title)
            if (PairKind.FIELD, scope, field.name) in self._taken:
                inside = enumeration_scope(entity_type_id, field.name)
                for value in field.enum:
                    key = str(value.value_id)
                    yield from self._unless_taken(PairKind.ENUMERATION, inside, key, value.value)

    def _statuses(self) -> Iterator[Line]:
        for directory, rows in self._target.structure.statuses.items():
            kind = directory_kind(directory)
            if kind is PairKind.STATUS or directory in self._directories:
                for status in rows.values():
                    yield from self._unless_taken(kind, directory, status.status_id, status.name)

    def _relations(self) -> Iterator[Line]:
        types = self._target.structure.entity_types
        for relation in self._target.relations:
            ends = [EntityTypeId(end) for end in (relation.parent, relation.child)]
            if relation in self._related or any(is_spa(e) and e not in self._types for e in ends):
                continue
            name = " > ".join(types[end].title if end in types else str(end) for end in ends)
            yield _only(PartKind.RELATION, str(relation.child), str(relation.parent), name)

    def _unless_taken(self, kind: PairKind, scope: str, key: str, name: str) -> Iterator[Line]:
        if (kind, scope, key) not in self._taken:
            yield _only(PartKind(kind.value), scope, key, name)


def _only(kind: PartKind, scope: str, key: str, name: str) -> Line:
    return Line(
        kind=kind,
        state=LineState.ONLY_IN_TARGET,
        name=name,
        target_scope=scope,
        target_key=key,
        target_name=name,
    )
