"""The JSON documents of the page about them have exactly the keys the program prints."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.records import RequestRecord
from migrator.cli import render
from migrator.cli.check import check_document
from migrator.cli.errors import report
from migrator.cli.rehearse import rehearsal_document
from migrator.cli.structure import apply_document, diff_document
from migrator.cli.undo import undo_document
from migrator.domain.errors import UsageError
from migrator.domain.findings import Finding, FindingKind, Severity
from migrator.domain.mapping import Mapping
from migrator.domain.records import (
    MatchCandidate,
    Migration,
    MigrationId,
    StructureCreation,
    StructureElement,
)
from migrator.domain.structure import ElementKind, build_structure
from migrator.domain.undoing import KeepReason, KeptItem
from migrator.domain.vocabulary import DEAL, Role, SourceId, TargetId
from migrator.plan.check.facts import Comparison, Policies, TypeFacts
from migrator.plan.check.items import judge_dates
from migrator.plan.check.report import CheckReport, PortalState
from migrator.plan.plan import Blueprint, DeferredPlan, Estimate, Plan, TypePlan
from migrator.plan.portal_rights import judge_profile
from migrator.plan.sample import Share
from migrator.plan.structure.lines import Line as StructureLine
from migrator.plan.structure.lines import LineState, StructureDiff
from migrator.plan.structure.parts import PartKind
from migrator.rehearsal.result import (
    Outcome,
    OwnerCount,
    RehearsalResult,
    Requests,
    StageCount,
)
from migrator.staging import QueryResult, Staging
from migrator.structure.execution import Refusal
from migrator.structure.stage import ApplyResult
from migrator.undo.stage import TypeUndo, UndoOptions, UndoResult
from migrator.undo.structure import StructureState, StructureUndo
from tests.docs.pages import JSON_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Mapping as Document

    import pytest

SHOWN: list[dict[str, Any]] = [json.loads(block) for block in JSON_OUTPUT.blocks("json")]


def _shown(key: str) -> dict[str, Any]:
    (document,) = [document for document in SHOWN if key in document]
    return document


def _keys(value: object) -> object:
    """The shape of a document: its keys, and those of the first element of each list."""
    if isinstance(value, dict):
        return {key: _keys(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_keys(one) for one in value[:1]]
    return None


def _printed(document: Document[str, Any], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    render.print_json(document)
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_an_error_is_the_document_the_guide_shows(capsys: pytest.CaptureFixture[str]) -> None:
    report(UsageError("what happened", hint="what to do"), as_json=True)

    assert _keys(json.loads(capsys.readouterr().out)) == _keys(_shown("error"))


def test_check_prints_the_document_the_guide_shows(capsys: pytest.CaptureFixture[str]) -> None:
    payload = {"ID": "1", "ADMIN": True, "scopes": ["crm"], "utc_offset": "+03:00"}
    profile = StructureElement(
        kind=ElementKind.PROFILE, scope="", key="profile", name="Ann Lee", payload=payload
    )
    parsed = build_structure([profile]).profile
    assert parsed is not None
    remarks = tuple(judge_profile(Role.SOURCE, parsed, history_may_go=False))
    state = PortalState(role=Role.SOURCE, host="old.test", profile=parsed, remarks=remarks)

    line = next(iter(judge_dates(Comparison(types=(_late_deals(),)), Policies())))
    report = CheckReport(portals=(state,), lines=(line,), requests=22)

    document = _printed(check_document(report), capsys)

    assert _keys(document) == _keys(_shown("portals"))


def test_plan_prints_the_document_the_guide_shows(capsys: pytest.CaptureFixture[str]) -> None:
    document = _printed(render.plan_document(_a_migration(), _a_blueprint()), capsys)

    assert _keys(document) == _keys(_shown("types"))


def test_structure_diff_prints_the_document_the_guide_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = StructureLine(kind=PartKind.FIELD, state=LineState.MISSING, name="Budget", scope="2")
    document = _printed(diff_document(StructureDiff(lines=(line,))), capsys)

    # Kinds and states are keys of the counts.
    assert _keys({**document, "counts": {}}) == _keys({**_shown("same"), "counts": {}})


def test_structure_apply_prints_the_document_the_guide_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = StructureCreation(
        kind="category", scope="2", source_key="5", name="Retail", method="m", params={}
    )
    finding = Finding(
        kind=FindingKind.STRUCTURE_REFUSED, severity=Severity.WARNING, detail="a sentence"
    )
    result = ApplyResult(
        steps=(step,),
        refused=(Refusal(step=step, reason="no"),),
        findings=(finding,),
        diff=StructureDiff(lines=()),
    )

    document = _printed(apply_document(result, dry_run=False), capsys)

    shown = _shown("calls")
    shown["calls"][0]["params"] = {}
    assert _keys(document) == _keys(shown)


def test_rehearse_prints_the_document_the_guide_shows(capsys: pytest.CaptureFixture[str]) -> None:
    requests = Requests()
    record = RequestRecord(
        portal="new.test",
        method="crm.item.batchImport",
        sent_at=datetime(2026, 1, 31, tzinfo=UTC),
        duration_s=24.0,
        operating_s=24.0,
        status=200,
        error=None,
        items=20,
    )
    requests.count(record)
    nothing = QueryResult(("state",), [])
    outcome = Outcome(
        progress=nothing,
        findings=nothing,
        failed_items=nothing,
        differences=nothing,
        unresolved=nothing,
        stages=[StageCount(entity_type="Deal", pipeline="Retail", stage="In talks", items=31)],
        owners=[OwnerCount(entity_type="Deal", owner="Ann Lee", items=12)],
    )
    result = RehearsalResult(
        migration=_a_migration(),
        share=Share.parse("5%"),
        items=612,
        staged_items=10235,
        types=frozenset(),
        blueprint=_a_blueprint(),
        structure=None,
        outcome=outcome,
        requests=requests,
        seconds={"plan": 0.0, "import": 812.5, "verify": 4.0},
        whole_import_seconds=15120.0,
        limits=PortalLimits(),
        assumptions=["a sentence"],
    )

    document = _printed(rehearsal_document(result), capsys)

    assert _keys({**document, "plan": {}}) == _keys(_shown("rehearsal_of"))


def test_undo_prints_the_document_the_guide_shows(capsys: pytest.CaptureFixture[str]) -> None:
    kept = KeptItem(
        entity_type_id=DEAL,
        source_id=SourceId(4711),
        target_entity_type_id=DEAL,
        target_id=TargetId(815),
        reason=KeepReason.CHANGED,
        detail="a sentence",
    )
    deals = TypeUndo(
        entity_type_id=DEAL, title="Deal", to_remove=0, removed=1, kept={KeepReason.CHANGED: 1}
    )
    part = StructureUndo(
        kind="category", scope="2", key="9", name="Retail", state=StructureState.KEPT
    )
    result = UndoResult(types=(deals,), structure=(part,))
    options = UndoOptions(carry_out=True, with_structure=True)

    document = _printed(undo_document(_a_migration(), options, result, [kept]), capsys)

    assert _keys(document) == _keys(_shown("undo"))


def test_the_closing_table_has_the_columns_the_guide_shows(sqlite_url: str) -> None:
    with Staging.open(sqlite_url) as staging:
        columns = staging.audit.run("progress").columns

    (row,) = _shown("progress")["progress"]
    assert list(row) == list(columns)


def _late_deals() -> TypeFacts:
    return TypeFacts(
        entity_type_id=DEAL,
        title="Deal",
        target_entity_type_id=DEAL,
        source_items=8832,
        source_first=datetime(2019, 5, 1, tzinfo=UTC),
        target_newest=datetime(2026, 1, 31, tzinfo=UTC),
        late_items=12,
    )


def _a_migration() -> Migration:
    return Migration(
        migration_id=MigrationId(1),
        name="default",
        source_portal="old.test",
        target_portal="new.test",
        source_origin="https://old.test",
        target_origin="https://new.test",
        created_at=datetime(2026, 1, 31, tzinfo=UTC),
    )


def _a_blueprint() -> Blueprint:
    deals = TypePlan(
        entity_type_id=DEAL,
        title="Deal",
        target_entity_type_id=DEAL,
        source_items=1,
        imported=0,
        failed=0,
        to_import=1,
        target_newest=datetime(2026, 1, 31, tzinfo=UTC),
        late_items=0,
    )
    link = DeferredPlan(entity_type_id=DEAL, field="parentId2", refers_to=DEAL, items=1)
    match = MatchCandidate(
        entity_type_id=DEAL,
        source_id=SourceId(4711),
        target_id=TargetId(88),
        field="originId",
        value="a-1",
    )
    finding = Finding(
        kind=FindingKind.UNMAPPED_USER, severity=Severity.WARNING, detail="a sentence"
    )
    cost = Estimate(
        requests=1,
        operating_seconds=1.2,
        duration=timedelta(seconds=1),
        seconds_per_item=1.2,
        seconds_per_request=0.0,
        is_measured=False,
    )
    return Blueprint(
        source=build_structure([]),
        target=build_structure([]),
        mapping=Mapping([]),
        plan=Plan(
            types=(deals,),
            deferred=(link,),
            findings=(finding,),
            updates=0,
            estimate=cost,
            matches=(match,),
        ),
        without_import_right=frozenset(),
    )
