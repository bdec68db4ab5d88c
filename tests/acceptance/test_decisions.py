"""Every kind of decision of the mapping file in one move, and filters that change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.vocabulary import DEAL
from migrator.export.items import FilterRefused, ItemExport
from migrator.planning.mapping_file import MappingFileError
from migrator.planning.staged_export import NothingExported
from migrator.sandbox import twin_structure
from tests.acceptance.in_process import opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.conftest import MakePair, Pair

_SOURCE_USERS = [
    {"ID": "1", "NAME": "Ada", "EMAIL": "ada@old.test", "ADMIN": True, "IMPORT": True},
    {"ID": "2", "NAME": "Ann", "EMAIL": "ann@old.test"},
    {"ID": "3", "NAME": "Bob", "EMAIL": "bob@old.test"},
    {"ID": "4", "NAME": "Cid", "EMAIL": "cid@old.test", "UF_DEPARTMENT": [12]},
    {"ID": "5", "NAME": "Dan", "EMAIL": "dan@old.test"},
]
_TARGET_USERS = [
    {"ID": "101", "NAME": "Ada", "EMAIL": "ada@old.test", "ADMIN": True, "IMPORT": True},
    {"ID": "102", "NAME": "Ann", "EMAIL": "ann@new.test"},
    {"ID": "103", "NAME": "Head", "EMAIL": "head@new.test"},
    {"ID": "104", "NAME": "Boss", "EMAIL": "boss@new.test"},
]
_MAPPING = """\
entity_types: {7: drop}
fields:
  2:
    UF_CRM_CITY: sourceDescription
    UF_CRM_COLOUR: UF_CRM_NOTE
    UF_CRM_SIZE: UF_CRM_NUMBER
    UF_CRM_JUNK: drop
users:
  ann@old.test: ann@new.test
  3: 102
default_user: boss@new.test
departments: {10: head@new.test}
currencies: {USD: EUR}
rates: {USD: 0.92}
filters:
  2: {">=createdTime": "2024-01-01T00:00:00+03:00", categoryId: [0]}
  4: {"!title": Secret}
