"""What is wrong with the configuration is one clear sentence, the right exit code, and no write."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from migrator.sandbox import twin_structure
from tests.acceptance.whole_portal import whole_portal

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair, Outcome, Pair


def _assert_refused(pair: Pair, outcome: Outcome, code: int, *said: str) -> None:
    assert outcome.code == code, outcome.err
    for text in said:
        assert text in outcome.err
    assert "Traceback" not in outcome.err
    assert pair.writes() == []
    assert not any(secret in outcome.out + outcome.err for secret in pair.secrets)


@pytest.fixture
def pair(portals: MakePair) -> Pair:
    return portals(whole_portal())


def test_a_wrong_webhook_code(pair: Pair) -> None:
    wrong = pair.target_server.webhook_url().rstrip("/")[:-3] + "abc/"
    pair.extra["MIGRATOR_TARGET__WEBHOOK_URL"] = wrong

    outcome = pair.migrator("run")

    _assert_refused(pair, outcome, 2, "error: portal-not-usable", "INVALID_CREDENTIALS", "hint:")


def test_no_webhook_at_all(pair: Pair) -> None:
    pair.extra["MIGRATOR_SOURCE__WEBHOOK_URL"] = ""

    outcome = pair.migrator("run")

    _assert_refused(pair, outcome, 2, "the webhook of the source is not set")
    assert "MIGRATOR_SOURCE__WEBHOOK_URL" in outcome.err


@pytest.mark.parametrize(
    "url",
    ["nonsense", "http://b24.test/rest/1/secretsecret/", "https://b24.test/rest/secretsecret/"],
)
def test_an_address_that_is_no_webhook_is_not_repeated(pair: Pair, url: str) -> None:
    pair.extra["MIGRATOR_SOURCE__WEBHOOK_URL"] = url

    outcome = pair.migrator("run")

    _assert_refused(pair, outcome, 2, "error: invalid-webhook")
    assert "MIGRATOR_SOURCE__WEBHOOK_URL" in outcome.err
    assert "secretsecret" not in outcome.err


def test_source_and_target_are_the_same_portal(pair: Pair) -> None:
    pair.extra["MIGRATOR_TARGET__WEBHOOK_URL"] = pair.source_server.webhook_url()

    outcome = pair.migrator("run", "--with-structure", "--yes")

    _assert_refused(pair, outcome, 2, "source and target are the same portal")
    assert "MIGRATOR_TARGET__WEBHOOK_URL" in outcome.err


def test_a_missing_scope(portals: MakePair) -> None:
    seed = whole_portal()
    target = twin_structure(seed)
    target["portal"]["webhooks"][0]["scopes"] = ["user", "userfieldconfig"]
    pair = portals(seed, target=target)

    outcome = pair.migrator("run")

    _assert_refused(pair, outcome, 2, "scope", "crm", "Inbound webhook")


def test_a_portal_that_does_not_answer(pair: Pair) -> None:
    pair.extra["MIGRATOR_SOURCE__WEBHOOK_URL"] = "http://127.0.0.1:9/rest/1/secretsecret01/"

    outcome = pair.migrator("run")

    _assert_refused(pair, outcome, 3, "portal-unreachable", "127.0.0.1:9")


def test_a_stage_without_a_partner_blocks_until_the_mapping_file_answers(portals: MakePair) -> None:
    pair = portals(whole_portal(), target=_without_stage("In talks"))

    refused = pair.migrator("run")
    _assert_refused(pair, refused, 2, "unmapped-stage", "In talks", "C5:UC_TALK")
    mapping = pair.folder / "mapping.yaml"
    assert pair.migrator("plan", "--write-mapping", str(mapping)).code == 2
    text, answers = re.subn(
        r"C5:UC_TALK: +# OPEN: In talks",
        f"C5:UC_TALK: {_stage(pair, 'Opened')}",
        mapping.read_text(),
    )
    assert answers == 1
    mapping.write_text(text)
    outcome = pair.migrator("run", "--mapping", str(mapping))

    assert outcome.code == 0, outcome.err
    deal = next(d for d in pair.target.items(2).values() if d["title"] == "Retail deal")
    assert deal["stageId"] == _stage(pair, "Opened")


def _without_stage(name: str) -> dict[str, Any]:
    target = twin_structure(whole_portal())
    target["statuses"] = [
        row
        for row in target["statuses"]
        if not (row["NAME"] == name and str(row["ENTITY_ID"]).startswith("DEAL_STAGE_"))
    ]
    return target


def _stage(pair: Pair, name: str) -> str:
    statuses = pair.target.dump()["statuses"]
    return next(
        str(row["STATUS_ID"])
        for row in statuses
        if row["NAME"] == name and row["ENTITY_ID"].startswith("DEAL_STAGE_")
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stagges:\n  X: 1\n", "mapping.yaml:1: unknown section 'stagges'"),
        ("users:\n  17: 4\n  999: 1\n", "mapping.yaml:3: users: 999: the source has no such user"),
        ("users:\n  17: 99999\n", "mapping.yaml:2: users: 17: the target has no user '99999'"),
        ("stages: [\n", "mapping.yaml:"),
    ],
)
def test_a_mapping_file_with_a_typo_names_file_line_and_key(
    pair: Pair, text: str, said: str
) -> None:
    path = pair.folder / "mapping.yaml"
    path.write_text(text)

    outcome = pair.migrator("run", "--mapping", str(path))

    _assert_refused(pair, outcome, 2, "error: mapping-file", said)


def test_an_empty_portal_is_moved_in_no_time(portals: MakePair) -> None:
    seed = {**whole_portal(), "items": {}}
    pair = portals(seed)

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    assert pair.writes() == []
    assert pair.migrator("plan", "--json").json["types"] == []


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all/staging.db",
        "postgresql://nobody:topsecret@127.0.0.1:9/none",
        "oracle://nobody:topsecret@host/db",
        "not a url",
    ],
)
def test_a_staging_database_that_cannot_be_opened(pair: Pair, url: str) -> None:
    pair.staging_url = url

    outcome = pair.migrator("run")

    _assert_refused(pair, outcome, 2, "error: staging-unavailable")
    assert "topsecret" not in outcome.err


def test_a_staging_database_that_is_a_text_file(pair: Pair) -> None:
    path = pair.folder / "notes.txt"
    path.write_text("these are my notes\n" * 100)
    pair.staging_url = f"sqlite:///{path}"

    outcome = pair.migrator("run")

    _assert_refused(pair, outcome, 2, "error: staging-unavailable")
    assert path.read_text().startswith("these are my notes")


def test_a_migration_of_other_portals_is_not_continued(portals: MakePair) -> None:
    seed = whole_portal()
    first, second = portals(seed), portals(seed)
    assert first.migrator("export").code == 0

    outcome = second.migrator("run")

    _assert_refused(second, outcome, 2, "error: migration-mismatch")


def test_an_unknown_entity_type_on_the_command_line(pair: Pair) -> None:
    outcome = pair.migrator("run", "--only", "deals,dealz")

    _assert_refused(pair, outcome, 2, "there is no entity type 'dealz'")


def test_importing_before_anything_is_exported(pair: Pair) -> None:
    outcome = pair.migrator("import")

    _assert_refused(pair, outcome, 2, "error: nothing-exported", "migrator export")


def test_an_error_under_json_is_one_document_on_stdout(pair: Pair) -> None:
    outcome = pair.migrator("import", "--json")

    assert outcome.code == 2
    assert outcome.json["error"]["reference"] == "nothing-exported"


def test_wrong_usage_under_json_is_a_document_too(pair: Pair) -> None:
    outcome = pair.migrator("export", "--only", "dealz", "--json")

    assert outcome.code == 2
    assert outcome.json["error"]["reference"] == "usage"
    assert "there is no entity type 'dealz'" in outcome.json["error"]["message"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_exit_code_is_true_where_nobody_reads_the_result(
    pair: Pair, options: list[str]
) -> None:
    """As after `| head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "migrator", "audit", *options],
            env=pair.environment,
            cwd=pair.folder,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)

    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_setting_that_cannot_be_read_is_named_and_its_value_is_not(pair: Pair) -> None:
    pair.extra["MIGRATOR_TARGET__BURST"] = "topsecret"

    outcome = pair.migrator("run")

    _assert_refused(pair, outcome, 2, "MIGRATOR_TARGET__BURST")
    assert "topsecret" not in outcome.err


def test_a_configuration_file_with_an_unknown_setting(pair: Pair) -> None:
    path = Path(pair.folder / "migrator.toml")
    path.write_text("stagingurl = 'sqlite:///x.db'\n", encoding="utf-8-sig")  # as Windows does

    outcome = pair.migrator("run", "--config", str(path))

    _assert_refused(pair, outcome, 2, "there is no setting 'stagingurl'")
