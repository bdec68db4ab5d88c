"""Whatever ends the process, the next run finishes its work: nothing missing, nothing twice."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.vocabulary import COMPANY, DEAL
from migrator.export.items import ItemExport
from tests.acceptance.in_process import opened
from tests.acceptance.waiting import wait_until

if TYPE_CHECKING:
    import subprocess

    from migrator.domain.records import SaveCounts
    from migrator.domain.vocabulary import EntityTypeId
    from tests.acceptance.conftest import MakePair, Pair

DEALS = 300


def many_deals() -> dict[str, Any]:
    """Deals that each refer to a company."""
    deals = [
        {
            "id": number,
            "title": f"Deal {number}",
            "createdTime": f"2024-01-01T{number // 60:02d}:{number % 60:02d}:00+03:00",
            "updatedTime": "2024-02-01T00:00:00+03:00",
            "companyId": 1 + number % 3,
            "opportunity": number,
            "isManualOpportunity": "Y",
        }
        for number in range(1, DEALS + 1)
    ]
    companies = [{"id": number, "title": f"Company {number}"} for number in (1, 2, 3)]
    return {"items": {"2": deals, "4": companies}}


@pytest.fixture
def pair(portals: MakePair) -> Pair:
    return portals(many_deals())


def _start_and_wait(pair: Pair, created: int) -> subprocess.Popen[str]:
    pair.work_slowly()
    process = pair.start("run")
    wait_until(lambda: len(pair.target.items(2)) >= created)
    return process


def _assert_everything_is_there_once(pair: Pair) -> None:
    titles = sorted(item["title"] for item in pair.target.items(2).values())
    assert titles == sorted(item["title"] for item in pair.source.items(2).values())
    assert pair.migrator("audit", "duplicates", "--json").json == []
    assert pair.target.losses == []


@pytest.mark.parametrize("created", [1, 40, 150])
def test_after_a_kill_during_import_the_next_run_completes_it(pair: Pair, created: int) -> None:
    with _start_and_wait(pair, created) as process:
        process.kill()
    pair.work_at_once()

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    _assert_everything_is_there_once(pair)


def test_ctrl_c_settles_the_batch_in_flight_and_exits_130(pair: Pair) -> None:
    with _start_and_wait(pair, 20) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "run the same command again to resume" in err
    in_flight = pair.rows("SELECT * FROM import_batch WHERE state <> 'settled'")
    assert in_flight == []
    assert pair.rows("SELECT count(*) AS n FROM id_map WHERE entity_type_id = 2")[0]["n"] == len(
        pair.target.items(2)
    )


def test_sigterm_settles_the_batch_in_flight_and_exits_3(pair: Pair) -> None:
    with _start_and_wait(pair, 20) as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    pair.work_at_once()

    assert process.returncode == 3
    assert pair.migrator("run").code == 0
    _assert_everything_is_there_once(pair)


def test_a_second_process_on_the_same_migration_is_refused(pair: Pair) -> None:
    with _start_and_wait(pair, 1) as first:
        second = pair.migrator("run")
        pair.work_at_once()
        _, err = first.communicate(timeout=60)

    assert second.code == 3
    assert "another process" in second.err
    assert first.returncode == 0, err


def test_a_second_run_sends_no_write_at_all(pair: Pair) -> None:
    assert pair.migrator("run").code == 0
    before = len(pair.writes())

    outcome = pair.migrator("run")

    assert outcome.code == 0
    assert len(pair.writes()) == before > 0


def test_exporting_twice_changes_nothing_and_a_changed_item_is_updated(pair: Pair) -> None:
    pair.migrator("export")
    again = pair.migrator("export", "--json").json
    pair.source.call(
        "crm.item.update", {"entityTypeId": 2, "id": 7, "fields": {"title": "Renamed"}}, user_id=1
    )

    changed = pair.migrator("export", "--json").json

    assert again == {"new": 0, "changed": 0, "same": DEALS + 3}
    assert changed == {"new": 0, "changed": 1, "same": DEALS + 2}


def test_a_type_that_is_exported_for_the_first_time_does_not_keep_the_others_from_being_read_again(
    pair: Pair,
) -> None:
    with opened(pair) as app:
        app.export(frozenset({DEAL}))
    pair.source.call(
        "crm.item.update", {"entityTypeId": 2, "id": 7, "fields": {"title": "Renamed"}}, user_id=1
    )

    with opened(pair) as app:
        counts = app.export(refresh=True)

    assert (counts.new, counts.changed, counts.same) == (3, 1, DEALS - 1)


def test_an_export_that_was_cut_short_before_a_type_goes_on_and_reads_nothing_twice(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = ItemExport._export_type

    def only_the_first(export: ItemExport, entity_type_id: EntityTypeId, *rest: Any) -> SaveCounts:
        if entity_type_id != DEAL:
            raise InterruptedError
        return done(export, entity_type_id, *rest)

    with monkeypatch.context() as patch, opened(pair) as app:
        patch.setattr(ItemExport, "_export_type", only_the_first)
        with pytest.raises(InterruptedError):
            app.export(frozenset({DEAL, COMPANY}), refresh=True)

    with opened(pair) as app:
        counts = app.export(frozenset({DEAL, COMPANY}), refresh=True)

    assert (counts.new, counts.same) == (3, 0)
