"""The lines of a mapping file, each with its number, not yet compared with the two portals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrator.domain.mapping import PairKey, PairKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from ruamel.yaml.comments import CommentedMap

    from migrator.domain.mapping import MatchRule
    from migrator.domain.vocabulary import SourceId, TargetId

DROP = "drop"
#: The answer for an item that is none of those it was found to be the same as.
NEW = "new"
#: The level of a rule below which those answers stand.
ANSWERS = "answers"

#: Sections of pairs `source: target`, by their name.
PAIR_SECTIONS: Mapping[str, PairKind] = {kind.section: kind for kind in PairKind}
#: Those whose lines stand directly below the section's name.
WITHOUT_SCOPE = frozenset({PairKind.ENTITY_TYPE, PairKind.USER, PairKind.CURRENCY})

DEFAULT_USER = "default_user"
DEPARTMENTS = "departments"
RATES = "rates"
FILTERS = "filters"
MATCH = "match"
#: Every section, in the order in which they are written and explained.
SECTIONS = (*PAIR_SECTIONS, DEFAULT_USER, DEPARTMENTS, RATES, FILTERS, MATCH)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingLine:
    """One answer of the operator; `answer` is None for `drop`.

    Users may be named by e-mail: `written` is what stands in the file, `key` and `answer` what it
    comes to once the portals' users are known.
    """

    key: PairKey
    answer: str | None
    line: int
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLine:
    """Who takes the place of users without a partner; `department` is None for everybody."""

    department: str | None
    user: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLine:
    currency: str
    rate: Decimal
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterLines:
    """The conditions on the items of one entity type, as they stand in the file."""

    entity_type: str
    conditions: CommentedMap
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLine:
    """Which item of the target a source item is; None for a new one."""

    source_id: SourceId
    target_id: TargetId | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchLines:
    entity_type: str
    rule: MatchRule
    line: int
    #: where `match_on` stands
    fields_line: int
    answers: tuple[AnswerLine, ...] = ()
