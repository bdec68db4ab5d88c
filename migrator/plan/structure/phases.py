"""In which order structure is created: each phase needs what the ones before it have made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from migrator.domain.mapping import Pair, PairKey, PairKind
from migrator.plan.structure.diff import compare_structures
from migrator.plan.structure.fields import FieldSteps, enumeration_steps
from migrator.plan.structure.parts import Correspondence
from migrator.plan.structure.pipelines import (
    category_steps,
    default_category_steps,
    unfinished_stages,
    untouched_directories,
)
from migrator.plan.structure.stages import replacing_steps, status_steps
from migrator.plan.structure.steps import (
    currency_steps,
    rate_losses,
    relation_steps,
    type_steps,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from migrator.domain.findings import Finding
    from migrator.domain.records import StructureCreation
    from migrator.plan.structure.lines import StructureDiff
    from migrator.plan.structure.parts import Parts


@dataclass(frozen=True)
class Situation:
    """Both structures as they are now, the pairs in force, and what was made up to now."""

    source: Parts
    target: Parts
    pairs: Sequence[Pair]
    creations: Sequence[StructureCreation]

    @cached_property
    def correspondence(self) -> Correspondence:
        return Correspondence(self.pairs, self.target.structure)

    @cached_property
    def diff(self) -> StructureDiff:
        replaceable = set(untouched_directories(self.creations).values())
        replaceable |= {step.target_scope or "" for step in unfinished_stages(self.creations)}
        return compare_structures(self.source, self.target, self.pairs, frozenset(replaceable))


def created_pairs(creations: Iterable[StructureCreation]) -> dict[PairKey, str]:
    """What was made for a part of the source, for the pairing."""
    kinds = {kind.value: kind for kind in PairKind}
    return {
        PairKey(kinds[one.kind], one.scope, one.source_key): one.target_key
        for one in creations
        if one.is_there and one.target_key is not None and one.kind in kinds
    }


#: Steps that are put on record together, before the first of them is taken.
Steps = list["StructureCreation"]
StructurePhase = Callable[[Situation], list[Steps]]


def _one_by_one(steps: Iterable[StructureCreation]) -> list[Steps]:
    return [[step] for step in steps]


def _currencies_and_types(now: Situation) -> list[Steps]:
    """Currencies first: settings of user fields name them."""
    currencies = currency_steps(now.diff, now.source, now.target)
    return _one_by_one([*currencies, *type_steps(now.diff, now.source, now.target)])


def _default_categories(now: Situation) -> list[Steps]:
    return _one_by_one(default_category_steps(now.source, now.target, now.creations))


def _relations_and_categories(now: Situation) -> list[Steps]:
    relations = relation_steps(now.diff, now.source, now.target, now.correspondence)
    categories = category_steps(now.diff, now.source, now.target, now.correspondence)
    return _one_by_one([*relations, *categories])


def _first_stages(now: Situation) -> list[Steps]:
    """All of a pipeline at once: afterwards nobody could tell which stages it was born with."""
    untouched = untouched_directories(now.creations)
    return [
        replacing_steps(now.source, now.target, here, there) for here, there in untouched.items()
    ]


def _statuses(now: Situation) -> list[Steps]:
    return _one_by_one(status_steps(now.diff, now.source, now.target, now.correspondence))


def _fields(now: Situation) -> list[Steps]:
    fields = FieldSteps(now.diff, now.source, now.target, now.correspondence).steps()
    values: dict[tuple[str, str], Steps] = {}
    for step in enumeration_steps(now.diff, now.source, now.target):
        values.setdefault((step.scope, step.target_scope or ""), []).append(step)
    return [*_one_by_one(fields), *values.values()]


PHASES: tuple[StructurePhase, ...] = (
    _currencies_and_types,
    _default_categories,
    _relations_and_categories,
    _first_stages,
    _statuses,
    _fields,
)


def currency_losses(now: Situation) -> list[Finding]:
    """What the missing currencies will be created without."""
    return list(rate_losses(now.diff, now.source, now.target))


def setting_losses(now: Situation) -> list[Finding]:
    """What the missing user fields will be created without, once the types are there."""
    return list(FieldSteps(now.diff, now.source, now.target, now.correspondence).losses())
