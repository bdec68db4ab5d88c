"""Attack migrations until there is something to complain about, or the count is reached.

python -m tests.torture --attack points --database sqlite
python -m tests.torture --attack random --first-seed 4711 --seeds 1
python -m tests.torture --attack portals --seeds 100

Ends with 1 where there is anything to complain about, and leaves no process behind however it ends.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.postgresql_server import a_postgresql_server
from tests.simulation.attack import PORTALS_OF_A_SEED
from tests.torture.attacks import Attack, Order, points_of
from tests.torture.crew import attack_all
from tests.torture.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tests.torture.trial import Verdict

#: A thousand each: a seed of portals stands for twenty of them.
_SEEDS = {Attack.RANDOM: 1000, Attack.PORTALS: 1000 // PORTALS_OF_A_SEED}


@contextmanager
def postgresql_server() -> Iterator[str]:
    """A server of one's own, as the tests start it."""
    with a_postgresql_server() as server:
        yield server.get_uri(database="postgres")


@contextmanager
def a_folder() -> Iterator[Path]:
    """In memory where there is one: nothing in it has to survive.

    What is killed may write for a moment after it, so a file may be left behind.
    """
    memory = Path("/dev/shm")
    with TemporaryDirectory(
        prefix="torture-",
        dir=memory if memory.is_dir() else None,
        ignore_cleanup_errors=True,
    ) as folder:
        yield Path(folder)


def main() -> int:
    options = _options()
    leave_in_order_on_sigterm()
    try:
        return 1 if _attack_all(options) else 0
    except KeyboardInterrupt:
        return 130


def leave_in_order_on_sigterm() -> None:
    """Leave through every `with` block, so that the crew, the server and the folder go, too."""

    def leave(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def _attack_all(options: argparse.Namespace) -> int:
    """Returns: how many complaints there are."""
    complaints = 0
    names = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    attacks = list(Attack) if options.attack == "all" else [Attack(options.attack)]
    for name in names:
        with ExitStack() as stack:
            postgresql = stack.enter_context(postgresql_server()) if name == "postgresql" else None
            for attack in attacks:
                if attack is Attack.PORTALS and name != names[0]:
                    continue  # simulated on SQLite in any case
                order = Order(attack, options.command, postgresql)
                began = time.monotonic()
                with a_folder() as folder:
                    numbers = _numbers(order, folder, options)
                    verdict = attack_all(order, numbers, folder, options.jobs)
                title = f"{name}, {attack}, {options.command}"
                _print(title, verdict, time.monotonic() - began)
                complaints += len(verdict.complaints)
    return complaints


def _numbers(order: Order, folder: Path, options: argparse.Namespace) -> range:
    if order.attack is Attack.POINTS:
        counted = folder / "counted"
        counted.mkdir()
        return range(1, points_of(order, counted) + 1)
    seeds = _SEEDS[order.attack] if options.seeds is None else options.seeds
    return range(options.first_seed, options.first_seed + seeds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--attack", choices=(*Attack, "all"), default="all")
    parser.add_argument("--command", choices=sorted(SUBJECTS), default="run", help="what to attack")
    parser.add_argument("--seeds", type=int, help="how many random attacks, or sets of portals")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    return parser.parse_args()


def _print(title: str, verdict: Verdict, seconds: float) -> None:
    rows = [
        ("migrations", verdict.migrations),
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
