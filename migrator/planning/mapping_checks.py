"""Compare the lines of a mapping file with the two portals: each must mean something in them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrator.domain.conversion import fit
from migrator.domain.mapping import INDISPENSABLE, PairKey, PairKind
from migrator.domain.vocabulary import EntityTypeId, entity_type_of_stages
from migrator.domain.writability import (
    POSITION_FIELDS,
    is_written,
    stays_itself,
    takes_other_values,
)
from migrator.plan.item_matching import (
    MULTIFIELD_KINDS,
    MULTIFIELDS,
    source_field,
    why_unsuitable,
)
from migrator.plan.target_names import number, possible_keys, target_name
from migrator.planning.mapping_faults import Fault, place, suggestion
from migrator.planning.mapping_lines import (
    ANSWERS,
    DEFAULT_USER,
    DEPARTMENTS,
    MATCH,
    RATES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from migrator.domain.fields import Field
    from migrator.domain.mapping import Pair
    from migrator.domain.structure import Structure
    from migrator.planning.mapping_lines import (
        AnswerLine,
        MappingLine,
        MatchLines,
        RateLine,
        UserLine,
    )

#: What items go on holding after it has gone from the structure.
_HELD_BY_ITEMS = frozenset(PairKind) - {PairKind.ENTITY_TYPE, PairKind.FIELD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Portals:
    """What the lines are compared with."""

    pairs: Mapping[PairKey, Pair]
    source: Structure
    target: Structure
    #: Whether only part of the source was looked at.
    is_partial: bool


def faults(
    lines: Sequence[MappingLine],
    users: Iterable[UserLine],
    rates: Iterable[RateLine],
    matches: Sequence[MatchLines],
    portals: Portals,
) -> Iterator[Fault]:
    """Every line that matches nothing in the source, or names nothing in the target.

    Lines below something that has no partner are passed over: nothing asks for them. So are,
    where only part of the source was looked at, identifiers which the source does not list,
    because the items that hold them may be in the other part.
    """
    for line in lines:
        if not _is_unseen(line.key, portals) and not _is_dormant(line.key, portals.pairs):
            yield from _pair_faults(line, portals)
    yield from _said_twice(lines)
    yield from _taken_twice(lines, portals)
    for user in users:
        yield from _user_faults(user, portals)
    for rate in rates:
        yield from _rate_faults(rate, portals)
    for match in matches:
        yield from match_faults(match, portals)
    yield from _matched_in_one(matches, portals)


def _is_unseen(key: PairKey, portals: Portals) -> bool:
    """Whether only items that were not looked at could tell; they hold no e-mail addresses."""
    if not portals.is_partial or key in portals.pairs or key.kind not in _HELD_BY_ITEMS:
        return False
    return key.kind is not PairKind.USER or key.key.isdecimal()


def _is_dormant(key: PairKey, known: Mapping[PairKey, Pair]) -> bool:
    """Whether the line is about a part of something without a partner, or with a misspelt one."""
    parents = (known.get(parent) for parent in _parents(key))
    return any(
        parent is not None and (parent.target_key is None or parent.target_name is None)
        for parent in parents
    )


def _parents(key: PairKey) -> Iterator[PairKey]:
    match key.kind:
        case PairKind.CATEGORY | PairKind.FIELD:
            yield PairKey(PairKind.ENTITY_TYPE, "", key.scope)
        case PairKind.ENUMERATION:
            entity_type_id, _, field = key.scope.partition(".")
            yield PairKey(PairKind.ENTITY_TYPE, "", entity_type_id)
            yield PairKey(PairKind.FIELD, entity_type_id, field)
        case PairKind.STAGE:
            yield PairKey(PairKind.ENTITY_TYPE, "", str(entity_type_of_stages(key.scope)))
        case PairKind.ENTITY_TYPE | PairKind.STATUS | PairKind.USER | PairKind.CURRENCY:
            return


def _where(line: MappingLine) -> str:
    return place(line.key.kind.section, line.key.scope, line.written)


def _pair_faults(line: MappingLine, portals: Portals) -> Iterator[Fault]:
    kind, where = line.key.kind, _where(line)
    pair = portals.pairs.get(line.key)
    if pair is None:
        why = _shared(line.key.key, "source", portals.source) or _unknown(line.key, portals)
        yield Fault(line.line, f"{where}: {why}")
    elif line.answer is None and kind in INDISPENSABLE:
        yield Fault(
            line.line,
            f"{where}: a {_noun(kind)} cannot be dropped, the portal would choose another: "
            "name one of the target",
        )
    elif line.answer is None and _is_always_filled(pair, portals.target):
        yield Fault(
            line.line,
            f"{where}: cannot be dropped: every item has one, and the portal would choose",
        )
    elif line.answer is not None and target_name(portals.target, pair, line.answer) is None:
        shared = _shared(line.answer, "target", portals.target)
        yield Fault(line.line, f"{where}: {shared or _unknown_answer(line.answer, pair, portals)}")
    elif kind is PairKind.FIELD:
        yield from (Fault(line.line, f"{where}: {text}") for text in _misfits(pair, portals))


def _unknown(key: PairKey, portals: Portals) -> str:
    if key.kind is PairKind.USER:
        known = [user.email for user in portals.source.users.values() if user.email]
    else:
        siblings = (one for one in portals.pairs if one[:2] == key[:2])
        known = [one.key for one in siblings]
    return f"the source has no such {_noun(key.kind)}{suggestion(key.key, known)}"


def _unknown_answer(answer: str, pair: Pair, portals: Portals) -> str:
    within = f" in {pair.target_scope}" if pair.target_scope else ""
    near = suggestion(answer, possible_keys(portals.target, pair))
    return f"the target has no {_noun(pair.kind)} '{answer}'{within}{near}"


def _shared(email: str, role: str, portal: Structure) -> str | None:
    """An e-mail that names nobody because it names several."""
    ids = [
        str(u.user_id)
        for u in portal.users.values()
        if u.email and u.email.casefold() == email.casefold()
    ]
    if len(ids) < 2:
        return None
    return f"{len(ids)} users of the {role} have this e-mail, name one by ID: {', '.join(ids)}"


def _noun(kind: PairKind) -> str:
    return kind.value.replace("_", " ")


def _is_always_filled(pair: Pair, target: Structure) -> bool:
    """Whether the portal would choose a value where none is sent: the stage, the currency, ..."""
    if pair.kind is not PairKind.FIELD or pair.source_key not in POSITION_FIELDS:
        return False
    partner = target.fields[EntityTypeId(int(pair.target_scope or 0))].get(pair.source_key)
    return partner is not None and is_written(partner)


def _misfits(pair: Pair, portals: Portals) -> Iterator[str]:
    """Why the values of one field cannot stand in the other, if so."""
    ours = portals.source.fields[EntityTypeId(int(pair.scope))].get(pair.source_key)
    theirs = portals.target.fields[EntityTypeId(int(pair.target_scope or 0))].get(
        pair.target_key or ""
    )
    if ours is None or theirs is None or _is_the_same(ours, theirs):
        return
    if stays_itself(ours):
        yield "only its own partner can take its place, so it cannot go into another field"
    if ours.is_multiple and not theirs.is_multiple:
        yield f"the field holds several values, '{theirs.name}' only one"
    if not takes_other_values(theirs):
        yield f"the portal takes no values of other fields in '{theirs.name}'"
    elif fit(ours, theirs) is None:
        yield (
            f"values of type {ours.type} cannot stand in '{theirs.name}', which holds {theirs.type}"
        )


def _is_the_same(ours: Field, theirs: Field) -> bool:
    """A system field that simply corresponds; what is special about it, is so on both sides."""
    return not ours.is_dynamic and not theirs.is_dynamic and ours.name == theirs.name


def _said_twice(lines: Iterable[MappingLine]) -> Iterator[Fault]:
    """Only users can be named in two ways."""
    seen: dict[PairKey, MappingLine] = {}
    for line in lines:
        first = seen.setdefault(line.key, line)
        if first is not line:
            yield Fault(
                line.line,
                f"{_where(line)}: this user is answered in line {first.line} already, "
                f"as '{first.written}'",
            )


def _taken_twice(lines: Iterable[MappingLine], portals: Portals) -> Iterator[Fault]:
    """Two fields of the source in one of the target: the second would overwrite the first."""
    takers: dict[tuple[str, str], list[MappingLine]] = defaultdict(list)
    for line in lines:
        if line.key.kind is PairKind.FIELD and not _is_dormant(line.key, portals.pairs):
            takers[line.key.scope, line.answer or ""].append(line)
    for (_, answer), rivals in takers.items():
        for line in rivals if answer else ():
            others = [one for one in rivals if one is not line]
            if others:
                listed = ", ".join(f"'{one.written}' in line {one.line}" for one in others)
                yield Fault(
                    line.line, f"{_where(line)}: '{answer}' is also the answer for {listed}"
                )


def _user_faults(line: UserLine, portals: Portals) -> Iterator[Fault]:
    where = DEFAULT_USER if line.department is None else place(DEPARTMENTS, line.department)
    if number(line.user) not in portals.target.users:
        emails = [user.email for user in portals.target.users.values()]
        missing = f"the target has no user '{line.user}'{suggestion(line.user, emails)}"
        shared = _shared(line.user, "target", portals.target)
        yield Fault(line.line, f"{where}: {shared or missing}")
    if line.department is not None:
        yield from _department_faults(line, where, portals.source)


def _department_faults(line: UserLine, where: str, source: Structure) -> Iterator[Fault]:
    """Without the scope for departments only those are known that somebody belongs to."""
    used = {one for user in source.users.values() for one in user.departments}
    if number(line.department or "") in source.departments.keys() | used:
        return
    if source.departments:
        yield Fault(line.line, f"{where}: the source has no such department")
    else:
        yield Fault(
            line.line,
            f"{where}: no user of the source belongs to it, and the departments above others are "
            "not known: the source's webhook lacks the scope department",
        )


def _rate_faults(line: RateLine, portals: Portals) -> Iterator[Fault]:
    where = place(RATES, line.currency)
    pair = portals.pairs.get(PairKey(PairKind.CURRENCY, "", line.currency))
    if pair is None:
        if not portals.is_partial:
            near = suggestion(line.currency, portals.source.currencies)
            yield Fault(line.line, f"{where}: the source has no such currency{near}")
    elif pair.target_key == line.currency and line.rate != 1:
        yield Fault(
            line.line,
            f"{where}: the currency stays {line.currency}, so there is nothing to convert; map it "
            "to another under currencies",
        )


def match_faults(lines: MatchLines, portals: Portals) -> Iterator[Fault]:
    pair = portals.pairs.get(PairKey(PairKind.ENTITY_TYPE, "", lines.entity_type))
    if pair is None:
        yield unknown_type(MATCH, lines.entity_type, lines.line, portals.source)
        return
    if pair.target_key is None or pair.target_name is None:
        return
    fields = portals.source.fields[EntityTypeId(int(lines.entity_type))]
    where = place(MATCH, lines.entity_type, "match_on")
    for name in lines.rule.match_on:
        unsuitable = why_unsuitable(name, fields)
        if unsuitable is not None:
            yield Fault(lines.fields_line, f"{where}: {unsuitable}")
        elif source_field(name) not in fields:
            kinds = MULTIFIELD_KINDS if MULTIFIELDS in fields else ()
            near = suggestion(name, [*fields.by_name, *kinds])
            yield Fault(lines.fields_line, f"{where}: the source has no field '{name}'{near}")
        elif not _has_partner(lines.entity_type, source_field(name), portals.pairs):
            yield Fault(lines.fields_line, f"{where}: '{name}' has no partner in the target")
    yield from _answered_twice(lines)


def _matched_in_one(matches: Sequence[MatchLines], portals: Portals) -> Iterator[Fault]:
    """Two types that look for partners in one would both take the same item."""
    first: dict[str, MatchLines] = {}
    for lines in matches:
        pair = portals.pairs.get(PairKey(PairKind.ENTITY_TYPE, "", lines.entity_type))
        if pair is None or pair.target_key is None:
            continue
        other = first.setdefault(pair.target_key, lines)
        if other is not lines:
            yield Fault(
                lines.line,
                f"{place(MATCH, lines.entity_type)}: goes into {pair.target_key} of the target, as "
                f"{other.entity_type} does, which is matched there in line {other.line} already; "
                "only one of them can be",
            )


def _answered_twice(lines: MatchLines) -> Iterator[Fault]:
    """An item of the target is one item of the source."""
    first: dict[int, AnswerLine] = {}
    for answer in lines.answers:
        if answer.target_id is None:
            continue
        other = first.setdefault(answer.target_id, answer)
        if other is not answer:
            where = place(MATCH, lines.entity_type, ANSWERS, answer.source_id)
            yield Fault(
                answer.line,
                f"{where}: {answer.target_id} is the answer for {other.source_id} in line "
                f"{other.line} already",
            )


def _has_partner(entity_type: str, field: str, pairs: Mapping[PairKey, Pair]) -> bool:
    pair = pairs.get(PairKey(PairKind.FIELD, entity_type, field))
    return pair is not None and pair.target_key is not None


def unknown_type(section: str, entity_type: str, line: int, source: Structure) -> Fault:
    known = ", ".join(f"{t} ({one.title})" for t, one in sorted(source.entity_types.items()))
    where = place(section, entity_type)
    return Fault(line, f"{where}: the source has no such entity type (it has {known})")
