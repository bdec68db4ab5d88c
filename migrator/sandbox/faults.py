"""Which request meets which trouble: a plan of faults, counted and repeatable.

A plan says what goes wrong; `faulty_answers` does it. The same plan and the same requests in the
same order give the same faults.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random
from typing import TYPE_CHECKING, Any

from migrator.sandbox.files import DOWNLOAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class FaultKind(StrEnum):
    """What may befall a request."""

    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    EXECUTED_LATE = "executed_late"
    CUT_DURING_BATCH_IMPORT = "cut_during_batch_import"
    HTTP_500 = "http_500"
    HTTP_502_HTML = "http_502_html"
    RATE_LIMITED = "rate_limited"
    OPERATION_TIME_LIMIT = "operation_time_limit"
    TRUNCATED_JSON = "truncated_json"
    SLOW_ANSWER = "slow_answer"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - a kind of fault
    OVERLOAD_LIMIT = "overload_limit"
    REPORTED_FAILED_BUT_CREATED = "reported_failed_but_created"
    DOWN_FOR = "down_for"


_CREATES = ("crm.item.batchImport", "crm.item.import", "crm.item.add")
#: Kinds that only some methods can meet.
_ONLY_FOR = {
    FaultKind.CUT_DURING_BATCH_IMPORT: ("crm.item.batchImport",),
    FaultKind.REPORTED_FAILED_BUT_CREATED: _CREATES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """One line of a plan; it names its calls either by number or by chance."""

    kind: FaultKind
    #: of the HTTP request, a pattern as in a shell; a batch is `batch`
    method: str = "*"
    #: the n-th of the calls this rule is about, counted from 1
    at: int | None = None
    #: from `at` on, so many calls in a row; 0 is for ever
    times: int = 1
    #: of each call this rule is about, instead of `at`
    probability: float = 0.0
    #: of the rule's own random numbers
    seed: int = 0
    #: http_500, http_502_html, slow_answer: whether the portal executes the request
    executed: bool = False
    #: slow_answer, executed_late, down_for: how long
    seconds: float = 1.0
    #: cut_during_batch_import: how many items are created before the cut;
    #: reported_failed_but_created: which item of the request, counted from 0
    item: int = 0

    def is_about(self, method: str) -> bool:
        if self.kind is FaultKind.TRUNCATED_JSON and method == DOWNLOAD:
            return False
        only = _ONLY_FOR.get(self.kind)
        return fnmatchcase(method, self.method) and (only is None or method in only)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that happened: to the n-th call its rule is about."""

    rule: FaultRule
    method: str
    call: int

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.rule.kind, "method": self.method, "call": self.call}


class FaultPlan:
    """Rules in order; every rule counts its own calls, and the first one that strikes counts."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self.rules = tuple(rules)
        self.happened: list[Fault] = []
        self._calls = [0] * len(self.rules)
        self._chances = [Random(rule.seed) for rule in self.rules]  # noqa: S311 - repeatable

    def next(self, method: str) -> FaultRule | None:
        """What befalls the next request, if anything."""
        struck: Fault | None = None
        for number, rule in enumerate(self.rules):
            # All rules are asked, so that none changes when another one strikes.
            if rule.is_about(method) and self._strikes(number, rule) and struck is None:
                struck = Fault(rule, method, self._calls[number])
        if struck is None:
            return None
        self.happened.append(struck)
        return struck.rule

    def _strikes(self, number: int, rule: FaultRule) -> bool:
        self._calls[number] += 1
        if rule.at is None:
            return self._chances[number].random() < rule.probability
        later = self._calls[number] - rule.at
        return later >= 0 and (later < rule.times or rule.times == 0)

    def by_kind(self) -> dict[str, int]:
        return dict(sorted(Counter(str(fault.rule.kind) for fault in self.happened).items()))

    def as_dict(self) -> dict[str, Any]:
        return {
            "total": len(self.happened),
            "by_kind": self.by_kind(),
            "faults": [fault.as_dict() for fault in self.happened],
            "rules": [asdict(rule) for rule in self.rules],
        }


def read_rules(raw: object) -> tuple[FaultRule, ...]:
    """Read a plan as it stands in a seed. Raises: ValueError, for a rule that cannot be meant."""
    if not isinstance(raw, (list, tuple)):
        raise ValueError("a fault plan is a list of rules")
    return tuple(_read_rule(number, rule) for number, rule in enumerate(raw, start=1))


def _read_rule(number: int, raw: Mapping[str, Any]) -> FaultRule:
    unknown = set(raw) - {field.name for field in fields(FaultRule)}
    if unknown:
        raise ValueError(f"fault rule {number} has unknown keys: {', '.join(sorted(unknown))}")
    kinds = {str(kind) for kind in FaultKind}
    if raw.get("kind") not in kinds:
        raise ValueError(f"fault rule {number} needs a kind out of: {', '.join(sorted(kinds))}")
    rule = FaultRule(**{**raw, "kind": FaultKind(raw["kind"])})
    if (rule.at is None) == (not rule.probability):
        raise ValueError(f"fault rule {number} needs either `at` or a `probability`")
    if rule.at is not None and rule.at < 1:
        raise ValueError(f"fault rule {number}: calls are counted from 1")
    return rule
