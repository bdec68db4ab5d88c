"""Counts of items: per type on both sides, late ones, those in a currency; nothing is exported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from migrator.bitrix.counting import Count, CountQuery
from migrator.bitrix.errors import (
    ArgumentRefused,
    ItemRefused,
    NotFound,
    PortalError,
    UnreadableAnswer,
)
from migrator.bitrix.import_right import types_without_import_right
from migrator.check.asking import refusal
from migrator.domain.mapping import Decision, PairKey, PairKind
from migrator.domain.vocabulary import SYSTEM_TYPES
from migrator.plan.check.facts import CurrencyFacts, TypeFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Mapping as Lookup

    from migrator.bitrix.client import PortalClient
    from migrator.domain.mapping import Mapping
    from migrator.domain.structure import EntityType
    from migrator.domain.vocabulary import EntityTypeId


class SourceItems:
    """The source's items as far as they are taken: all, or those the mapping file's filters let in.

    The operator's filter is a group of its own, as it may hold the same condition.
    """

    def __init__(
        self, client: PortalClient, filters: Lookup[EntityTypeId, Lookup[str, Any]]
    ) -> None:
        self._client = client
        self._filters = filters

    def count(
        self, asked: Iterable[tuple[EntityTypeId, Lookup[str, Any]]]
    ) -> list[Count | PortalError]:
        """How many items of each type fulfil each condition."""
        return self._client.count_items(
            [
                CountQuery(entity_type_id=entity_type_id, filter=self._taken(entity_type_id, also))
                for entity_type_id, also in asked
            ]
        )

    def is_filtered(self, entity_type_id: EntityTypeId) -> bool:
        return bool(self._filters.get(entity_type_id))

    def _taken(self, entity_type_id: EntityTypeId, also: Lookup[str, Any]) -> Lookup[str, Any]:
        taken = self._filters.get(entity_type_id)
        return {**also, "0": taken} if taken else also


def count_types(
    source: SourceItems,
    target: PortalClient,
    types: Iterable[EntityType],
    mapping: Mapping,
) -> list[TypeFacts]:
    """Each of the source's types with what both portals hold of it, as far as it is taken.

    System types that the source does not have are left out.
    """
    listed = [_type_facts(one, mapping) for one in types]
    counts = source.count((one.entity_type_id, {}) for one in listed)
    facts = [
        _in_source(one, count, is_filtered=source.is_filtered(one.entity_type_id))
        for one, count in zip(listed, counts, strict=True)
        if not _is_lacking(one.entity_type_id, count)
    ]
    facts = _in_target(target, facts)
    return _late(source, facts)


def _type_facts(one: EntityType, mapping: Mapping) -> TypeFacts:
    pair = mapping.get(PairKey(PairKind.ENTITY_TYPE, "", str(one.entity_type_id)))
    return TypeFacts(
        entity_type_id=one.entity_type_id,
        title=one.title,
        target_entity_type_id=mapping.target_type(one.entity_type_id),
        is_left_out=pair is not None and pair.decision is Decision.DROPPED,
    )


def _is_lacking(entity_type_id: EntityTypeId, outcome: Count | PortalError | None) -> bool:
    """Whether the portal says that it has no such system type, as where it is switched off.

    Source: b24restdocs api-reference/crm/universal/crm-item-list.md (NOT_FOUND),
    api-reference/crm/universal/invoice.md (ENTITY_TYPE_NOT_SUPPORTED)
    """
    return entity_type_id in SYSTEM_TYPES and type(outcome) in {ItemRefused, NotFound}


def _in_source(one: TypeFacts, count: Count | PortalError, *, is_filtered: bool) -> TypeFacts:
    if isinstance(count, PortalError):
        return replace(
            one,
            refusal=refusal(count),
            is_filter_refused=is_filtered and isinstance(count, ArgumentRefused),
            is_uncounted=isinstance(count, UnreadableAnswer),
        )
    return replace(one, source_items=count.items, source_first=count.created_time)


def _in_target(target: PortalClient, facts: Sequence[TypeFacts]) -> list[TypeFacts]:
    partners = {
        one.entity_type_id: CountQuery(entity_type_id=partner, newest_first=True)
        for one in facts
        if (partner := one.target_entity_type_id) is not None
    }
    counts = dict(zip(partners, target.count_items(list(partners.values())), strict=True))
    return [_with_target(one, counts.get(one.entity_type_id)) for one in facts]


def _with_target(one: TypeFacts, count: Count | PortalError | None) -> TypeFacts:
    if one.target_entity_type_id is not None and _is_lacking(one.target_entity_type_id, count):
        return replace(one, target_entity_type_id=None)
    if isinstance(count, PortalError):
        if one.refusal:
            return one
        is_uncounted = isinstance(count, UnreadableAnswer)
        return replace(one, refusal=refusal(count), is_uncounted=is_uncounted)
    if count is None:
        return one
    return replace(one, target_items=count.items, target_newest=count.created_time)


def _late(source: SourceItems, facts: Sequence[TypeFacts]) -> list[TypeFacts]:
    """Only an earlier createdTime is refused; an equal one is not.

    Source: core-corp: modules/crm/lib/Service/Operation/Import.php
    """
    asked = {
        one.entity_type_id: {"<createdTime": one.target_newest.isoformat()}
        for one in facts
        if one.source_items and one.target_newest is not None
    }
    counts = dict(zip(asked, source.count(asked.items()), strict=True))
    return [_with_late(one, counts.get(one.entity_type_id)) for one in facts]


def _with_late(one: TypeFacts, count: Count | PortalError | None) -> TypeFacts:
    return replace(one, late_items=count.items) if isinstance(count, Count) else one


def ask_import_rights(target: PortalClient, facts: Sequence[TypeFacts]) -> list[TypeFacts]:
    """Ask for each type with items, in the form of an import the target has to refuse.

    Raises: ProbeAccepted.
    """
    asked = [one.target_entity_type_id for one in facts if one.is_moved]
    denied = types_without_import_right(target, [t for t in asked if t is not None])
    return [
        replace(one, may_import=one.target_entity_type_id not in denied) if one.is_moved else one
        for one in facts
    ]


def count_currencies(
    source: SourceItems, mapping: Mapping, types: Iterable[EntityTypeId]
) -> list[CurrencyFacts]:
    """The currencies without a partner or without a rate, and how many items are in each."""
    into = {
        pair.source_key: pair.target_key
        for pair in mapping
        if pair.kind is PairKind.CURRENCY
        and pair.target_key != pair.source_key
        and pair.source_key not in mapping.rates
    }
    listed = list(types)
    asked = [(t, {"=currencyId": code}) for code in into for t in listed]
    counts = iter(source.count(asked))
    return [
        CurrencyFacts(code=code, into=other, items=sum(_in_currency(next(counts)) for _ in listed))
        for code, other in into.items()
    ]


def _in_currency(count: Count | PortalError) -> int:
    if isinstance(count, ArgumentRefused):
        return 0  # contacts, and smart processes without amounts, have no currency to filter by
    if isinstance(count, PortalError):
        raise count
    return count.items
