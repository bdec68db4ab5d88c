"""docs/staging.md explains every table, column, view and audit query, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect

import migrator
from migrator.domain.findings import Effect, Phase, Severity
from migrator.domain.mapping import Decision, PairKind
from migrator.domain.records import BatchOutcome, BatchState, LinkState, Origin, VerifiedState
from migrator.domain.structure import ElementKind
from migrator.staging import audit_queries
from migrator.staging.models import Base
from tests.integration.staging.scenario import play

if TYPE_CHECKING:
    from enum import StrEnum

    from migrator.staging import Staging

DOCUMENT = (Path(migrator.__file__).parent.parent / "docs" / "staging.md").read_text("utf-8")
SECTIONS = re.findall(r"^### `(\w+)`$(.*?)(?=^##)", DOCUMENT, re.MULTILINE | re.DOTALL)


def documented_columns(section: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \| .+ \|$", section, re.MULTILINE)


def meaning(table: str, column: str) -> str:
    found = re.search(rf"^\| `{column}` \| (.+) \|$", dict(SECTIONS)[table], re.MULTILINE)
    assert found is not None
    return found[1]


def test_every_table_and_view_is_explained_column_by_column_in_order(staging: Staging) -> None:
    with staging.read() as tx:
        schema = inspect(tx._connection)
        names = [*Base.metadata.tables, *schema.get_view_names()]
        present = {name: [c["name"] for c in schema.get_columns(name)] for name in names}

    assert {name: documented_columns(section) for name, section in SECTIONS} == present


def test_every_value_of_a_closed_set_is_explained() -> None:
    sets: dict[tuple[str, str], type[StrEnum]] = {
        ("structure_element", "kind"): ElementKind,
        ("structure_pair", "kind"): PairKind,
        ("structure_pair", "decision"): Decision,
        ("id_map", "origin"): Origin,
        ("id_map", "verified_state"): VerifiedState,
        ("finding", "phase"): Phase,
        ("finding", "severity"): Severity,
        ("finding", "effect"): Effect,
        ("deferred_link", "state"): LinkState,
        ("import_batch", "state"): BatchState,
        ("import_batch_item", "outcome"): BatchOutcome,
    }

    missing = [
        (table, column, member.value)
        for (table, column), members in sets.items()
        for member in members
        if f"`{member.value}`" not in meaning(table, column)
    ]

    assert missing == []


def test_the_database_takes_exactly_the_values_the_program_knows() -> None:
    sets: dict[str, type[StrEnum]] = {
        "ck_structure_pair_decision": Decision,
        "ck_id_map_origin": Origin,
        "ck_id_map_verified_state": VerifiedState,
        "ck_finding_phase": Phase,
        "ck_finding_severity": Severity,
        "ck_finding_effect": Effect,
        "ck_deferred_link_state": LinkState,
        "ck_import_batch_state": BatchState,
        "ck_import_batch_item_outcome": BatchOutcome,
    }
    conditions = {
        str(constraint.name): str(getattr(constraint, "sqltext", ""))
        for table in Base.metadata.sorted_tables
        for constraint in table.constraints
    }

    for name, members in sets.items():
        assert set(re.findall(r"'(\w+)'", conditions[name])) == {m.value for m in members}


def test_every_audit_query_is_listed_with_its_own_description() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", DOCUMENT.split("## Ready-made")[1], re.M)

    assert listed == [(query.name, query.description) for query in audit_queries().values()]


def test_every_example_query_runs(staging: Staging, database: str) -> None:
    play(staging)
    examples = re.findall(rf"^```(?:sql|{database})\n(.*?)^```$", DOCUMENT, re.M | re.S)

    results = [staging.query_read_only(example) for example in examples]

    assert len(results) == 5
    assert all(result.columns for result in results)
