"""What the product promises beside the data: few requests, no secrets, clean output."""

from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.whole_portal import whole_portal
from tests.benchmarks.whole_run import seed_of

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair, Pair

REPORTING = (
    ("check", "--json"),
    ("export", "--json"),
    ("plan", "--json"),
    ("run", "--json"),
    ("verify", "--json"),
    ("status", "--json"),
    ("audit", "--json"),
    ("audit", "where-is", "--json"),
)


@pytest.mark.parametrize("count", [49, 2500, 2600])
def test_an_export_needs_one_request_for_2500_items(portals: MakePair, count: int) -> None:
    pair = portals(seed_of(count))

    assert pair.migrator("export", "--only", "deal").code == 0

    asking = [
        request
        for request in pair.source.requests
        if any(method == "crm.item.list" for method, _ in request.commands)
        or request.method == "crm.item.list"
    ]
    assert len(asking) <= math.ceil(count / 2500) + 1


def test_an_import_needs_one_request_for_20_items_and_two_small_first_ones(
    portals: MakePair,
) -> None:
    pair = portals(seed_of(200))

    assert pair.migrator("run").code == 0

    imports = [r for r in pair.target.requests if r.method == "crm.item.batchImport"]
    assert len(imports) <= 1 + 1 + math.ceil((200 - 5) / 20)


def test_the_webhooks_secret_is_in_no_output_and_in_no_file(portals: MakePair) -> None:
    pair = portals(whole_portal())
    outcomes = [pair.migrator(*command) for command in (*REPORTING, ("run",), ("plan",))]
    outcomes.append(pair.migrator("plan", "--write-mapping", "mapping.yaml"))

    said = "".join(outcome.out + outcome.err for outcome in outcomes).encode()
    written = b"".join(path.read_bytes() for path in pair.folder.iterdir() if path.is_file())

    for secret in pair.secrets:
        assert secret.encode() not in said
        assert secret.encode() not in written


def test_from_its_start_to_its_very_end_the_interpreter_has_nothing_to_warn_of(
    portals: MakePair,
) -> None:
    """Elsewhere the program is forked, and ended before the interpreter tidies up."""
    with portals(seed_of(5)).start("run", "--json") as process:
        out, err = process.communicate(timeout=120)

    assert (process.returncode, err) == (0, "")
    assert json.loads(out)


@pytest.mark.parametrize("command", REPORTING)
def test_json_is_one_document_on_stdout_and_nothing_else(
    portals: MakePair, command: tuple[str, ...]
) -> None:
    pair = portals(whole_portal())
    assert pair.migrator("export").code == 0

    outcome = pair.migrator(*command)

    assert outcome.code == 0, outcome.err
    json.loads(outcome.out)


def test_a_dry_run_writes_nothing_to_the_target(portals: MakePair) -> None:
    pair = portals(whole_portal())

    outcome = pair.migrator("run", "--dry-run")

    assert outcome.code == 0, outcome.err
    assert "Dry run: nothing was written to the target." in outcome.out
    assert pair.writes() == []


def test_only_narrows_to_entity_types(portals: MakePair) -> None:
    pair = portals(whole_portal())

    outcome = pair.migrator("run", "--only", "company,contact")

    assert outcome.code == 0, outcome.err
    assert len(pair.target.items(4)) == 3
    assert len(pair.target.items(3)) == 2
    assert all(not pair.target.items(one) for one in (1, 2, 7, 31))


def test_links_left_open_by_a_narrow_run_are_set_by_the_next(portals: MakePair) -> None:
    pair = portals(whole_portal())
    assert pair.migrator("run", "--only", "company").code == 0

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err + outcome.out
    assert pair.migrator("audit", "unresolved-references", "--json").json == []


def test_sql_of_ones_own_only_reads(portals: MakePair) -> None:
    pair = portals(whole_portal())
    assert pair.migrator("export").code == 0

    refused = pair.migrator("audit", "--sql", "DELETE FROM item")
    counted = pair.migrator("audit", "--sql", "SELECT count(*) AS n FROM item", "--json")

    assert refused.code == 2
    assert counted.json == [{"n": 15}]


def test_the_database_can_be_asked_with_plain_sqlite(portals: MakePair) -> None:
    pair = portals(whole_portal())
    assert pair.migrator("run").code == 0
    path = pair.staging_url.removeprefix("sqlite:///")

    with sqlite3.connect(path) as connection:
        row = connection.execute(
            "SELECT title, state FROM v_where_is WHERE entity_type_id = 7 AND source_id = 71"
        ).fetchone()
    connection.close()

    assert row == ("Offer", "verified")


def test_status_without_a_migration_says_so(portals: MakePair) -> None:
    pair = portals(whole_portal())

    outcome = pair.migrator("status")

    assert outcome.code == 2
    assert not Path(pair.folder / "staging.db").exists()


def test_the_source_receives_no_write(portals: MakePair) -> None:
    pair: Pair = portals(whole_portal())
    before = pair.source.dump()["items"]

    assert pair.migrator("run").code == 0

    assert pair.source.dump()["items"] == before
