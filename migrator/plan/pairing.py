"""Find for each part of the source's structure its partner in the target.

Stable identity first (code, XML_ID, system status code, field name with the same type), then name
or label, case-insensitively; users by e-mail, currencies by code. Nothing is guessed: where two
partners fit equally well, or none does, the pair stays open.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from migrator.domain.conversion import holds_text
from migrator.domain.mapping import (
    Decision,
    Pair,
    PairKey,
    PairKind,
    UserDefaults,
    directory_kind,
    enumeration_scope,
)
from migrator.domain.references import is_ignored
from migrator.domain.vocabulary import EntityTypeId, is_spa
from migrator.plan.departments import nearest
from migrator.plan.list_values import ListValue, list_values, written_out
from migrator.plan.target_names import number, target_name
from migrator.plan.unique_pairs import Criterion, T, unique_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from migrator.domain.fields import Field
    from migrator.domain.structure import Category, EntityType, Status, Structure, User

#: Codes people do not choose: portals in different languages share them under different names.
_SPEAKING_CODE = re.compile(r"[A-Z]{2}[A-Z_]*")


class Pairing:
    """Pairs two structures; `overrides` are the operator's own answers, None for "leave out".

    `defaults` take the place of the partners that users do not have. An override is applied where
    it arises, because what lies below follows it: the stages of a pipeline follow the pipeline's
    partner, the list values of a field the field's.
    """

    def __init__(
        self,
        source: Structure,
        target: Structure,
        overrides: Mapping[PairKey, str | None],
        defaults: UserDefaults | None = None,
        created: Mapping[PairKey, str] | None = None,
    ) -> None:
        self._source = source
        self._target = target
        self._overrides = overrides
        self._defaults = defaults or UserDefaults()
        #: what `structure apply` made in the target, which is better known than any name
        self._created = created or {}
        self._types: dict[EntityTypeId, EntityTypeId] = {}

    def pairs(self) -> list[Pair]:
        """All pairs, in the order an operator would read them."""
        types = list(self._decided(self._entity_types()))
        # An answer that names nothing is refused later, by the mapping file, with its line.
        partners = {p.source_key: number(p.target_key or "") for p in types}
        self._types = {
            EntityTypeId(int(key)): EntityTypeId(partner)
            for key, partner in partners.items()
            if partner in self._target.entity_types
        }
        pairs = types
        for source_type, target_type in self._types.items():
            categories = list(self._decided(self._categories(source_type, target_type)))
            pairs += categories
            pairs += self._decided(self._stages(source_type, target_type, categories))
            fields = list(self._decided(self._fields(source_type, target_type)))
            pairs += fields
            pairs += self._decided(self._enumerations(source_type, target_type, fields))
        pairs += self._decided(self._users())
        pairs += self._decided(self._currencies())
        pairs += self._decided(self._plain_directories())
        return pairs

    def with_loose(
        self, pairs: list[Pair], needed: Iterable[tuple[EntityTypeId, PairKey]]
    ) -> list[Pair]:
        """The pairs, and those for what items hold although the structure does not list it.

        Items of an entity type without a partner need none.
        """
        keys = {key for entity_type_id, key in needed if entity_type_id in self._types}
        return pairs + list(self._decided(loose_pairs(pairs, keys)))

    def _decided(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        for pair in pairs:
            if pair.pair_key not in self._overrides:
                yield self._with_default(pair)
                continue
            answer = self._overrides[pair.pair_key]
            yield replace(
                pair,
                target_key=answer,
                target_name=target_name(self._target, pair, answer) if answer else None,
                decision=Decision.MAPPING if answer is not None else Decision.DROPPED,
            )

    def _with_default(self, pair: Pair) -> Pair:
        """A user without a partner gets that of the nearest department, or the one for all."""
        if pair.kind is not PairKind.USER or pair.decision is not Decision.OPEN:
            return pair
        user = self._source.users.get(number(pair.source_key))
        mine = user.departments if user else ()
        found = nearest(mine, self._source.departments, self._defaults.departments)
        default = found or self._defaults.everybody
        if default is None:
            return pair
        name = target_name(self._target, pair, default)
        return replace(pair, target_key=default, target_name=name, decision=Decision.DEFAULT)

    def _entity_types(self) -> Iterator[Pair]:
        for entity_type_id, one in self._source.entity_types.items():
            if not is_spa(entity_type_id):
                partner = self._target.entity_types.get(entity_type_id)
                decision = Decision.IDENTITY if partner else Decision.OPEN
                yield _entity_type_pair(one, partner, decision)
        criteria: list[Criterion[EntityType]] = [
            (Decision.IDENTITY, lambda t: _fold(t.code)),
            (Decision.NAME, lambda t: _fold(t.title)),
        ]
        left, right = _spas(self._source), _spas(self._target)
        made = self._made(PairKind.ENTITY_TYPE, "", right, lambda t: str(t.entity_type_id))
        for one, partner, decision in unique_pairs(left, right, criteria, made):
            yield _entity_type_pair(one, partner, decision)

    def _categories(self, source_type: EntityTypeId, target_type: EntityTypeId) -> Iterator[Pair]:
        left = self._source.categories.get(source_type, {}).values()
        right = self._target.categories.get(target_type, {}).values()
        made = self._made(PairKind.CATEGORY, str(source_type), right, lambda c: str(c.category_id))
        for one, partner, decision in unique_pairs(left, right, _CATEGORY_CRITERIA, made):
            yield Pair(
                kind=PairKind.CATEGORY,
                scope=str(source_type),
                source_key=str(one.category_id),
                source_name=one.name,
                target_key=str(partner.category_id) if partner else None,
                target_name=partner.name if partner else None,
                target_scope=str(target_type),
                decision=decision,
            )

    def _stages(
        self, source_type: EntityTypeId, target_type: EntityTypeId, categories: Iterable[Pair]
    ) -> Iterator[Pair]:
        partners = {int(p.source_key): p.target_key for p in categories}
        targets = self._target.stage_directories(target_type)
        for category_id, directory in self._source.stage_directories(source_type).items():
            if category_id is None:
                yield from self._directory(directory, targets.get(None))
                continue
            partner = partners.get(category_id)
            target_directory = targets.get(number(partner)) if partner is not None else None
            yield from self._directory(directory, target_directory)

    def _plain_directories(self) -> Iterator[Pair]:
        for directory in self._source.statuses:
            if directory_kind(directory) is PairKind.STATUS:
                yield from self._directory(directory, directory)

    def _directory(self, directory: str, target_directory: str | None) -> Iterator[Pair]:
        left = self._source.statuses.get(directory, {}).values()
        right = self._target.statuses.get(target_directory or "", {}).values()
        made = self._made(directory_kind(directory), directory, right, lambda s: s.status_id)
        for one, partner, decision in unique_pairs(left, right, _STATUS_CRITERIA, made):
            yield Pair(
                kind=directory_kind(directory),
                scope=directory,
                source_key=one.status_id,
                source_name=one.name,
                target_key=partner.status_id if partner else None,
                target_name=partner.name if partner else None,
                target_scope=target_directory,
                decision=decision,
            )

    def _fields(self, source_type: EntityTypeId, target_type: EntityTypeId) -> Iterator[Pair]:
        """`parentId<N>` is paired through the entity type N, so its key changes with it.

        A field that the operator has given to another is not there to be found any more.
        """
        sides = (
            _Side(self._source.entity_types[source_type], self._types),
            _Side(self._target.entity_types[target_type], None),
        )
        given = self._given_fields(source_type)
        ours = [f for f in self._source.fields.get(source_type, ()) if not is_ignored(f)]
        theirs = self._target.fields.get(target_type, ())
        left = [(sides[0], f) for f in ours if f.name not in given]
        right = [(sides[1], f) for f in theirs if f.name not in given.values()]
        made = self._made(PairKind.FIELD, str(source_type), right, lambda owned: owned[1].name)
        found = {
            owned[1].name: (partner[1] if partner else None, decision)
            for owned, partner, decision in unique_pairs(left, right, _FIELD_CRITERIA, made)
        }
        for one in ours:
            other, decision = found.get(one.name, (None, Decision.OPEN))
            yield Pair(
                kind=PairKind.FIELD,
                scope=str(source_type),
                source_key=one.name,
                source_name=one.title,
                target_key=other.name if other else None,
                target_name=other.title if other else None,
                target_scope=str(target_type),
                decision=decision,
            )

    def _given_fields(self, source_type: EntityTypeId) -> dict[str, str]:
        """Fields of a type with a partner by the operator's word."""
        return {
            key: answer
            for (kind, scope, key), answer in self._overrides.items()
            if kind is PairKind.FIELD and scope == str(source_type) and answer is not None
        }

    def _enumerations(
        self, source_type: EntityTypeId, target_type: EntityTypeId, fields: Iterable[Pair]
    ) -> Iterator[Pair]:
        for pair in fields:
            one = self._source.fields[source_type].get(pair.source_key)
            if one is None or one.type != "enumeration":
                continue
            partner = self._target.fields[target_type].get(pair.target_key or "")
            for value, other, decision in self._list_values(one, partner):
                yield Pair(
                    kind=PairKind.ENUMERATION,
                    scope=enumeration_scope(source_type, one.name),
                    source_key=value.key,
                    source_name=value.name,
                    target_key=other.key if other else None,
                    target_name=other.name if other else None,
                    target_scope=f"{target_type}.{partner.name}" if partner else None,
                    decision=decision,
                )

    def _list_values(
        self, one: Field, partner: Field | None
    ) -> Iterator[tuple[ListValue, ListValue | None, Decision]]:
        left = list_values(self._source, one)
        if partner is not None and holds_text(partner):
            return ((value, written_out(value), Decision.IDENTITY) for value in left)
        return unique_pairs(left, list_values(self._target, partner), _ENUM_CRITERIA)

    def _made(
        self, kind: PairKind, scope: str, right: Iterable[T], key_of: Callable[[T], str]
    ) -> Callable[[T], T | None]:
        """What was created in the target for a part of the source, if it is still there."""
        there = {key_of(one): one for one in right}

        def made(one: T) -> T | None:
            return there.get(self._created.get(PairKey(kind, scope, key_of(one)), ""))

        return made

    def _users(self) -> Iterator[Pair]:
        criteria: list[Criterion[User]] = [(Decision.IDENTITY, lambda u: _fold(u.email))]
        left, right = self._source.users.values(), self._target.users.values()
        for one, partner, decision in unique_pairs(left, right, criteria):
            yield Pair(
                kind=PairKind.USER,
                scope="",
                source_key=str(one.user_id),
                source_name=f"{one.name} <{one.email}>" if one.email else one.name,
                target_key=str(partner.user_id) if partner else None,
                target_name=partner.name if partner else None,
                decision=decision,
            )

    def _currencies(self) -> Iterator[Pair]:
        for code, name in self._source.currencies.items():
            exists = code in self._target.currencies
            yield Pair(
                kind=PairKind.CURRENCY,
                scope="",
                source_key=code,
                source_name=name,
                target_key=code if exists else None,
                target_name=self._target.currencies.get(code),
                decision=Decision.IDENTITY if exists else Decision.OPEN,
            )


