"""Findings, failures, differences and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.findings import Effect, FindingKind, Phase, Severity
from migrator.domain.records import FindingCount, StagedFile
from migrator.domain.vocabulary import CONTACT, DEAL, SourceId
from tests.integration.staging.builders import a_difference, a_failure, a_finding, sources

if TYPE_CHECKING:
    from migrator.staging import Repositories


def test_a_phase_replaces_its_own_findings_and_nobody_elses(repos: Repositories) -> None:
    repos.findings.add(Phase.EXPORT, [a_finding(FindingKind.TYPE_NOT_READABLE)])
    repos.findings.replace(Phase.PLAN, [a_finding(FindingKind.UNMAPPED_STAGE)])

    repos.findings.replace(Phase.PLAN, [a_finding(FindingKind.UNMAPPED_USER)])

    kinds = [finding.kind for finding in repos.findings.list()]
    assert kinds == [FindingKind.TYPE_NOT_READABLE, FindingKind.UNMAPPED_USER]


def test_findings_of_items_are_replaced_for_these_items_only(repos: Repositories) -> None:
    repos.findings.add(Phase.IMPORT, [a_finding(source_id=1), a_finding(source_id=2)])
    fresh = a_finding(FindingKind.TOO_LONG, source_id=1, field="title")

    repos.findings.replace_for_items(Phase.IMPORT, DEAL, sources(1, 3), [fresh])

    assert repos.findings.for_items(DEAL, sources(1)) == [fresh]
    assert repos.findings.for_items(DEAL, sources(2)) == [a_finding(source_id=2)]


def test_findings_are_listed_by_severity_phase_and_whether_they_name_an_item(
    repos: Repositories,
) -> None:
    blocking = a_finding(FindingKind.UNMAPPED_STAGE, severity=Severity.BLOCKING, items=40)
    repos.findings.add(Phase.PLAN, [blocking, a_finding(source_id=1)])
    repos.findings.add(Phase.IMPORT, [a_finding(source_id=2)])

    assert repos.findings.list(severity=Severity.BLOCKING) == [blocking]
    assert [f.source_id for f in repos.findings.list(phase=Phase.IMPORT)] == [2]
    assert repos.findings.list(about_items=False) == [blocking]
    assert [f.source_id for f in repos.findings.list(about_items=True, limit=1)] == [1]


def test_finding_counts_tell_findings_from_the_items_they_stand_for(repos: Repositories) -> None:
    lost = a_finding(FindingKind.UNMAPPED_FIELD, effect=Effect.LOST, items=40)
    repos.findings.add(Phase.PLAN, [lost, lost])

    assert repos.findings.counts() == [
        FindingCount(
            kind="unmapped-field",
            severity="warning",
            effect="lost",
            entity_type_id=DEAL,
            findings=2,
            items=80,
        )
    ]


def test_an_item_that_fails_again_is_one_failure_with_two_attempts(repos: Repositories) -> None:
    repos.failed_items.add([a_failure(1), a_failure(2)])

    repos.failed_items.add([a_failure(1)])

    assert [(f.source_id, f.attempts) for f in repos.failed_items.list()] == [(1, 2), (2, 1)]


def test_a_failure_is_forgotten_once_the_item_is_imported(repos: Repositories) -> None:
    repos.failed_items.add([a_failure(1), a_failure(1, entity_type_id=CONTACT)])

    repos.failed_items.clear(DEAL, sources(1))

    assert repos.failed_items.count(DEAL) == 0
    assert repos.failed_items.count() == 1


def test_verifying_an_item_again_replaces_its_differences(repos: Repositories) -> None:
    repos.differences.replace_for_items(
        DEAL, sources(1, 2), [a_difference(1, "title"), a_difference(1, "stageId"), a_difference(2)]
    )

    repos.differences.replace_for_items(DEAL, sources(1), [a_difference(1, "stageId")])

    assert [(d.source_id, d.field) for d in repos.differences.list()] == [
        (1, "stageId"),
        (2, "title"),
    ]
    assert repos.differences.count(CONTACT) == 0


def test_files_sent_are_found_by_item_field_and_position(repos: Repositories) -> None:
    sent = [a_file(1, position=1), a_file(1, position=0, name="first.pdf"), a_file(2)]

    repos.files.replace_for_items(DEAL, sources(1, 2), sent)

    files = repos.files.for_items(DEAL, sources(1))
    assert [(file.position, file.name) for file in files] == [(0, "first.pdf"), (1, "offer.pdf")]


def test_of_an_item_that_is_sent_again_only_the_files_of_the_last_time_are_kept(
    repos: Repositories,
) -> None:
    sent = [a_file(1, position=1), a_file(1, position=0), a_file(2)]
    repos.files.replace_for_items(DEAL, sources(1, 2), sent)

    repos.files.replace_for_items(DEAL, sources(1), [a_file(1, position=0, name="again.pdf")])

    files = repos.files.for_items(DEAL, sources(1, 2))
    assert [(file.source_id, file.name) for file in files] == [(1, "again.pdf"), (2, "offer.pdf")]


def a_file(source_id: int, *, position: int = 0, name: str = "offer.pdf") -> StagedFile:
    return StagedFile(
        entity_type_id=DEAL,
        source_id=SourceId(source_id),
        field="ufCrmFiles",
        position=position,
        source_file_id=900 + position,
        name=name,
        size=3,
        sha256="ab" * 32,
    )
