"""Compare the structure of two portals by the pairs in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.domain.mapping import Decision, Pair, PairKind
from migrator.domain.vocabulary import EntityTypeId, is_spa
from migrator.plan.structure import details
from migrator.plan.structure.conflicts import Conflicts, choices
from migrator.plan.structure.lines import Line, LineState, StructureDiff
from migrator.plan.structure.parts import Correspondence, PartKind, Parts, Relation
from migrator.plan.structure.target_only import TargetOnly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def compare_structures(
    source: Parts,
    target: Parts,
    pairs: Iterable[Pair],
    replaceable: frozenset[str] = frozenset(),
) -> StructureDiff:
    """Every part of the source against the target, then what only the target has.

    `replaceable` names the target's directories whose stages a new pipeline was born with.
    """
    comparison = _Comparison(source, target, list(pairs), replaceable)
    lines = list(comparison.of_source())
    in_the_way = {(one.kind, one.target_scope, one.target_key) for one in lines if one.conflict}
    lines += [
        one
        for one in comparison.of_target()
        if (one.kind, one.target_scope, one.target_key) not in in_the_way
    ]
    order = list(PartKind)
    return StructureDiff(lines=tuple(sorted(lines, key=lambda line: order.index(line.kind))))


class _Comparison:
    def __init__(
        self, source: Parts, target: Parts, pairs: list[Pair], replaceable: frozenset[str]
    ) -> None:
        self._source = source
        self._target = target
        self._pairs = pairs
        self._correspondence = Correspondence(pairs, target.structure)
        self._conflicts = Conflicts(source, target, pairs, replaceable)

    def of_source(self) -> Iterator[Line]:
        for pair in self._pairs:
            if self._is_part(pair):
                yield self._line(pair)
            if pair.kind is PairKind.ENTITY_TYPE and pair.decision is Decision.OPEN:
                yield from self._below(EntityTypeId(int(pair.source_key)))
        for relation, listed in self._source.relations.items():
            yield from self._relation(relation, listed)

    def _is_part(self, pair: Pair) -> bool:
        """System fields are the same everywhere, and so is a system type; people are no structure.

        A portal may lack a system type, by its tariff or its settings.
        """
        match pair.kind:
            case PairKind.USER:
                return False
            case PairKind.ENTITY_TYPE:
                return is_spa(int(pair.source_key)) or pair.target_key is None
            case PairKind.FIELD:
                fields = self._source.structure.fields.get(EntityTypeId(int(pair.scope)))
                known = fields.get(pair.source_key) if fields else None
                return known is not None and known.is_dynamic
            case PairKind.ENUMERATION:
                # Values of a field that is not there come with the field.
                entity_type_id, _, name = pair.scope.partition(".")
                field = self._correspondence.key(PairKind.FIELD, entity_type_id, name)
                return field is not None
            case PairKind.CATEGORY | PairKind.STAGE | PairKind.STATUS | PairKind.CURRENCY:
                return True

    def _line(self, pair: Pair) -> Line:
        state, conflict = self._judge(pair)
        differing = self._details(pair) if state is LineState.SAME else self._advice(pair, state)
        if state is LineState.SAME and not self._is_same_identifier(pair):
            state = LineState.PAIRED
        return Line(
            kind=PartKind(pair.kind.value),
            state=state,
            name=pair.source_name,
            scope=pair.scope,
            key=pair.source_key,
            target_scope=pair.target_scope,
            target_key=conflict.target_key if conflict else pair.target_key,
            target_name=conflict.target_name if conflict else pair.target_name,
            details=tuple(differing),
            conflict=conflict.what if conflict else None,
            choices=choices(pair) if conflict else None,
        )

    def _judge(self, pair: Pair) -> tuple[LineState, Any]:
        if pair.decision is Decision.DROPPED:
            return LineState.DROPPED, None
        if pair.target_key is not None:
            return LineState.SAME, None
        conflict = self._conflicts.of(pair)
        return (LineState.CONFLICTING if conflict else LineState.MISSING), conflict

    def _advice(self, pair: Pair, state: LineState) -> Iterator[str]:
        advice = made_by_portal_alone(pair, self._source)
        if state is LineState.MISSING and advice is not None:
            yield advice

    def _is_same_identifier(self, pair: Pair) -> bool:
        """User fields of an SPA and stages carry the number of their owner, which may differ."""
        key, partner = pair.source_key, pair.target_key or ""
        match pair.kind:
            case PairKind.STAGE:
                return key.rpartition(":")[2] == partner.rpartition(":")[2]
            case PairKind.FIELD:
                return self._code(self._source, pair.scope, key) == self._code(
                    self._target, pair.target_scope or "", partner
                )
            case _:
                return key == partner

    def _code(self, parts: Parts, scope: str, name: str) -> str:
        owner = parts.structure.entity_types[EntityTypeId(int(scope))]
        return owner.user_field_code(_stored(parts, scope, name))

    def _details(self, pair: Pair) -> Iterator[str]:
        key, scope, partner = pair.source_key, pair.scope, pair.target_key or ""
        there = pair.target_scope or ""
        source, target = self._source, self._target
        match pair.kind:
            case PairKind.ENTITY_TYPE:
                here, other = source.entity_type(int(key)), target.entity_type(int(partner))
                return details.entity_type_details(here, other)
            case PairKind.CATEGORY:
                return details.category_details(
                    source.category(int(scope), int(key)),
                    target.category(int(there), int(partner)),
                )
            case PairKind.STAGE | PairKind.STATUS:
                return details.status_details(
                    source.status(scope, key), target.status(there, partner)
                )
            case PairKind.FIELD:
                return details.field_details(
                    source.user_field(int(scope), _stored(source, scope, key)),
                    target.user_field(int(there), _stored(target, there, partner)),
                    self._correspondence,
                )
            case PairKind.ENUMERATION:
                return details.enumeration_details(
                    _value(source, scope, key), _value(target, there, partner)
                )
            case PairKind.CURRENCY:
                return details.currency_details(source.currency(key), target.currency(partner))
            case PairKind.USER:
                return iter(())

    def _below(self, entity_type_id: EntityTypeId) -> Iterator[Line]:
        """What belongs to an entity type without a partner is missing with it."""
        structure = self._source.structure
        for category in structure.categories.get(entity_type_id, {}).values():
            yield _missing(
                PartKind.CATEGORY, str(entity_type_id), str(category.category_id), category.name
            )
        for directory in structure.stage_directories(entity_type_id).values():
            for status in structure.statuses.get(directory, {}).values():
                yield _missing(PartKind.STAGE, directory, status.status_id, status.name)
        configured = self._source.user_fields(entity_type_id)
        for field in structure.fields.get(entity_type_id, ()):
            if field.is_dynamic and field.stored_name in configured:
                yield _missing(PartKind.FIELD, str(entity_type_id), field.name, field.title)

    def _relation(self, relation: Relation, listed: bool) -> Iterator[Line]:  # noqa: FBT001
        dropped = {
            int(p.source_key)
            for p in self._pairs
            if p.kind is PairKind.ENTITY_TYPE and p.decision is Decision.DROPPED
        }
        if dropped & {relation.parent, relation.child}:
            return
        ends = [self._correspondence.entity_type(n) for n in (relation.parent, relation.child)]
        parent, child = ends
        there = None
        if parent is not None and child is not None:
            there = self._target.relations.get(Relation(parent, child))
        state = LineState.MISSING
        if there is not None:
            is_alike = [relation.parent, relation.child] == ends
            state = LineState.SAME if is_alike else LineState.PAIRED
        is_hidden = "its items are listed in the parent's card in one portal only"
        yield Line(
            kind=PartKind.RELATION,
            state=state,
            name=f"{self._title(relation.parent)} > {self._title(relation.child)}",
            scope=str(relation.child),
            key=str(relation.parent),
            target_scope=str(child) if child is not None else None,
            target_key=str(parent) if there is not None else None,
            details=(is_hidden,) if there is not None and there != listed else (),
        )

    def _title(self, entity_type_id: int) -> str:
        known = self._source.structure.entity_types.get(EntityTypeId(entity_type_id))
        return known.title if known else str(entity_type_id)

    def of_target(self) -> Iterator[Line]:
        return TargetOnly(self._source, self._target, self._correspondence).lines()


#: Such as that of suppliers, which comes with inventory management (b24restdocs
#: api-reference/crm/universal/category/crm-category-add.md, ADDING_DISABLED).
_OWN_PIPELINE = (
    "a pipeline of the portal's own, which cannot be created over REST: switch the feature on that "
    "it belongs to, in the target"
)

#: Quotes and smart invoices depend on the tariff, leads on the CRM's mode; only smart processes are
#: made by crm.type.add (b24restdocs
#: api-reference/crm/universal/user-defined-object-types/crm-type-add.md).
_OWN_TYPE = (
    "a type of the portal's own, which cannot be created over REST: switch it on in the target, or "
    f"say `drop` in the mapping file ({PairKind.ENTITY_TYPE.section}) to leave it out"
)


def made_by_portal_alone(part: Pair | Line, source: Parts) -> str | None:
    """What to do about a part of the source that REST cannot create; None where it can."""
    key = part.source_key if isinstance(part, Pair) else part.key
    if key is None:
        return None
    match part.kind.value:
        case PartKind.ENTITY_TYPE.value if not is_spa(int(key)):
            return _OWN_TYPE
        case PartKind.CATEGORY.value:
            is_own = source.category(int(part.scope), int(key)).get("isSystem") == "Y"
            return _OWN_PIPELINE if is_own else None
        case _:
            return None


def _missing(kind: PartKind, scope: str, key: str, name: str) -> Line:
    return Line(kind=kind, state=LineState.MISSING, scope=scope, key=key, name=name)


def _stored(parts: Parts, scope: str, name: str) -> str:
    fields = parts.structure.fields.get(EntityTypeId(int(scope)))
    found = fields.get(name) if fields else None
    return found.stored_name if found else name


def _value(parts: Parts, scope: str, value_id: str) -> Mapping[str, Any]:
    """One value of an enumeration, as userfieldconfig.get prints it."""
    entity_type_id, _, name = scope.partition(".")
    if not entity_type_id.isdecimal():
        return {}
    field = parts.user_field(int(entity_type_id), _stored(parts, entity_type_id, name))
    rows = field.get("enum") or ()
    return next((row for row in rows if str(row.get("id")) == value_id), {})
