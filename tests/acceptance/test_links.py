"""Links between items: set once both ends exist, refused, given up, taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.transport import Reply, Transport
from tests.acceptance.in_process import move

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair, Pair

EARLY, LATE = "2024-01-01T00:00:00+03:00", "2024-06-01T00:00:00+03:00"


class Died(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def pair(portals: MakePair) -> Pair:
    """An old company that belongs to a younger one, so that its link has to wait."""
    return portals(_companies(parent="CO_2"))


def _companies(parent: str, *, with_parent: bool = True) -> dict[str, Any]:
    old = {"id": 1, "title": "Old", "createdTime": EARLY, "updatedTime": EARLY, "UF_CRM_P": parent}
    young = {"id": 2, "title": "Young", "createdTime": LATE, "updatedTime": LATE}
    field = {
        "id": "7",
        "entityId": "CRM_COMPANY",
        "fieldName": "UF_CRM_P",
        "userTypeId": "crm",
        "multiple": "N",
        "settings": {"COMPANY": "Y"},
    }
    items = [old, young] if with_parent else [old]
    return {"userFields": [field], "items": {"4": items}}


def _states(pair: Pair) -> list[tuple[int, str]]:
    rows = pair.rows("SELECT source_id, state FROM deferred_link ORDER BY source_id")
    return [(row["source_id"], row["state"]) for row in rows]


def _parent_of_old(pair: Pair) -> str | None:
    items = pair.target.items(4)
    old = next(item for item in items.values() if item["title"] == "Old")
    young = next((i for i, item in items.items() if item["title"] == "Young"), None)
    value = old.get("UF_CRM_P")
    return "Young" if value and str(value).removeprefix("CO_") == str(young) else value


def test_an_update_whose_outcome_was_not_recorded_is_told_by_its_stamp(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Transport.post

    def dies_after_the_update(transport: Transport, method: str, body: bytes) -> Reply:
        reply = post(transport, method, body)
        if method == "crm.item.update":
            raise Died
        return reply

    monkeypatch.setattr(Transport, "post", dies_after_the_update)
    with pytest.raises(Died):
        move(pair)
    monkeypatch.undo()

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.out + outcome.err
    assert _states(pair) == [(1, "done")]
    assert _parent_of_old(pair) == "Young"
    stamped = pair.rows("SELECT field, value FROM finding WHERE kind = 'updated-by-link'")
    assert {row["field"] for row in stamped} == {"updatedTime", "updatedBy"}


def test_a_link_the_target_refuses_is_a_failure_and_tried_again_when_asked(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Transport.post

    def refuses_updates(transport: Transport, method: str, body: bytes) -> Reply:
        if method == "crm.item.update":
            refusal = b'{"error": "CRM_FIELD_ERROR_VALUE_NOT_VALID", "error_description": "no"}'
            return Reply(status=400, content=refusal, headers={})
        return post(transport, method, body)

    monkeypatch.setattr(Transport, "post", refuses_updates)
    move(pair)
    monkeypatch.undo()

    without, asked = pair.migrator("run"), pair.migrator("run", "--retry-failed")

    assert without.code == 1
    assert "1 links were refused by the target" in without.out
    assert asked.code == 0, asked.out + asked.err
    assert _parent_of_old(pair) == "Young"


def test_a_link_given_up_is_taken_up_again_when_its_item_was_exported_after_all(
    portals: MakePair,
) -> None:
    pair = portals(_companies(parent="CO_2", with_parent=False), target=None)
    move(pair)
    assert _states(pair) == [(1, "unresolvable")]
    pair.source.call("crm.item.add", {"entityTypeId": 4, "fields": {"title": "Young"}})
    assert pair.migrator("export").code == 0

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.out + outcome.err
    assert _states(pair) == [(1, "done")]
    assert _parent_of_old(pair) == "Young"


def test_a_link_to_an_item_that_does_not_exist_is_on_record_as_lost(portals: MakePair) -> None:
    seed = {
        "items": {"2": [{"id": 1, "title": "D", "createdTime": EARLY, "companyId": 77}]},
    }
    pair = portals(seed)
    assert pair.migrator("run", "--only", "deal").code == 0

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.out + outcome.err
    assert _states(pair) == [(1, "unresolvable")]
    lost = pair.rows(
        "SELECT field, effect FROM finding WHERE kind = 'dangling-reference' AND phase = 'import'"
    )
    assert lost == [{"field": "companyId", "effect": "lost"}]
    assert pair.target.losses == []


def test_an_export_that_was_cut_short_is_not_imported_as_if_it_were_all(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(_companies(parent="CO_2"))
    post = Transport.post

    def dies_before_the_items(transport: Transport, method: str, body: bytes) -> Reply:
        if method == "crm.item.list" and b'"entityTypeId": 4' in body and b">id" in body:
            raise Died
        return post(transport, method, body)

    monkeypatch.setattr(Transport, "post", dies_before_the_items)
    with pytest.raises(Died):
        move(pair)
    monkeypatch.undo()

    outcome = pair.migrator("import")

    assert outcome.code == 2
    assert "the export of these entity types is not finished: Company" in outcome.err
    assert pair.writes() == []


def test_a_type_that_was_imported_cannot_be_mapped_to_another_one_afterwards(
    portals: MakePair,
) -> None:
    types = [
        {"id": 5, "entityTypeId": 1302, "title": "Project", "code": ""},
        {"id": 6, "entityTypeId": 1306, "title": "Other", "code": ""},
    ]
    pair = portals({"types": types, "items": {"1302": [{"id": 1, "title": "P"}]}})
    assert pair.migrator("run").code == 0
    first, second = sorted(t["entityTypeId"] for t in pair.target.dump()["types"])
    used = pair.rows("SELECT target_entity_type_id AS t FROM id_map")[0]["t"]
    other = first if used == second else second
    mapping = pair.folder / "mapping.yaml"
    mapping.write_text(f"entity_types:\n  1302: {other}\n  1306: {used}\n")

    outcome = pair.migrator("run", "--mapping", str(mapping))

    assert outcome.code == 2
    assert "mapping-changed" in outcome.err


def test_an_item_of_another_type_with_the_same_number_is_another_item(portals: MakePair) -> None:
    pair = portals(_a_deal_that_names_a_company())
    assert pair.migrator("run", "--only", "deal,contact").code == 0
    (deal,), (contact,) = pair.target.items(2), pair.target.items(3)
    theirs = {"entityTypeId": 2, "id": deal, "fields": {"ufCrmP": f"C_{contact}"}}
    assert "result" in pair.target.call("crm.item.update", theirs)

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.out + outcome.err
    (company,) = pair.target.items(4)
    assert company == contact
    rows = pair.rows(
        "SELECT value FROM finding WHERE kind = 'updated-by-link' AND field LIKE 'UF_%'"
    )
    assert rows == [{"value": f"3:{contact}"}]


def _a_deal_that_names_a_company() -> dict[str, Any]:
    field = {
        "id": "7",
        "entityId": "CRM_DEAL",
        "fieldName": "UF_CRM_P",
        "userTypeId": "crm",
        "multiple": "N",
        "settings": {"COMPANY": "Y", "CONTACT": "Y"},
    }
    times = {"createdTime": EARLY, "updatedTime": EARLY}
    items = {
        "2": [{"id": 1, "title": "Sale", "UF_CRM_P": "CO_1", **times}],
        "3": [{"id": 1, "name": "Somebody", **times}],
        "4": [{"id": 1, "title": "Old", **times}],
    }
    return {"userFields": [field], "items": items}
