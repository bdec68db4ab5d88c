"""`migrator undo`: what a migration made goes, what people touched stays."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.transport import Reply, Transport
from migrator.domain.undoing import KeepReason
from migrator.domain.vocabulary import EntityTypeId
from migrator.load.links import DeferredLinks
from migrator.sandbox import twin_structure
from migrator.staging import Staging
from migrator.undo.stage import UndoOptions, UndoResult, UndoUnfinished
from tests.acceptance.in_process import move, opened
from tests.acceptance.structured_portal import (
    empty_target,
    small_structure,
    target_of_small_structure,
)
from tests.acceptance.whole_portal import whole_portal
from tests.torture.kill_points import CommitPoints
from tests.torture.small_portal import small_portal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.sandbox import Portal
    from tests.acceptance.conftest import MakePair, Pair

TIME = "2024-01-01T00:00:00+03:00"
DELETE = b"crm.item.delete"

#: What importing and verifying leave in staging, besides what the export and the plan do.
LEFT_BY_IMPORT = (
    "id_map",
    "import_batch",
    "import_batch_item",
    "deferred_link",
    "failed_item",
    "difference",
    "item_file",
)

Contents = dict[int, dict[int, dict[str, Any]]]


class Died(BaseException):
    """Stands for the end of the process."""


def _items(count: int, **more: Any) -> list[dict[str, Any]]:
    common = {"createdTime": TIME, "updatedTime": TIME, **more}
    return [{"id": n, "title": f"I{n}", **common} for n in range(1, count + 1)]


def _contacts(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"name": one.pop("title"), **one} for one in _items(count, **more)]


#: Deals of companies and contacts; leads and contacts name each other, so links are deferred.
LINKED = {
    "items": {
        "4": _items(3),
        "3": _contacts(3, companyIds=[1], leadId=2),
        "1": _items(3, contactIds=[1, 2]),
        "2": _items(12, companyId=1, contactIds=[3]),
    }
}


def _contents(portal: Portal) -> Contents:
    return {t: rows for t in portal.entity_type_ids() if (rows := portal.items(t))}


def _undo(pair: Pair, migration: str = "default", **options: Any) -> UndoResult:
    with opened(pair, migration) as app:
        return app.undo(UndoOptions(carry_out=True, **options))


def _rows(pair: Pair, sql: str) -> list[dict[str, Any]]:
    """Ask staging in this process: a process of its own for each question takes its time."""
    with Staging.open(pair.staging_url) as staging:
        found = staging.query_read_only(sql, limit=10_000)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def _reasons(pair: Pair) -> dict[tuple[int, int], str]:
    rows = _rows(pair, "SELECT entity_type_id, source_id, reason FROM kept_item")
    return {(row["entity_type_id"], row["source_id"]): row["reason"] for row in rows}


def _id_of(pair: Pair, entity_type_id: int, source_id: int) -> int:
    sql = f"SELECT target_id FROM id_map WHERE entity_type_id={entity_type_id}"
    return int(_rows(pair, f"{sql} AND source_id={source_id}")[0]["target_id"])


def _left_by_import(pair: Pair) -> dict[str, int]:
    counted = " UNION ALL ".join(
        f"SELECT '{table}' AS t, count(*) AS n FROM {table}" for table in LEFT_BY_IMPORT
    )
    found = _rows(
        pair,
        f"{counted} UNION ALL SELECT 'finding', count(*) FROM finding "
        "WHERE phase IN ('import', 'verify') UNION ALL SELECT 'setting', count(*) "
        "FROM migration_setting WHERE key LIKE 'target_type%' OR key LIKE 'undo%'",
    )
    return {row["t"]: row["n"] for row in found if row["n"]}


def _change(
    pair: Pair, entity_type_id: int, item_id: int, user_id: int | None = None, **fields: Any
) -> None:
    params = {"entityTypeId": entity_type_id, "id": item_id, "fields": fields}
    assert "result" in pair.target.call("crm.item.update", params, user_id=user_id)


def _add(pair: Pair, entity_type_id: int, **fields: Any) -> int:
    params = {"entityTypeId": entity_type_id, "fields": fields}
    return int(pair.target.call("crm.item.add", params)["result"]["item"]["id"])


def _without_identity(contents: Contents) -> list[Any]:
    """Items by what they hold, as far as no identifier and no moment of the run is in it."""
    told = ("title", "name", "createdTime", "updatedTime", "stageId", "UF_CRM_MIGRATOR_SOURCE")
    return sorted(
        (entity_type_id, *(_timeless(str(row.get(name))) for name in told))
        for entity_type_id, rows in contents.items()
        for row in rows.values()
    )


def _timeless(text: str) -> str:
    """An update that sets a deferred link stamps the moment; everything imported is older."""
    return "time of the run" if "2025" < text[:4] < "2100" else text


def test_undo_leaves_the_target_as_it_was_and_the_migration_can_be_run_again(
    portals: MakePair, staging_url: str
) -> None:
    seed = whole_portal()
    target = twin_structure(seed)
    theirs = {"id": 7, "title": "Theirs", "createdTime": "2010-01-01T00:00:00+03:00"}
    target["items"] = {"2": [theirs]}
    pair = portals(seed, target=target, staging_url=staging_url)
    before = _contents(pair.target)
    move(pair)
    first = _contents(pair.target)

    result = _undo(pair)

    assert result.kept == 0
    assert _contents(pair.target) == before
    assert _left_by_import(pair) == {}
    move(pair)
    assert _rows(pair, "SELECT * FROM difference") == []
    assert _without_identity(_contents(pair.target)) == _without_identity(first)


def test_by_default_it_only_lists_and_writes_nothing(portals: MakePair) -> None:
    pair = portals(LINKED)
    move(pair)
    _change(pair, 2, _id_of(pair, 2, 5), title="Theirs now")
    before, written = _contents(pair.target), len(pair.writes())

    outcome = pair.migrator("undo", "--json")

    assert outcome.code == 0, outcome.err
    counts = {one["entity_type_id"]: one for one in outcome.json["undo"]}
    assert (counts[2]["to_remove"], counts[2]["kept"]) == (11, {"changed": 1})
    assert not outcome.json["carried_out"]
    assert len(pair.writes()) == written
    assert _contents(pair.target) == before


def test_an_item_people_changed_stays_with_all_it_refers_to_unless_forced(
    portals: MakePair,
) -> None:
    pair = portals(LINKED)
    move(pair)
    changed = _id_of(pair, 2, 5)
    _change(pair, 2, changed, title="Theirs now")

    outcome = pair.migrator("undo", "--yes", "--json")

    assert outcome.code == 1, outcome.err
    assert list(pair.target.items(2)) == [changed]
    # The deal's company and contact, the contact's lead, and the contacts that lead names.
    assert _reasons(pair) == {
        (2, 5): "changed",
        (4, 1): "referred-to",
        (3, 3): "referred-to",
        (1, 2): "referred-to",
        (3, 1): "referred-to",
        (3, 2): "referred-to",
    }
    assert _undo(pair, force=True).kept == 0
    assert _contents(pair.target) == {}


def test_an_item_that_others_refer_to_stays(portals: MakePair) -> None:
    pair = portals(LINKED)
    move(pair)
    theirs = _add(pair, 2, title="Theirs", companyId=_id_of(pair, 4, 2))

    result = _undo(pair)

    assert result.kept == 1
    assert _reasons(pair) == {(4, 2): "referred-to"}
    assert {t: list(rows) for t, rows in _contents(pair.target).items()}[2] == [theirs]
    (kept,) = _rows(pair, "SELECT detail FROM kept_item")
    assert kept["detail"] == f"Deal {theirs} stays and refers to it (companyId)"


def test_what_is_left_in_the_target_by_only_protects_what_it_refers_to(portals: MakePair) -> None:
    pair = portals(LINKED)
    move(pair)

    result = _undo(pair, only=frozenset({4}))

    assert _reasons(pair) == {(4, 1): "referred-to"}
    assert [(one.entity_type_id, one.removed) for one in result.types] == [(4, 2)]


def test_links_torn_by_force_are_set_again_by_the_next_run(portals: MakePair) -> None:
    pair = portals(LINKED)
    move(pair)

    _undo(pair, only=frozenset({4}), force=True)
    assert len(pair.target.items(4)) == 0

    move(pair)
    company = _id_of(pair, 4, 1)
    assert {row["companyId"] for row in pair.target.items(2).values()} == {company}
    assert _rows(pair, "SELECT * FROM deferred_link WHERE state <> 'done'") == []


def test_an_item_is_not_taken_away_for_another_that_has_its_number(portals: MakePair) -> None:
    """A portal that was set back to a backup gives its numbers a second time."""
    pair = portals({"items": {"2": _items(2)}})
    move(pair)
    reused = _id_of(pair, 2, 1)
    later = {"createdTime": "2026-01-01T00:00:00+03:00", "UF_CRM_MIGRATOR_SOURCE": ""}
    pair.target.table(2).rows[reused].update(later)

    result = _undo(pair, force=True)

    assert result.kept == 1
    assert _reasons(pair) == {(2, 1): "another-item"}
    assert list(pair.target.items(2)) == [reused]


def test_an_item_whose_mark_was_emptied_goes_with_force(portals: MakePair) -> None:
    pair = portals({"items": {"2": _items(2)}})
    move(pair)
    emptied = _id_of(pair, 2, 1)
    pair.target.table(2).rows[emptied]["UF_CRM_MIGRATOR_SOURCE"] = ""

    _undo(pair)
    kept = _reasons(pair)
    _undo(pair, force=True)

    assert kept == {(2, 1): "unmarked"}
    assert _contents(pair.target) == {}


def test_a_copy_is_listed_and_never_removed(portals: MakePair) -> None:
    pair = portals({"items": {"2": _items(2)}})
    move(pair)
    mark = pair.target.items(2)[_id_of(pair, 2, 1)]["UF_CRM_MIGRATOR_SOURCE"]
    copy = _add(pair, 2, title="Copied by hand", ufCrmMigratorSource=mark)

    result = _undo(pair, force=True)

    assert result.kept == 1
    assert list(pair.target.items(2)) == [copy]
    assert _reasons(pair) == {(2, 1): "copy"}


def test_what_another_migration_made_stays_until_that_one_is_undone(portals: MakePair) -> None:
    pair = portals({"items": {"2": _items(2)}})
    move(pair)
    move(pair, "again")

    kept = _undo(pair, "again", force=True)

    assert [one.kept for one in kept.types] == [{KeepReason.OF_ANOTHER_MIGRATION: 2}]
    assert len(pair.target.items(2)) == 2
    assert _undo(pair).kept == 0
    assert _contents(pair.target) == {}


def test_an_item_that_was_matched_is_not_the_migrations_to_remove(portals: MakePair) -> None:
    pair = portals({"items": {"2": _items(2)}})
    move(pair)
    matched = _id_of(pair, 2, 1)
    with closing(sqlite3.connect(pair.folder / "staging.db")) as staging, staging:
        staging.execute("UPDATE id_map SET origin = 'matched' WHERE source_id = 1")

    result = _undo(pair, force=True)

    assert result.kept == 0
    assert [one.kept for one in result.types] == [{KeepReason.MATCHED: 1}]
    assert list(pair.target.items(2)) == [matched]
    assert _id_of(pair, 2, 1) == matched


def test_what_a_migration_made_whose_staging_is_lost_goes(portals: MakePair) -> None:
    pair = portals(LINKED)
    move(pair)
    (pair.folder / "staging.db").unlink()
    move(pair)

    assert _undo(pair).kept == 0
    assert _contents(pair.target) == {}


def test_without_the_right_to_delete_everything_stays_and_is_listed(portals: MakePair) -> None:
    seed: dict[str, Any] = {"items": {"2": _items(2)}}
    target = twin_structure(seed)
    pair = portals(seed, target=target)
    move(pair)
    for user_id, user in list(pair.target.users.items()):
        pair.target.users[user_id] = _without_deletion(user)

    _undo(pair)

    assert set(_reasons(pair).values()) == {"refused"}
    assert len(pair.target.items(2)) == 2


def _without_deletion(user: Any) -> Any:
    return replace(user, deletes=False)


def _posts(monkeypatch: pytest.MonkeyPatch, needle: bytes, effect: Any) -> list[int]:
    """Requests that hold a text, or have it as method, are answered by `effect(number, send)`."""
    post, calls = Transport.post, [0]

    def answer(transport: Transport, method: str, body: bytes) -> Reply:
        if needle not in method.encode() + body:
            return post(transport, method, body)
        calls[0] += 1
        reply: Reply = effect(calls[0], lambda: post(transport, method, body))
        return reply

    monkeypatch.setattr(Transport, "post", answer)
    return calls


def test_a_lost_answer_is_asked_for_again(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(LINKED)
    move(pair)

    def loses_every_other(number: int, send: Any) -> Reply:
        reply: Reply = send()
        return Reply(status=502, content=b"<html>", headers={}) if number % 2 else reply

    calls = _posts(monkeypatch, DELETE, loses_every_other)
    monkeypatch.setattr("migrator.bitrix.retry.RetryPolicy.backoff", lambda *_: 0.0)

    assert _undo(pair).kept == 0
    assert calls[0] > 5
    assert _contents(pair.target) == {}
    assert _left_by_import(pair) == {}


def test_a_request_in_flight_when_the_import_died_is_settled_before(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(LINKED)

    _posts(monkeypatch, b'"I7"', _dies_after_it)
    with pytest.raises(Died):
        move(pair)
    monkeypatch.undo()
    assert _rows(pair, "SELECT state FROM import_batch WHERE state <> 'settled'")

    assert _undo(pair).kept == 0
    assert _contents(pair.target) == {}


def test_a_link_set_just_before_the_death_is_not_taken_for_a_change_by_people(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(LINKED)

    def dies(*_: Any) -> None:
        raise Died

    monkeypatch.setattr(DeferredLinks, "_set_state", dies)
    with pytest.raises(Died):
        move(pair)
    monkeypatch.undo()

    assert _undo(pair).kept == 0
    assert _contents(pair.target) == {}


def test_a_change_after_our_own_link_is_seen_by_its_author_or_its_content(
    portals: MakePair,
) -> None:
    seed = {**LINKED, "users": [{"ID": "1", "ADMIN": True}, {"ID": "9", "EMAIL": "b@b.test"}]}
    pair = portals(seed)
    move(pair)
    (linked,) = _rows(
        pair, "SELECT DISTINCT entity_type_id AS t FROM finding WHERE kind = 'updated-by-link'"
    )
    entity_type_id = int(linked["t"])
    name = "name" if entity_type_id == 3 else "title"
    other = next(user_id for user_id in pair.target.users if user_id != 1)
    _change(pair, entity_type_id, _id_of(pair, entity_type_id, 1), None, **{name: "Renamed by us"})
    _change(pair, entity_type_id, _id_of(pair, entity_type_id, 2), other, sourceDescription="x")
    _undo(pair)

    changed = {key for key, reason in _reasons(pair).items() if reason == "changed"}
    assert changed == {(entity_type_id, 1), (entity_type_id, 2)}


def _dying_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the process at the n-th point: before or after a commit, or a request that deletes."""
    count = [0]

    def reach(_: str) -> None:
        count[0] += 1
        if count[0] == number:
            raise Died

    def around(_: int, send: Any) -> Reply:
        reach("before request")
        reply: Reply = send()
        reach("after request")
        return reply

    with CommitPoints(reach).heard():
        _posts(monkeypatch, DELETE, around)
        yield
    monkeypatch.undo()


