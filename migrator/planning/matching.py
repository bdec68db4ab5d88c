"""Find the items of the target that are the same as items of the source, before any is created.

The target is read through once. To ask it for the source's values instead would take as many
requests where both sides hold alike many items, each of them a search through all items, and could
not be asked of phones and e-mails at all: crm.item.list does not filter by `fm`, and
crm.duplicate.findbycomm takes 20 values and cuts its answer short (b24restdocs
api-reference/crm/duplicates/crm-duplicate-find-by-comm.md).
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from migrator.bitrix.errors import NotFound
from migrator.correlation import correlation_value, stored_name
from migrator.domain.findings import Finding, FindingKind, Severity
from migrator.domain.mapping import Mapping
from migrator.domain.records import Checkpoint, MatchCandidate
from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
from migrator.plan.item_matching import MULTIFIELDS, criteria
from migrator.planning.mapping_faults import Fault, place
from migrator.planning.mapping_lines import ANSWERS, MATCH
from migrator.staging.key_index import Key, KeyIndex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from collections.abc import Mapping as Lookup

    from migrator.bitrix.client import PortalClient
    from migrator.domain.fields import FieldSet
    from migrator.domain.mapping import MatchRule, Pair
    from migrator.domain.records import IdPair, SharedValue
    from migrator.domain.structure import Structure
    from migrator.plan.item_matching import Criterion
    from migrator.planning.mapping_lines import AnswerLine, MatchLines
    from migrator.staging.repositories import Repositories
    from migrator.workspace import Workspace

#: The stage under which it is kept how far a type of the target has been read through.
STAGE = "match"

#: Items of the target noted under one key. Somebody has to look at these anyway, and a thousand
#: items with the same placeholder on each side would be a million candidates.
MOST_UNDER_ONE_KEY = 10

#: Ambiguous source items named in a finding.
_NAMED = 3

_TITLES = ("title", "name", "lastName")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One entity type of the source, its rule, and how its partner in the target is read."""

    entity_type_id: EntityTypeId
    target_type_id: EntityTypeId
    title: str
    criteria: Sequence[Criterion]
    source_fields: FieldSet
    target_fields: FieldSet
    #: the target's field that says where an item came from, which may not be there yet
    mark: str
    #: how the mark begins of an item that a migration from this source has created
    own_prefix: str
    #: pairs whose update was sent and may have been carried out: they stay what they are
    in_flight: Lookup[SourceId, TargetId]

    @property
    def select(self) -> list[str]:
        """Phones and e-mails come with `*`, with their name, or with either, as pages differ."""
        names = [one.target.name for one in self.criteria]
        star = ["*"] if MULTIFIELDS in names else []
        return [*star, "id", *_TITLES, *names, self.mark]

    def source_keys(self, payload: Lookup[str, Any]) -> Iterator[Key]:
        for rank, one in enumerate(self.criteria):
            for text in sorted(one.keys(one.source, self.source_fields, payload)):
                yield Key(rank, text)

    def target_keys(self, row: Lookup[str, Any]) -> Iterator[Key]:
        """Those of the first field of the rule first."""
        for rank, one in enumerate(self.criteria):
            for text in sorted(one.keys(one.target, self.target_fields, row)):
                yield Key(rank, text)

    def is_ours(self, row: Lookup[str, Any]) -> bool:
        mark = self.target_fields.value(row, self.mark)
        return str(mark or "").startswith(self.own_prefix)


