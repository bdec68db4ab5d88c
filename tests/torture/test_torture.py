"""A selection of the attacks of `make torture`, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.sandbox import read_rules
from tests.torture.fault_plans import LATE_SECONDS
from tests.torture.trial import Verdict, a_trial

if TYPE_CHECKING:
    from tests.torture.bench import Bench

IMPORT = "crm.item.batchImport"
UPDATE = "crm.item.update"
#: The import of the last contact, of which a second one would not be too old for the target.
LAST_CONTACT = 4


def point(bench: Bench, name: str, number: int, offset: int) -> int:
    """The number of the point that stands `offset` after the `number`-th one of that name."""
    found = [place for place, one in enumerate(bench.quiet.points, start=1) if one == name]
    return found[number - 1] + offset


@pytest.mark.parametrize("offset", [-3, -2, 0, 1, 2, 3])
def test_killed_anywhere_around_an_import_the_next_run_completes_it(
    bench: Bench, offset: int
) -> None:
    verdict = bench.kill_at(point(bench, f"sent {IMPORT}", 3, offset))

    assert verdict.kills == 1
    assert verdict.complaints == []


@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_killed_anywhere_around_an_update_the_next_run_completes_it(
    sqlite_bench: Bench, offset: int
) -> None:
    verdict = sqlite_bench.kill_at(point(sqlite_bench, f"sent {UPDATE}", 2, offset))

    assert verdict.kills == 1
    assert verdict.complaints == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_killed_in_the_first_moments_the_next_run_begins_anew(
    sqlite_bench: Bench, number: int
) -> None:
    assert sqlite_bench.kill_at(number).complaints == []


@pytest.mark.parametrize("seed", [2, 3])
def test_after_random_kills_and_faults_the_target_is_as_without_them(
    bench: Bench, seed: int
) -> None:
    assert bench.attack_at_random(seed).complaints == []


def test_an_answer_lost_after_a_long_wait_for_the_limits_is_waited_for(sqlite_bench: Bench) -> None:
    verdict = under(sqlite_bench, *limited_then_late(LATE_SECONDS))

    assert verdict.faults == {"rate_limited": 7, "executed_late": 1}
    assert verdict.complaints == []


def test_a_process_killed_after_a_long_wait_for_the_limits_leaves_its_request_in_doubt(
    sqlite_bench: Bench,
) -> None:
    killed = point(sqlite_bench, f"sent {IMPORT}", LAST_CONTACT, 3 * 7)

    verdict = under(sqlite_bench, *limited_then_late(0.3), kill_at=killed)

    assert verdict.kills == 1
    assert verdict.faults == {"rate_limited": 7, "executed_late": 1}
    assert verdict.complaints == []


def test_a_slow_look_at_the_target_does_not_stand_for_what_was_created_meanwhile(
    sqlite_bench: Bench,
) -> None:
    late = {"kind": "executed_late", "method": IMPORT, "at": 1, "seconds": LATE_SECONDS}
    slow = {"kind": "slow_answer", "method": "crm.item.list", "at": 2, "seconds": 0.45}

    verdict = under(sqlite_bench, late, {**slow, "executed": True})

    assert verdict.faults == {"executed_late": 1, "slow_answer": 1}
    assert verdict.complaints == []


def test_the_judge_sees_a_duplicate(sqlite_bench: Bench) -> None:
    with (
        sqlite_bench.databases.new(upgraded=True) as url,
        a_trial(sqlite_bench.server, url) as trial,
    ):
        trial.run()
        row = next(iter(trial.target.items(3).values()))
        name = next(key for key in row if key.endswith("MIGRATOR_SOURCE"))
        trial.target.call("crm.item.add", {"entityTypeId": 3, "fields": {"name": "again"}})
        twin = trial.target.table(3).newest()
        assert twin is not None
        twin[name] = row[name]

        verdict = trial.judge(sqlite_bench.quiet)

    assert verdict.duplicates == 1


def test_the_judge_sees_what_is_missing_and_what_differs(sqlite_bench: Bench) -> None:
    with (
        sqlite_bench.databases.new(upgraded=True) as url,
        a_trial(sqlite_bench.server, url) as trial,
    ):
        trial.run()
        deals = trial.target.table(2)
        deals.remove(deals.ids[-1])
        deals.rows[deals.ids[0]]["companyId"] = None

        verdict = trial.judge(sqlite_bench.quiet)

    assert verdict.losses == 1
    assert any("D_51.companyId: None" in complaint for complaint in verdict.complaints)


def limited_then_late(seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """An import that is refused until the time for it seems to be over, then loses its answer."""
    return (
        {"kind": "rate_limited", "method": IMPORT, "at": LAST_CONTACT, "times": 7},
        {"kind": "executed_late", "method": IMPORT, "at": LAST_CONTACT + 7, "seconds": seconds},
    )


def under(bench: Bench, *rules: dict[str, Any], kill_at: int | None = None) -> Verdict:
    with (
        bench.databases.new(upgraded=False) as url,
        a_trial(bench.server, url, target_rules=read_rules(rules)) as trial,
    ):
        trial.run_to_the_end([kill_at])
        return trial.judge(bench.quiet)
