"""Every fault a portal can have, met by `migrator run`: it finishes, or stops and resumes.

The program runs in processes of its own, with a clock fast enough that its waits can be waited for
(tests/torture). Each migration is compared, item by item and field by field, with one that met no
fault, and a further run must find nothing to write.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from migrator.sandbox import FaultKind, read_rules
from tests.torture.fault_plans import DOWN_SECONDS, LATE_SECONDS, SLOW_SECONDS
from tests.torture.trial import Trial, a_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.torture.bench import Bench

IMPORT = "crm.item.batchImport"
UPDATE = "crm.item.update"
LOOK = "crm.item.list"
NEW_FIELD = "*userfield*.add"
FILE = "crm.controller.item.getFile"

Rule = dict[str, Any]

#: Faults whose outcome is unknown to the client, and what the portal did with the request.
LOST: list[Rule] = [
    {"kind": "cut_before"},
    {"kind": "cut_after"},
    {"kind": "executed_late", "seconds": LATE_SECONDS},
    {"kind": "cut_during_batch_import", "item": 0},
    {"kind": "cut_during_batch_import", "item": 2},
    {"kind": "http_500", "executed": True},
    {"kind": "http_500", "executed": False},
    {"kind": "http_502_html", "executed": True},
    {"kind": "http_502_html", "executed": False},
    {"kind": "truncated_json"},
    {"kind": "slow_answer", "executed": True, "seconds": SLOW_SECONDS},
    {"kind": "slow_answer", "executed": False, "seconds": SLOW_SECONDS},
    {"kind": "down_for", "seconds": DOWN_SECONDS},
]
#: Faults that leave no doubt.
REFUSED: list[Rule] = [
    {"kind": "rate_limited", "times": 3},
    {"kind": "operation_time_limit"},
    {"kind": "reported_failed_but_created", "item": 1},
]
#: Faults that only somebody who acts can end, and what that somebody is told.
STOPPING: list[tuple[Rule, str]] = [
    ({"kind": "expired_token"}, "is it still there, not expired"),
    ({"kind": "overload_limit"}, "only Bitrix24 support can lift"),
]


#: Items that more than one request is on record to have created.
CREATED_TWICE = """
SELECT entity_type_id, source_id FROM import_batch_item
WHERE outcome IN ('created', 'adopted')
GROUP BY entity_type_id, source_id HAVING count(*) > 1
"""


def named(rule: object) -> str:
    values = rule.values() if isinstance(rule, dict) else [rule]
    return "-".join(str(value) for value in values)[:60]


@pytest.fixture
def bench(sqlite_bench: Bench) -> Bench:
    return sqlite_bench


@contextmanager
def migration(
    bench: Bench, *, source: Rule | None = None, target: Rule | None = None
) -> Iterator[Trial]:
    """Two portals, one of which has a fault."""
    with (
        bench.databases.new(upgraded=True) as url,
        a_trial(
            bench.server,
            url,
            source_rules=read_rules([source] if source else []),
            target_rules=read_rules([target] if target else []),
        ) as trial,
    ):
        yield trial


@pytest.mark.parametrize("rule", LOST, ids=named)
def test_after_a_lost_import_the_target_is_asked_and_what_is_there_is_not_sent_again(
    bench: Bench, rule: Rule
) -> None:
    with migration(bench, target={**rule, "method": IMPORT, "at": 3}) as trial:
        run = trial.run()
        sent_again = trial.ask(CREATED_TWICE)
        verdict = trial.judge(bench.quiet)

    assert run.code == 0, run.err
    assert set(verdict.faults) == {rule["kind"]}
    assert requests_after(run.points, IMPORT, 3)[0] == LOOK
    assert sent_again == []
    assert verdict.complaints == []


@pytest.mark.parametrize("rule", REFUSED, ids=named)
def test_one_run_gets_over_a_refused_import(bench: Bench, rule: Rule) -> None:
    with migration(bench, target={**rule, "method": IMPORT, "at": 3}) as trial:
        run = trial.run()
        verdict = trial.judge(bench.quiet)

    assert run.code == 0, run.err
    assert set(verdict.faults) == {rule["kind"]}
    assert verdict.complaints == []


@pytest.mark.parametrize(
    ("method", "rule"),
    [
        (UPDATE, {"kind": "cut_after"}),
        (UPDATE, {"kind": "http_500"}),
        (NEW_FIELD, {"kind": "cut_before"}),
        (NEW_FIELD, {"kind": "http_502_html", "executed": True}),
        (LOOK, {"kind": "rate_limited"}),
        (LOOK, {"kind": "truncated_json"}),
        ("batch", {"kind": "cut_after"}),
        ("batch", {"kind": "operation_time_limit"}),
        (FILE, {"kind": "http_502_html"}),
        (FILE, {"kind": "slow_answer", "executed": True, "seconds": SLOW_SECONDS}),
    ],
    ids=named,
)
def test_one_run_gets_over_a_fault_of_any_other_request(
    bench: Bench, rule: Rule, method: str
) -> None:
    with migration(bench, target={**rule, "method": method, "at": 2}) as trial:
        run = trial.run()
        verdict = trial.judge(bench.quiet)

    assert run.code == 0, run.err
    assert verdict.faults == {rule["kind"]: 1}
    assert verdict.complaints == []


@pytest.mark.parametrize(
    ("method", "rule"),
    [
        ("batch", {"kind": "cut_after"}),
        ("batch", {"kind": "http_500"}),
        ("batch", {"kind": "down_for", "seconds": DOWN_SECONDS}),
        ("batch", {"kind": "slow_answer", "executed": True, "seconds": SLOW_SECONDS}),
        (FILE, {"kind": "cut_before"}),
        (FILE, {"kind": "http_502_html"}),
    ],
    ids=named,
)
def test_one_run_gets_over_a_fault_of_the_source(bench: Bench, rule: Rule, method: str) -> None:
    with migration(bench, source={**rule, "method": method, "at": 2}) as trial:
        run = trial.run()
        verdict = trial.judge(bench.quiet)

    assert run.code == 0, run.err
    assert verdict.faults == {rule["kind"]: 1}
    assert verdict.complaints == []


@pytest.mark.parametrize(("rule", "advice"), STOPPING, ids=named)
@pytest.mark.parametrize("method", [IMPORT, UPDATE, LOOK])
def test_a_run_that_cannot_go_on_stops_with_a_sentence_and_resumes(
    bench: Bench, rule: Rule, advice: str, method: str
) -> None:
    with migration(bench, target={**rule, "method": method, "at": 2}) as trial:
        stopped = trial.run()
        trial.run()
        verdict = trial.judge(bench.quiet)

    assert stopped.code == 3
    assert advice in stopped.err
    assert "Traceback" not in stopped.err
    assert verdict.complaints == []


def test_a_webhook_that_expired_before_the_run_stops_it_before_anything_is_written(
    bench: Bench,
) -> None:
    with migration(bench, target={"kind": "expired_token", "at": 1}) as trial:
        stopped = trial.run()
        items = [len(trial.target.items(etid)) for etid in trial.target.entity_type_ids()]

    assert stopped.code == 2
    assert "is it still there, not expired" in stopped.err
    assert sum(items) == 0


def test_a_target_that_does_not_come_back_stops_the_run_which_resumes_when_it_has(
    bench: Bench,
) -> None:
    gone = {"kind": "cut_before", "method": "crm.*", "at": 8, "times": 0}
    with migration(bench, target=gone) as trial:
        stopped = trial.run()
        trial.leave_in_peace()
        trial.run()
        verdict = trial.judge(bench.quiet)

    assert stopped.code == 3
    assert "the connection was cut" in stopped.err
    assert "then run the same command again" in stopped.err
    assert verdict.complaints == []


def test_an_update_that_was_carried_out_is_not_called_failed_for_its_lost_answers(
    bench: Bench,
) -> None:
    with migration(
        bench, target={"kind": "cut_after", "method": UPDATE, "at": 2, "times": 3}
    ) as trial:
        run = trial.run()
        failed = trial.ask("SELECT source_id, detail FROM deferred_link WHERE state = 'failed'")

    assert failed == []
    assert run.code == 0, run.err


def test_every_kind_of_fault_is_met_here() -> None:
    met = {rule["kind"] for rule in (*LOST, *REFUSED)} | {rule["kind"] for rule, _ in STOPPING}

    assert {str(kind) for kind in FaultKind} - met == set()


def requests_after(points: tuple[str, ...], method: str, number: int) -> list[str]:
    """The methods asked of the target after the n-th call of one, in order."""
    places = [place for place, one in enumerate(points) if one == f"sent {method}"]
    later = points[places[number - 1] + 1 :]
    return [one.removeprefix("before ") for one in later if one.startswith("before crm.")]