class Matching:
    """Notes candidates in staging; of the target it only reads."""

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        source_structure: Structure,
        target_structure: Structure,
        pairs: Iterable[Pair],
    ) -> None:
        self._workspace = workspace
        self._target = target
        self._source = source_structure
        self._structure = target_structure
        self._mapping = Mapping(pairs)
        #: Answers that cannot be followed, found by looking at the items they name.
        self.faults: list[Fault] = []

    def run(self, types: Sequence[EntityTypeId], lines: Sequence[MatchLines]) -> None:
        """Look for the partners of these types' items that have none yet."""
        by_type = {one.entity_type: one for one in lines}
        asked = {t: by_type[str(t)] for t in types if str(t) in by_type and self._is_paired(t)}
        with self._workspace.write() as repositories:
            for entity_type_id in types:
                if entity_type_id not in asked:
                    _forget(repositories, entity_type_id)
        for entity_type_id, of_type in asked.items():
            self._match(self._asked(entity_type_id, of_type.rule), of_type)

    def findings(self, types: Sequence[EntityTypeId]) -> Iterator[Finding]:
        """What the operator has to answer, one for each entity type."""
        with self._workspace.read() as repositories:
            for entity_type_id in types:
                items = repositories.matches.ambiguous_count(entity_type_id)
                if items:
                    first = repositories.matches.ambiguous(entity_type_id, _NAMED)
                    shared = repositories.matches.most_shared(entity_type_id, _NAMED)
                    yield _ambiguous(entity_type_id, items, first, shared)

    def _is_paired(self, entity_type_id: EntityTypeId) -> bool:
        return self._mapping.target_type(entity_type_id) in self._structure.entity_types

    def _asked(self, entity_type_id: EntityTypeId, rule: MatchRule) -> _Asked:
        target_type_id = self._mapping.target_type(entity_type_id) or EntityTypeId(0)
        target_type = self._structure.entity_types[target_type_id]
        ours, theirs = self._source.fields[entity_type_id], self._structure.fields[target_type_id]
        stored = stored_name(target_type)
        migration = self._workspace.migration
        with self._everything() as repositories:
            in_flight = repositories.matched_pairs.in_flight(entity_type_id)
        return _Asked(
            entity_type_id=entity_type_id,
            target_type_id=target_type_id,
            title=target_type.title,
            criteria=criteria(rule, self._mapping, entity_type_id, ours, theirs),
            source_fields=ours,
            target_fields=theirs,
            mark=next((field.name for field in theirs if field.stored_name == stored), stored),
            own_prefix=correlation_value(migration, entity_type_id, 0).rpartition("/")[0] + "/",
            in_flight=in_flight,
        )

    def _match(self, asked: _Asked, lines: MatchLines) -> None:
        with KeyIndex() as index:
            digest = self._fill(index, asked)
            if index.is_empty:
                with self._workspace.write() as repositories:
                    _forget(repositories, asked.entity_type_id)
            else:
                self._scan(index, asked, digest)
        answers = self._usable(asked, lines)
        with self._workspace.write() as repositories:
            matches = repositories.matches
            matches.keep_best(asked.entity_type_id, lines.rule.match_on)
            for source_id, partner in answers.items():
                matches.answer(asked.entity_type_id, source_id, partner)
            matches.decide(asked.entity_type_id)
            repositories.checkpoints.clear(STAGE, asked.entity_type_id)

    def _fill(self, index: KeyIndex, asked: _Asked) -> str:
        """Put the keys of all staged items without a partner into the index; return their digest.

        Those outside of a sample count, too: what they are the same as is not free for others.
        """
        digest = hashlib.sha256(repr((asked.target_type_id, asked.select)).encode())
        with self._everything() as repositories:
            for page in repositories.items.stream(asked.entity_type_id):
                self._workspace.check_stop()
                ids = [item.source_id for item in page]
                mapped = repositories.id_map.lookup(asked.entity_type_id, ids)
                keys = [
                    (key, item.source_id)
                    for item in page
                    if item.source_id not in mapped and item.source_id not in asked.in_flight
                    for key in asked.source_keys(item.payload)
                ]
                digest.update(repr(keys).encode())
                index.add(keys)
        return digest.hexdigest()

    def _scan(self, index: KeyIndex, asked: _Asked, digest: str) -> None:
        """Read the target through; goes on where an earlier process died that asked the same."""
        after = self._begin(asked, digest)
        self._workspace.progress.begin(f"Looking for matches in {asked.title}", None)
        try:
            for page in self._target.iter_items(
                asked.target_type_id, select=asked.select, after=after
            ):
                self._workspace.check_stop()
                with self._workspace.write() as repositories:
                    found = _candidates(repositories, index, asked, page.items)
                    repositories.matches.save(found)
                    repositories.checkpoints.set(_reached(asked, page.last_id, digest))
                self._workspace.progress.advance(len(page.items))
        except NotFound:
            # A rehearsal has made entity types that the portal it reads from does not have.
            pass
        self._workspace.progress.end()

    def _begin(self, asked: _Asked, digest: str) -> int:
        with self._workspace.write() as repositories:
            reached = repositories.checkpoints.get(STAGE, asked.entity_type_id)
            if reached is not None and reached.detail == digest:
                return reached.position
            repositories.matches.forget_open(asked.entity_type_id)
            repositories.checkpoints.set(_reached(asked, 0, digest))
        return 0

    def _usable(self, asked: _Asked, lines: MatchLines) -> dict[SourceId, MatchCandidate | None]:
        """The answers on items without a partner; those that cannot be followed become faults."""
        answers = {answer.source_id: answer for answer in lines.answers}
        named = sorted({a.target_id for a in answers.values() if a.target_id is not None})
        with self._everything() as repositories:
            staged = repositories.items.existing(asked.entity_type_id, list(answers))
            mapped = repositories.id_map.lookup(asked.entity_type_id, list(answers))
            taken = repositories.undo.pairs_of_targets(asked.target_type_id, named)
        open_answers = [a for source_id, a in answers.items() if source_id not in mapped]
        there: dict[int, dict[str, Any]] = {}
        if named and open_answers:
            rows = self._target.read_items(asked.target_type_id, named, select=asked.select)
            there = {int(row["id"]): row for row in rows}
        found: dict[SourceId, MatchCandidate | None] = {}
        for answer in open_answers:
            row = there.get(answer.target_id) if answer.target_id is not None else None
            why = _why_not(asked, answer, staged, taken, row)
            if why is not None:
                where = place(MATCH, lines.entity_type, ANSWERS, answer.source_id)
                self.faults.append(Fault(answer.line, f"{where}: {why}"))
            else:
                found[answer.source_id] = _answered(asked, answer, row) if row else None
        return found

    @contextmanager
    def _everything(self) -> Iterator[Repositories]:
        """Staging as it is, whatever sample is planned for."""
        with self._workspace.staging.read() as transaction:
            yield transaction.of(self._workspace.migration.migration_id)


