"""People work in the target while the import runs: nothing of theirs is taken for ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.transport import Reply, Transport
from tests.acceptance.in_process import move

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair, Pair

IMPORT = "crm.item.batchImport"
DEALS = 40


def _seed() -> dict[str, Any]:
    return {
        "items": {
            "2": [
                {
                    "id": n,
                    "title": f"D{n}",
                    "createdTime": f"2024-01-{n % 28 + 1:02d}T00:00:00+03:00",
                    "updatedTime": "2024-02-01T00:00:00+03:00",
                }
                for n in range(1, DEALS + 1)
            ]
        }
    }


@pytest.fixture
def pair(portals: MakePair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Somebody adds a deal of their own once the first of ours has arrived."""
    pair = portals(_seed())
    post = Transport.post
    added: list[bool] = []

    def somebody_adds_a_deal(transport: Transport, method: str, body: bytes) -> Reply:
        if method == IMPORT and pair.target.items(2) and not added:
            added.append(True)
            fields = {"entityTypeId": 2, "fields": {"title": "Theirs"}}
            assert "result" in pair.target.call("crm.item.add", fields)
        return post(transport, method, body)

    monkeypatch.setattr(Transport, "post", somebody_adds_a_deal)
    return pair


def test_items_after_somebody_elses_are_clamped_and_on_record(pair: Pair) -> None:
    move(pair)

    titles = sorted(item["title"] for item in pair.target.items(2).values())
    assert titles == sorted(["Theirs", *(f"D{n}" for n in range(1, DEALS + 1))])
    late = pair.rows(
        "SELECT source_id, value FROM finding"
        " WHERE kind = 'late-item' AND phase = 'import' AND field = 'createdTime'"
    )
    assert 0 < len(late) < DEALS
    assert all(
        datetime.fromisoformat(row["value"]) < datetime(2024, 2, 1, tzinfo=UTC) for row in late
    )
    assert pair.rows("SELECT count(*) AS n FROM failed_item") == [{"n": 0}]
    assert pair.rows("SELECT count(*) AS n FROM difference") == [{"n": 0}]
    assert pair.target.losses == []


def test_the_summary_says_how_many_items_came_late(pair: Pair) -> None:
    move(pair)

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    assert "items lost or moved their dates because they came late" in outcome.out


def test_items_after_somebody_elses_can_be_made_to_fail(pair: Pair) -> None:
    move(pair, on_late_item="fail")

    outcome = pair.migrator("verify")

    assert outcome.code == 1
    failed = pair.rows("SELECT error, count(*) AS n FROM v_failed_items GROUP BY error")
    assert [row["error"] for row in failed] == ["LATE_ITEM"]
