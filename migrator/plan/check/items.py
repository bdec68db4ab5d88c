"""Lines about entity types and their items: partners, counts, dates, rights, money, room."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from migrator.domain.policy import OnLateItem, WithoutImportRight
from migrator.domain.vocabulary import LEAD, Role
from migrator.plan.check.line import Line, Question, Verdict, counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from migrator.domain.vocabulary import EntityTypeId
    from migrator.plan.check.facts import (
        Comparison,
        CurrencyFacts,
        DiskFacts,
        Policies,
        PortalFacts,
        TypeFacts,
    )

#: What one item takes in SQLite when all is done: payload, ID map, batches, findings, log. Deals
#: without user fields took 2.5 KB when it was measured; this is three times as much.
BYTES_PER_ITEM = 8_192
#: SQLite's own log beside the database, and room to move.
_BYTES_BESIDES = 64 * 1024 * 1024

_LATE = {
    OnLateItem.CLAMP: "their dates would be moved to that time",
    OnLateItem.DROP: "their dates and authors would be left out",
    OnLateItem.FAIL: "they would not be imported",
}


def judge_types(comparison: Comparison) -> Iterator[Line]:
    """Types that cannot be read or have nowhere to go; one line where there is nothing to say."""
    problems = [line for one in comparison.types for line in _type_problem(one)]
    yield from problems
    if not problems:
        left_out = [one.title for one in comparison.types if one.is_left_out]
        yield Line(
            question=Question.ENTITY_TYPES,
            verdict=Verdict.OK,
            detail=f"of {counted(len(comparison.types), 'entity type')} in the source, each that "
            "holds items has a partner in the target"
            + (f"; left out by the mapping: {', '.join(left_out)}" if left_out else ""),
        )


def _type_problem(one: TypeFacts) -> Iterator[Line]:
    name = f"{one.title} ({one.entity_type_id})"
    figures = {"entity_type_id": one.entity_type_id, "source_items": one.source_items}
    if one.is_left_out:
        return
    if one.is_filter_refused and one.refusal is not None:
        yield Line(
            question=Question.ENTITY_TYPES,
            role=Role.SOURCE,
            verdict=Verdict.BLOCKING,
            detail=f"the source refuses the filter on {name}: {one.refusal.message}",
            remedy=f"correct it in the mapping file, under filters: {one.entity_type_id}",
            figures=figures,
        )
    elif one.refusal is not None and one.is_uncounted:
        yield Line(
            question=Question.ENTITY_TYPES,
            role=Role.SOURCE if one.source_items is None else Role.TARGET,
            verdict=Verdict.WARNING,
            detail=f"not answered: how many items of {name} there are: {one.refusal.message}",
            figures=figures,
        )
    elif one.refusal is not None and one.source_items is None:
        yield Line(
            question=Question.ENTITY_TYPES,
            role=Role.SOURCE,
            verdict=Verdict.BLOCKING,
            detail=f"{name} cannot be read: {one.refusal.message}",
            remedy="use the webhook of an administrator of the source, or narrow every command "
            "with --only",
            figures=figures,
        )
    elif one.refusal is not None:
        yield Line(
            question=Question.ENTITY_TYPES,
            role=Role.TARGET,
            verdict=Verdict.BLOCKING if one.source_items else Verdict.OK,
            detail=f"the partner of {name} cannot be read in the target: {one.refusal.message}",
            remedy="use the webhook of an administrator of the target, or name another partner in "
            "the mapping file",
            figures=figures,
        )
    elif one.source_items and one.target_entity_type_id is None and not one.is_left_out:
        yield Line(
            question=Question.ENTITY_TYPES,
            role=Role.TARGET,
            verdict=Verdict.BLOCKING,
            detail=f"{name} holds {counted(one.source_items, 'item')} and has no partner in the "
            "target",
            remedy="make it in the target, or answer in the mapping file: entity_types: "
            f"{one.entity_type_id}: <target>, or `drop`",
            figures=figures,
        )


def judge_items(comparison: Comparison) -> Iterator[Line]:
    """One line for each type: what both portals hold of it."""
    for one in comparison.types:
        if one.source_items is None:
            continue
        target = "no partner" if one.target_items is None else f"{one.target_items:,} in the target"
        ours = f" ({one.imported:,} by this migration)" if one.imported else ""
        since = f", the first of {_day(one.source_first)}" if one.source_first else ""
        until = f", the newest of {_day(one.target_newest)}" if one.target_newest else ""
        yield Line(
            question=Question.ITEMS,
            verdict=Verdict.OK,
            detail=f"{one.title}: {one.source_items:,} in the source{since}; {target}{ours}{until}",
            figures={
                "entity_type_id": one.entity_type_id,
                "title": one.title,
                "target_entity_type_id": one.target_entity_type_id,
                "source_items": one.source_items,
                "source_first": one.source_first,
                "target_items": one.target_items,
                "target_newest": one.target_newest,
                "imported": one.imported,
            },
        )


def judge_dates(comparison: Comparison, policies: Policies) -> Iterator[Line]:
    """Which items the target would refuse with the dates they have."""
    late = [one for one in comparison.types if one.late_items]
    for one in late:
        yield Line(
            question=Question.DATES,
            verdict=Verdict.WARNING,
            detail=f"{one.late_items:,} of {counted(one.source_items or 0, 'item')} of {one.title} "
            f"are older than the target's newest row of {_minute(one.target_newest)}: "
            f"{_LATE[policies.on_late_item]}",
            remedy="import into a type without newer items, or choose what becomes of them with "
            "MIGRATOR_ON_LATE_ITEM=clamp|drop|fail",
            figures={
                "entity_type_id": one.entity_type_id,
                "late_items": one.late_items,
                "source_items": one.source_items,
                "source_first": one.source_first,
                "target_newest": one.target_newest,
            },
        )
    unknown = [one for one in comparison.types if one.is_late_unknown]
    for one in unknown:
        yield Line(
            question=Question.DATES,
            verdict=Verdict.WARNING,
            detail=f"the source did not count which items of {one.title} are older than the "
            f"target's newest row of {_minute(one.target_newest)}",
            remedy="migrator plan knows it, once the items are exported",
            figures={"entity_type_id": one.entity_type_id, "late_items": None},
        )
    sharing = list(_sharing_a_target(comparison))
    for types in sharing:
        yield Line(
            question=Question.DATES,
            verdict=Verdict.WARNING,
            detail=f"{' and '.join(one.title for one in types)} go into the same type of the "
            "target, one after the other: what is older than the newest item of those before it "
            f"comes late, too: {_LATE[policies.on_late_item]}",
            remedy="migrator plan counts them, once the items are exported",
            figures={
                "target_entity_type_id": types[0].target_entity_type_id,
                "entity_type_ids": [one.entity_type_id for one in types],
            },
        )
    if not late and not unknown and not sharing:
        yield Line(
            question=Question.DATES,
            verdict=Verdict.OK,
            detail="no item is older than the target's newest row of its type: all can keep "
            "their dates",
        )


def _sharing_a_target(comparison: Comparison) -> Iterator[list[TypeFacts]]:
    """Types of which items are still to come into one and the same type of the target.

    In which order they go is known to the plan, which sees what refers to what.
    """
    into: dict[EntityTypeId | None, list[TypeFacts]] = {}
    for one in comparison.types:
        if one.is_moved and (one.source_items or 0) > one.imported:
            into.setdefault(one.target_entity_type_id, []).append(one)
    return (types for types in into.values() if len(types) > 1)


def judge_import_right(
    target: PortalFacts, comparison: Comparison, policies: Policies
) -> Iterator[Line]:
    """Asked only where the user is no administrator."""
    if target.profile.is_admin:
        yield Line(
            question=Question.IMPORT_RIGHT,
            role=Role.TARGET,
            verdict=Verdict.OK,
            detail="an administrator of the portal may import every type",
        )
        return
    asked = [one for one in comparison.types if one.may_import is not None]
    denied = [one for one in asked if not one.may_import]
    may_go = policies.without_import_right is WithoutImportRight.ADD
    refused = Verdict.WARNING if may_go else Verdict.BLOCKING
    yield Line(
        question=Question.IMPORT_RIGHT,
        role=Role.TARGET,
        verdict=refused if denied else Verdict.OK,
        detail=f"{target.profile.name} may not import {listed(one.title for one in denied)}"
        + ("; items would be added one by one, which starts automation" if may_go else "")
        if denied
        else f"{target.profile.name} may import all of {counted(len(asked), 'type')} with items",
        remedy="give the permission to import (CRM > Settings > Access permissions), use an "
        "administrator's webhook, or set MIGRATOR_WITHOUT_IMPORT_RIGHT=add"
        if denied
        else None,
        figures={
            "asked": [one.target_entity_type_id for one in asked],
            "denied": [one.target_entity_type_id for one in denied],
        },
    )


def judge_crm_mode(target: PortalFacts, comparison: Comparison) -> Iterator[Line]:
    """A portal without leads turns each new one into a deal by itself.

    Source: b24restdocs api-reference/crm/crm-settings-mode-get.md
    """
    leads = sum(
        one.source_items or 0
        for one in comparison.types
        if one.entity_type_id == LEAD and not one.is_left_out
    )
    if target.has_leads is None:
        return
    is_trouble = leads > 0 and not target.has_leads
    yield Line(
        question=Question.CRM_MODE,
        role=Role.TARGET,
        verdict=Verdict.WARNING if is_trouble else Verdict.OK,
        detail=f"the target works without leads and turns each of {counted(leads, 'lead')} into a "
        "deal by itself"
        if is_trouble
        else f"the target works {'with' if target.has_leads else 'without'} leads",
        remedy="switch leads on in the target (CRM > Settings > Other > CRM mode), or leave "
        "leads out"
        if is_trouble
        else None,
        figures={"source_leads": leads, "target_has_leads": target.has_leads},
    )


def judge_currencies(missing: tuple[CurrencyFacts, ...]) -> Iterator[Line]:
    """A currency the target does not have blocks only where items are in it."""
    used = [one for one in missing if one.items]
    for one in used:
        if one.into is not None:
            yield _without_rate(one, one.into)
            continue
        yield Line(
            question=Question.CURRENCIES,
            role=Role.TARGET,
            verdict=Verdict.BLOCKING,
            detail=f"the target has no {one.code}, in which {counted(one.items, 'item')} of the "
            "source stand",
            remedy="add it in the target (CRM > Settings > Currencies), or answer in the mapping "
            f"file: currencies: {one.code}: <target>",
            figures={"currency": one.code, "items": one.items},
        )
    if not used:
        unused = ", ".join(one.code for one in missing if one.into is None)
        yield Line(
            question=Question.CURRENCIES,
            verdict=Verdict.OK,
            detail=f"missing in the target, and the currency of no item: {unused}"
            if unused
            else "the target has every currency of the source",
            figures={"missing": [one.code for one in missing if one.into is None]},
        )


def _without_rate(one: CurrencyFacts, into: str) -> Line:
    return Line(
        question=Question.CURRENCIES,
        verdict=Verdict.BLOCKING,
        detail=f"{one.code} becomes {into} in {counted(one.items, 'item')}, but no rate is given: "
        f"100 {one.code} would turn into 100 {into}",
        remedy=f"add to the mapping file: rates: {{{one.code}: <{into} for one {one.code}>}}; 1 "
        "keeps the amounts as they are",
        figures={"currency": one.code, "into": into, "items": one.items},
    )


def judge_disk(disk: DiskFacts, source_items: int) -> Iterator[Line]:
    """An estimate: nobody knows the size of items before they are read."""
    whole = source_items * BYTES_PER_ITEM + _BYTES_BESIDES
    needed = max(whole - disk.staged_bytes, _BYTES_BESIDES)
    if disk.free_bytes < needed:
        verdict = Verdict.BLOCKING
    elif disk.free_bytes < 2 * needed:
        verdict = Verdict.WARNING
    else:
        verdict = Verdict.OK
    yield Line(
        question=Question.DISK,
        verdict=verdict,
        detail=f"{_size(disk.free_bytes)} free in {disk.folder}; an estimate of what staging "
        f"still needs is {_size(needed)} ({counted(source_items, 'item')} at "
        f"{BYTES_PER_ITEM // 1024} KB and {_size(_BYTES_BESIDES)} besides, less what is staged); "
        "files of items are passed on and not kept",
        remedy="free some space, or move staging with MIGRATOR_STAGING_URL"
        if verdict is not Verdict.OK
        else None,
        figures={
            "free_bytes": disk.free_bytes,
            "needed_bytes": needed,
            "staged_bytes": disk.staged_bytes,
            "bytes_per_item": BYTES_PER_ITEM,
            "is_estimate": True,
        },
    )


def _day(moment: datetime) -> str:
    """Portals tell times with an offset of their own; side by side they stand in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _minute(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "unknown date"


def _size(number: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < 1024:
            return f"{number:,.0f} {unit}"
        number /= 1024
    return f"{number:,.1f} TB"