def _fold(text: str | None) -> str | None:
    return text.strip().casefold() or None if text else None


def _spas(structure: Structure) -> list[EntityType]:
    return [t for t in structure.entity_types.values() if is_spa(t.entity_type_id)]


def _entity_type_pair(one: EntityType, partner: EntityType | None, decision: Decision) -> Pair:
    return Pair(
        kind=PairKind.ENTITY_TYPE,
        scope="",
        source_key=str(one.entity_type_id),
        source_name=one.title,
        target_key=str(partner.entity_type_id) if partner else None,
        target_name=partner.title if partner else None,
        decision=decision,
    )


class _Side(NamedTuple):
    """The entity type a field belongs to; `types` translates its parents, at the source's side."""

    entity_type: EntityType
    types: Mapping[EntityTypeId, EntityTypeId] | None


def _field_identity(owned: tuple[_Side, Field]) -> Hashable | None:
    side, field = owned
    parent = field.parent_entity_type_id
    if parent is not None and field.name.startswith("parentId"):
        return ("parent", side.types.get(parent) if side.types is not None else parent)
    if not field.is_dynamic:
        return ("system", field.name)
    name = side.entity_type.user_field_code(field.stored_name)
    return ("user", name, field.type, field.is_multiple)


def _dynamic_key(field: Field, text: str | None) -> Hashable | None:
    """User fields only: same text, and a type that holds the same values."""
    folded = _fold(text)
    if not field.is_dynamic or folded is None:
        return None
    return (folded, field.type, field.is_multiple)


