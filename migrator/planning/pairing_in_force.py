"""Pair two structures the way a plan does, without looking at items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from migrator.plan.pairing import Pairing
from migrator.planning.mapping_file import MappingFile, MappingFileError, read_mapping_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from migrator.domain.mapping import Pair, PairKey
    from migrator.domain.structure import Structure


def pairs_in_force(
    path: Path | None,
) -> Callable[[Structure, Structure, Mapping[PairKey, str]], list[Pair]]:
    """Pairs by the mapping file, if any, and by what was created in the target.

    Lines about identifiers that only items hold are passed over: items are not looked at.

    Raises: MappingFileError, here or when the pairs are made.
    """
    file = read_mapping_file(path) if path else MappingFile(Path())

    def pair_up(source: Structure, target: Structure, created: Mapping[PairKey, str]) -> list[Pair]:
        resolved = file.resolved(source, target)
        pairing = Pairing(source, target, resolved.overrides, resolved.user_defaults, created)
        pairs = pairing.pairs()
        resolved.check(pairs, source, target, is_partial=True)
        return pairs

    return pair_up


def refuse_mistakes(
    file: MappingFile, source: Structure, target: Structure, created: Mapping[PairKey, str]
) -> None:
    """Find the mistakes of a mapping file before any item has been read.

    A line about an identifier that the source does not list may be right, because items go on
    holding what is gone; it is told only together with lines that are wrong for certain.

    Raises: MappingFileError.
    """
    resolved = file.resolved(source, target)
    pairing = Pairing(source, target, resolved.overrides, resolved.user_defaults, created)
    pairs = pairing.pairs()
    try:
        resolved.check(pairs, source, target, is_partial=True)
    except MappingFileError:
        resolved.check(pairs, source, target, is_partial=False)
        raise


def partners_in_force(
    path: Path | None, created: Mapping[PairKey, str]
) -> Callable[[Structure, Structure], list[Pair]]:
    """The same for structures of which only a part was read, so that no line is refused.

    Raises: MappingFileError where the file cannot be read.
    """
    file = read_mapping_file(path) if path else MappingFile(Path())

    def pair_up(source: Structure, target: Structure) -> list[Pair]:
        decided = file.resolved(source, target)
        pairing = Pairing(source, target, decided.overrides, decided.user_defaults, created)
        return pairing.pairs()

    return pair_up
