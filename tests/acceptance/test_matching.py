"""`match_on`: what the target holds already is taken over, not created once more."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.client import PortalClient
from migrator.bitrix.transport import Reply, Transport
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL
from migrator.plan.blocked import BlockedByFindings
from migrator.planning.mapping_faults import MappingFileError
from migrator.undo.stage import UndoOptions
from tests.acceptance.in_process import move, opened
from tests.torture.kill_points import CommitPoints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from migrator.app import App
    from migrator.plan.plan import Plan
    from migrator.sandbox import Portal
    from tests.acceptance.conftest import MakePair, Pair


class Died(BaseException):
    """Stands for the end of the process."""


TIME = "2024-01-01T00:00:00+03:00"
LATER = "2025-06-01T00:00:00+03:00"

BY_TAX_NUMBER = "match: {4: {match_on: [UF_CRM_INN]}}"
BY_ALL = """\
match:
  4: {match_on: [UF_CRM_INN]}
  3: {match_on: [email, phone]}
"""
UPDATING = BY_ALL.replace("[UF_CRM_INN]", "[UF_CRM_INN], on_match: update").replace(
    "phone]", "phone], on_match: update"
)

USER_FIELDS = [
    {
        "id": str(number),
        "entityId": "CRM_COMPANY",
        "fieldName": name,
        "userTypeId": "string",
        "multiple": "N",
        "mandatory": "N",
        "settings": {},
        "editFormLabel": {"en": name},
        "enum": [],
    }
    for number, name in enumerate(("UF_CRM_INN", "UF_CRM_CITY"), start=700)
]


def _company(number: int, title: str, inn: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": title,
        "UF_CRM_INN": inn,
        "createdTime": TIME,
        "updatedTime": TIME,
        **more,
    }


def _contact(number: int, name: str, *multifields: str, **more: Any) -> dict[str, Any]:
    fm = [
        {
            "id": 100 * number + place,
            "typeId": "EMAIL" if "@" in value else "PHONE",
            "valueType": "WORK",
            "value": value,
        }
        for place, value in enumerate(multifields)
    ]
    common = {"createdTime": TIME, "updatedTime": TIME, "fm": fm}
    return {"id": number, "name": name, **common, **more}


def _deal(number: int, **more: Any) -> dict[str, Any]:
    times = {"createdTime": TIME, "updatedTime": TIME, "movedTime": TIME}
    return {"id": number, "title": f"Deal {number}", **times, **more}


def _portal(**items: list[dict[str, Any]]) -> dict[str, Any]:
    types = {"companies": "4", "contacts": "3", "deals": "2"}
    return {
        "userFields": copy.deepcopy(USER_FIELDS),
        "items": {types[name]: rows for name, rows in items.items()},
    }


SOURCE = _portal(
    companies=[
        _company(1, "Acme", "7701", UF_CRM_CITY="Perm"),
        _company(2, "Beta", "7702"),
        _company(3, "No number"),
    ],
    contacts=[
        _contact(1, "Ann", "ann@acme.test", "+7 912 000 11 22", companyIds=[1]),
        _contact(2, "Bob", "8 (912) 345-67-89", companyIds=[2]),
        _contact(3, "Cid", "12", companyIds=[3]),
    ],
    deals=[
        _deal(1, companyId=1, contactIds=[1, 3]),
        _deal(2, companyId=2, contactIds=[2]),
    ],
)
TARGET = _portal(
    companies=[
        _company(50, "ACME Ltd.", " 7701 ", createdTime=LATER, updatedTime=LATER),
        _company(51, "Nobody", "", createdTime=LATER, updatedTime=LATER),
    ],
    contacts=[
        _contact(60, "Anna", "Ann@ACME.test ", createdTime=LATER, updatedTime=LATER),
        _contact(61, "Robert", "+7 912 3456789", createdTime=LATER, updatedTime=LATER),
        _contact(62, "Extension", "12", createdTime=LATER, updatedTime=LATER),
    ],
)


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    return tmp_path / "mapping.yaml"


def _plan(pair: Pair, mapping: Path, text: str) -> Plan:
    mapping.write_text(text, encoding="utf-8")
    with opened(pair, mapping=mapping) as app:
        app.check()
        app.export()
        return app.plan().plan


def _planned(pair: Pair, mapping: Path, text: str) -> Plan:
    """The plan of what is exported already."""
    mapping.write_text(text, encoding="utf-8")
    with opened(pair, mapping=mapping) as app:
        app.check()
        return app.plan().plan


def _move(pair: Pair, mapping: Path, text: str) -> None:
    mapping.write_text(text, encoding="utf-8")
    move(pair, mapping=mapping)


def _contents(portal: Portal, entity_type_id: int) -> dict[int, dict[str, Any]]:
    return copy.deepcopy(portal.items(entity_type_id))


def _by_title(pair: Pair, entity_type_id: int) -> dict[str, dict[str, Any]]:
    rows = pair.target.items(entity_type_id).values()
    return {str(row.get("title") or row.get("name")): row for row in rows}


def _states(app: App) -> list[tuple[Any, ...]]:
    found = app.workspace.staging.audit.run("matches").rows
    return [(row[1], row[3], row[5], row[9]) for row in found]


def _agree(pair: Pair) -> bool:
    with opened(pair) as app:
        rows = app.workspace.staging.query_read_only("SELECT DISTINCT verified_state FROM id_map")
        return [row[0] for row in rows.rows] == ["agrees"]


def test_what_is_there_is_kept_as_it_is_and_the_others_refer_to_it(
    portals: MakePair, staging_url: str, mapping: Path
) -> None:
    pair = portals(SOURCE, target=TARGET, staging_url=staging_url)
    before = {t: _contents(pair.target, t) for t in (COMPANY, CONTACT)}

    _move(pair, mapping, BY_ALL)

    companies, contacts = _by_title(pair, COMPANY), _by_title(pair, CONTACT)
    deals = _by_title(pair, DEAL)
    assert set(companies) == {"ACME Ltd.", "Nobody", "Beta", "No number"}
    assert set(contacts) == {"Anna", "Robert", "Extension", "Cid"}
    for entity_type_id, rows in before.items():
        now = pair.target.items(entity_type_id)
        for number, row in rows.items():
            # Of a relation our own end was set: Beta names Robert.
            assert {**now[number], "companyIds": 0} == {**row, "companyIds": 0}
    assert pair.target.items(CONTACT)[61]["companyIds"] == [companies["Beta"]["id"]]
    assert deals["Deal 1"]["companyId"] == 50
    assert deals["Deal 1"]["contactIds"] == [60, contacts["Cid"]["id"]]
    assert deals["Deal 2"]["contactIds"] == [61]
    assert _agree(pair)
    with opened(pair) as app:
        assert _states(app) == [(3, 1, 60, "kept"), (3, 2, 61, "kept"), (4, 1, 50, "kept")]
        assert app.matched_items() == 3


def test_a_second_run_writes_nothing(portals: MakePair, mapping: Path) -> None:
    pair = portals(SOURCE, target=TARGET)
    _move(pair, mapping, UPDATING)
    pair.target.requests.clear()

    _move(pair, mapping, UPDATING)

    assert pair.writes() == []
    assert _agree(pair)


def test_the_plan_lists_pairs_and_what_is_not_one_to_one_and_only_reads(
    portals: MakePair, mapping: Path
) -> None:
    source = _portal(
        companies=[_company(1, "A", "1"), _company(2, "B", "2"), _company(3, "B again", "2")]
    )
    target = _portal(
        companies=[_company(50, "A", "1"), _company(51, "B", "2"), _company(52, "A too", "1")]
    )
    pair = portals(source, target=target)

    plan = _plan(pair, mapping, BY_TAX_NUMBER)

    (companies,) = plan.types
    (finding,) = plan.blocking
    assert (companies.matched, companies.ambiguous, companies.to_import) == (0, 3, 3)
    assert finding.kind.value == "ambiguous-match"
    assert finding.items == 3
    assert finding.detail.endswith(
        "shared by the most items: UF_CRM_INN 2 (2 items of the source, 1 of the target)"
    )
    listed = [(m.source_id, m.target_id, m.state.value) for m in plan.matches]
    assert listed == [(1, 50, "ambiguous"), (1, 52, "ambiguous")] + [
        (n, 51, "ambiguous") for n in (2, 3)
    ]
    assert pair.writes() == []


def test_answers_settle_what_was_ambiguous(portals: MakePair, mapping: Path) -> None:
    source = _portal(
        companies=[_company(1, "A", "1"), _company(2, "B", "2"), _company(3, "B again", "2")],
        deals=[_deal(1, companyId=1), _deal(2, companyId=2), _deal(3, companyId=3)],
    )
    target = _portal(
        companies=[_company(50, "A", "1"), _company(51, "B", "2"), _company(52, "A too", "1")]
    )
    pair = portals(source, target=target)
    with pytest.raises(BlockedByFindings):
        _move(pair, mapping, BY_TAX_NUMBER)
    assert pair.writes() == []

    _move(pair, mapping, "match: {4: {match_on: [UF_CRM_INN], answers: {1: 52, 2: new, 3: 51}}}")

    deals, companies = _by_title(pair, DEAL), _by_title(pair, COMPANY)
    assert [deals[f"Deal {n}"]["companyId"] for n in (1, 3)] == [52, 51]
    created = pair.target.items(COMPANY)[deals["Deal 2"]["companyId"]]
    assert created["title"] == "B"
    assert len(pair.target.items(COMPANY)) == 4
    assert companies["A too"]["updatedTime"] == target["items"]["4"][2]["updatedTime"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ("{9: 50}", "9: it is not among the exported items"),
        ("{1: 99}", "1: the target has no item 99"),
        ("{1: 50, 2: 50}", "2: 50 is the answer for 1 in line 1 already"),
    ],
)
def test_an_answer_that_cannot_be_followed_is_refused_with_its_line(
    portals: MakePair, mapping: Path, answers: str, why: str
) -> None:
    pair = portals(SOURCE, target=TARGET)
    text = f"match: {{4: {{match_on: [UF_CRM_INN], answers: {answers}}}}}"

    with pytest.raises(MappingFileError, match=f"mapping.yaml:1: match: 4: answers: {why}"):
        _plan(pair, mapping, text)


def test_the_first_field_that_finds_something_decides(portals: MakePair, mapping: Path) -> None:
    source = _portal(contacts=[_contact(1, "Ann", "ann@a.test", "+49 30 1234567")])
    target = _portal(
        contacts=[
            _contact(60, "Phone", "0049 30 1234567"),
            _contact(61, "Mail", "ANN@A.TEST", "+49 30 1234567"),
        ]
    )
    pair = portals(source, target=target)

    plan = _plan(pair, mapping, "match: {3: {match_on: [email, phone]}}")

    assert [(m.target_id, m.field, m.state.value) for m in plan.matches] == [(61, "email", "pair")]


def test_matched_items_neither_come_late_nor_close_the_past(
    portals: MakePair, mapping: Path
) -> None:
    pair = portals(SOURCE, target=TARGET)

    plan = _plan(pair, mapping, BY_ALL)

    late = {t.entity_type_id: t.late_items for t in plan.types}
    assert late == {COMPANY: 2, CONTACT: 1, DEAL: 0}


def test_what_kept_items_hold_does_not_block(portals: MakePair, mapping: Path) -> None:
    source = copy.deepcopy(SOURCE)
    target = copy.deepcopy(TARGET)
    target["userFields"] = [one for one in USER_FIELDS if one["fieldName"] == "UF_CRM_INN"]
    pair = portals(source, target=target)

    assert {f.kind.value for f in _plan(pair, mapping, "").blocking} == {"unmapped-field"}
    assert _plan(pair, mapping, BY_TAX_NUMBER).blocking == ()


def test_an_update_fills_in_what_the_source_has_and_takes_nothing_away(
    portals: MakePair, staging_url: str, mapping: Path
) -> None:
    target = copy.deepcopy(TARGET)
    target["items"]["3"][0] |= {"post": "CEO", "fm": _contact(60, "", "ANN@acme.test")["fm"]}
    pair = portals(SOURCE, target=target, staging_url=staging_url)

    _move(pair, mapping, UPDATING)

    company, contact = pair.target.items(COMPANY)[50], pair.target.items(CONTACT)[60]
    assert (company["title"], company["UF_CRM_CITY"]) == ("Acme", "Perm")
    assert (contact["name"], contact["post"]) == ("Ann", "CEO")
    assert [one["value"] for one in contact["fm"]] == ["ANN@acme.test", "+7 912 000 11 22"]
    assert contact["companyIds"] == [50]
    assert company["createdTime"] != SOURCE["items"]["4"][0]["createdTime"]
    assert len(pair.target.items(COMPANY)) == 4
    assert _agree(pair)
    with opened(pair) as app:
        assert _states(app) == [(3, 1, 60, "updated"), (3, 2, 61, "updated"), (4, 1, 50, "updated")]


def test_links_of_updated_items_are_added_to_those_they_have(
    portals: MakePair, mapping: Path
) -> None:
    source = _portal(
        companies=[_company(1, "Acme", "7701")],
        contacts=[_contact(1, "Ann", companyIds=[1])],
    )
    target = _portal(
        companies=[_company(50, "Acme", "7701")],
        contacts=[_contact(60, "Theirs", companyIds=[50])],
    )
    pair = portals(source, target=target)

    _move(pair, mapping, "match: {4: {match_on: [UF_CRM_INN], on_match: update}}")

    created = _by_title(pair, CONTACT)["Ann"]
    assert created["companyIds"] == [50]
    assert pair.target.items(CONTACT)[60]["companyIds"] == [50]
    assert _agree(pair)


def test_an_item_of_our_own_is_no_match(portals: MakePair, mapping: Path) -> None:
    pair = portals(SOURCE, target=_portal(companies=[]))
    _move(pair, mapping, "")
    with opened(pair, migration="again", mapping=mapping) as app:
        mapping.write_text(BY_ALL, encoding="utf-8")
        app.check()
        app.export()
        plan = app.plan()
        assert plan.plan.matches == ()
        app.load(plan)

    assert len(pair.target.items(COMPANY)) == 3


def test_a_match_that_is_gone_when_its_update_comes_fails_and_may_be_created_later(
    portals: MakePair, mapping: Path
) -> None:
    pair = portals(SOURCE, target=TARGET)
    mapping.write_text(UPDATING, encoding="utf-8")
    with opened(pair, mapping=mapping) as app:
        app.check()
        app.export()
        blueprint = app.plan()
        pair.target.call("crm.item.delete", {"entityTypeId": 4, "id": 50})
        app.load(blueprint)
        (failed,) = app.workspace.staging.audit.run("failed-items").rows
        app.load(app.plan(retry_failed=True), retry_failed=True)

    assert failed[3:6] == (1, "Acme", "NOT_FOUND")
    assert set(_by_title(pair, COMPANY)) == {"Acme", "Beta", "No number", "Nobody"}


def test_a_kept_match_that_is_gone_by_the_time_of_the_import_is_no_partner(
    portals: MakePair, mapping: Path
) -> None:
    pair = portals(SOURCE, target=TARGET)
    mapping.write_text(BY_ALL, encoding="utf-8")
    with opened(pair, mapping=mapping) as app:
        app.check()
        app.export()
        blueprint = app.plan()
        pair.target.call("crm.item.delete", {"entityTypeId": 3, "id": 60})
        counts = app.load(blueprint).by_type[CONTACT]
        (failed,) = app.workspace.staging.audit.run("failed-items").rows
        deals = _by_title(pair, DEAL)
        app.load(app.plan(retry_failed=True), retry_failed=True)

    assert (counts.matched, counts.failed) == (1, 1)
    assert failed[3:6] == (1, "Ann", "NOT_FOUND")
    assert 60 not in deals["Deal 1"]["contactIds"]
    assert {"Ann", "Robert", "Cid"} <= set(_by_title(pair, CONTACT))


def test_an_update_the_target_refuses_fails_the_item_and_none_is_created_instead(
    portals: MakePair, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(SOURCE, target=TARGET)
    post = Transport.post

    def refuses(transport: Transport, method: str, body: bytes) -> Reply:
        if method != "crm.item.update":
            return post(transport, method, body)
        content = b'{"error": "CRM_FIELD_ERROR_VALUE_NOT_VALID", "error_description": "no"}'
        return Reply(status=400, content=content, headers={})

    monkeypatch.setattr(Transport, "post", refuses)
    _move(pair, mapping, UPDATING)
    with opened(pair, mapping=mapping) as app:
        app.check()
        app.load(app.plan(retry_failed=True), retry_failed=True)
        failed = app.workspace.staging.audit.run("failed-items", entity_type_id=4).rows
        monkeypatch.undo()
        app.load(app.plan(retry_failed=True), retry_failed=True)

    assert [(row[3], row[5], row[7]) for row in failed] == [
        (1, "CRM_FIELD_ERROR_VALUE_NOT_VALID", 2)
    ]
    assert len(pair.target.items(COMPANY)) == 4
    assert _by_title(pair, DEAL)["Deal 1"]["companyId"] == 50


def test_reading_the_target_goes_on_where_a_plan_died(
    portals: MakePair, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = _portal(companies=[_company(n, f"T{n}", str(n)) for n in range(1, 151)])
    source = _portal(companies=[_company(n, f"S{n}", str(n)) for n in (7, 130)])
    pair = portals(source, target=target)
    pages = PortalClient.iter_items
    asked: list[int] = []

    def one_page_a_request(client: PortalClient, *args: Any, **more: Any) -> Any:
        asked.append(more.get("after", 0))
        for number, page in enumerate(pages(client, *args, **more, max_pages_per_request=1)):
            if len(asked) == 1 and number == 2:
                raise Died
            yield page

    with opened(pair) as app:
        app.check()
        app.export()
    monkeypatch.setattr(PortalClient, "iter_items", one_page_a_request)
    with pytest.raises(Died):
        _planned(pair, mapping, BY_TAX_NUMBER)

    plan = _planned(pair, mapping, BY_TAX_NUMBER)

    assert asked == [0, 100]
    assert [(m.source_id, m.target_id) for m in plan.matches] == [(7, 7), (130, 130)]


def _dying_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the process at the n-th point: before or after a commit, or a request that writes."""
    post, count = Transport.post, [0]

    def reach(_: str) -> None:
        count[0] += 1
        if count[0] == number:
            raise Died

    def around(transport: Transport, method: str, body: bytes) -> Reply:
        is_write = method in {"crm.item.update", "crm.item.batchImport"}
        if is_write:
            reach("before")
        reply: Reply = post(transport, method, body)
        if is_write:
            reach("after")
        return reply

    monkeypatch.setattr(Transport, "post", around)
    with CommitPoints(reach).heard():
        yield
    monkeypatch.undo()


