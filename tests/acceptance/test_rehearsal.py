"""What a rehearsal says will go wrong is what goes wrong, and the target is only read from."""

from __future__ import annotations

import base64
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.client import PortalClient
from migrator.bitrix.reading import READING_METHODS
from migrator.domain.policy import OnLateItem, OnUnmappedUser, WithoutImportRight
from migrator.domain.vocabulary import COMPANY, DEAL, SourceId
from migrator.opening import open_app
from migrator.plan.sample import Share
from migrator.rehearsal.stage import Rehearsal, RehearsalOptions
from migrator.sandbox import twin_structure
from migrator.staging.errors import StagingLost
from tests.acceptance.in_process import opened, settings_of
from tests.acceptance.test_matching import BY_ALL, SOURCE, TARGET, UPDATING
from tests.acceptance.whole_portal import PROJECT, whole_portal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from migrator.rehearsal.result import RehearsalResult
    from migrator.staging import Staging
    from tests.acceptance.conftest import MakePair, Pair

Seed = dict[str, Any]
Rows = list[tuple[Any, ...]]

#: What a rehearsal must foresee, value for value. `sent_at` and its like are left out.
_FORESEEN = {
    "failed_item": "entity_type_id, source_id, error, error_description",
    "finding": "phase, kind, severity, effect, entity_type_id, source_id, field, value, sent, "
    "detail, items",
    "difference": "entity_type_id, source_id, field, expected, actual",
    "deferred_link": "entity_type_id, source_id, field, refers_to_entity_type_id, "
    "refers_to_source_id, state, detail",
    "id_map": "entity_type_id, source_id, origin, verified_state",
    "structure_creation": "kind, scope, source_key, name, method, state",
}


def _tables(staging: Staging) -> dict[str, Rows]:
    return {
        table: sorted(
            staging.query_read_only(f"SELECT {columns} FROM {table}", 10**6).rows, key=str
        )
        for table, columns in _FORESEEN.items()
    }


def _rehearse(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, options: RehearsalOptions, **settings: Any
) -> tuple[RehearsalResult, dict[str, Rows]]:
    """Rehearse, and keep what was in the rehearsal's own staging database at its end."""
    seen: dict[str, Rows] = {}
    outcome_of = Rehearsal._outcome

    def keep(self: Rehearsal, work: Any, *arguments: Any) -> Any:
        seen.update(_tables(work.workspace.staging))
        return outcome_of(self, work, *arguments)

    monkeypatch.setattr(Rehearsal, "_outcome", keep)
    with open_app(settings_of(pair, **settings), "default", only_reads_target=True) as app:
        app.check()
        app.export(options.only)
        return Rehearsal(app, options).run(), seen


def _run(pair: Pair, *, with_structure: bool = False, **settings: Any) -> dict[str, Rows]:
    with opened(pair, **settings) as app:
        app.check()
        app.export()
        if with_structure:
            app.apply_structure()
        app.load(app.plan())
        app.verify()
        return _tables(app.workspace.staging)


def _items(seed: Seed, entity_type_id: int) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in seed["items"][str(entity_type_id)]}


def _troubled() -> tuple[Seed, Seed]:
    """A source and a target between which a lot goes wrong, and nothing blocks."""
    seed = whole_portal()
    companies, deals = _items(seed, 4), _items(seed, 2)
    companies[11]["title"] = "Acme " * 60  # longer than the target stores
    companies[11]["UF_CRM_PARENT"] = "CO_999"  # refers to a company that is no more
    companies[11]["originId"] = "0"  # what the server takes for nothing
    companies[13]["createdTime"] = "2024-01-01T00:00:00+03:00"  # older than the target's newest
    deals[51]["assignedById"] = 23  # a user the target does not have
    deals[52][f"parentId{PROJECT}"] = 998  # a project that is no more
    deals[53]["isRecurring"] = "Y"  # a template without its schedule
    deals[53]["UF_CRM_ONE_STRING"] = ""  # required in the target
    deals[53]["comments"] = "<p>markup</p>"  # the target keeps it as BB code
    seed["items"]["4"].append({**companies[12], "id": 14, "title": ""})  # the portal names it
    target = twin_structure(seed)
    target["portal"]["enforce_required_fields"] = True
    target["users"] = [row for row in target["users"] if row["EMAIL"] != "boris@firm.test"]
    for row in target["userFields"]:
        if row["fieldName"] == "UF_CRM_ONE_STRING" or row["fieldName"].endswith("_NOTE"):
            row["mandatory"] = "Y"
    target["items"] = {"4": [{"id": 1005, "createdTime": "2024-01-20T00:00:00+00:00"}]}
    return seed, target


