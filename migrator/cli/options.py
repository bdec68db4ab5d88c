"""Options that several commands share, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from migrator.domain.vocabulary import SYSTEM_TYPES, EntityTypeId
from migrator.plan.sample import Share

#: What both databases can hold.
HIGHEST_ID = 2**63 - 1

MigrationOption = Annotated[
    str,
    typer.Option("--migration", metavar="NAME", help="Which migration in the staging database."),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings (MIGRATOR_CONFIG)."),
]
OnlyOption = Annotated[
    str | None,
    typer.Option("--only", metavar="TYPES", help="Entity types, such as deal,contact,1302."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")
]
MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", metavar="FILE", help="Mapping file (MIGRATOR_MAPPING)."),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Plan only: send nothing that writes.")
]
RetryFailedOption = Annotated[
    bool, typer.Option("--retry-failed", help="Send items again that the target has refused.")
]

SampleOption = Annotated[
    str | None,
    typer.Option(
        "--sample",
        metavar="PERCENT",
        help="Only a part of each entity type, such as 5%, and whatever it refers to.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask; the answer is yes.")]


def parse_sample(text: str | None) -> Share | None:
    """Read `5%`; nothing given means everything. Raises: InvalidShare."""
    return None if text is None else Share.parse(text)


_NAMES: dict[str, EntityTypeId] = {
    **{t.symbol.lower(): t.entity_type_id for t in SYSTEM_TYPES.values()},
    **{f"{t.symbol.lower()}s": t.entity_type_id for t in SYSTEM_TYPES.values()},
    "companies": EntityTypeId(4),
    "invoice": EntityTypeId(31),
    "invoices": EntityTypeId(31),
}


def parse_only(text: str | None) -> frozenset[EntityTypeId]:
    """Read `deal,contact,1302`; nothing given means every entity type."""
    if text is None:
        return frozenset()
    return frozenset(_entity_type(part.strip().lower()) for part in text.split(","))


def _entity_type(name: str) -> EntityTypeId:
    if name.isdecimal() and len(name) < len(str(HIGHEST_ID)):
        return EntityTypeId(int(name))
    if name in _NAMES:
        return _NAMES[name]
    known = ", ".join(t.symbol.lower() for t in SYSTEM_TYPES.values())
    raise typer.BadParameter(
        f"there is no entity type '{name}': use {known}, or the entityTypeId of a smart process",
        param_hint="--only",
    )
