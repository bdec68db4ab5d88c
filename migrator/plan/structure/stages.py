"""Steps that bring stages and directory entries along.

A pipeline that is created is born with stages of the portal's choosing. They are no one's yet, so
the source's stages take their place: those that cannot be deleted (the portal needs a first, a
successful and a failed stage) are renamed, the others make room.
Source: b24restdocs api-reference/crm/status/*.md
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from migrator.domain.records import StructureCreation
from migrator.domain.vocabulary import category_of_stages, entity_type_of_stages
from migrator.plan.structure.parts import PartKind
from migrator.plan.structure.steps import missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from migrator.domain.structure import Status
    from migrator.plan.structure.lines import Line, StructureDiff
    from migrator.plan.structure.parts import Correspondence, Parts

#: Longest STATUS_ID, pipeline prefix included.
#: Sources: b24restdocs api-reference/crm/status/crm-status-add.md,
#: tutorials/crm/how-to-get-lists/how-to-get-elements-by-stage-filter.md (numbered deal pipelines)
_LONGEST = {"STATUS": 21, "QUOTE_STATUS": 22, "DEAL_STAGE": 22}
_LONGEST_NUMBERED_DEAL = 21
_LONGEST_OTHER = 50

#: What codes of leads, quotes and deals cannot hold, and those of other lists can.
_OTHER_SIGNS = re.compile(r"[^0-9A-Za-z_-]")

_SUCCESS, _FAILURE = "S", "F"
#: The successful stage first: nothing may stand behind it that is not failed (crm-status-add.md).
_ORDER = (_SUCCESS, "", _FAILURE)


def replacing_steps(
    source: Parts, target: Parts, directory: str, target_directory: str
) -> list[StructureCreation]:
    """All that makes the stages of a new pipeline those of the source, in the order it is done."""
    wanted = _in_sequence(source.structure.statuses.get(directory, {}).values())
    born = _by_sort(target.structure.statuses.get(target_directory, {}).values())
    kept = _kept(wanted, born)
    codes = _Codes(target, target_directory)
    steps = []
    for one in sorted(wanted, key=lambda s: _ORDER.index(_meaning(s))):
        raw = dict(source.status(directory, one.status_id))
        stays = kept.get(one.status_id)
        if stays is not None:
            row = target.status(target_directory, stays.status_id)
            steps.append(_rename(directory, target_directory, one, stays, row, raw))
        else:
            steps.append(_add(PartKind.STAGE, directory, target_directory, one, raw, codes))
    spare = {s.status_id for s in kept.values()}
    for other in born:
        if other.status_id not in spare and not other.is_system:
            row = target.status(target_directory, other.status_id)
            steps.append(_remove(directory, target_directory, other, row))
    return steps


def _kept(wanted: list[Status], born: list[Status]) -> dict[str, Status]:
    """Source stage -> the stage it renames: of the same code, or one that cannot go."""
    kept: dict[str, Status] = {}
    for one in wanted:
        alike = (b for b in born if (b.code, _meaning(b)) == (one.code, _meaning(one)))
        partner = next(alike, None)
        if partner is not None:
            kept[one.status_id] = partner
    for stage in born:
        if not stage.is_system or stage in kept.values():
            continue
        same = [one for one in wanted if _meaning(one) == _meaning(stage)]
        # One that took the place of a stage that may go can give that place up.
        free = [one for one in same if one.status_id not in kept]
        free += [one for one in same if one.status_id in kept and not kept[one.status_id].is_system]
        if free:
            kept[free[0].status_id] = stage
    return kept


def _meaning(status: Status) -> str:
    return status.semantics if status.semantics in {_SUCCESS, _FAILURE} else ""


#: In progress, successful, failed: another sequence is refused (crm-status-add.md).
_SEQUENCE = ("", _SUCCESS, _FAILURE)


def _in_sequence(statuses: Iterable[Status]) -> list[Status]:
    """The stages in their order, numbered anew where the source's numbers would be refused."""
    rows = _by_sort(statuses)
    rows.sort(key=lambda s: _SEQUENCE.index(_meaning(s)))
    if all(a.sort < b.sort for a, b in pairwise(rows) if _meaning(a) != _meaning(b)):
        return rows
    return [replace(one, sort=10 * number) for number, one in enumerate(rows, start=1)]


def _by_sort(statuses: Iterable[Status]) -> list[Status]:
    return sorted(statuses, key=lambda s: (s.sort, s.status_id))