_CATEGORY_CRITERIA: list[Criterion[Category]] = [
    # The deal pipeline 0 is built in and cannot be anything else.
    (Decision.IDENTITY, lambda c: "0" if c.category_id == 0 else None),
    (Decision.IDENTITY, lambda c: _fold(c.code)),
    (Decision.NAME, lambda c: _fold(c.name)),
    (Decision.IDENTITY, lambda c: "default" if c.is_default else None),
]
_STATUS_CRITERIA: list[Criterion[Status]] = [
    (Decision.IDENTITY, lambda s: (s.code, s.semantics, _fold(s.name))),
    (Decision.IDENTITY, lambda s: (s.code, s.semantics) if s.is_system else None),
    (Decision.NAME, lambda s: (_fold(s.name), s.semantics)),
    (
        Decision.IDENTITY,
        lambda s: (s.code, s.semantics) if _SPEAKING_CODE.fullmatch(s.code) else None,
    ),
]
_FIELD_CRITERIA: list[Criterion[tuple[_Side, Field]]] = [
    (Decision.IDENTITY, _field_identity),
    (Decision.IDENTITY, lambda owned: _dynamic_key(owned[1], owned[1].xml_id)),
    (Decision.NAME, lambda owned: _dynamic_key(owned[1], owned[1].title)),
]
_ENUM_CRITERIA: list[Criterion[ListValue]] = [
    (Decision.IDENTITY, lambda e: _fold(e.xml_id)),
    (Decision.NAME, lambda e: _fold(e.name)),
]


def loose_pairs(pairs: Iterable[Pair], needed: Iterable[PairKey]) -> list[Pair]:
    """Open pairs for what items hold although the source's structure does not list it (any more).

    A directory entry that was deleted, or a user whom user.get hides, stays in the items.
    """
    known = {pair.pair_key for pair in pairs}
    target_scopes = {(pair.kind, pair.scope): pair.target_scope for pair in pairs}
    return [
        Pair(
            kind=key.kind,
            scope=key.scope,
            source_key=key.key,
            source_name=f"{key.key} (not listed by the source)",
            target_scope=target_scopes.get((key.kind, key.scope)),
            decision=Decision.OPEN,
        )
        for key in sorted(set(needed))
        if key not in known
    ]