def test_a_rehearsal_foresees_every_failure_difference_and_finding_of_the_real_run(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed, target = _troubled()
    pair = portals(seed, target=target)
    options = RehearsalOptions(with_structure=False, checks_required_fields=True)

    result, foreseen = _rehearse(pair, monkeypatch, options, on_late_item=OnLateItem.FAIL)
    found = _run(pair, on_late_item=OnLateItem.FAIL)

    assert not result.agrees
    for table in _FORESEEN:
        assert foreseen[table] == found[table], table
    assert {row[2] for row in found["failed_item"]} == {"LATE_ITEM", "CRM_FIELD_ERROR_REQUIRED"}
    assert {row[1] for row in found["finding"]} >= {
        "dangling-reference",
        "late-item",
        "recurring-template",
        "too-long",
        "unmapped-user",
        "unsendable-value",
        "updated-by-link",
    }
    assert {row[5] for row in found["deferred_link"]} == {"done", "pending", "unresolvable"}


def _small() -> tuple[Seed, Seed]:
    """One deal that uses a part of the structure of every kind, and its twin target."""
    stage = {"ENTITY_ID": "DEAL_STAGE_5", "STATUS_ID": "C5:UC_TALK", "NAME": "In talks"}
    option = {"id": "71", "value": "Red", "xmlId": "red"}
    field = {"entityId": "CRM_DEAL", "fieldName": "UF_CRM_COLOUR", "userTypeId": "enumeration"}
    directory = {"ENTITY_ID": "SOURCE", "STATUS_ID": "UC_FAIR", "NAME": "Fair"}
    seed: Seed = {
        "users": [
            {"ID": "1", "NAME": "Ada", "EMAIL": "ada@firm.test", "ADMIN": True, "IMPORT": True},
            {"ID": "7", "NAME": "Bea", "EMAIL": "bea@firm.test"},
        ],
        "currencies": [{"CURRENCY": "EUR", "BASE": "Y"}, {"CURRENCY": "XAU"}],
        "types": [{"id": 3, "entityTypeId": 1302, "title": "Project", "code": "project"}],
        "categories": [{"id": 5, "entityTypeId": 2, "name": "Retail"}],
        "statuses": [stage, directory],
        "userFields": [field | {"enum": [option]}],
        "items": {
            "2": [
                {
                    "id": 1,
                    "title": "Deal",
                    "createdTime": "2024-01-01T12:00:00+00:00",
                    "assignedById": 7,
                    "categoryId": 5,
                    "stageId": "C5:UC_TALK",
                    "sourceId": "UC_FAIR",
                    "currencyId": "XAU",
                    "opportunity": 5,
                    "UF_CRM_COLOUR": 71,
                }
            ],
            "1302": [{"id": 1, "title": "Project", "createdTime": "2024-01-01T12:00:00+00:00"}],
        },
    }
    return seed, twin_structure(seed, rename_codes=False)


def _without(part: str, name: str, value: str) -> Callable[[Seed], None]:
    def plant(target: Seed) -> None:
        target[part] = [row for row in target[part] if row.get(name) != value]

    return plant


def _without_option(target: Seed) -> None:
    target["userFields"][0]["enum"][0] |= {"value": "Blue", "xmlId": "blue"}


def _without_import_right(target: Seed) -> None:
    for user in target["users"]:
        user |= {"ADMIN": False, "IMPORT": [2], "CRM_ADMIN": True}


def _all_of(*plants: Callable[[Seed], None]) -> Callable[[Seed], None]:
    def plant(target: Seed) -> None:
        for one in plants:
            one(target)

    return plant


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (
            _all_of(
                _without("statuses", "NAME", "In talks"),
                _without("statuses", "NAME", "Fair"),
                _without("currencies", "CURRENCY", "XAU"),
                _without("users", "EMAIL", "bea@firm.test"),
                _without_option,
            ),
            {
                "unmapped-stage",
                "unmapped-status",
                "unmapped-currency",
                "unmapped-user",
                "unmapped-enumeration",
            },
        ),
        (
            _all_of(
                _without("categories", "name", "Retail"),
                _without("types", "title", "Project"),
                _without("userFields", "fieldName", "UF_CRM_COLOUR"),
            ),
            {"unmapped-category", "unmapped-entity-type", "unmapped-field"},
        ),
        (_without_import_right, {"no-import-right"}),
    ],
    ids=["values", "parts", "rights"],
)
def test_a_rehearsal_foresees_what_blocks_the_real_run(
    portals: MakePair,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[Seed], None],
    kinds: set[str],
) -> None:
    seed, target = _small()
    plant(target)
    pair = portals(seed, target=target)
    settings = {"on_unmapped_user": OnUnmappedUser.BLOCK}
    with opened(pair, **settings) as app:
        app.check()
        app.export()
        found = app.plan().plan.findings

    result, _ = _rehearse(pair, monkeypatch, RehearsalOptions(with_structure=False), **settings)

    assert result.outcome is None
    assert kinds <= {finding.kind.value for finding in result.blueprint.plan.blocking}
    assert result.blueprint.plan.findings == found


