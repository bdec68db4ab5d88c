"""Items that come too late for their dates: told before they are sent."""

from __future__ import annotations

import pytest

from migrator.domain.findings import Effect, FindingKind, Severity
from migrator.domain.mapping import Decision, Mapping, Pair, PairKind
from migrator.domain.policy import OnLateItem
from migrator.domain.vocabulary import COMPANY, DEAL, EntityTypeId
from migrator.plan.late_items import late_findings, sharing_a_target

ONE, OTHER, SHARED = EntityTypeId(1302), EntityTypeId(1304), EntityTypeId(1046)


def into(**partners: int) -> Mapping:
    return Mapping(
        Pair(
            kind=PairKind.ENTITY_TYPE,
            scope="",
            source_key=key.removeprefix("t"),
            source_name="",
            target_key=str(partner),
            target_name="",
            decision=Decision.MAPPING,
        )
        for key, partner in partners.items()
    )


def test_items_the_portal_would_refuse_for_their_age_are_counted_beforehand() -> None:
    (finding,) = late_findings({DEAL: 12, COMPANY: 0}, {}, OnLateItem.CLAMP, {})

    assert (finding.kind, finding.severity) == (FindingKind.LATE_ITEM, Severity.WARNING)
    assert (finding.entity_type_id, finding.items) == (DEAL, 12)
    assert finding.detail == (
        "12 items are older than the target's newest row of this type: "
        "their dates are moved to the oldest permitted time"
    )


def test_of_late_items_that_failed_it_is_said_that_they_are_not_sent_by_themselves() -> None:
    (finding,) = late_findings({DEAL: 12}, {}, OnLateItem.CLAMP, {DEAL: 3})

    assert finding.items == 12
    assert finding.detail.endswith("; 3 of them failed and are sent by --retry-failed only")


@pytest.mark.parametrize(
    ("on_late", "effect"),
    [
        (OnLateItem.CLAMP, Effect.ADJUSTED),
        (OnLateItem.DROP, Effect.LOST),
        (OnLateItem.FAIL, Effect.LOST),
    ],
)
def test_late_items_that_lose_their_dates_or_fail_are_losses(
    on_late: OnLateItem, effect: Effect
) -> None:
    (finding,) = late_findings({DEAL: 12}, {}, on_late, {})

    assert finding.effect is effect


def test_of_two_types_that_go_into_one_the_second_names_the_first() -> None:
    before = sharing_a_target([DEAL, ONE, OTHER], into(t2=2, t1302=SHARED, t1304=SHARED))

    assert before == {OTHER: [ONE]}
    (finding,) = late_findings({OTHER: 3}, before, OnLateItem.CLAMP, {})
    assert "or than entity type 1302 that goes into the same one before them" in finding.detail
