"""Random fault plans, the same for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import FaultKind, FaultRule
from tests.torture.fork_server import READ_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from random import Random

#: How long a portal goes on with a request whose connection was cut, in real seconds. The program
#: is told a little more, by MIGRATOR_TARGET__REQUEST_CUTOFF_SECONDS.
LATE_SECONDS = 0.1
#: An answer that comes when the client has given up.
SLOW_SECONDS = READ_TIMEOUT_SECONDS * 1.4
DOWN_SECONDS = 0.2

_WRITES = "crm.item.*mport"
_UPDATES = "crm.item.update"
_FIELDS = "*userfield*.add"
_READING_KINDS = (
    FaultKind.CUT_BEFORE,
    FaultKind.CUT_AFTER,
    FaultKind.HTTP_500,
    FaultKind.HTTP_502_HTML,
    FaultKind.RATE_LIMITED,
    FaultKind.OPERATION_TIME_LIMIT,
    FaultKind.TRUNCATED_JSON,
    FaultKind.SLOW_ANSWER,
    FaultKind.EXPIRED_TOKEN,
    FaultKind.OVERLOAD_LIMIT,
    FaultKind.DOWN_FOR,
)
_SECONDS = {
    FaultKind.EXECUTED_LATE: LATE_SECONDS,
    FaultKind.SLOW_ANSWER: SLOW_SECONDS,
    FaultKind.DOWN_FOR: DOWN_SECONDS,
}


def target_rules(random: Random) -> list[FaultRule]:
    """Up to five rules, most of them about writes."""
    return [
        a_rule(random, random.choice(list(FaultKind)), _method(random))
        for _ in range(random.randint(1, 5))
    ]


def source_rules(random: Random) -> list[FaultRule]:
    """A source is only read, so what it does with a cut request does not matter."""
    return [a_rule(random, random.choice(_READING_KINDS), "*") for _ in range(random.randint(0, 2))]


def a_rule(random: Random, kind: FaultKind, method: str) -> FaultRule:
    options: dict[str, Any] = {
        "kind": kind,
        "method": method,
        "executed": random.random() < 0.5,
        "item": random.randint(0, 6),
        "seconds": _SECONDS.get(kind, 0.0),
        "seed": random.randrange(1_000_000),
    }
    if random.random() < 0.5:
        return FaultRule(**options, at=random.randint(1, 8), times=random.choice((1, 1, 1, 2, 3)))
    return FaultRule(**options, probability=random.choice((0.05, 0.1, 0.2)))


def _method(random: Random) -> str:
    return random.choice((_WRITES, _WRITES, _WRITES, _UPDATES, _FIELDS, "batch", "*"))
