"""Speed under a cloud portal's limits and without them, beside another client's.

    .venv/bin/python -m tests.benchmarks.limits

Prints the tables of docs/benchmarks.md, ratios first. Takes four minutes on a quiet machine.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.benchmarks import beside_fast_bitrix24, under_limits, unlimited

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def machine() -> str:
    """What was measured on; the name of the machine is nobody's business."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {system}; "
        f"load average when begun: {load:.1f}"
    )


def under_limits_table(measured: Iterable[under_limits.Paced]) -> str:
    return table(
        ("stage", "ratio", "wall", "least time", "items", "requests", "refused", "computing"),
        (
            (
                one.stage,
                f"**{one.ratio:.3f}**",
                _time(one.wall),
                _time(one.minimum),
                f"{one.items:,}",
                one.requests,
                one.refused,
                f"{one.computing:.1f} s",
            )
            for one in measured
        ),
    )


def unlimited_table(measured: Iterable[unlimited.Unpaced]) -> str:
    return table(
        ("stage", "items/s", "CPU s per 1,000 items", "peak memory", "items", "wall"),
        (
            (
                one.stage,
                f"{one.items_per_second:,.0f}",
                f"{one.cpu_per_thousand:.2f}",
                f"{one.peak_megabytes:.0f} MB",
                f"{one.items:,}",
                f"{one.wall:.1f} s",
            )
            for one in measured
        ),
    )


def beside_table(measured: Iterable[beside_fast_bitrix24.Reading]) -> str:
    return table(
        (
            "client",
            "items",
            "outcome",
            "requests",
            "that list items",
            "wall",
            "operating",
            "refused",
        ),
        (
            (
                one.client,
                f"{one.items:,}",
                one.outcome,
                one.requests,
                one.listing,
                f"{one.wall:.1f} s",
                f"{one.operating:.1f} s",
                one.refused,
            )
            for one in measured
        ),
    )


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Benchmarks under limits, without, and beside.")
    parser.add_argument("--export-items", type=int, default=100_000)
    parser.add_argument("--import-items", type=int, default=3_000)
    parser.add_argument("--unlimited-items", type=int, default=10_000)
    parser.add_argument("--beside-items", type=int, default=5_000)
    options = parser.parse_args()
    # fast_bitrix24 gives up while others of its requests are under way; the portal's server then
    # complains about those when it is stopped.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    print(f"{machine()}\n")
    print("Under the documented limits, with the documented cost\n", flush=True)
    print(under_limits_table(under_limits.measure(options.export_items, options.import_items)))
    print("\nWithout limits and cost\n", flush=True)
    print(unlimited_table(unlimited.measure(options.unlimited_items)))
    print("\nBeside fast_bitrix24, in real time, 0.5 s a page\n", flush=True)
    items = options.beside_items
    print(beside_table(beside_fast_bitrix24.measure(items, read_seconds=0.01)))
    print("\nThe same where the budget is used up: 30 s in place of 480\n", flush=True)
    beyond = beside_fast_bitrix24.measure_beyond_the_budget(items, read_seconds=0.01, budget=30.0)
    print(beside_table(beyond), flush=True)


if __name__ == "__main__":
    main()
