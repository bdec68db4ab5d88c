"""What a second migration, a second process or a second failure must not break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.errors import PortalError
from migrator.bitrix.transport import Reply, Transport
from migrator.domain.errors import MigratorError
from tests.acceptance.in_process import move, opened

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair

IMPORT = "crm.item.batchImport"
TIME = "2024-01-01T00:00:00+03:00"


def _contacts(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"name": one.pop("title"), **one} for one in _items(count, **more)]


class Died(BaseException):
    """Stands for the end of the process."""


def _items(count: int, **more: Any) -> list[dict[str, Any]]:
    common = {"createdTime": TIME, "updatedTime": TIME, **more}
    return [{"id": n, "title": f"I{n}", **common} for n in range(1, count + 1)]


def _failing(
    monkeypatch: pytest.MonkeyPatch, method: str, needle: bytes, error: type[BaseException] | None
) -> list[int]:
    """Requests of a method that hold a text end the process, or are answered with a 500 page."""
    post, calls = Transport.post, [0]

    def answer(transport: Transport, called: str, body: bytes) -> Reply:
        if called == method and needle in body:
            calls[0] += 1
            if error is None:
                return Reply(status=500, content=b"<html>", headers={})
            post(transport, called, body)
            raise error
        return post(transport, called, body)

    monkeypatch.setattr(Transport, "post", answer)
    return calls


def test_adopting_what_an_earlier_migration_left_can_be_interrupted(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals({"items": {"2": _items(2600)}})
    move(pair)
    post, scans = Transport.post, []

    def dies_at_the_second_scan(transport: Transport, method: str, body: bytes) -> Reply:
        if b"MIGRATOR_SOURCE" in body and b"select" in body:
            scans.append(method)
            if len(scans) == 2:
                raise Died
        return post(transport, method, body)

    monkeypatch.setattr(Transport, "post", dies_at_the_second_scan)
    with pytest.raises(Died):
        move(pair, "again")
    monkeypatch.undo()

    move(pair, "again")

    assert len(pair.target.items(2)) == 2600


def test_links_of_adopted_items_are_set(portals: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = {"items": {"2": _items(1), "1": _items(1, contactIds=[1]), "3": _contacts(1, leadId=1)}}
    pair = portals(seed)
    _failing(monkeypatch, "crm.item.update", b"", Died)
    with pytest.raises(Died):
        move(pair)
    monkeypatch.undo()

    move(pair, "again")

    (contact,) = pair.target.items(3).values()
    (lead_id,) = pair.target.items(1)
    assert contact["leadId"] == lead_id


def test_a_batch_in_flight_is_looked_for_where_it_was_sent(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the mapping says of the type by now, and whatever the run is narrowed to."""
    types = [
        {"id": 5, "entityTypeId": 1302, "title": "Project", "code": ""},
        {"id": 6, "entityTypeId": 1306, "title": "Other", "code": ""},
    ]
    pair = portals({"types": types, "items": {"1302": _items(15), "3": _contacts(1)}})
    _failing(monkeypatch, IMPORT, b'"I7"', Died)
    with pytest.raises(Died):
        move(pair)
    monkeypatch.undo()
    mapped = pair.rows("SELECT value FROM migration_setting WHERE key = 'target_type:1302'")
    used = int(mapped[0]["value"])
    other = next(
        t["entityTypeId"] for t in pair.target.dump()["types"] if t["entityTypeId"] != used
    )
    mapping = pair.folder / "mapping.yaml"
    mapping.write_text(f"entity_types:\n  1302: {other}\n  1306: {used}\n")

    changed = pair.migrator("run", "--only", "contact", "--mapping", str(mapping))
    back = pair.migrator("run")

    assert changed.code == 2
    assert back.code == 0, back.out + back.err
    assert len(pair.target.items(used)) == 15