def _forget(repositories: Repositories, entity_type_id: EntityTypeId) -> None:
    repositories.matches.forget_open(entity_type_id)
    repositories.checkpoints.clear(STAGE, entity_type_id)


def _reached(asked: _Asked, position: int, digest: str) -> Checkpoint:
    return Checkpoint(
        stage=STAGE, entity_type_id=asked.entity_type_id, position=position, detail=digest
    )


def _candidates(
    repositories: Repositories,
    index: KeyIndex,
    asked: _Asked,
    rows: Sequence[Lookup[str, Any]],
) -> list[MatchCandidate]:
    """What the source has that is the same as these items of the target."""
    ids = [int(row["id"]) for row in rows]
    taken = {
        *repositories.undo.pairs_of_targets(asked.target_type_id, ids),
        *asked.in_flight.values(),
    }
    free = [row for row in rows if int(row["id"]) not in taken and not asked.is_ours(row)]
    keys = [list(asked.target_keys(row)) for row in free]
    sources = index.find(key for of_row in keys for key in of_row)
    candidates = []
    for row, of_row in zip(free, keys, strict=True):
        best: dict[SourceId, Key] = {}
        for key in of_row:
            if key in sources and index.use(key) <= MOST_UNDER_ONE_KEY:
                for source_id in sources[key]:
                    best.setdefault(source_id, key)
        candidates += [_candidate(asked, source_id, row, key) for source_id, key in best.items()]
    return candidates


def _candidate(
    asked: _Asked, source_id: SourceId, row: Lookup[str, Any], key: Key
) -> MatchCandidate:
    return MatchCandidate(
        entity_type_id=asked.entity_type_id,
        source_id=source_id,
        target_id=TargetId(int(row["id"])),
        field=asked.criteria[key.rank].name,
        value=key.text,
        target_title=_title(row),
    )


def _answered(asked: _Asked, answer: AnswerLine, row: Lookup[str, Any]) -> MatchCandidate:
    return MatchCandidate(
        entity_type_id=asked.entity_type_id,
        source_id=answer.source_id,
        target_id=TargetId(int(row["id"])),
        field=ANSWERS,
        value=str(row["id"]),
        target_title=_title(row),
    )


def _why_not(
    asked: _Asked,
    answer: AnswerLine,
    staged: Collection[SourceId],
    taken: Lookup[int, IdPair],
    row: Lookup[str, Any] | None,
) -> str | None:
    """Why an answer cannot be followed, as the end of a sentence."""
    if answer.source_id not in staged:
        return "it is not among the exported items"
    if answer.target_id is None:
        return None
    other = taken[answer.target_id].source_id if answer.target_id in taken else None
    for source_id, target_id in asked.in_flight.items():
        if target_id == answer.target_id and source_id != answer.source_id:
            other = source_id
    if other is not None:
        return f"item {answer.target_id} of the target is the partner of {other} already"
    if row is None:
        return f"the target has no item {answer.target_id}"
    if asked.is_ours(row):
        return f"item {answer.target_id} of the target was made by a migration from this source"
    return None


def _title(row: Lookup[str, Any]) -> str:
    names = (row.get("name"), row.get("lastName"))
    return str(row.get("title") or " ".join(str(part) for part in names if part))


def _shared(one: SharedValue) -> str:
    least = "at least " if one.target_items >= MOST_UNDER_ONE_KEY else ""
    theirs = f"{least}{one.target_items} of the target"
    return f"{one.field} {one.value} ({one.source_items:,} items of the source, {theirs})"


def _ambiguous(
    entity_type_id: EntityTypeId,
    items: int,
    first: Sequence[MatchCandidate],
    shared: Sequence[SharedValue],
) -> Finding:
    named = "; ".join(
        f"{one.source_id} and {one.target_id} by {one.field} ({one.value})" for one in first
    )
    most = ", ".join(_shared(one) for one in shared)
    return Finding(
        kind=FindingKind.AMBIGUOUS_MATCH,
        severity=Severity.BLOCKING,
        entity_type_id=entity_type_id,
        items=items,
        detail=f"{items} items of entity type {entity_type_id} are the same as items of the target "
        f"by match_on, but not one to one: {named}{', …' if items > 1 else ''}"
        + (f"; shared by the most items: {most}" if most else ""),
        hint=f"say in the mapping file which they are: match: {entity_type_id}: answers: "
        f"{{{first[0].source_id}: {first[0].target_id}}}, or `new` for none of them "
        "(migrator audit matches lists all)"
        + (
            "; a value that many share, as a placeholder is, says nothing: taken out of the "
            "target's items it needs no answers"
            if most
            else ""
        ),
    )
