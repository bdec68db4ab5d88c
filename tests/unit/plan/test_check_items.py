"""What `check` says of entity types, items, dates, rights, money and room."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from migrator.domain.policy import OnLateItem, WithoutImportRight
from migrator.domain.vocabulary import DEAL, LEAD, Role
from migrator.plan.check.facts import (
    Comparison,
    CurrencyFacts,
    DiskFacts,
    Policies,
    PortalFacts,
    Refusal,
    TypeFacts,
)
from migrator.plan.check.items import (
    BYTES_PER_ITEM,
    judge_crm_mode,
    judge_currencies,
    judge_dates,
    judge_disk,
    judge_import_right,
    judge_items,
    judge_types,
)
from migrator.plan.check.line import Line, Verdict
from tests.fakes.builders import a_profile
from tests.unit.plan.test_check_portals import a_portal

OLD, NEW = datetime(2019, 5, 1, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC)
GIGABYTE = 1024**3


def deals(**changes: Any) -> TypeFacts:
    return replace(
        TypeFacts(
            entity_type_id=DEAL,
            title="Deal",
            target_entity_type_id=DEAL,
            source_items=1200,
            source_first=OLD,
            target_items=3,
            target_newest=NEW,
        ),
        **changes,
    )


def comparing(*types: TypeFacts) -> Comparison:
    return Comparison(types=types)


@pytest.mark.parametrize("source_items", [None, 5])
def test_a_type_that_is_listed_but_not_counted_is_no_obstacle(source_items: int | None) -> None:
    uncounted = deals(
        source_items=source_items, is_uncounted=True, refusal=Refusal(message="not counted")
    )

    (line,) = judge_types(comparing(uncounted))

    assert line.verdict is Verdict.WARNING


def test_types_with_partners_are_one_line_without_a_remark() -> None:
    (line,) = judge_types(comparing(deals()))

    assert (line.verdict, line.remedy) == (Verdict.OK, None)


def test_a_type_with_items_and_without_a_partner_blocks() -> None:
    (line,) = judge_types(comparing(deals(target_entity_type_id=None, target_items=None)))

    assert line.verdict is Verdict.BLOCKING
    assert "1,200 items" in line.detail


@pytest.mark.parametrize("changes", [{"is_left_out": True}, {"source_items": 0}])
def test_a_type_that_is_left_out_or_empty_needs_no_partner(changes: dict[str, Any]) -> None:
    (line,) = judge_types(comparing(deals(target_entity_type_id=None, **changes)))

    assert line.verdict is Verdict.OK


def test_a_type_that_cannot_be_read_blocks_wherever_it_is() -> None:
    refused = Refusal(message="Access denied.")
    in_source = deals(source_items=None, refusal=refused)
    in_target = deals(target_items=None, refusal=refused)

    lines = list(judge_types(comparing(in_source, in_target)))

    assert [(line.role, line.verdict) for line in lines] == [
        (Role.SOURCE, Verdict.BLOCKING),
        (Role.TARGET, Verdict.BLOCKING),
    ]


def test_the_items_of_a_type_are_told_of_both_portals() -> None:
    (line,) = judge_items(comparing(deals()))

    assert line.detail == (
        "Deal: 1,200 in the source, the first of 2019-05-01; "
        "3 in the target, the newest of 2026-01-31"
    )


@pytest.mark.parametrize(
    ("policy", "fate"),
    [
        (OnLateItem.CLAMP, "would be moved to that time"),
        (OnLateItem.DROP, "would be left out"),
        (OnLateItem.FAIL, "would not be imported"),
    ],
)
def test_late_items_are_counted_and_their_fate_follows_the_policy(
    policy: OnLateItem, fate: str
) -> None:
    (line,) = judge_dates(comparing(deals(late_items=12)), Policies(on_late_item=policy))

    assert line.verdict is Verdict.WARNING
    assert "12 of 1,200 items of Deal" in line.detail
    assert fate in line.detail


def test_where_nothing_is_late_every_item_keeps_its_dates() -> None:
    (line,) = judge_dates(comparing(deals(late_items=0)), Policies())

    assert line.verdict is Verdict.OK


def test_types_that_become_one_may_come_late_because_of_each_other() -> None:
    orders, repairs = (
        deals(entity_type_id=number, title=title, target_entity_type_id=1040, late_items=0)
        for number, title in ((1302, "Orders"), (1304, "Repairs"))
    )

    (line,) = judge_dates(comparing(orders, deals(late_items=0), repairs), Policies())

    assert line.verdict is Verdict.WARNING
    assert line.detail.startswith("Orders and Repairs go into the same type of the target")
    assert line.figures["entity_type_ids"] == [1302, 1304]


@pytest.mark.parametrize("changes", [{"source_items": 0}, {"source_items": 7, "imported": 7}])
def test_a_type_of_which_nothing_is_to_come_makes_no_other_late(changes: dict[str, Any]) -> None:
    orders = deals(target_entity_type_id=1040, late_items=0)
    repairs = deals(target_entity_type_id=1040, late_items=0, **changes)

    (line,) = judge_dates(comparing(orders, repairs), Policies())

    assert line.verdict is Verdict.OK


def _import_right(policies: Policies | None = None, *, may_import: bool = False) -> Line:
    target = a_portal(Role.TARGET, profile=a_profile(is_admin=False))
    types = comparing(deals(may_import=may_import))
    (line,) = judge_import_right(target, types, policies or Policies())
    return line


def test_a_type_that_may_not_be_imported_blocks_unless_items_may_be_added_instead() -> None:
    accepted = Policies(without_import_right=WithoutImportRight.ADD)

    assert _import_right().verdict is Verdict.BLOCKING
    assert _import_right(accepted).verdict is Verdict.WARNING
    assert "starts automation" in _import_right(accepted).detail


def test_a_user_with_every_import_right_is_told_so() -> None:
    assert _import_right(may_import=True).verdict is Verdict.OK


def _mode(has_leads: bool | None, leads: int) -> list[Line]:
    target: PortalFacts = a_portal(Role.TARGET, has_leads=has_leads)
    types = comparing(deals(entity_type_id=LEAD, title="Lead", source_items=leads))
    return list(judge_crm_mode(target, types))


def test_leads_into_a_portal_without_leads_are_a_warning() -> None:
    assert [line.verdict for line in _mode(has_leads=False, leads=7)] == [Verdict.WARNING]
    assert [line.verdict for line in _mode(has_leads=False, leads=0)] == [Verdict.OK]
    assert [line.verdict for line in _mode(has_leads=True, leads=7)] == [Verdict.OK]
    assert _mode(has_leads=None, leads=7) == []


def test_leads_that_are_left_out_are_no_reason_to_switch_leads_on() -> None:
    leads = deals(entity_type_id=LEAD, title="Lead", is_left_out=True)

    (line,) = judge_crm_mode(a_portal(Role.TARGET, has_leads=False), comparing(leads))

    assert line.verdict is Verdict.OK


def test_a_type_that_is_left_out_may_be_unreadable() -> None:
    refused = deals(is_left_out=True, source_items=None, refusal=Refusal(message="no"))

    assert [line.verdict for line in judge_types(comparing(refused))] == [Verdict.OK]


def test_a_filter_the_source_refuses_is_told_as_such_and_not_as_a_missing_right() -> None:
    refused = deals(source_items=None, refusal=Refusal(message="no"), is_filter_refused=True)

    (line,) = judge_types(comparing(refused))

    assert line.verdict is Verdict.BLOCKING
    assert line.detail == "the source refuses the filter on Deal (2): no"
    assert line.remedy == "correct it in the mapping file, under filters: 2"


def test_dates_nobody_counted_are_not_said_to_be_kept() -> None:
    (line,) = judge_dates(comparing(deals(late_items=None)), Policies())

    assert line.verdict is Verdict.WARNING


def test_items_that_are_left_out_need_no_room() -> None:
    assert comparing(deals(), deals(is_left_out=True)).source_items == 1200


def test_a_missing_currency_blocks_only_where_items_are_in_it() -> None:
    used, unused = CurrencyFacts(code="CHF", items=4), CurrencyFacts(code="XAF", items=0)

    assert [one.verdict for one in judge_currencies((used, unused))] == [Verdict.BLOCKING]
    assert [one.verdict for one in judge_currencies((unused,))] == [Verdict.OK]
    assert [one.verdict for one in judge_currencies(())] == [Verdict.OK]


def test_a_currency_that_is_mapped_without_a_rate_blocks_where_items_are_in_it() -> None:
    used = CurrencyFacts(code="USD", into="EUR", items=4)

    (line,) = judge_currencies((used,))

    assert line.verdict is Verdict.BLOCKING
    assert "100 USD would turn into 100 EUR" in line.detail
    assert [one.detail for one in judge_currencies((replace(used, items=0),))] == [
        "the target has every currency of the source"
    ]


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(20 * GIGABYTE, Verdict.OK), (10 * GIGABYTE, Verdict.WARNING), (GIGABYTE, Verdict.BLOCKING)],
)
def test_room_is_judged_by_an_estimate_that_says_it_is_one(free: int, verdict: Verdict) -> None:
    disk = DiskFacts(folder="/data", free_bytes=free, staged_bytes=0)

    (line,) = judge_disk(disk, source_items=1_000_000)

    assert line.verdict is verdict
    assert line.figures["is_estimate"] is True
    assert line.figures["needed_bytes"] >= 1_000_000 * BYTES_PER_ITEM


def test_what_is_staged_already_is_not_needed_again() -> None:
    disk = DiskFacts(folder="/data", free_bytes=GIGABYTE, staged_bytes=8 * GIGABYTE)

    (line,) = judge_disk(disk, source_items=1_000_000)

    assert line.verdict is Verdict.OK