def test_a_type_can_be_left_out_while_its_requests_are_in_flight(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals({"items": {"1": _items(3), "2": _items(2)}})
    _failing(monkeypatch, IMPORT, b'"entityTypeId": 1', Died)
    with pytest.raises(Died):
        move(pair)
    monkeypatch.undo()
    mapping = pair.folder / "mapping.yaml"
    mapping.write_text("entity_types:\n  1: drop\n")

    outcome = pair.migrator("run", "--only", "deal", "--mapping", str(mapping))

    assert outcome.code == 0, outcome.out + outcome.err
    assert pair.rows("SELECT count(*) AS n FROM id_map WHERE entity_type_id = 1") == [{"n": 3}]


def test_requests_in_flight_are_not_sent_again_when_their_field_is_gone(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals({"items": {"2": _items(5)}})
    _failing(monkeypatch, IMPORT, b"I", Died)
    with pytest.raises(Died):
        move(pair)
    monkeypatch.undo()
    rows = pair.target.call("crm.deal.userfield.list", {})["result"]
    field = next(row for row in rows if row["FIELD_NAME"] == "UF_CRM_MIGRATOR_SOURCE")
    pair.target.call("crm.deal.userfield.delete", {"id": field["ID"]})

    outcome = pair.migrator("run")

    assert outcome.code == 3
    assert "error: cannot-settle" in outcome.err
    assert len(pair.target.items(2)) == 5


def test_an_import_that_is_down_altogether_stops_and_fails_no_item(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals({"items": {"2": _items(30)}})
    calls = _failing(monkeypatch, IMPORT, b"", None)

    with pytest.raises(PortalError):
        move(pair)

    assert calls[0] < 20
    assert pair.rows("SELECT count(*) AS n FROM failed_item") == [{"n": 0}]
    monkeypatch.undo()
    move(pair)
    assert len(pair.target.items(2)) == 30


def test_one_link_the_portal_breaks_over_fails_and_the_others_are_set(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = _items(3, contactIds=[1])
    contacts = [{**one, "leadId": one["id"]} for one in _contacts(3)]
    pair = portals({"items": {"1": leads, "3": contacts}})
    updates: list[bytes] = []
    post = Transport.post

    def breaks_over_the_first(transport: Transport, method: str, body: bytes) -> Reply:
        if method == "crm.item.update":
            updates.append(body)
            if body == updates[0]:
                return Reply(status=500, content=b"<html>", headers={})
        return post(transport, method, body)

    monkeypatch.setattr(Transport, "post", breaks_over_the_first)
    move(pair)

    states = pair.rows(
        "SELECT state, count(*) AS n FROM deferred_link GROUP BY state ORDER BY state"
    )
    assert {row["state"]: row["n"] for row in states}.get("failed") == 1
    assert {row["state"]: row["n"] for row in states}.get("pending") is None


def test_what_somebody_entered_where_a_link_is_set_is_on_record(portals: MakePair) -> None:
    pair = portals({"items": {"2": _items(1, companyId=1), "4": _items(1)}})
    assert pair.migrator("run", "--only", "deal").code == 0
    theirs = pair.target.call("crm.item.add", {"entityTypeId": 4, "fields": {"title": "Theirs"}})
    company = theirs["result"]["item"]["id"]
    (deal,) = pair.target.items(2)
    fields = {"entityTypeId": 2, "id": deal, "fields": {"companyId": company}}
    assert "result" in pair.target.call("crm.item.update", fields)

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.out + outcome.err
    rows = pair.rows(
        "SELECT value FROM finding WHERE kind = 'updated-by-link' AND field = 'companyId'"
    )
    assert rows == [{"value": f"4:{company}"}]


def test_a_command_is_judged_by_the_types_it_was_narrowed_to(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals({"items": {"2": _items(2), "4": _items(1)}})
    move(pair)
    deal = next(iter(pair.target.items(2)))
    pair.target.call("crm.item.delete", {"entityTypeId": 2, "id": deal})

    of_deals = pair.migrator("verify", "--only", "deal")
    of_companies = pair.migrator("verify", "--only", "company")
    of_nothing = pair.migrator("verify", "--only", "9999")

    assert (of_deals.code, of_companies.code, of_nothing.code) == (1, 0, 2)


def test_on_postgresql_a_hold_that_was_lost_stops_the_import_before_it_writes(
    portals: MakePair, postgresql_url: str
) -> None:
    pair = portals({"items": {"2": _items(5)}}, staging_url=postgresql_url)

    with opened(pair) as app:
        app.check()
        app.export()
        blueprint = app.plan()
        with app.workspace.staging.begin() as transaction:
            _end_other_sessions(transaction)
        with pytest.raises(MigratorError, match="another process may hold it"):
            app.load(blueprint)

    assert pair.target.items(2) == {}


def _end_other_sessions(transaction: Any) -> None:
    from sqlalchemy import text

    transaction._connection.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'migrator process%' AND pid <> pg_backend_pid()"
        )
    )
