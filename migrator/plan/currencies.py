"""What becomes of amounts where a currency is mapped to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.mapping import PairKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.domain.mapping import Mapping
    from migrator.plan.usage import Usage


def currency_findings(mapping: Mapping, usage: Usage) -> Iterator[Finding]:
    """Amounts that are converted, and those nobody has said a rate for: these block."""
    for (entity_type_id, key), items in sorted(usage.needed.items()):
        into = mapping.target_key(key) if key.kind is PairKind.CURRENCY else None
        if into is None or into == key.key or mapping.target_type(entity_type_id) is None:
            continue
        rate = mapping.rates.get(key.key)
        if rate is None:
            yield Finding(
                kind=FindingKind.CURRENCY_WITHOUT_RATE,
                severity=Severity.BLOCKING,
                effect=Effect.ADJUSTED,
                entity_type_id=entity_type_id,
                value=key.key,
                items=items,
                detail=f"{key.key} becomes {into} in {items} items, but no rate is given: 100 "
                f"{key.key} would turn into 100 {into}",
                hint=f"add to the mapping file: rates: {{{key.key}: <{into} for one {key.key}>}}; "
                "1 keeps the amounts as they are",
            )
            continue
        yield Finding(
            kind=FindingKind.AMOUNT_CONVERTED,
            severity=Severity.INFO,
            effect=Effect.NONE if rate == 1 else Effect.ADJUSTED,
            entity_type_id=entity_type_id,
            value=key.key,
            items=items,
            detail=f"amounts in {key.key} are converted to {into} at {rate}",
        )