@pytest.mark.parametrize("code", ["NOT_FOUND", "ACCESS_DENIED", "PLAN_WITHOUT_QUOTES"])
def test_an_entity_type_that_the_target_does_not_serve_is_missed_in_the_rehearsal_too(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    when = {"createdTime": "2024-01-01T12:00:00+00:00"}
    quotes = [{"id": 1, "title": "Quote", **when}]
    deals = [{"id": 1, "title": "Deal", **when}]
    target: Seed = {"portal": {"refused_types": {"7": code, "1": code}}}
    pair = portals({"items": {"2": deals, "7": quotes}}, target=target)

    blocked, _ = _rehearse(pair, monkeypatch, RehearsalOptions())
    with opened(pair) as app:
        found = app.plan().plan.findings

    assert blocked.blueprint.plan.findings == found
    assert {one.kind.value for one in blocked.blueprint.plan.blocking} == {"unmapped-entity-type"}
    assert pair.writes() == []


def test_a_type_of_the_target_to_which_nothing_goes_is_not_asked_for_its_newest_row(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal = {"id": 1, "title": "Deal", "createdTime": "2024-01-01T12:00:00+00:00"}
    pair = portals({"items": {"2": [deal]}}, target={"items": {"4": [{"id": 9, "title": "Own"}]}})
    asked: list[int] = []
    newest = PortalClient.newest

    def listen(self: PortalClient, types: Sequence[int]) -> Any:
        asked.extend(types)
        return newest(self, types)

    monkeypatch.setattr(PortalClient, "newest", listen)

    result, _ = _rehearse(pair, monkeypatch, RehearsalOptions(with_structure=False))

    assert result.agrees
    assert set(asked) == {DEAL}


def test_of_two_required_fields_that_are_empty_the_older_one_is_named_as_by_the_target(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind: Seed = {"entityId": "CRM_DEAL", "userTypeId": "string", "mandatory": "Y"}
    kind["settings"] = {"MAX_LENGTH": 5}
    fields = [{**kind, "fieldName": f"UF_CRM_{one}", "id": n} for n, one in enumerate("ZA", 1)]
    deal = {"id": 1, "title": "Deal", "createdTime": "2024-01-01T12:00:00+00:00"}
    seed = {"userFields": fields, "items": {"2": [deal]}}
    target = {"userFields": fields, "portal": {"enforce_required_fields": True}}
    pair = portals(seed, target=target)
    options = RehearsalOptions(with_structure=False, checks_required_fields=True)

    result, foreseen = _rehearse(pair, monkeypatch, options)

    assert any("pattern or range that 2 user fields" in one for one in result.assumptions)
    assert foreseen["failed_item"] == _run(pair)["failed_item"] != []


def test_a_rehearsal_of_one_entity_type_counts_its_items_only(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    when = {"createdTime": "2024-01-01T12:00:00+00:00"}
    deal = {"id": 1, "title": "Deal", "companyId": 1, **when}
    companies = [{"id": n, "title": f"Company {n}", **when} for n in (1, 2)]
    pair = portals({"items": {"2": [deal], "4": companies}})
    options = RehearsalOptions(only=frozenset({DEAL}), share=Share.parse("100%"))
    _rehearse(pair, monkeypatch, RehearsalOptions())

    result, _ = _rehearse(pair, monkeypatch, options)

    assert (result.items, result.staged_items) == (1, 1)


def test_the_report_says_which_limits_it_was_paced_by_and_what_it_assumed(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    required = {
        "entityId": "CRM_DEAL",
        "fieldName": "UF_CRM_SIZE",
        "userTypeId": "string",
        "mandatory": "Y",
    }
    deal = {"id": 1, "title": "Deal", "createdTime": "2024-01-01T12:00:00+00:00"}
    pair = portals({"userFields": [required], "items": {"2": [deal]}})

    result, _ = _rehearse(pair, monkeypatch, RehearsalOptions(with_structure=False))

    assert "batch" not in result.requests.by_method  # who the webhook speaks for is known
    told = "\n".join(result.assumptions)
    assert "requests that are not paced, no limit of execution time" in told
    assert "its 1 required user fields may stay empty" in told
    assert "keeps its closing date if it is a deal" in told
    assert "file" not in told


def test_without_the_import_right_the_lost_history_is_foreseen(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed, target = _small()
    _without_import_right(target)
    pair = portals(seed, target=target)
    settings: dict[str, Any] = {"without_import_right": WithoutImportRight.ADD}
    with opened(pair, **settings) as app:
        app.check()
        app.export()
        app.plan()

    result, foreseen = _rehearse(
        pair, monkeypatch, RehearsalOptions(with_structure=False), **settings
    )

    assert any("may not import Project, as no plan" in one for one in result.assumptions)
    assert foreseen == _run(pair, **settings)
    assert {"no-import-right", "history-lost"} <= {row[1] for row in foreseen["finding"]}


#: What a rehearsal may leave behind: what was asked of the portals, and what they answered.
_MAY_CHANGE = {"request_log", "structure_element", "lease", "alembic_version"}


def _state(staging: Staging) -> dict[str, Sequence[Any]]:
    """Every row of every other table."""
    tables = staging.query_read_only("SELECT name FROM sqlite_master WHERE type = 'table'").rows
    names = [str(row[0]) for row in tables if row[0] not in _MAY_CHANGE]
    assert len(names) > 15
    return {name: staging.query_read_only(f"SELECT * FROM {name}", 10**6).rows for name in names}


def test_a_rehearsal_in_the_middle_of_a_migration_leaves_its_state_alone_and_foresees_the_rest(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed, target = _troubled()
    pair = portals(seed, target=target)
    with opened(pair) as app:
        app.check()
        app.export()
        companies = frozenset({COMPANY})
        app.load(app.plan(companies))
        app.verify(companies)
        before = _state(app.workspace.staging)
    # Somebody deletes what was imported last: its number stays taken.
    pair.target.forget_item(COMPANY, max(pair.target.items(COMPANY)))
    asked = len(pair.target.requests)
    items = pair.target.items(COMPANY)

    options = RehearsalOptions(with_structure=False, checks_required_fields=True)
    _, foreseen = _rehearse(pair, monkeypatch, options)

    with opened(pair) as app:
        assert _state(app.workspace.staging) == before
    assert pair.target.items(COMPANY) == items
    reading = pair.target.requests[asked:]
    methods = {one.method for one in reading} | {
        name for one in reading for name, _ in one.commands
    }
    assert {method.lower() for method in methods} <= READING_METHODS | {"batch"}
    found = _run(pair)
    assert foreseen["failed_item"] == found["failed_item"] != []
    # The links that the companies imported before still wait for are no part of a rehearsal.
    late = [row for row in found["deferred_link"] if row[0] == COMPANY]
    assert foreseen["deferred_link"] == [r for r in found["deferred_link"] if r not in late]


def test_structure_that_the_target_lacks_is_made_in_the_rehearsal_too(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed, _ = _small()
    pair = portals(seed, target={"users": seed["users"]})

    result, foreseen = _rehearse(pair, monkeypatch, RehearsalOptions())
    assert pair.writes() == []
    found = _run(pair, with_structure=True)

    assert foreseen == found
    assert result.agrees
    made = {row[0] for row in found["structure_creation"]}
    assert made >= {"entity_type", "category", "stage", "field", "currency"}


@pytest.mark.parametrize("text", [BY_ALL, UPDATING], ids=["kept", "updated"])
def test_items_the_target_holds_already_are_matched_in_the_rehearsal_too(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    pair = portals(SOURCE, target=TARGET)
    mapping = pair.folder / "mapping.yaml"
    mapping.write_text(text, encoding="utf-8")
    options = RehearsalOptions(with_structure=False)

    result, foreseen = _rehearse(pair, monkeypatch, options, mapping=mapping)
    assert pair.writes() == []
    found = _run(pair, mapping=mapping)

    assert foreseen == found
    assert result.outcome is not None
    assert len(pair.target.items(COMPANY)) < len(SOURCE["items"]["4"]) + len(TARGET["items"]["4"])


def test_a_sample_is_rehearsed_with_whatever_it_refers_to(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch, staging_url: str
) -> None:
    when = {"createdTime": "2024-01-01T12:00:00+00:00"}
    numbers = range(1, 201)
    companies = [{"id": n, "title": f"Company {n}", **when} for n in numbers]
    deals = [
        {
            "id": n,
            "title": f"Deal {n}",
            "companyId": 201 - n,
            "stageId": "WON" if n == 100 else "NEW",
            **when,
        }
        for n in numbers
    ]
    pair = portals({"items": {"4": companies, "2": deals}}, staging_url=staging_url)
    options = RehearsalOptions(share=Share.parse("5%"), with_structure=False)

    result, foreseen = _rehearse(pair, monkeypatch, options)

    assert result.agrees
    assert foreseen["deferred_link"] == foreseen["failed_item"] == []
    assert 20 <= result.items < 80
    assert result.staged_items == 400
    assert result.whole_import_seconds is not None
    assert result.whole_import_seconds > 5 * result.seconds["import"] > 0
    assert result.outcome is not None
    counts = {(one.entity_type, one.stage): one.items for one in result.outcome.stages}
    assert counts["Deal", "Deal successful"] == 1


def test_a_directory_that_is_empty_in_the_target_is_empty_in_the_rehearsal(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal = {"id": 1, "title": "Deal", "sourceId": "CALL"}
    pair = portals({"items": {"2": [deal]}}, target={})
    for entry in pair.target.statuses.of("SOURCE"):
        pair.target.statuses.remove(entry)

    result, _ = _rehearse(pair, monkeypatch, RehearsalOptions(with_structure=False))
    with opened(pair) as app:
        found = app.plan().plan.findings

    assert result.blueprint.plan.findings == found
    assert "unmapped-status" in {finding.kind.value for finding in found}


def test_a_full_disk_ends_a_rehearsal_with_a_sentence_and_leaves_nothing(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals({"items": {"4": [{"id": 1, "title": "Company"}]}}, target={})

    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("migrator.rehearsal.stage.bring_matched_items", full)

    with pytest.raises(StagingLost, match="disk is full"):
        _rehearse(pair, monkeypatch, RehearsalOptions(with_structure=False))

    assert list(pair.folder.glob("*.rehearsal-*")) == []


def test_what_was_under_way_when_an_import_died_is_told_as_an_assumption(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = portals({"items": {"4": [{"id": 1, "title": "Company"}]}})
    with opened(pair) as app:
        app.check()
        app.export()
        with app.workspace.write() as repositories:
            repositories.batches.open(COMPANY, "crm.item.batchImport", [(SourceId(1), "mark")])

    result, _ = _rehearse(pair, monkeypatch, RehearsalOptions(with_structure=False))

    assert any("none of the 1 items has arrived" in one for one in result.assumptions)


def test_files_are_rehearsed_with_their_contents(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = base64.b64encode(b"contract").decode()
    field = {"entityId": "CRM_DEAL", "fieldName": "UF_CRM_FILE", "userTypeId": "file"}
    deal = {"id": 1, "title": "Deal", "createdTime": "2024-01-01T12:00:00+00:00"}
    deal["UF_CRM_FILE"] = {"name": "contract.txt", "content_base64": content}
    pair = portals({"userFields": [field], "items": {"2": [deal]}})
    options = RehearsalOptions(with_structure=False, with_files=True)

    result, foreseen = _rehearse(pair, monkeypatch, options)

    assert result.agrees
    assert foreseen == _run(pair)
    assert all("file" not in assumed for assumed in result.assumptions)


def test_two_entity_types_that_become_one_are_counted_once(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = {"id": 1, "title": "One", "createdTime": "2024-01-01T12:00:00+00:00"}
    types = [{"id": n, "entityTypeId": 1300 + 2 * n, "title": f"Type {n}"} for n in (1, 2)]
    pair = portals(
        {"types": types, "items": {"1302": [one], "1304": [one]}},
        target={"types": [{"id": 5, "entityTypeId": 1050, "title": "Both"}]},
    )
    mapping = pair.folder / "mapping.yaml"
    mapping.write_text("entity_types: {1302: 1050, 1304: 1050}", encoding="utf-8")

    result, _ = _rehearse(
        pair, monkeypatch, RehearsalOptions(with_structure=False), mapping=mapping
    )

    assert result.outcome is not None
    assert [(one.entity_type, one.items) for one in result.outcome.owners] == [("Both", 2)]


def test_reading_back_costs_what_the_export_measured(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    when = "2024-01-01T12:00:00+00:00"
    companies = [{"id": n, "title": f"Company {n}", "createdTime": when} for n in range(1, 51)]
    slow = {
        "portal": {"cost": {"seconds_per_read_item": 0.01}},
        "items": {"4": companies},
    }
    options = RehearsalOptions(with_structure=False)

    result, _ = _rehearse(portals(slow, target={}), monkeypatch, options)

    reading = result.requests.by_method["crm.item.list"]
    assert reading.operating_seconds == pytest.approx(1.0, rel=0.1)  # to compare, and for copies
    assert any("as the export measured it" in one for one in result.assumptions)


def test_the_command_says_what_would_fail_and_ends_with_1(portals: MakePair) -> None:
    seed, target = _troubled()
    pair = portals(seed, target=target)
    left_by_a_killed_one = pair.folder / "staging.db.rehearsal-1"
    left_by_a_killed_one.mkdir()
    (left_by_a_killed_one / "staging.db").write_text("half a database")

    outcome = pair.migrator("rehearse", "--without-structure", "--required-fields", "--json")

    assert outcome.code == 1, outcome.err
    came = outcome.json["outcome"]
    failed = {(row["entity_type"], row["source_id"]): row for row in came["failed_items"]}
    assert failed["Deal", 53]["title"] == "Won deal"
    assert failed["Deal", 53]["error"] == "CRM_FIELD_ERROR_REQUIRED"
    assert outcome.json["requests"]["by_method"]["crm.item.batchImport"]["items"] > 0
    assert outcome.json["seconds"]["import"] > 1
    assert {"entity_type": "Deal", "owner": "Ada Admin", "items": 1} in came["owners"]
    assert pair.writes() == []
    assert not left_by_a_killed_one.exists()


def test_the_command_ends_with_0_or_2_and_says_why_in_words(portals: MakePair) -> None:
    seed, target = _small()
    pair = portals(seed, target=target)

    agreeing = pair.migrator("rehearse", "--without-structure")
    pair.target.currencies._rows.pop("XAU")
    blocked = pair.migrator("rehearse", "--without-structure")

    assert agreeing.code == 0, agreeing.err
    assert "Everything would agree." in agreeing.out
    assert "In talks" in agreeing.out
    assert blocked.code == 2
    assert "unmapped-currency" in blocked.out
    assert "no item was written to the target" in blocked.err
    assert pair.writes() == []
