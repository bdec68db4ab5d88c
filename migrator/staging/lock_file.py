"""A file that a living process keeps locked: the operating system tells when it is gone.

Not the database itself: closing it again would release the locks SQLite holds there.
Source: sqlite.org/howtocorrupt.html, section 2.2
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Make a file and keep it locked; nobody else may know its name yet. Raises: OSError."""
    with path.open("a+") as file:
        _lock(file.fileno())
        yield


def is_locked(path: Path) -> bool | None:
    """Whether a process that lives has the file locked; None if there is no such file."""
    try:
        file = path.open("r+")
    except OSError:
        return None
    with file:
        try:
            _lock(file.fileno())
        except OSError:
            return True
    return False


if os.name == "nt":  # pragma: no cover - this is the other operating system

    def _lock(descriptor: int) -> None:
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # Windows only

else:

    def _lock(descriptor: int) -> None:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
