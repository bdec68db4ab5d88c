"""What can be attacked: a command of the program, where it begins, and what it owes at the end.

Another command is another entry of `SUBJECTS`; all else (its points, random kills and faults, the
comparison with an undisturbed one, the further run that must write nothing) comes by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.sandbox import twin_structure
from tests.acceptance.structured_portal import small_structure, target_of_small_structure
from tests.torture.small_portal import small_portal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Seed = dict[str, Any]

#: What must be true of staging when everything is moved; None is the number of items.
MIGRATED: Mapping[str, tuple[str, int | None]] = {
    "items in the ID map": ("SELECT count(*) AS n FROM id_map", None),
    "batches in flight": ("SELECT count(*) AS n FROM import_batch WHERE state <> 'settled'", 0),
    "items not verified": ("SELECT count(*) AS n FROM id_map WHERE verified_at IS NULL", 0),
    "open links": ("SELECT count(*) AS n FROM deferred_link WHERE state <> 'done'", 0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A command under attack, run again and again until it is through."""

    #: of the command line; `--json` is added
    arguments: tuple[str, ...]
    #: the seed of the source, and from it that of the target
    source: Callable[[], Seed] = small_portal
    target: Callable[[Seed], Seed] = twin_structure
    #: commands that are run before, in peace; their points are not counted
    before: tuple[tuple[str, ...], ...] = ()
    #: queries of staging and what they must count at the end
    owes: Mapping[str, tuple[str, int | None]] = field(default_factory=lambda: MIGRATED)
    #: what is added to try again what lost its answers too often
    retry: tuple[str, ...] = ("--retry-failed",)
    #: exit code of a further run, which must write nothing
    code_again: int = 0


#: What undo owes: nothing of the import is left. An item it had left over would hold a value of
#: the field that marks it, and that field would stay, which is exit code 1.
UNDONE: Mapping[str, tuple[str, int | None]] = {
    f"rows of {table}": (f"SELECT count(*) AS n FROM {table}", 0)
    for table in ("id_map", "import_batch", "import_batch_item", "deferred_link", "kept_item")
}

RUN = Subject(arguments=("run",))
UNDO = Subject(
    arguments=("undo", "--yes", "--structure"), before=(("run",),), owes=UNDONE, retry=()
)

STRUCTURE = Subject(
    arguments=("structure", "apply", "--yes"),
    source=small_structure,
    target=target_of_small_structure,
    owes={
        "creations in doubt": (
            "SELECT count(*) AS n FROM structure_creation "
            "WHERE state NOT IN ('created', 'found', 'removed')",
            0,
        ),
    },
    retry=(),
)

UNDO_STRUCTURE = Subject(
    arguments=UNDO.arguments,
    source=small_structure,
    target=target_of_small_structure,
    before=(("run", "--with-structure", "--yes"),),
    owes=UNDONE,
    retry=(),
)

SUBJECTS: Mapping[str, Subject] = {
    "run": RUN,
    "undo": UNDO,
    "structure": STRUCTURE,
    "undo-structure": UNDO_STRUCTURE,
}