def test_dying_again_and_again_nothing_is_doubled(
    portals: MakePair, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(SOURCE, target=TARGET)
    deaths = 0

    for number in range(2, 300, 7):
        try:
            for _ in _dying_at(number, monkeypatch):
                _move(pair, mapping, UPDATING)
        except Died:
            deaths += 1
            continue
        finally:
            monkeypatch.undo()
        break

    contact = pair.target.items(CONTACT)[60]
    assert deaths >= 5
    assert len(pair.target.items(COMPANY)) == 4
    assert len(pair.target.items(CONTACT)) == 4
    assert len(pair.target.items(DEAL)) == 2
    assert [one["value"] for one in contact["fm"]] == ["Ann@ACME.test ", "+7 912 000 11 22"]
    assert _agree(pair)


def test_an_update_that_nobody_recorded_makes_no_other_match(
    portals: MakePair, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _portal(
        contacts=[
            _contact(1, "Ann", "ann@acme.test", "+7 912 000 11 22"),
            _contact(2, "Colleague", "+7 912 000 11 22"),
        ]
    )
    target = _portal(contacts=[_contact(60, "Anna", "ann@acme.test")])
    pair = portals(source, target=target)
    rule = "match: {3: {match_on: [email, phone], on_match: update}}"
    post = Transport.post

    def dies(transport: Transport, method: str, body: bytes) -> Reply:
        reply: Reply = post(transport, method, body)
        if method == "crm.item.update":
            raise Died
        return reply

    monkeypatch.setattr(Transport, "post", dies)
    with pytest.raises(Died):
        _move(pair, mapping, rule)
    monkeypatch.undo()
    _move(pair, mapping, rule)

    assert set(_by_title(pair, CONTACT)) == {"Ann", "Colleague"}
    assert [one["value"] for one in pair.target.items(CONTACT)[60]["fm"]] == [
        "ann@acme.test",
        "+7 912 000 11 22",
    ]
    assert _agree(pair)


def test_an_update_leaves_amounts_in_the_currency_they_are_in(
    portals: MakePair, mapping: Path
) -> None:
    ours = {"currencyId": "EUR", "revenue": 0}
    source = _portal(companies=[_company(1, "Acme", "7701", **ours)])
    theirs = {"currencyId": "USD", "revenue": 500}
    target = _portal(companies=[_company(50, "ACME", "7701", **theirs)])
    for portal in (source, target):
        portal["currencies"] = [{"CURRENCY": code} for code in ("USD", "EUR")]
    pair = portals(source, target=target)

    _move(pair, mapping, "match: {4: {match_on: [UF_CRM_INN], on_match: update}}")

    company = pair.target.items(COMPANY)[50]
    assert (company["title"], company["revenue"], company["currencyId"]) == ("Acme", 500, "USD")
    assert _agree(pair)


def test_an_update_whose_answer_is_lost_adds_a_phone_once(
    portals: MakePair, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals(SOURCE, target=TARGET)
    post, lost = Transport.post, [0]

    def loses(transport: Transport, method: str, body: bytes) -> Reply:
        reply: Reply = post(transport, method, body)
        if method == "crm.item.update" and lost[0] < 2:
            lost[0] += 1
            return Reply(status=502, content=b"<html>", headers={})
        return reply

    monkeypatch.setattr(Transport, "post", loses)
    _move(pair, mapping, UPDATING)

    contact = pair.target.items(CONTACT)[60]
    assert lost == [2]
    assert [one["value"] for one in contact["fm"]] == ["Ann@ACME.test ", "+7 912 000 11 22"]
    assert _agree(pair)


def test_what_a_thousand_items_share_is_noted_a_few_times_only(
    portals: MakePair, mapping: Path
) -> None:
    target = _portal(companies=[_company(n, f"T{n}", "none") for n in range(1, 31)])
    pair = portals(_portal(companies=[_company(1, "S", "NONE")]), target=target)

    plan = _plan(pair, mapping, BY_TAX_NUMBER)

    assert [m.target_id for m in plan.matches] == list(range(1, 11))
    assert [t.ambiguous for t in plan.types] == [1]


def test_undo_leaves_what_was_matched_and_a_new_run_finds_it_again(
    portals: MakePair, mapping: Path
) -> None:
    pair = portals(SOURCE, target=TARGET)
    _move(pair, mapping, BY_ALL)
    before = {t: len(pair.target.items(t)) for t in (COMPANY, CONTACT, DEAL)}

    with opened(pair, mapping=mapping) as app:
        app.check()
        app.undo(UndoOptions(carry_out=True, force=True))
    left = {t: len(pair.target.items(t)) for t in (COMPANY, CONTACT, DEAL)}
    _move(pair, mapping, BY_ALL)

    assert left == {COMPANY: 2, CONTACT: 3, DEAL: 0}
    assert {t: len(pair.target.items(t)) for t in before} == before
    assert _by_title(pair, DEAL)["Deal 1"]["companyId"] == 50
    assert _agree(pair)