def test_dying_again_and_again_it_gets_to_its_end_and_nothing_is_left_over(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(LINKED)
    move(pair)
    deaths = 0

    for number in range(3, 200, 3):
        try:
            for _ in _dying_at(number, monkeypatch):
                _undo(pair)
        except Died:
            deaths += 1
            continue
        finally:
            monkeypatch.undo()
        break

    assert deaths >= 4
    assert _contents(pair.target) == {}
    assert _left_by_import(pair) == {}
    assert _reasons(pair) == {}


def _dies_after_it(_: int, send: Any) -> Reply:
    send()
    raise Died


def test_contacts_gone_without_a_record_are_no_change_of_the_companies_that_named_them(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(small_portal())
    move(pair)
    _posts(monkeypatch, DELETE + b"?entityTypeId=3&", _dies_after_it)
    with pytest.raises(Died):
        _undo(pair)
    monkeypatch.undo()

    assert _undo(pair).kept == 0
    assert _contents(pair.target) == {}


def test_a_change_that_was_found_before_the_death_is_not_forgotten_after_it(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The webhook's user works in the portal, too: here, in a field the migration does not fill."""
    pair = portals({"items": {"2": _items(3)}})
    move(pair)
    changed = _id_of(pair, 2, 1)
    (webhook,) = pair.target.dump()["portal"]["webhooks"]
    ours = {"updatedTime": "2026-02-03T10:00:00+03:00", "updatedBy": webhook["user_id"]}
    pair.target.table(2).rows[changed].update(ours)
    _posts(monkeypatch, DELETE, _dies_after_it)
    with pytest.raises(Died):
        _undo(pair)
    monkeypatch.undo()

    _undo(pair)
    kept = _reasons(pair)
    _undo(pair, force=True)

    assert kept == {(2, 1): "changed"}
    assert _contents(pair.target) == {}


def test_nothing_is_imported_between_while_an_undo_is_not_finished(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(LINKED)
    move(pair)

    _posts(monkeypatch, DELETE, _dies_after_it)
    with pytest.raises(Died):
        _undo(pair)
    monkeypatch.undo()

    with pytest.raises(UndoUnfinished):
        move(pair)
    _undo(pair)
    move(pair)

    assert len(pair.target.items(2)) == 12


def test_an_undo_of_other_types_does_not_finish_the_one_that_was_stopped(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deals are gone that the ID map still has: an import would leave them out."""
    pair = portals({"items": {"3": _contacts(2), "2": _items(3)}})
    move(pair)
    _posts(monkeypatch, DELETE + b"?entityTypeId=2&", _dies_after_it)
    with pytest.raises(Died):
        _undo(pair, only=frozenset({EntityTypeId(2)}))
    monkeypatch.undo()

    _undo(pair, only=frozenset({EntityTypeId(3)}))

    with pytest.raises(UndoUnfinished) as refused:
        move(pair)
    assert refused.value.hint == "finish it first: migrator undo --yes --only 2"
    _undo(pair, only=frozenset({EntityTypeId(2)}))
    move(pair)
    assert [len(pair.target.items(one)) for one in (3, 2)] == [2, 3]


def test_a_whole_undo_that_was_stopped_is_not_finished_by_a_part_of_it(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals({"items": {"3": _contacts(2), "2": _items(3)}})
    move(pair)
    _posts(monkeypatch, DELETE, _dies_after_it)
    with pytest.raises(Died):
        _undo(pair)
    monkeypatch.undo()

    _undo(pair, only=frozenset({EntityTypeId(2)}))

    with pytest.raises(UndoUnfinished) as refused:
        move(pair)
    assert refused.value.hint == "finish it first: migrator undo --yes"
    assert _undo(pair).kept == 0


def test_the_fields_that_mark_items_go_with_structure_once_no_item_has_a_value(
    portals: MakePair,
) -> None:
    pair = portals(LINKED)
    before = pair.target.dump()["userFields"]
    move(pair)
    changed = _id_of(pair, 2, 5)
    _change(pair, 2, changed, title="Theirs now", companyId=0, contactIds=[])

    kept = _undo(pair, with_structure=True)

    left = [one for one in kept.structure if one.state.value == "kept"]
    assert [(one.kind, one.scope) for one in left] == [("field", "2")]
    assert left[0].detail == f"items of Deal hold values of it, such as {changed}"
    assert _undo(pair, with_structure=True, force=True).kept == 0
    assert pair.target.dump()["userFields"] == before


def _state(portal: Portal) -> dict[str, Any]:
    """Everything but the counters of identifiers."""
    return {key: value for key, value in portal.dump().items() if key != "next_ids"}


def _bring_along(pair: Pair) -> None:
    with opened(pair) as app:
        app.check()
        app.export()
        app.apply_structure()
        app.load(app.plan())
        app.verify()


def test_structure_that_was_brought_along_goes_where_nothing_uses_it(portals: MakePair) -> None:
    seed = whole_portal()
    pair = portals(seed, target=empty_target(seed))
    before = _state(pair.target)
    _bring_along(pair)

    result = _undo(pair, with_structure=True)

    assert [one for one in result.structure if one.state.value != "removed"] == []
    assert _state(pair.target) == before


def test_a_smart_process_gone_without_a_record_takes_its_parts_along(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = small_structure()
    pair = portals(seed, target=target_of_small_structure(seed))
    before = _state(pair.target)
    _bring_along(pair)
    for method in (b"crm.category.delete", b"crm.type.delete"):
        _posts(monkeypatch, method, _dies_after_it)
        with pytest.raises(Died):
            _undo(pair, with_structure=True)
        monkeypatch.undo()

    result = _undo(pair, with_structure=True)

    assert result.kept == 0
    assert _state(pair.target) == before
    there = "SELECT * FROM structure_creation WHERE state IN ('created', 'found')"
    assert _rows(pair, there) == []


def test_structure_that_people_use_stays_and_is_listed(portals: MakePair) -> None:
    seed = small_structure()
    pair = portals(seed, target=target_of_small_structure(seed))
    _bring_along(pair)
    made = {
        row["kind"]: row["target_key"]
        for row in _rows(
            pair,
            "SELECT kind, target_key FROM structure_creation WHERE kind = 'enumeration'"
            " OR (kind = 'category' AND target_scope = '2')",
        )
    }
    pipeline, size = int(made["category"]), int(made["enumeration"])
    _add(pair, 2, title="Theirs", categoryId=pipeline, sourceId="UC_FAIR", ufCrmSize=size)

    result = _undo(pair, with_structure=True)

    kept = {(one.kind, one.key) for one in result.structure if one.state.value == "kept"}
    stages = {row["STATUS_ID"] for row in pair.target.statuses.of(f"DEAL_STAGE_{pipeline}")}
    assert kept == {
        ("category", str(pipeline)),
        ("status", "UC_FAIR"),
        ("enumeration", str(size)),
        *(("stage", stage) for stage in stages),
    }
    assert pair.target.types.by_entity_type_id == {}


def _made_by_people(pair: Pair, kind: str) -> tuple[str, str]:
    """Something inside of what was brought along. Returns: kind and key of its owner."""
    (row,) = pair.target.types.by_entity_type_id.values()
    number = row.entity_type_id
    fields: dict[str, Any] = {"name": "Theirs"}
    if kind == "category":
        params = {"entityTypeId": number, "fields": fields}
        assert "result" in pair.target.call("crm.category.add", params)
        return "entity_type", str(number)
    if kind == "field":
        name = f"UF_CRM_{row.type_id}_THEIRS"
        fields = {"entityId": f"CRM_{row.type_id}", "fieldName": name, "userTypeId": "string"}
        params = {"moduleId": "crm", "field": fields}
        assert "result" in pair.target.call("userfieldconfig.add", params)
        return "entity_type", str(number)
    sql = "SELECT target_key AS k FROM structure_creation WHERE kind = 'category'"
    pipeline = _rows(pair, f"{sql} AND target_scope = '2'")[0]["k"]
    fields = {"ENTITY_ID": f"DEAL_STAGE_{pipeline}", "STATUS_ID": "UC_T", "NAME": "Theirs"}
    assert "result" in pair.target.call("crm.status.add", {"fields": fields})
    return "category", str(pipeline)


@pytest.mark.parametrize("kind", ["category", "field", "stage"])
def test_structure_in_which_people_made_more_stays_and_is_listed_with_what_it_is(
    portals: MakePair, kind: str
) -> None:
    seed = small_structure()
    pair = portals(seed, target=target_of_small_structure(seed))
    _bring_along(pair)
    owner = _made_by_people(pair, kind)

    result = _undo(pair, with_structure=True)

    kept = {(one.kind, one.key): one.detail for one in result.structure if one.detail}
    theirs = "UF_CRM_1_THEIRS" if kind == "field" else "Theirs"
    assert kept[owner] == f"it holds what others have made: {kind} '{theirs}'"


def test_a_currency_stays_while_prices_of_products_are_in_it(portals: MakePair) -> None:
    """They would go with it, and the portal does not ask."""
    seed = small_structure()
    pair = portals(seed, target=target_of_small_structure(seed))
    _bring_along(pair)
    prices = [{"id": 3, "productId": 7, "price": 50, "currency": "CHF"}]
    pair.target.lists["catalog.price.list"] = list(prices)

    result = _undo(pair, with_structure=True)

    kept = {one.key: one.detail for one in result.structure if one.state.value == "kept"}
    assert kept == {"CHF": "prices of products are in it"}
    assert "CHF" in pair.target.currencies
    assert pair.target.lists["catalog.price.list"] == prices


def test_a_currency_stays_where_prices_cannot_be_asked_for(portals: MakePair) -> None:
    seed = small_structure()
    target = target_of_small_structure(seed)
    target["portal"]["webhooks"][0]["scopes"].remove("catalog")
    pair = portals(seed, target=target)
    _bring_along(pair)

    result = _undo(pair, with_structure=True)

    (kept,) = (one for one in result.structure if one.state.value == "kept")
    assert kept.key == "CHF"
    assert (kept.detail or "").endswith("the webhook lacks the scope catalog")
