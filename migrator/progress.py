"""How the stages tell what they are doing, without knowing where it is shown."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One piece of work at a time: begun with a total, advanced, ended."""

    def begin(self, what: str, total: int | None) -> None:
        """A new piece of work; `total` is None where it is not known."""

    def advance(self, count: int) -> None: ...

    def end(self) -> None: ...

    def waiting(self, why: str, seconds: float) -> None:
        """The work stands still for about so long, and for what reason."""

    def left(self, stage: str, seconds: float) -> None:
        """The whole stage, not only this piece of work, will be done in about so long."""


class Silent:
    """Tells nobody."""

    def begin(self, what: str, total: int | None) -> None: ...

    def advance(self, count: int) -> None: ...

    def end(self) -> None: ...

    def waiting(self, why: str, seconds: float) -> None: ...

    def left(self, stage: str, seconds: float) -> None: ...
