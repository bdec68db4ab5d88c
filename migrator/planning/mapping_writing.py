"""Write the mapping file: what was decided and what is open, beside what the operator has said."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from migrator.domain.mapping import Decision, Pair, PairKey, PairKind
from migrator.plan.target_names import number
from migrator.planning.mapping_faults import MappingFileError
from migrator.planning.mapping_lines import (
    ANSWERS,
    DROP,
    MATCH,
    NEW,
    PAIR_SECTIONS,
    WITHOUT_SCOPE,
)
from migrator.planning.mapping_reading import read_content, read_text
from migrator.planning.mapping_schema import SCHEMA_NAME, schema_text
from migrator.planning.yaml_growth import Leaf, grow, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from migrator.domain.records import MatchCandidate
    from migrator.domain.structure import Structure
    from migrator.planning.mapping_reading import Content
    from migrator.planning.yaml_growth import Branch

Said = set[tuple[object, object]]

HEADER = f"""\
# yaml-language-server: $schema={SCHEMA_NAME}
#
# What of the source is what of the target. Every line is `source: target`.
# Edit the right side: another identifier of the target, or `drop` to leave it out on purpose.
# Lines marked OPEN have no partner yet; those that are in use block the import.
# Use it with --mapping FILE or MIGRATOR_MAPPING=FILE.

"""


def write_mapping_file(
    path: Path,
    pairs: Iterable[Pair],
    source: Structure,
    ambiguous: Iterable[MatchCandidate] = (),
) -> int:
    """Write the decisions, or add those missing to an existing file; return the lines added.

    What stands in the file is never changed. System fields that simply correspond are left out,
    and so are users who got a default: the default says it for all of them. A new file gets the
    schema beside it by which editors check and complete it. `ambiguous` items get an open line
    where the file says by what their type is matched.

    Raises: MappingFileError where the file cannot be read or written.
    """
    is_new = not path.exists()
    text = HEADER if is_new else read_text(path)
    content = read_content(path, text)
    before = _said(content)
    unanswered = list(_unanswered(pairs, source, keys_of(text, PairKind.USER.section)))
    matched = {one.entity_type for one in content.matches}
    answers = _answers(one for one in ambiguous if str(one.entity_type_id) in matched)
    grown, added = grow(text, {**_branch(unanswered), **answers})
    if not _says(path, grown, before, {_decided(pair) for pair in unanswered}):
        raise MappingFileError(
            f"no lines can be added to {path} the way it is laid out",
            hint="write a new file with --write-mapping, and copy from it what you need",
        )
    try:
        if is_new:
            _write_schema(path.with_name(SCHEMA_NAME))
        _replace(path.resolve(), grown)
    except OSError as error:
        raise MappingFileError(
            f"the mapping file {path} cannot be written: {error.strerror}"
        ) from error
    return added


def _replace(path: Path, text: str) -> None:
    """Killed at any moment, the file is the one before or the one after."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(text.encode("utf-8"))
    if path.exists():
        shutil.copymode(path, beside)
    beside.replace(path)


def _write_schema(path: Path) -> None:
    if not path.exists():
        path.write_text(schema_text(), encoding="utf-8")


def _says(path: Path, text: str, before: Said, added: Said) -> bool:
    """Whether a text says what it said before, and nothing but what was to be added.

    An anchor, for one, stands in two places at once: what is put into one is in both.
    """
    try:
        after = _said(read_content(path, text))
    except MappingFileError:
        return False
    return before <= after <= before | added


def _said(content: Content) -> Said:
    return {
        *((line.key, line.answer) for line in content.pairs),
        *((one.entity_type, repr(one.rule)) for one in content.matches),
        *((one.department, one.user) for one in content.users),
        *((one.currency, one.rate) for one in content.rates),
        *((one.entity_type, repr(one.conditions)) for one in content.filters),
    }


def _decided(pair: Pair) -> tuple[PairKey, str | None]:
    return pair.pair_key, pair.target_key


def _unanswered(pairs: Iterable[Pair], source: Structure, users: Iterable[str]) -> Iterable[Pair]:
    """The pairs that are worth a line; users may be answered by e-mail."""
    emails = {key.strip().casefold() for key in users}
    for pair in pairs:
        if pair.decision is Decision.DEFAULT or not _is_worth_a_line(pair):
            continue
        user = source.users.get(number(pair.source_key)) if pair.kind is PairKind.USER else None
        if user is None or user.email.strip().casefold() not in emails:
            yield pair


def _is_worth_a_line(pair: Pair) -> bool:
    is_user_field = pair.source_key.upper().startswith("UF_")
    return pair.kind is not PairKind.FIELD or is_user_field or pair.decision is Decision.OPEN


def _answers(ambiguous: Iterable[MatchCandidate]) -> Branch:
    """An open line for each source item, with what it may be."""
    types: dict[str, dict[str, list[MatchCandidate]]] = {}
    for one in ambiguous:
        items = types.setdefault(str(one.entity_type_id), {})
        items.setdefault(str(one.source_id), []).append(one)
    lines = {
        entity_type_id: {ANSWERS: {one: _candidates(those) for one, those in items.items()}}
        for entity_type_id, items in types.items()
    }
    return {MATCH: lines} if lines else {}


def _candidates(those: Sequence[MatchCandidate]) -> Leaf:
    listed = ", ".join(f"{one.target_id} {_one_line(one.target_title or '')}" for one in those)
    return Leaf(None, f"OPEN: {listed} ({_one_line(those[0].field)}), or {NEW}")


def _branch(pairs: Iterable[Pair]) -> Branch:
    sections: dict[str, dict[str, Leaf | Branch]] = {name: {} for name in PAIR_SECTIONS}
    for pair in pairs:
        section = sections[pair.kind.section]
        if pair.kind in WITHOUT_SCOPE:
            section[pair.source_key] = _leaf(pair)
        else:
            scope = section.setdefault(pair.scope, {})
            scope[pair.source_key] = _leaf(pair)  # type: ignore[index]  # a level, not a line
    return {name: lines for name, lines in sections.items() if lines}


def _leaf(pair: Pair) -> Leaf:
    value = DROP if pair.decision is Decision.DROPPED else pair.target_key
    name = _one_line(pair.source_name)
    if pair.decision is Decision.OPEN:
        return Leaf(None, f"OPEN: {name}")
    return Leaf(value, f"{name} -> {_one_line(pair.target_name or 'left out')} ({pair.decision})")


def _one_line(text: str) -> str:
    """YAML takes no control characters, not even in a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
