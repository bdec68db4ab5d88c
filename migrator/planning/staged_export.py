"""What a command needs of the export before it can begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.errors import UsageError
from migrator.domain.vocabulary import EntityTypeId, Role
from migrator.planning.stage import load_structures
from migrator.workspace import Workspace, exported_types, recorded_filters

if TYPE_CHECKING:
    from migrator.domain.structure import Structure
    from migrator.planning.mapping_file import MappingFile


class NothingExported(UsageError):
    """The staging database holds nothing of the source yet."""

    reference = "nothing-exported"


def require_export(workspace: Workspace) -> None:
    """Raises: NothingExported."""
    with workspace.read() as repositories:
        found = repositories.structure.load(Role.SOURCE, "profile")
    if not found:
        raise NothingExported(
            f"nothing of the source is staged yet for migration '{workspace.migration.name}'",
            hint="migrator export",
        )


def require_whole_export(
    workspace: Workspace, file: MappingFile, only: frozenset[EntityTypeId]
) -> None:
    """What is exported in part must not be imported as if it were all. Raises: NothingExported."""
    source, _ = load_structures(workspace)
    require_types(source, only)
    wanted = set(only or source.entity_types) - file.left_out
    # A filter with mistakes is told by the plan, together with all others of the file.
    filters = None if file.filter_faults(source) else file.item_filters(source)
    with workspace.read() as repositories:
        missing = wanted - exported_types(repositories)
        known = recorded_filters(repositories)
    changed = [t for t in wanted if filters is not None and known.get(t, {}) != filters.get(t, {})]
    if changed:
        titles = ", ".join(source.entity_types[t].title for t in sorted(changed))
        raise NothingExported(
            f"what is staged was not exported by the filter that is in force now: {titles}",
            hint="migrator export --mapping FILE, with the same mapping file",
        )
    if missing:
        titles = ", ".join(source.entity_types[t].title for t in sorted(missing))
        raise NothingExported(
            f"the export of these entity types is not finished: {titles}",
            hint="migrator export, or narrow the command with --only",
        )


def require_types(source: Structure, only: frozenset[EntityTypeId]) -> None:
    """What a command is narrowed to is there. Raises: UsageError."""
    unknown = sorted(only - source.entity_types.keys())
    if unknown:
        known = ", ".join(f"{t} ({one.title})" for t, one in sorted(source.entity_types.items()))
        raise UsageError(
            f"the source has no entity type {unknown[0]}, or its webhook may not read it",
            hint=f"--only takes: {known}",
        )
