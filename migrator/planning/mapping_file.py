"""The mapping file: the operator's answers, in YAML, with names beside identifiers.

Every section holds `source: target`; where a scope is needed it is the level above:

    stages:
      DEAL_STAGE_5:
        "C5:NEW": "C9:NEW"    # New -> New

A value of `drop` leaves the source's thing out on purpose; an empty value is still open.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from migrator.domain.errors import UsageError
from migrator.domain.mapping import INDISPENSABLE, Decision, Pair, PairKey, PairKind
from migrator.domain.vocabulary import EntityTypeId, entity_type_of_stages
from migrator.plan.pairing import target_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from migrator.domain.structure import Structure

DROP = "drop"

_SECTIONS: Mapping[str, PairKind] = {kind.section: kind for kind in PairKind}
#: Sections whose lines stand directly below the section's name.
_WITHOUT_SCOPE = frozenset({PairKind.ENTITY_TYPE, PairKind.USER, PairKind.CURRENCY})

_HEADER = """\
What of the source is what of the target. Every line is `source: target`.
Edit the right side: another identifier of the target, or `drop` to leave it out on purpose.
Lines marked OPEN have no partner yet; those that are in use block the import.
Use it with --mapping FILE or MIGRATOR_MAPPING=FILE.
"""


class MappingFileError(UsageError):
    """The mapping file cannot be used; every fault is listed with its line."""

    reference = "mapping-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingLine:
    """One answer of the operator; `answer` is None for `drop`."""

    key: PairKey
    answer: str | None
    line: int


@dataclass(frozen=True, slots=True)
class MappingFile:
    """The answers of a file, not yet compared with the two portals."""

    path: Path
    lines: tuple[MappingLine, ...] = ()

    @property
    def overrides(self) -> dict[PairKey, str | None]:
        return {line.key: line.answer for line in self.lines}

    def check(
        self, pairs: Iterable[Pair], source: Structure, target: Structure, *, is_partial: bool
    ) -> None:
        """Refuse lines that match nothing in the source, or name nothing in the target.

        Lines below something that has no partner are passed over: nothing asks for them. So are,
        where only part of the source was looked at, identifiers which the source does not list,
        because the items that hold them may be in the other part.

        Raises: MappingFileError, with every such line.
        """
        known = {pair.pair_key: pair for pair in pairs}
        faults: list[tuple[int, str]] = []
        for line in self.lines:
            is_unseen = is_partial and line.key not in known and line.key.kind in _HELD_BY_ITEMS
            if not is_unseen and not _is_dormant(line.key, known):
                faults += _faults(line, known, source, target)
        if faults:
            raise _error(self.path, faults)


#: What items go on holding after it has gone from the structure.
_HELD_BY_ITEMS = frozenset(PairKind) - {PairKind.ENTITY_TYPE, PairKind.FIELD}


def _is_dormant(key: PairKey, known: Mapping[PairKey, Pair]) -> bool:
    """Whether the line is about a part of something without a partner, or with a misspelt one."""
    parents = (known.get(parent) for parent in _parents(key))
    return any(
        parent is not None and (parent.target_key is None or parent.target_name is None)
        for parent in parents
    )


def _parents(key: PairKey) -> Iterator[PairKey]:
    match key.kind:
        case PairKind.CATEGORY | PairKind.FIELD:
            yield PairKey(PairKind.ENTITY_TYPE, "", key.scope)
        case PairKind.ENUMERATION:
            entity_type_id, _, field = key.scope.partition(".")
            yield PairKey(PairKind.ENTITY_TYPE, "", entity_type_id)
            yield PairKey(PairKind.FIELD, entity_type_id, field)
        case PairKind.STAGE:
            yield PairKey(PairKind.ENTITY_TYPE, "", str(entity_type_of_stages(key.scope)))
        case PairKind.ENTITY_TYPE | PairKind.STATUS | PairKind.USER | PairKind.CURRENCY:
            return


def _faults(
    line: MappingLine, known: Mapping[PairKey, Pair], source: Structure, target: Structure
) -> Iterator[tuple[int, str]]:
    kind, scope, key = line.key
    where = ": ".join(part for part in (kind.section, scope, key) if part)
    pair = known.get(line.key)
    if pair is None:
        yield line.line, f"{where}: the source has no such {_noun(kind)}"
    elif line.answer is None and kind in INDISPENSABLE:
        yield (
            line.line,
            f"{where}: a {_noun(kind)} cannot be dropped, the portal would choose another: "
            "name one of the target",
        )
    elif line.answer is not None and target_name(target, pair, line.answer) is None:
        within = f" in {pair.target_scope}" if pair.target_scope else ""
        yield line.line, f"{where}: the target has no {_noun(kind)} '{line.answer}'{within}"
    elif kind is PairKind.FIELD and _loses_values(pair, source, target):
        yield line.line, f"{where}: the field holds several values, '{line.answer}' only one"


def _loses_values(pair: Pair, source: Structure, target: Structure) -> bool:
    ours = source.fields[EntityTypeId(int(pair.scope))].get(pair.source_key)
    theirs = target.fields[EntityTypeId(int(pair.target_scope or 0))].get(pair.target_key or "")
    return bool(ours and theirs and ours.is_multiple and not theirs.is_multiple)


def _noun(kind: PairKind) -> str:
    return kind.value.replace("_", " ")


def read_mapping_file(path: Path) -> MappingFile:
    """Read the operator's answers; raises MappingFileError for anything but valid lines."""
    document = _read(path)
    if document is None:
        return MappingFile(path)
    return MappingFile(path, tuple(_lines(path, document)))


