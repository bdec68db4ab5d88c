"""A small closed part is moved for real, and the full run goes on from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from migrator.domain.records import LinkState, SampleReason
from migrator.domain.vocabulary import COMPANY, DEAL, SourceId
from migrator.plan.sample import Share
from tests.acceptance.in_process import opened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.app import App
    from tests.acceptance.conftest import MakePair, Pair

_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_MANY = 40


def _dated(number: int, **more: Any) -> dict[str, Any]:
    when = (_FIRST + timedelta(days=number)).isoformat()
    return {
        "id": number,
        "title": f"Item {number}",
        "createdTime": when,
        "updatedTime": when,
        "movedTime": when,
        **more,
    }


def _seed(companies_of: Mapping[int, int]) -> dict[str, Any]:
    """Forty companies and deals, one a day; a deal belongs to the company of its day."""
    deals = range(1, _MANY + 1)
    return {
        "items": {
            "4": [
                {key: value for key, value in _dated(n).items() if key != "movedTime"}
                for n in deals
            ],
            "2": [_dated(n, companyId=companies_of.get(n, n)) for n in deals],
        }
    }


def _move(app: App) -> None:
    app.load(app.plan())
    app.verify()


def _source_ids(app: App, entity_type_id: int) -> list[int]:
    found = app.workspace.staging.query_read_only(
        f"SELECT source_id FROM id_map WHERE entity_type_id = {entity_type_id} ORDER BY source_id"
    )
    return [int(row[0]) for row in found.rows]


def _dates(pair: Pair, entity_type_id: int) -> dict[str, datetime]:
    items = pair.target.items(entity_type_id).values()
    return {row["title"]: datetime.fromisoformat(row["createdTime"]) for row in items}


_AS_THEY_WERE = {f"Item {n}": _FIRST + timedelta(days=n) for n in range(1, _MANY + 1)}


def test_the_oldest_items_go_first_and_the_full_run_keeps_every_date(
    portals: MakePair, staging_url: str
) -> None:
    pair = portals(_seed({}), staging_url=staging_url)

    with opened(pair) as app:
        app.check()
        app.export()
        drawn = app.draw_sample(Share.parse("5%"))
        _move(app)
        assert drawn.counts[COMPANY] == {SampleReason.DRAWN: 2}
        assert (_source_ids(app, COMPANY), _source_ids(app, DEAL)) == ([1, 2], [1, 2])
    with opened(pair) as app:
        app.check()
        _move(app)

    assert (_dates(pair, COMPANY), _dates(pair, DEAL)) == (_AS_THEY_WERE, _AS_THEY_WERE)
    assert len(pair.target.items(DEAL)) == _MANY
    assert pair.rows("SELECT * FROM finding WHERE phase <> 'plan'") == []
    states = pair.rows("SELECT DISTINCT verified_state FROM id_map")
    assert [row["verified_state"] for row in states] == ["agrees"]


def test_a_link_from_the_sample_to_what_was_exported_later_is_set_by_the_full_run(
    portals: MakePair,
) -> None:
    pair = portals(_seed({}))
    only_deals = frozenset({DEAL})

    with opened(pair) as app:
        app.check()
        app.export(only_deals)
        app.draw_sample(Share.parse("5%"), only_deals)
        app.load(app.plan(only_deals))
        waiting = [row["companyId"] for row in pair.target.items(DEAL).values()]
    with opened(pair) as app:
        app.check()
        app.export()
        _move(app)

    companies = {number: row["title"] for number, row in pair.target.items(COMPANY).items()}
    deals = pair.target.items(DEAL).values()
    assert waiting == [None, None]
    assert {row["title"]: companies[row["companyId"]] for row in deals} == {
        title: title for title in _AS_THEY_WERE
    }
    assert (len(companies), len(deals)) == (_MANY, _MANY)
    states = pair.rows("SELECT DISTINCT verified_state FROM id_map")
    assert [row["verified_state"] for row in states] == ["agrees"]


def test_what_a_sampled_item_refers_to_is_in_the_sample_and_its_price_is_told_beforehand(
    portals: MakePair,
) -> None:
    pair = portals(_seed({1: 30, 2: 2}))

    with opened(pair) as app:
        app.check()
        app.export()
        drawn = app.draw_sample(Share.parse("5%"))
        (late,) = [f for f in app.plan().plan.findings if f.kind.value == "late-after-sample"]
        _move(app)
        links = app.link_counts()
    with opened(pair) as app:
        app.check()
        findings = app.plan().plan.findings
        app.load(app.plan())
        clamped = app.late_items()

    assert drawn.counts[COMPANY] == {SampleReason.DRAWN: 2, SampleReason.REFERRED_TO: 1}
    assert links.get(LinkState.PENDING, 0) == 0
    assert (late.entity_type_id, late.items) == (COMPANY, 27)  # the third to the 29th
    assert [f.items for f in findings if f.kind.value == "late-item"] == [27]
    assert clamped == 27


def test_the_sample_stays_the_same_when_it_is_resumed_and_grows_when_more_is_asked_for(
    portals: MakePair,
) -> None:
    pair = portals(_seed({1: 30}))
    with opened(pair) as app:
        app.check()
        app.export()
        first = app.draw_sample(Share.parse("5%"))

    with opened(pair) as app:
        pair.source.call("crm.item.add", {"entityTypeId": 2, "fields": {"title": "New"}})
        app.export()
        again = app.draw_sample(Share.parse("5%"))
        smaller = app.draw_sample(Share.parse("1%"))
        larger = app.draw_sample(Share.parse("10%"))

    assert again == first
    assert smaller == first
    assert larger.share == Share.parse("10%")
    assert larger.counts[DEAL] == {SampleReason.DRAWN: 4}
    assert larger.counts[COMPANY] == {SampleReason.DRAWN: 4, SampleReason.REFERRED_TO: 1}


def test_a_drawing_that_died_half_way_is_begun_anew(portals: MakePair) -> None:
    pair = portals(_seed({1: 30}))
    with opened(pair) as app:
        app.check()
        app.export()
        whole = app.draw_sample(Share.parse("5%"))
        with app.workspace.write() as repositories:
            setting = repositories.settings.get("sample")
            repositories.settings.set("sample", {**setting, "whole": False})
            repositories.sample.clear()
            repositories.sample.add(DEAL, [SourceId(7)], SampleReason.DRAWN)

        again = app.draw_sample(Share.parse("5%"))

    assert again == whole


def test_nobody_is_surprised_by_a_sample_that_makes_the_rest_late(portals: MakePair) -> None:
    pair = portals(_seed({1: 30}))

    refused = pair.migrator("run", "--sample", "5%")
    agreed = pair.migrator("run", "--sample", "5%", "--yes")

    assert refused.code == 2
    assert "sample-makes-late" in refused.err
    assert "27 items outside of the sample" in refused.err
    assert agreed.code == 0, agreed.err
    again = pair.migrator("run", "--sample", "5%", "--json")
    assert again.code == 0, "there is nothing left to agree to"
    assert again.json["sample"] == "5%"
    assert "Only the sample of 5% was moved" in agreed.out
    assert len(pair.target.items(DEAL)) == 2
    assert len(pair.target.items(COMPANY)) == 3
