"""What is in the way of creating a part: nothing is guessed, the operator decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from migrator.domain.mapping import INDISPENSABLE, PairKind
from migrator.domain.vocabulary import EntityTypeId, is_spa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from migrator.domain.fields import Field
    from migrator.domain.mapping import Pair
    from migrator.domain.structure import Status
    from migrator.plan.structure.parts import Parts

_MEANINGS = {"": "in progress", "P": "in progress", "S": "success", "F": "failure"}


class Conflict(NamedTuple):
    """What is in the way, and which thing of the target it is."""

    what: str
    target_key: str
    target_name: str


class Conflicts:
    """Judges pairs without a partner; `replaceable` names directories of brand-new pipelines."""

    def __init__(
        self,
        source: Parts,
        target: Parts,
        pairs: Iterable[Pair],
        replaceable: frozenset[str] = frozenset(),
    ) -> None:
        self._source = source.structure
        self._target = target.structure
        self._replaceable = replaceable
        self._taken = {(p.kind, p.target_scope or "", p.target_key) for p in pairs if p.target_key}

    def of(self, pair: Pair) -> Conflict | None:
        if (pair.target_scope or "") in self._replaceable:
            return None
        return next(self._found(pair), None)

    def _found(self, pair: Pair) -> Iterator[Conflict]:
        match pair.kind:
            case PairKind.ENTITY_TYPE if is_spa(int(pair.source_key)):
                types = self._target.entity_types.values()
                free = ((str(t.entity_type_id), t.title) for t in types if is_spa(t.entity_type_id))
                yield from self._namesakes(pair, free, "smart process")
                yield from self._hidden_namesakes(pair)
            case PairKind.CATEGORY:
                scope = EntityTypeId(int(pair.target_scope or 0))
                categories = self._target.categories.get(scope, {}).values()
                free = ((str(c.category_id), c.name) for c in categories)
                yield from self._namesakes(pair, free, "pipeline")
            case PairKind.STAGE | PairKind.STATUS:
                yield from self._statuses(pair)
            case PairKind.FIELD:
                yield from self._fields(pair)
            case _:
                return

    def _namesakes(
        self, pair: Pair, things: Iterable[tuple[str, str]], noun: str
    ) -> Iterator[Conflict]:
        for key, name in things:
            if _fold(name) == _fold(pair.source_name) and self._is_free(pair, key):
                what = f"the target has the {noun} '{name}' ({key}), and more than one would fit"
                yield Conflict(what, key, name)

    def _hidden_namesakes(self, pair: Pair) -> Iterator[Conflict]:
        """What is there but refuses to be read would be made a second time."""
        for one in self._target.refused_types:
            is_namesake = _fold(one.title) == _fold(pair.source_name)
            if is_spa(one.entity_type_id) and is_namesake:
                what = (
                    f"the target has the smart process '{one.title}' ({one.entity_type_id}), but "
                    f"refuses to show it ({one.refused}): give the webhook's user the right to "
                    "read it"
                )
                yield Conflict(what, str(one.entity_type_id), one.title)

    def _statuses(self, pair: Pair) -> Iterator[Conflict]:
        one = self._source.statuses.get(pair.scope, {}).get(pair.source_key)
        there = self._target.statuses.get(pair.target_scope or "", {}).values()
        if one is None:
            return
        for other in there:
            what = _status_conflict(one, other)
            if what and self._is_free(pair, other.status_id):
                yield Conflict(what, other.status_id, other.name)
        if one.semantics == "S":
            # b24restdocs api-reference/crm/status/crm-status-add.md: one successful stage only
            for other in (s for s in there if s.semantics == "S"):
                what = f"a pipeline has one successful stage, here '{other.name}'"
                yield Conflict(what, other.status_id, other.name)

    def _fields(self, pair: Pair) -> Iterator[Conflict]:
        source_type = EntityTypeId(int(pair.scope))
        target_type = EntityTypeId(int(pair.target_scope or 0))
        fields = self._source.fields.get(source_type)
        one = fields.get(pair.source_key) if fields else None
        if one is None or target_type not in self._target.entity_types:
            return
        before = self._source.entity_types[source_type]
        after = self._target.entity_types[target_type]
        code = before.user_field_code(one.stored_name)
        for other in self._target.fields.get(target_type, ()):
            if not other.is_dynamic or not self._is_free(pair, other.name):
                continue
            if after.user_field_code(other.stored_name) == code:
                yield _field_conflict("code", one, other)
            elif one.title and _fold(other.title) == _fold(one.title):
                yield _field_conflict("label", one, other)

    def _is_free(self, pair: Pair, target_key: str) -> bool:
        return (pair.kind, pair.target_scope or "", target_key) not in self._taken


def _status_conflict(one: Status, other: Status) -> str | None:
    if _fold(one.name) != _fold(other.name):
        return None
    here, there = _MEANINGS.get(one.semantics), _MEANINGS.get(other.semantics)
    if here != there:
        return f"'{other.name}' means {there} in the target, {here} in the source"
    return f"the target has '{other.name}' ({other.status_id}), and more than one would fit"


def _field_conflict(same: str, one: Field, other: Field) -> Conflict:
    shown = f"{other.title or other.name} ({other.stored_name})"
    if one.type != other.type:
        what = f"the target's {shown} has the same {same} but the type {other.type}, not {one.type}"
    elif one.is_multiple != other.is_multiple:
        here, there = _number(one), _number(other)
        what = f"the target's {shown} has the same {same} but is {there}, not {here}"
    else:
        what = f"the target has {shown}, and more than one would fit"
    return Conflict(what, other.name, other.title or other.name)


def _number(field: Field) -> str:
    return "multiple" if field.is_multiple else "single"


def _fold(text: str) -> str:
    return text.strip().casefold()


def choices(pair: Pair) -> str:
    """What the operator can do; the mapping file has a section for each kind."""
    line = ": ".join(p for p in (pair.kind.section, pair.scope, pair.source_key) if p)
    ways = [
        "rename one of the two, in the source or in the target, and export again",
        f"or name the partner in the mapping file ({line})",
    ]
    if pair.kind not in INDISPENSABLE:
        ways.append("or say `drop` there to leave it out")
    return ", ".join(ways)
