"""What reading the target does not tell, and what was taken for it, in sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.vocabulary import DEAL, SMART_INVOICE, is_spa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.bitrix.limits import PortalLimits
    from migrator.domain.fields import Field
    from migrator.domain.vocabulary import EntityTypeId
    from migrator.plan.plan import Blueprint
    from migrator.rehearsal.likeness import Assumptions

#: Settings of a user field that forbid values; 0 and "" forbid none.
_RULES = ("MIN_LENGTH", "MAX_LENGTH", "REGEXP", "MIN_VALUE", "MAX_VALUE")


def list_assumptions(
    assumed: Assumptions,
    blueprint: Blueprint,
    *,
    is_measured: bool,
    in_doubt: int,
    with_files: bool,
) -> list[str]:
    """Those that make a difference to what this plan moves.

    Args:
        assumed: what the emulated target was told.
        blueprint: the rehearsal's plan.
        is_measured: whether an import has measured what an item takes.
        in_doubt: items that were under way when an import was stopped.
        with_files: whether files are fetched from the source.
    """
    return [
        _limits(assumed.limits),
        *_times(assumed, is_measured=is_measured),
        *_under_way(in_doubt),
        *_rights(blueprint),
        *_required_fields(assumed, blueprint),
        *_closing_dates(blueprint),
        *_files(blueprint, with_files=with_files),
    ]


def _limits(limits: PortalLimits) -> str:
    rate = (
        f"{limits.requests_per_second:g} requests a second, {limits.burst} at once"
        if limits.requests_per_second
        else "requests that are not paced"
    )
    budget = (
        f"{limits.operating_limit_seconds:g} s of execution per method in "
        f"{limits.operating_window_seconds:g} s"
        if limits.operating_limit_seconds
        else "no limit of execution time"
    )
    return (
        f"the target's limits are the configured ones, as a portal does not tell its own: {rate}, "
        f"{budget}"
    )


def _times(assumed: Assumptions, *, is_measured: bool) -> Iterator[str]:
    if not is_measured:
        yield (
            f"an item takes the target {assumed.seconds_per_item} s, as in the vendor's "
            "documentation; the import measures it"
        )
    if assumed.seconds_per_item_read:
        yield (
            f"reading an item back takes the target {assumed.seconds_per_item_read:.3g} s, as the "
            "export measured it on the source"
        )


def _under_way(in_doubt: int) -> Iterator[str]:
    if in_doubt:
        yield (
            f"none of the {in_doubt} items has arrived that were under way when an import was "
            "stopped: migrator import asks the target for them before it goes on"
        )


def _rights(blueprint: Blueprint) -> Iterator[str]:
    """A right is found out by a request that has the form of a write."""
    unknown = [
        one.title
        for one in blueprint.plan.types
        if one.entity_type_id in blueprint.without_import_right
    ]
    if unknown:
        yield (
            f"the target webhook's user may not import {', '.join(unknown)}, as no plan or import "
            "has found otherwise: migrator plan asks the target"
        )


def _required_fields(assumed: Assumptions, blueprint: Blueprint) -> Iterator[str]:
    """One option of the portal is about both.

    Source: core-corp: modules/crm/lib/settings/restsettings.php, modules/crm/lib/deal.php
    """
    own = [field for field in _fields(blueprint) if field.is_dynamic]
    required = sum(field.is_required for field in own)
    ruled = sum(any(field.settings.get(rule) for rule in _RULES) for field in own)
    if required and not assumed.checks_required_fields:
        yield (
            "the target does not check required fields over REST, which is how portals are "
            f"delivered, so its {required} required user fields may stay empty: --required-fields "
            "for one that does"
        )
    if ruled and assumed.checks_required_fields:
        yield (
            f"what is sent keeps to the length, pattern or range that {ruled} user fields of the "
            "target demand"
        )


def _closing_dates(blueprint: Blueprint) -> Iterator[str]:
    """Source: core-corp: modules/crm/lib/Field/CloseDate.php."""
    if any(one in (DEAL, SMART_INVOICE) or is_spa(one) for one in _partners(blueprint)):
        yield (
            "what is imported into a final stage keeps its closing date if it is a deal, and is "
            "closed on the day of the import if not, which is how portals are delivered"
        )


def _files(blueprint: Blueprint, *, with_files: bool) -> Iterator[str]:
    if not with_files and any(field.type == "file" for field in _fields(blueprint)):
        yield (
            "every file can be read from the source and is small enough for the target: "
            "--with-files fetches them"
        )


def _fields(blueprint: Blueprint) -> Iterator[Field]:
    for partner in _partners(blueprint):
        yield from blueprint.target.fields[partner]


def _partners(blueprint: Blueprint) -> set[EntityTypeId]:
    found = {blueprint.mapping.target_type(one) for one in blueprint.plan.order}
    return {one for one in found if one is not None}
