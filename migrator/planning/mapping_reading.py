"""Read the form of a mapping file: sections, lines, values; no portal is needed for that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from migrator.domain.mapping import MatchRule, OnMatch, PairKey, PairKind
from migrator.domain.vocabulary import SourceId, TargetId
from migrator.planning.mapping_faults import (
    Fault,
    MappingFileError,
    place,
    refusal,
    suggestion,
)
from migrator.planning.mapping_lines import (
    ANSWERS,
    DEFAULT_USER,
    DEPARTMENTS,
    DROP,
    FILTERS,
    MATCH,
    NEW,
    PAIR_SECTIONS,
    RATES,
    SECTIONS,
    WITHOUT_SCOPE,
    AnswerLine,
    FilterLines,
    MappingLine,
    MatchLines,
    RateLine,
    UserLine,
)
from migrator.planning.yaml_reading import UnclearTextError, load_plainly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(slots=True)
class Content:
    """Everything a mapping file says."""

    pairs: list[MappingLine] = field(default_factory=list)
    users: list[UserLine] = field(default_factory=list)
    rates: list[RateLine] = field(default_factory=list)
    filters: list[FilterLines] = field(default_factory=list)
    matches: list[MatchLines] = field(default_factory=list)


def read_text(path: Path) -> str:
    """The file as it stands there, line ends included. Raises: MappingFileError."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a UTF-8 text"
        raise MappingFileError(
            f"the mapping file {path} cannot be read: {reason}",
            hint="migrator plan --write-mapping mapping.yaml writes one to start from",
        ) from error


def read_content(path: Path, text: str) -> Content:
    """Raises: MappingFileError, with every line that does not have the form of its section."""
    reader = _Reader()
    document = _document(path, text)
    if document is not None:
        reader.read(document)
    if reader.faults:
        raise refusal(path, reader.faults)
    return reader.content


def _document(path: Path, text: str) -> CommentedMap | None:
    try:
        document = load_plainly(text, measures={RATES, FILTERS})
    except UnclearTextError as error:
        raise refusal(path, error.faults) from error
    if document is not None and not isinstance(document, CommentedMap):
        raise refusal(path, [Fault(1, "must hold sections such as `stages:` and `users:`")])
    return document


