"""The JSON documents of the user guide have exactly the keys the program prints."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from migrator.app import PortalState
from migrator.cli import render
from migrator.cli.errors import report
from migrator.domain.errors import UsageError
from migrator.domain.findings import Finding, FindingKind, Severity
from migrator.domain.mapping import Mapping
from migrator.domain.records import Migration, MigrationId, StructureElement
from migrator.domain.structure import ElementKind, build_structure
from migrator.domain.vocabulary import DEAL, Role
from migrator.plan.plan import Blueprint, DeferredPlan, Estimate, Plan, TypePlan
from migrator.plan.portal_rights import judge_profile
from migrator.staging import Staging
from tests.docs.pages import USER_GUIDE

if TYPE_CHECKING:
    from collections.abc import Mapping as Document

    import pytest

SHOWN: list[dict[str, Any]] = [json.loads(block) for block in USER_GUIDE.blocks("json")]


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

    document = _printed(render.check_document([state]), capsys)

    assert _keys(document) == _keys(_shown("portals"))


def test_plan_prints_the_document_the_guide_shows(capsys: pytest.CaptureFixture[str]) -> None:
    document = _printed(render.plan_document(_a_migration(), _a_blueprint()), capsys)

    assert _keys(document) == _keys(_shown("types"))


def test_the_closing_table_has_the_columns_the_guide_shows(sqlite_url: str) -> None:
    with Staging.open(sqlite_url) as staging:
        columns = staging.audit.run("progress").columns

    (row,) = _shown("progress")["progress"]
    assert list(row) == list(columns)


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
    finding = Finding(
        kind=FindingKind.UNMAPPED_USER, severity=Severity.WARNING, detail="a sentence"
    )
    cost = Estimate(
        requests=1,
        operating_seconds=1.2,
        duration=timedelta(seconds=1),
        seconds_per_item=1.2,
        is_measured=False,
    )
    return Blueprint(
        source=build_structure([]),
        target=build_structure([]),
        mapping=Mapping([]),
        plan=Plan(types=(deals,), deferred=(link,), findings=(finding,), estimate=cost),
        without_import_right=frozenset(),
    )
