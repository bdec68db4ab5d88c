"""What was asked of the portal, for the tests and the demo."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RequestRecord:
    #: unix time the request was answered
    at: float
    method: str
    http_status: int
    error: str | None
    #: of a batch: method and error of each command, in order
    commands: list[tuple[str, str | None]] = field(default_factory=list)


def count(records: list[RequestRecord]) -> dict[str, Any]:
    """Requests by method and error; commands of batches counted on their own."""
    requests = Counter((record.method, record.error) for record in records)
    commands = Counter(command for record in records for command in record.commands)
    return {
        "http_requests": len(records),
        "by_method": _grouped(requests),
        "batch_commands": _grouped(commands),
        "http_statuses": dict(sorted(Counter(str(r.http_status) for r in records).items())),
    }


def _grouped(counts: Counter[tuple[str, str | None]]) -> dict[str, Any]:
    grouped: dict[str, Any] = {}
    for (method, error), number in sorted(counts.items(), key=str):
        row = grouped.setdefault(method, {"count": 0, "errors": {}})
        row["count"] += number
        if error is not None:
            row["errors"][error] = row["errors"].get(error, 0) + number
    return grouped