"""


def _field(number: int, name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "entityId": "CRM_DEAL",
        "fieldName": name,
        "userTypeId": kind,
        "multiple": "N",
        **more,
    }


def _deal(number: int, **values: Any) -> dict[str, Any]:
    moment = f"2024-03-{number:02d}T10:00:00+03:00"
    return {
        "id": number,
        "title": f"Deal {number}",
        "createdTime": moment,
        "updatedTime": moment,
        "movedTime": moment,
        "createdBy": 1,
        "updatedBy": 1,
        "movedBy": 1,
        "assignedById": 1,
        "currencyId": "USD",
        **values,
    }


def _company(number: int, title: str) -> dict[str, Any]:
    moment = f"2024-02-{number:02d}T10:00:00+03:00"
    times = {"createdTime": moment, "updatedTime": moment, "createdBy": 1, "updatedBy": 1}
    return {"id": number, "title": title, **times, "assignedById": 1, "currencyId": "EUR"}


def _source() -> dict[str, Any]:
    colours = [{"id": "1", "value": "Red", "xmlId": "r"}, {"id": "2", "value": "Odd", "xmlId": "o"}]
    return {
        "users": _SOURCE_USERS,
        "departments": [
            {"ID": "10", "NAME": "Sales", "SORT": 500},
            {"ID": "12", "NAME": "North", "SORT": 500, "PARENT": "10"},
        ],
        "currencies": [
            {"CURRENCY": "USD", "BASE": "Y", "FULL_NAME": "US Dollar"},
            {"CURRENCY": "EUR", "FULL_NAME": "Euro"},
        ],
        "categories": [{"id": 5, "entityTypeId": 2, "name": "Repair", "sort": 200}],
        "userFields": [
            _field(701, "UF_CRM_CITY", "string"),
            _field(702, "UF_CRM_COLOUR", "enumeration", enum=colours),
            _field(703, "UF_CRM_SIZE", "string"),
            _field(704, "UF_CRM_JUNK", "string"),
            _field(705, "UF_CRM_BUDGET", "money"),
        ],
        "items": {
            "4": [_company(1, "Open"), _company(2, "Secret")],
            "7": [{**_company(1, "Quote 1"), "currencyId": "USD"}],
            "2": [
                _deal(1, UF_CRM_CITY="Riga", opportunity=10.05, assignedById=2, companyId=1),
                _deal(2, UF_CRM_COLOUR=2, UF_CRM_BUDGET="100|USD", assignedById=3, companyId=2),
                _deal(3, UF_CRM_SIZE="12", UF_CRM_JUNK="x", assignedById=4, quoteId=1),
                _deal(4, UF_CRM_SIZE="large", assignedById=5, currencyId="EUR", opportunity=7),
                _deal(5, categoryId=5, stageId="C5:NEW"),
                {**_deal(6), "createdTime": "2023-05-01T10:00:00+03:00"},
            ],
        },
    }


def _target(seed: dict[str, Any]) -> dict[str, Any]:
    target = twin_structure(seed)
    target["users"] = _TARGET_USERS
    target["portal"]["webhooks"] = [{**target["portal"]["webhooks"][0], "user_id": 101}]
    target["currencies"] = [{"CURRENCY": "EUR", "BASE": "Y", "FULL_NAME": "Euro"}]
    own = {"UF_CRM_COLOUR", "UF_CRM_CITY", "UF_CRM_SIZE", "UF_CRM_JUNK"}
    kept = [row for row in target["userFields"] if row["fieldName"] not in own]
    more = [_field(9001, "UF_CRM_NOTE", "string"), _field(9002, "UF_CRM_NUMBER", "double")]
    target["userFields"] = kept + more
    return target


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(_MAPPING, encoding="utf-8")
    return path


def _pair(portals: MakePair, staging_url: str) -> Pair:
    seed = _source()
    return portals(seed, target=_target(seed), staging_url=staging_url)


def _by_title(pair: Pair, entity_type_id: int) -> dict[str, dict[str, Any]]:
    return {row["title"]: row for row in pair.target.items(entity_type_id).values()}


def test_every_kind_of_decision_at_once_and_everything_agrees(
    portals: MakePair, staging_url: str, mapping: Path
) -> None:
    pair = _pair(portals, staging_url)

    outcome = pair.migrator("run", "--mapping", str(mapping))

    assert outcome.code == 0, outcome.err + outcome.out
    deals = _by_title(pair, 2)
    assert sorted(deals) == ["Deal 1", "Deal 2", "Deal 3", "Deal 4"]
    assert sorted(_by_title(pair, 4)) == ["Open"]
    assert pair.target.items(7) == {}
    assert [deals[f"Deal {n}"]["assignedById"] for n in (1, 2, 3, 4)] == [102, 102, 103, 104]
    assert [deals[f"Deal {n}"]["opportunity"] for n in (1, 4)] == [9.25, 7]
    assert {row["currencyId"] for row in deals.values()} == {"EUR"}
    assert deals["Deal 1"]["sourceDescription"] == "Riga"
    assert deals["Deal 2"]["UF_CRM_NOTE"] == "Odd"
    assert deals["Deal 2"]["UF_CRM_BUDGET"] == "92.00|EUR"
    assert deals["Deal 3"]["UF_CRM_NUMBER"] == 12
    assert pair.target.losses == []
    found = pair.rows("SELECT kind, source_id, detail FROM finding WHERE phase = 'import'")
    told = {(row["kind"], row["source_id"]) for row in found}
    assert {
        ("amount-converted", 1),
        ("amount-converted", 2),
        ("dangling-reference", 2),
        ("dangling-reference", 3),
        ("default-user", 3),
        ("default-user", 4),
        ("dropped-by-mapping", 3),
        ("inconvertible-value", 4),
    } <= told
    details = {row["detail"] for row in found if row["kind"] == "dangling-reference"}
    assert any("the mapping file's filter" in one for one in details)
    assert any("drops its entity type" in one for one in details)


def test_a_currency_without_a_rate_blocks_before_anything_is_written(
    portals: MakePair, sqlite_url: str, mapping: Path
) -> None:
    pair = _pair(portals, sqlite_url)
    mapping.write_text(_MAPPING.replace("rates: {USD: 0.92}", ""), encoding="utf-8")

    with opened(pair, mapping=mapping) as app:
        app.export()
        blocking = app.plan().plan.blocking

    assert {one.kind.value for one in blocking} == {"currency-without-rate"}
    assert pair.writes() == []


def test_a_filter_that_changes_takes_out_what_is_not_imported_and_reads_anew(
    portals: MakePair, staging_url: str, mapping: Path
) -> None:
    pair = _pair(portals, staging_url)
    with opened(pair, mapping=mapping) as app:
        app.export()
        app.load(app.plan(frozenset({DEAL})))
    other = '2: {"@id": [1, 5]}'
    mapping.write_text(_MAPPING.replace(_MAPPING.splitlines()[-2].strip(), other), encoding="utf-8")

    with opened(pair, mapping=mapping) as app:
        with pytest.raises(NothingExported, match="filter that is in force now: Deal"):
            app.plan()
        app.export()
        with app.workspace.read() as repositories:
            staged = [item.source_id for item in next(repositories.items.stream(DEAL))]
        app.load(app.plan())
        counts = app.verify()

    assert staged == [1, 2, 3, 4, 5]
    assert sorted(_by_title(pair, 2)) == [f"Deal {n}" for n in (1, 2, 3, 4, 5)]
    assert counts.differ == 0
    (finding,) = pair.rows("SELECT items, detail FROM finding WHERE kind = 'filter-changed'")
    assert finding["items"] == 0
    assert "4 stay, because they are in the target" in finding["detail"]


def test_a_filter_that_becomes_narrower_before_the_import_takes_the_others_out(
    portals: MakePair, staging_url: str, mapping: Path
) -> None:
    pair = _pair(portals, staging_url)
    with opened(pair) as app:
        app.export()

    with opened(pair, mapping=mapping) as app:
        app.export()
        with app.workspace.read() as repositories:
            staged = repositories.items.counts()

    assert staged == {2: 4, 4: 1, 7: 1}
    taken_out = pair.rows(
        "SELECT entity_type_id, items FROM finding WHERE kind = 'filter-changed' ORDER BY 1"
    )
    assert [(row["entity_type_id"], row["items"]) for row in taken_out] == [(2, 6), (4, 2)]


def test_a_filter_that_changes_after_an_export_was_stopped_at_its_beginning_takes_out_the_others(
    portals: MakePair, staging_url: str, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any) -> None:
        raise InterruptedError

    pair = _pair(portals, staging_url)
    with opened(pair) as app:
        app.export()
    with monkeypatch.context() as patch, opened(pair) as app:
        patch.setattr(ItemExport, "_export_type", stopped)
        with pytest.raises(InterruptedError):
            app.export(refresh=True)

    with opened(pair, mapping=mapping) as app:
        app.export()
        with app.workspace.read() as repositories:
            staged = repositories.items.counts()

    assert staged == {2: 4, 4: 1, 7: 1}


def test_a_filter_is_counted_with_in_the_check(
    portals: MakePair, sqlite_url: str, mapping: Path
) -> None:
    pair = _pair(portals, sqlite_url)

    with opened(pair, mapping=mapping) as app:
        lines = app.check_everything().lines

    counted = {
        line.figures["entity_type_id"]: line.figures["source_items"]
        for line in lines
        if "source_items" in line.figures
    }
    assert (counted[2], counted[4]) == (4, 1)


def test_an_entity_type_that_is_left_out_is_not_exported(
    portals: MakePair, sqlite_url: str, mapping: Path
) -> None:
    pair = _pair(portals, sqlite_url)

    with opened(pair, mapping=mapping) as app:
        app.export()
        findings = app.plan().plan.findings
        with app.workspace.read() as repositories:
            staged = repositories.items.counts()

    assert staged == {2: 4, 4: 1}
    dropped = [f for f in findings if f.kind.value == "dropped-by-mapping" and f.value == "7"]
    assert len(dropped) == 1


def test_all_mistakes_in_the_file_are_told_before_an_item_is_read(
    portals: MakePair, sqlite_url: str, mapping: Path
) -> None:
    pair = _pair(portals, sqlite_url)
    mapping.write_text("filters: {2: {createTime: 5}}\nusers: {77: 101}\n", encoding="utf-8")

    with opened(pair, mapping=mapping) as app, pytest.raises(MappingFileError) as caught:
        app.export()

    assert "mapping.yaml:1: filters: 2: createTime: the source has no field" in str(caught.value)
    assert "crm.item.list" not in {request.method for request in pair.source.requests}


def test_mistakes_in_filters_and_in_pairs_are_told_by_the_plan_at_once(
    portals: MakePair, sqlite_url: str, mapping: Path
) -> None:
    pair = _pair(portals, sqlite_url)
    with opened(pair) as app:
        app.export()
    mapping.write_text("filters: {2: {createTime: 5}}\nusers: {77: 101}\n", encoding="utf-8")

    with opened(pair, mapping=mapping) as app, pytest.raises(MappingFileError) as caught:
        app.plan()

    told = str(caught.value)
    assert "mapping.yaml:1: filters: 2: createTime" in told
    assert "mapping.yaml:2: users: 77: the source has no such user" in told


def test_a_filter_with_a_group_is_applied_to_every_page_of_a_long_export(
    portals: MakePair, sqlite_url: str, mapping: Path
) -> None:
    deals = [_deal(1 + n % 28, id=n, title=f"Deal {n}", opportunity=n % 7) for n in range(1, 251)]
    pair = portals({"items": {"2": deals}}, staging_url=sqlite_url)
    condition = '{">=opportunity": 3, "0": {logic: OR, "%title": "1", "=id": [3, 4]}}'
    mapping.write_text(f"filters: {{2: {condition}}}\n", encoding="utf-8")

    with opened(pair, mapping=mapping) as app:
        app.export()
        with app.workspace.read() as repositories:
            pages = list(repositories.items.stream(DEAL))

    wanted = [n for n in range(1, 251) if n % 7 >= 3 and ("1" in str(n) or n in (3, 4))]
    assert [item.source_id for page in pages for item in page] == wanted


def test_a_filter_that_only_the_portal_can_judge_is_told_in_its_words(
    portals: MakePair, sqlite_url: str, mapping: Path
) -> None:
    pair = _pair(portals, sqlite_url)
    mapping.write_text("filters: {2: {contacts: 1}}\n", encoding="utf-8")

    with opened(pair, mapping=mapping) as app, pytest.raises(FilterRefused) as caught:
        app.export()

    assert caught.value.message.startswith("the source refuses the filter on Deal: Invalid filter")
    assert caught.value.hint == "correct it in the mapping file, under filters: 2"
