"""Requests, seconds and peak memory of a whole run, by number of items.

    .venv/bin/python -m tests.benchmarks.whole_run 10000 100000

Each size is one `migrator run` in a process of its own between two sandbox portals without limits.
Memory is that process's peak resident set; it must not grow with the number of items.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrator.sandbox import Portal, PortalServer, RequestRecord, twin_structure

if TYPE_CHECKING:
    from collections.abc import Iterable

_ITEMS = "crm.item.list"
_IMPORT = "crm.item.batchImport"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    items: int
    seconds: float
    export_requests: int
    import_requests: int
    peak_megabytes: float
    exit_code: int


def seed_of(count: int) -> dict[str, Any]:
    """`count` deals of three companies, each with the fields a deal usually has."""
    deals = [
        {
            "id": number,
            "title": f"Deal {number}",
            "createdTime": f"2023-{1 + number * 11 // (count + 1):02d}-10T10:00:00+03:00",
            "updatedTime": "2024-01-01T00:00:00+03:00",
            "companyId": 1 + number % 3,
            "opportunity": number,
            "isManualOpportunity": "Y",
            "comments": "A remark of some length, as people write them. " * 3,
        }
        for number in range(1, count + 1)
    ]
    companies = [{"id": number, "title": f"Company {number}"} for number in (1, 2, 3)]
    return {"items": {"2": deals, "4": companies}}


def measure(count: int) -> Figures:
    seed = seed_of(count)
    source, target = Portal.from_seed(seed), Portal.from_seed(twin_structure(seed))
    del seed
    with (
        PortalServer(source) as source_server,
        PortalServer(target) as target_server,
        tempfile.TemporaryDirectory() as folder,
    ):
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MIGRATOR_")},
            "MIGRATOR_SOURCE__WEBHOOK_URL": source_server.webhook_url(),
            "MIGRATOR_TARGET__WEBHOOK_URL": target_server.webhook_url(),
            "MIGRATOR_SOURCE__REQUESTS_PER_SECOND": "0",
            "MIGRATOR_TARGET__REQUESTS_PER_SECOND": "0",
            "MIGRATOR_STAGING_URL": f"sqlite:///{Path(folder) / 'staging.db'}",
        }
        began = time.monotonic()
        code, peak = _run(environment)
        seconds = time.monotonic() - began
    return Figures(
        items=count,
        seconds=seconds,
        export_requests=_deal_pages(source.requests, count),
        import_requests=Counter(r.method for r in target.requests)[_IMPORT],
        peak_megabytes=peak,
        exit_code=code,
    )


#: Runs the command line and prints the peak memory of its own process at the end. What the system
#: tells of a child (`ru_maxrss`) includes what its parent held when it was started.
_MEASURED = """
import pathlib, re, sys
from migrator.cli.main import main
try:
    main()
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    sys.stderr.write(re.search(r"VmHWM:\\s*(\\d+)", status)[1])
"""


def _run(environment: dict[str, str]) -> tuple[int, float]:
    """Run the whole job and return its exit code and peak memory in megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, "run", "--json"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, int(done.stderr.rsplit("\n", 1)[-1]) / 1024


def _deal_pages(requests: Iterable[RequestRecord], count: int) -> int:
    """Requests that brought items, less one: the companies' page."""
    lists = (
        r
        for r in requests
        if r.method == _ITEMS or any(method == _ITEMS for method, _ in r.commands)
    )
    return sum(1 for _ in lists) - 1 if count else 0


def main() -> None:
    sizes = [int(one) for one in sys.argv[1:]] or [10_000]
    for count in sizes:
        found = measure(count)
        print(
            json.dumps(
                {
                    "items": found.items,
                    "exit_code": found.exit_code,
                    "seconds": round(found.seconds, 1),
                    "export_requests": found.export_requests,
                    "export_bound": math.ceil(count / 2500) + 1,
                    "import_requests": found.import_requests,
                    "import_bound": math.ceil(count / 20) + 3,
                    "peak_megabytes": round(found.peak_megabytes),
                }
            )
        )


if __name__ == "__main__":
    main()
