"""A portal full of deals, for benchmarks."""

from __future__ import annotations

from typing import Any

from migrator.sandbox import twin_structure

SOURCE, TARGET = "old.bitrix24.test", "new.bitrix24.test"
COMPANIES = 3


def two_portals(deals: int, **settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Seeds of a source with so many deals of three companies, and of an empty target."""
    source: dict[str, Any] = {"portal": {}, "items": {"2": _deals(deals), "4": _companies()}}
    target = twin_structure(source)
    for seed, host in ((source, SOURCE), (target, TARGET)):
        seed["portal"] = {**seed["portal"], "host": host, **settings}
    return source, target


def _companies() -> list[dict[str, Any]]:
    return [{"id": number, "title": f"Company {number}"} for number in range(1, COMPANIES + 1)]


def _deals(count: int) -> list[dict[str, Any]]:
    """Each with the fields a deal usually has."""
    return [
        {
            "id": number,
            "title": f"Deal {number}",
            "createdTime": f"2023-{1 + number * 11 // (count + 1):02d}-10T10:00:00+03:00",
            "updatedTime": "2024-01-01T00:00:00+03:00",
            "companyId": 1 + number % COMPANIES,
            "opportunity": number,
            "isManualOpportunity": "Y",
            "comments": "A remark of some length, as people write them. " * 3,
        }
        for number in range(1, count + 1)
    ]
