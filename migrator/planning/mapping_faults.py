"""What is wrong with a mapping file: every fault with its line and key, told at once."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from migrator.domain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class MappingFileError(UsageError):
    """The mapping file cannot be used; every fault is listed with its line."""

    reference = "mapping-file"


class Fault(NamedTuple):
    """`text` begins with the keys that lead to the place."""

    line: int
    text: str


def refusal(path: Path, faults: Iterable[Fault]) -> MappingFileError:
    told = sorted(set(faults))
    listed = "\n".join(f"  {path}:{line}: {text}" for line, text in told)
    count = "1 line" if len(told) == 1 else f"{len(told)} lines"
    return MappingFileError(
        f"{count} of the mapping file cannot be used:\n{listed}",
        hint="correct them; migrator plan --write-mapping adds the lines that are possible",
    )


def place(*keys: object) -> str:
    """The keys that lead to a line: `stages: DEAL_STAGE_5: C5:NEW`."""
    return ": ".join(str(key) for key in keys if key != "")


def suggestion(word: str, known: Iterable[str]) -> str:
    """What was probably meant, as the end of a sentence; empty where nothing is near."""
    by_folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.7)
    return f" (did you mean '{by_folded[near[0]]}'?)" if near else ""