class _Reader:
    def __init__(self) -> None:
        self.content = Content()
        self.faults: list[Fault] = []
        self._special: dict[str, Callable[[CommentedMap], None]] = {
            DEPARTMENTS: self._departments,
            RATES: self._rates,
            FILTERS: self._filters,
            MATCH: self._matches,
        }

    def read(self, document: CommentedMap) -> None:
        for section, content in document.items():
            at = _line(document, section)
            if section not in SECTIONS:
                known = ", ".join(SECTIONS)
                near = suggestion(str(section), SECTIONS)
                self._fault(at, f"unknown section '{section}' (known: {known}){near}")
            elif content is None:
                continue
            elif section == DEFAULT_USER:
                user = self._single(at, section, content, "must be one user, by ID or e-mail")
                if user is not None:
                    self.content.users.append(UserLine(department=None, user=user, line=at))
            elif not isinstance(content, CommentedMap):
                self._fault(at, f"section '{section}' must hold lines `{_FORMS[section]}`")
            elif section in self._special:
                self._special[section](content)
            else:
                self._pairs(PAIR_SECTIONS[section], content)

    def _pairs(self, kind: PairKind, content: CommentedMap) -> None:
        if kind in WITHOUT_SCOPE:
            self._pairs_of(kind, "", content)
            return
        for scope, inner in content.items():
            if isinstance(inner, CommentedMap):
                self._pairs_of(kind, str(scope), inner)
            elif inner is not None:
                where = place(kind.section, scope)
                self._fault(_line(content, scope), f"{where}: must hold lines `source: target`")

    def _pairs_of(self, kind: PairKind, scope: str, content: CommentedMap) -> None:
        for key, answer in content.items():
            at = _line(content, key)
            where = place(kind.section, scope, key)
            text = self._single(at, where, answer, "must be one identifier, or `drop`")
            if text is not None:
                self.content.pairs.append(
                    MappingLine(
                        key=PairKey(kind, scope, str(key)),
                        answer=None if text == DROP else text,
                        line=at,
                        written=str(key),
                    )
                )

    def _departments(self, content: CommentedMap) -> None:
        for key, answer in content.items():
            at, where = _line(content, key), place(DEPARTMENTS, key)
            user = self._single(at, where, answer, "must be one user, by ID or e-mail")
            if not str(key).isdecimal():
                self._fault(at, f"{where}: a department is named by its ID")
            elif user is not None:
                self.content.users.append(UserLine(department=str(key), user=user, line=at))

    def _rates(self, content: CommentedMap) -> None:
        for key, answer in content.items():
            at = _line(content, key)
            if answer is None:
                continue
            rate = _rate(answer)
            if rate is None:
                self._fault(at, f"{place(RATES, key)}: must be a number above 0")
            else:
                self.content.rates.append(RateLine(currency=str(key), rate=rate, line=at))

    def _filters(self, content: CommentedMap) -> None:
        for key, conditions in content.items():
            at = _line(content, key)
            if isinstance(conditions, CommentedMap):
                self.content.filters.append(
                    FilterLines(entity_type=str(key), conditions=conditions, line=at)
                )
            elif conditions is not None:
                self._fault(at, f"{place(FILTERS, key)}: must hold lines `condition: value`")

    def _matches(self, content: CommentedMap) -> None:
        for key, inner in content.items():
            at = _line(content, key)
            if inner is None:
                continue
            if not isinstance(inner, CommentedMap):
                self._fault(at, f"{place(MATCH, key)}: must hold match_on, and may hold on_match")
                continue
            rule = self._rule(at, str(key), inner)
            answers = self._answers(str(key), inner)
            if rule is None:
                continue
            told = {one.source_id: one.target_id for one in answers}
            self.content.matches.append(
                MatchLines(
                    entity_type=str(key),
                    rule=replace(rule, answers=told),
                    line=at,
                    fields_line=_line(inner, "match_on"),
                    answers=tuple(answers),
                )
            )

    def _rule(self, at: int, entity_type: str, inner: CommentedMap) -> MatchRule | None:
        before = len(self.faults)
        for key in inner:
            if key not in _RULE_KEYS:
                near = suggestion(str(key), _RULE_KEYS)
                where = place(MATCH, entity_type, key)
                self._fault(_line(inner, key), f"{where}: there is no such key{near}")
        fields = inner.get("match_on")
        if (
            not isinstance(fields, CommentedSeq)
            or not fields
            or not all(_is_name(f) for f in fields)
        ):
            where = place(MATCH, entity_type, "match_on")
            self._fault(at, f"{where}: must be a list of fields, such as [UF_CRM_INN]")
        chosen = str(inner.get("on_match") or OnMatch.KEEP)
        if chosen not in set(OnMatch):
            where = place(MATCH, entity_type, "on_match")
            self._fault(_line(inner, "on_match"), f"{where}: must be {' or '.join(OnMatch)}")
        if len(self.faults) > before:
            return None
        return MatchRule(match_on=tuple(str(f) for f in fields or ()), on_match=OnMatch(chosen))

    def _answers(self, entity_type: str, inner: CommentedMap) -> list[AnswerLine]:
        content = inner.get(ANSWERS)
        if content is None:
            return []
        if not isinstance(content, CommentedMap):
            where = place(MATCH, entity_type, ANSWERS)
            at = _line(inner, ANSWERS)
            self._fault(at, f"{where}: must hold lines `source item: target item`")
            return []
        found = []
        for key, answer in content.items():
            at, where = _line(content, key), place(MATCH, entity_type, ANSWERS, key)
            if not _is_item_id(key):
                self._fault(at, f"{where}: an item of the source is named by its ID")
            elif answer == NEW or _is_item_id(answer):
                partner = None if answer == NEW else TargetId(int(answer))
                found.append(AnswerLine(source_id=SourceId(int(key)), target_id=partner, line=at))
            elif answer is not None:
                self._fault(at, f"{where}: must be the ID of an item of the target, or `{NEW}`")
        return found

    def _single(self, at: int, where: str, value: Any, wanted: str) -> str | None:
        """One identifier; None for a line that is still open, and for a fault."""
        if value is None:
            return None
        if isinstance(value, (dict, list, bool)):
            self._fault(at, f"{where}: {wanted}")
            return None
        return str(value)

    def _fault(self, line: int, text: str) -> None:
        self.faults.append(Fault(line, text))


_RULE_KEYS = ("match_on", "on_match", ANSWERS)
_FORMS = {
    **dict.fromkeys(PAIR_SECTIONS, "source: target"),
    DEPARTMENTS: "department: user",
    RATES: "currency: rate",
    FILTERS: "entityTypeId: {condition: value}",
    MATCH: "entityTypeId: {match_on: [field]}",
}


def _line(content: CommentedMap, key: Any) -> int:
    line: int = content.lc.key(key)[0] + 1
    return line


def _is_item_id(value: Any) -> bool:
    return not isinstance(value, bool) and str(value).isdecimal() and int(value) > 0


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _rate(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        rate = Decimal(repr(float(value)) if isinstance(value, float) else str(value).strip())
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and rate > 0 else None