def _rename(
    directory: str,
    target_directory: str,
    one: Status,
    stays: Status,
    row: Any,
    raw: dict[str, Any],
) -> StructureCreation:
    return StructureCreation(
        kind=PartKind.STAGE,
        scope=directory,
        source_key=one.status_id,
        name=one.name,
        method="crm.status.update",
        params={"id": row.get("ID"), "fields": _looks(one, raw)},
        target_scope=target_directory,
        target_key=stays.status_id,
    )


def _remove(directory: str, target_directory: str, other: Status, row: Any) -> StructureCreation:
    return StructureCreation(
        kind=PartKind.DEFAULT_STAGE,
        scope=directory,
        source_key=other.status_id,
        name=other.name,
        method="crm.status.delete",
        params={"id": row.get("ID")},
        target_scope=target_directory,
        target_key=other.status_id,
    )


def _looks(one: Status, raw: dict[str, Any]) -> dict[str, Any]:
    colour = {"COLOR": raw["COLOR"]} if raw.get("COLOR") else {}
    return {"NAME": one.name, "SORT": one.sort, **colour}


def status_steps(
    diff: StructureDiff, source: Parts, target: Parts, correspondence: Correspondence
) -> Iterator[StructureCreation]:
    """Entries of directories, and stages of pipelines that were there before."""
    codes: dict[str, _Codes] = {}
    for line in missing(diff, PartKind.STAGE, PartKind.STATUS):
        there = line.target_scope or _plain_directory(line, correspondence)
        one = source.structure.statuses.get(line.scope, {}).get(line.key or "")
        if there is None or one is None:
            continue
        known = codes.setdefault(there, _Codes(target, there))
        raw = dict(source.status(line.scope, one.status_id))
        placed = replace(one, sort=_place(one, target, there))
        yield _add(line.kind, line.scope, there, placed, raw, known)


def _plain_directory(line: Line, correspondence: Correspondence) -> str | None:
    if line.kind is PartKind.STATUS:
        return correspondence.directories.get(line.scope, line.scope)
    return None


def _place(one: Status, target: Parts, directory: str) -> int:
    """Before the successful stage, or behind it: nothing of the target is moved for it."""
    rows = target.structure.statuses.get(directory, {}).values()
    success = next((row.sort for row in rows if row.semantics == _SUCCESS), None)
    if success is None or entity_type_of_stages(directory) is None:
        return one.sort
    if _meaning(one) == _FAILURE:
        return max(one.sort, success + 1)
    return min(one.sort, success - 1)


def _add(
    kind: PartKind,
    directory: str,
    target_directory: str,
    one: Status,
    raw: dict[str, Any],
    codes: _Codes,
) -> StructureCreation:
    status_id = codes.choose(one.code)
    fields = {
        "ENTITY_ID": target_directory,
        "STATUS_ID": status_id,
        **_looks(one, raw),
    }
    if kind is PartKind.STAGE:
        fields["SEMANTICS"] = _meaning(one)
        category = category_of_stages(target_directory)
        if category is not None:
            # Left out, it is 0 for all but deals, and automation does not find the stage
            # (core-corp: modules/crm/classes/general/crm_status.php, Add).
            fields["CATEGORY_ID"] = category
    return StructureCreation(
        kind=kind,
        scope=directory,
        source_key=one.status_id,
        name=one.name,
        method="crm.status.add",
        params={"fields": fields},
        target_scope=target_directory,
        target_key=status_id,
    )


class _Codes:
    """Chooses STATUS_IDs that are free in a directory, short enough and of allowed characters."""

    def __init__(self, target: Parts, directory: str) -> None:
        rows = target.structure.statuses.get(directory, {})
        self._taken = {status_id.upper() for status_id in rows}
        # Every pipeline has stages, and their prefix says its own.
        self._prefix = next((s.rpartition(":")[0] + ":" for s in rows if ":" in s), "")
        numbered = directory.startswith("DEAL_STAGE_")
        self._longest = _LONGEST.get(
            directory, _LONGEST_NUMBERED_DEAL if numbered else _LONGEST_OTHER
        )

        self._is_plain = numbered or directory in _LONGEST

    def choose(self, code: str) -> str:
        code = _OTHER_SIGNS.sub("_", code) if self._is_plain else code
        chosen = self._prefix + code
        attempt = 0
        while len(chosen) > self._longest or chosen.upper() in self._taken:
            tail = "_" + hashlib.sha256(f"{code}{attempt}".encode()).hexdigest()[:4].upper()
            chosen = (self._prefix + code)[: self._longest - len(tail)] + tail
            attempt += 1
        self._taken.add(chosen.upper())
        return chosen
