"""The mapping file: every decision of the operator, in YAML, with names beside identifiers.

Most sections hold `source: target`; where a scope is needed it is the level above:

    stages:
      DEAL_STAGE_5:
        "C5:NEW": "C9:NEW"    # New -> New

A value of `drop` leaves the source's thing out on purpose; an empty value is still open. What else
it decides: defaults for users, rates of currencies, filters on the items, what is matched.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from migrator.domain.mapping import MatchRule, PairKey, PairKind, UserDefaults
from migrator.domain.vocabulary import EntityTypeId
from migrator.planning import mapping_checks
from migrator.planning.item_filters import FilterReader
from migrator.planning.mapping_faults import Fault, MappingFileError, place, refusal
from migrator.planning.mapping_lines import (
    FILTERS,
    FilterLines,
    MappingLine,
    MatchLines,
    RateLine,
    UserLine,
)
from migrator.planning.mapping_reading import read_content, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal
    from pathlib import Path

    from migrator.domain.mapping import Pair
    from migrator.domain.structure import Structure, User

__all__ = ["MappingFile", "MappingFileError", "MappingLine", "read_mapping_file"]


@dataclass(frozen=True, slots=True)
class MappingFile:
    """The decisions of a file. Users named by e-mail mean nobody before `resolved`."""

    path: Path
    lines: tuple[MappingLine, ...] = ()
    users: tuple[UserLine, ...] = ()
    rates: tuple[RateLine, ...] = ()
    filters: tuple[FilterLines, ...] = ()
    matches: tuple[MatchLines, ...] = ()

    @property
    def overrides(self) -> dict[PairKey, str | None]:
        return {line.key: line.answer for line in self.lines}

    @property
    def user_defaults(self) -> UserDefaults:
        given = {line.department: line.user for line in self.users}
        return UserDefaults(
            everybody=given.pop(None, None),
            departments={int(department or 0): user for department, user in given.items()},
        )

    @property
    def currency_rates(self) -> dict[str, Decimal]:
        return {line.currency: line.rate for line in self.rates}

    @property
    def left_out(self) -> frozenset[EntityTypeId]:
        """Entity types of the source that the file drops."""
        return frozenset(
            EntityTypeId(int(line.key.key))
            for line in self.lines
            if line.key.kind is PairKind.ENTITY_TYPE
            and line.answer is None
            and line.key.key.isdecimal()
        )

    @property
    def filtered(self) -> frozenset[EntityTypeId]:
        """Entity types with a filter, whether the source has them or not."""
        named = (line.entity_type for line in self.filters)
        return frozenset(EntityTypeId(int(name)) for name in named if name.isdecimal())

    @property
    def match_rules(self) -> dict[EntityTypeId, MatchRule]:
        return {
            EntityTypeId(int(line.entity_type)): line.rule
            for line in self.matches
            if line.entity_type.isdecimal()
        }

    def resolved(self, source: Structure, target: Structure) -> MappingFile:
        """The same file with every user by ID who is named by an e-mail that one user has."""
        ours, theirs = _by_email(source.users.values()), _by_email(target.users.values())
        return replace(
            self,
            lines=tuple(_resolved(line, ours, theirs) for line in self.lines),
            users=tuple(
                replace(one, user=theirs.get(_fold(one.user), one.user)) for one in self.users
            ),
        )

    def item_filters(self, source: Structure) -> dict[EntityTypeId, dict[str, Any]]:
        """What to take of the source, as crm.item.list is asked. Raises: MappingFileError."""
        found, faults = self._filters(source)
        if faults:
            raise refusal(self.path, faults)
        return found

    def filter_faults(self, source: Structure) -> list[Fault]:
        return self._filters(source)[1]

    def _filters(self, source: Structure) -> tuple[dict[EntityTypeId, dict[str, Any]], list[Fault]]:
        found: dict[EntityTypeId, dict[str, Any]] = {}
        faults: list[Fault] = []
        known = {str(entity_type_id): entity_type_id for entity_type_id in source.entity_types}
        for one in self.filters:
            entity_type_id = known.get(one.entity_type)
            if entity_type_id is None:
                faults.append(
                    mapping_checks.unknown_type(FILTERS, one.entity_type, one.line, source)
                )
                continue
            reader = FilterReader(place(FILTERS, one.entity_type), source.fields[entity_type_id])
            conditions = reader.read(one.conditions)
            faults += reader.faults
            if conditions:
                found[entity_type_id] = conditions
        return found, faults

    def sound_matches(
        self, pairs: Iterable[Pair], source: Structure, target: Structure
    ) -> tuple[MatchLines, ...]:
        """What is to be matched, as far as `check` will find no fault with it."""
        portals = mapping_checks.Portals(
            pairs={pair.pair_key: pair for pair in pairs},
            source=source,
            target=target,
            is_partial=True,
        )
        return tuple(
            one for one in self.matches if not any(mapping_checks.match_faults(one, portals))
        )

    def check(
        self, pairs: Iterable[Pair], source: Structure, target: Structure, *, is_partial: bool
    ) -> None:
        """Refuse lines that match nothing in the source, or name nothing in the target.

        Raises: MappingFileError, with every such line.
        """
        portals = mapping_checks.Portals(
            pairs={pair.pair_key: pair for pair in pairs},
            source=source,
            target=target,
            is_partial=is_partial,
        )
        wrong = mapping_checks.faults(self.lines, self.users, self.rates, self.matches, portals)
        faults = [*wrong, *self.filter_faults(source)]
        if faults:
            raise refusal(self.path, faults)


def read_mapping_file(path: Path) -> MappingFile:
    """Read the operator's decisions; raises MappingFileError for anything but valid lines."""
    content = read_content(path, read_text(path))
    return MappingFile(
        path,
        lines=tuple(content.pairs),
        users=tuple(content.users),
        rates=tuple(content.rates),
        filters=tuple(content.filters),
        matches=tuple(content.matches),
    )


def _by_email(users: Iterable[User]) -> Mapping[str, str]:
    """E-mail -> ID; an address that several users share names none of them."""
    found: dict[str, list[str]] = defaultdict(list)
    for user in users:
        if user.email:
            found[_fold(user.email)].append(str(user.user_id))
    return {email: ids[0] for email, ids in found.items() if len(ids) == 1}


def _resolved(line: MappingLine, ours: Mapping[str, str], theirs: Mapping[str, str]) -> MappingLine:
    if line.key.kind is not PairKind.USER:
        return line
    key = ours.get(_fold(line.key.key), line.key.key)
    answer = line.answer if line.answer is None else theirs.get(_fold(line.answer), line.answer)
    return replace(line, key=PairKey(PairKind.USER, "", key), answer=answer)


def _fold(email: str) -> str:
    return email.strip().casefold()