def _read(path: Path) -> CommentedMap | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a UTF-8 text"
        raise MappingFileError(
            f"the mapping file {path} cannot be read: {reason}",
            hint="migrator plan --write-mapping mapping.yaml writes one to start from",
        ) from error
    return _parse(path, text)


def _parse(path: Path, text: str) -> CommentedMap | None:
    try:
        document = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        problem = error.problem if isinstance(error, MarkedYAMLError) else "not valid YAML"
        raise _error(path, [(mark.line + 1 if mark else 1, str(problem))]) from error
    if document is None:
        return None
    if not isinstance(document, CommentedMap):
        raise _error(path, [(1, "must hold sections such as `stages:` and `users:`")])
    return document


def _lines(path: Path, document: CommentedMap) -> list[MappingLine]:
    lines: list[MappingLine] = []
    faults: list[tuple[int, str]] = []
    for section, content in document.items():
        at = document.lc.key(section)[0] + 1
        kind = _SECTIONS.get(str(section))
        if kind is None:
            known = ", ".join(_SECTIONS)
            faults.append((at, f"unknown section '{section}' (known: {known})"))
        elif content is None:
            continue
        elif not isinstance(content, CommentedMap):
            faults.append((at, f"section '{section}' must hold lines `source: target`"))
        elif kind in _WITHOUT_SCOPE:
            _read_scope(kind, "", content, lines, faults)
        else:
            _read_scopes(kind, content, lines, faults)
    if faults:
        raise _error(path, faults)
    return lines


def _read_scopes(
    kind: PairKind,
    content: CommentedMap,
    lines: list[MappingLine],
    faults: list[tuple[int, str]],
) -> None:
    for scope, inner in content.items():
        if isinstance(inner, CommentedMap):
            _read_scope(kind, str(scope), inner, lines, faults)
        elif inner is not None:
            at = content.lc.key(scope)[0] + 1
            faults.append((at, f"{kind.section}: {scope}: must hold lines `source: target`"))


def _read_scope(
    kind: PairKind,
    scope: str,
    content: CommentedMap,
    lines: list[MappingLine],
    faults: list[tuple[int, str]],
) -> None:
    for key, answer in content.items():
        at = content.lc.key(key)[0] + 1
        if answer is None:
            continue
        if isinstance(answer, (dict, list, bool)):
            faults.append((at, f"{kind.section}: {key}: must be one identifier, or `drop`"))
            continue
        text = None if str(answer) == DROP else str(answer)
        lines.append(MappingLine(key=PairKey(kind, scope, str(key)), answer=text, line=at))


def _error(path: Path, faults: list[tuple[int, str]]) -> MappingFileError:
    listed = "\n".join(f"  {path}:{line}: {text}" for line, text in sorted(faults))
    count = "1 line" if len(faults) == 1 else f"{len(faults)} lines"
    return MappingFileError(
        f"{count} of the mapping file cannot be used:\n{listed}",
        hint="correct them; migrator plan --write-mapping adds the lines that are possible",
    )


def write_mapping_file(path: Path, pairs: Iterable[Pair]) -> int:
    """Write the decisions, or add those missing to an existing file; return the lines added.

    What stands in the file is never changed. System fields that simply correspond are left out.

    Raises: MappingFileError where the file cannot be read or written.
    """
    yaml = YAML(typ="rt")
    yaml.width = 4096
    document = CommentedMap()
    if path.exists():
        document = _read(path) or document
        _lines(path, document)
    else:
        document.yaml_set_start_comment(_HEADER)
    added = sum(_add(document, pair) for pair in pairs if _is_worth_a_line(pair))
    text = io.StringIO()
    yaml.dump(document, text)
    try:
        path.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise MappingFileError(
            f"the mapping file {path} cannot be written: {error.strerror}"
        ) from error
    return added


def _is_worth_a_line(pair: Pair) -> bool:
    is_user_field = pair.source_key.upper().startswith("UF_")
    return pair.kind is not PairKind.FIELD or is_user_field or pair.decision is Decision.OPEN


def _add(document: CommentedMap, pair: Pair) -> bool:
    content = _below(document, pair.kind.section)
    if pair.kind not in _WITHOUT_SCOPE:
        content = _below(content, _plain(pair.scope))
    key = _plain(pair.source_key)
    if key in content or pair.source_key in content:
        return False
    content[key] = DROP if pair.decision is Decision.DROPPED else _plain(pair.target_key)
    content.yaml_add_eol_comment(_comment(pair), key)
    return True


def _below(content: CommentedMap, key: Any) -> CommentedMap:
    """The lines below a key, which may stand there with nothing below it."""
    if content.get(key) is None:
        content[key] = CommentedMap()
    below: CommentedMap = content[key]
    return below


def _comment(pair: Pair) -> str:
    name = _one_line(pair.source_name)
    if pair.decision is Decision.OPEN:
        return f"OPEN: {name}"
    return f"{name} -> {_one_line(pair.target_name or 'left out')} ({pair.decision})"


def _one_line(text: str) -> str:
    """YAML takes no control characters, not even in a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _plain(text: str | None) -> Any:
    """Numbers are written without quotes, as an operator would."""
    return int(text) if text is not None and text.isdecimal() and str(int(text)) == text else text
