"""Compare both portals' structure, and create in the target what is missing and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from migrator.domain.errors import UsageError
from migrator.domain.findings import Effect, Finding, FindingKind, Phase, Severity
from migrator.domain.mapping import Pair, PairKey
from migrator.plan.portal_rights import USER_FIELD_SCOPE
from migrator.plan.structure.diff import made_by_portal_alone
from migrator.plan.structure.parts import PartKind, Parts
from migrator.plan.structure.phases import (
    PHASES,
    Situation,
    created_pairs,
    currency_losses,
    setting_losses,
)
from migrator.plan.structure.pipelines import unfinished_stages
from migrator.plan.structure.prediction import Prediction
from migrator.structure.execution import Execution, Refusal

if TYPE_CHECKING:
    from migrator.bitrix.client import PortalClient
    from migrator.domain.records import StructureCreation, StructureElement
    from migrator.domain.structure import Structure
    from migrator.plan.structure.lines import Line, StructureDiff
    from migrator.workspace import Workspace

#: How many conflicts an error message lists.
_SHOWN = 20


class StructureConflicts(UsageError):
    """Something in the target is in the way, and only the operator can say what is meant."""

    reference = "structure-conflicts"

    def __init__(self, conflicts: Sequence[Line]) -> None:
        shown = "".join(f"\n  {_where(one)}: {one.conflict}" for one in conflicts[:_SHOWN])
        if len(conflicts) > _SHOWN:
            shown += f"\n  and {len(conflicts) - _SHOWN} more: migrator structure diff"
        noun = "conflict" if len(conflicts) == 1 else "conflicts"
        super().__init__(
            f"{len(conflicts)} {noun} in the structure; nothing was written to the target:{shown}",
            hint=conflicts[0].choices,
        )


class StructureNotReadable(UsageError):
    """A webhook may not see the user fields in full."""

    reference = "structure-not-readable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyResult:
    """What `structure apply` did, or in a dry run would do."""

    #: Steps taken, or to be taken, in order; neighbours of one request share it.
    steps: tuple[StructureCreation, ...]
    refused: tuple[Refusal, ...] = ()
    findings: tuple[Finding, ...] = ()
    #: How both portals compare afterwards.
    diff: StructureDiff

    @property
    def calls(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Method and parameters of each request."""
        requests = ((step.method, step.params) for step in self.steps)
        return [one for one, _ in groupby(requests)]

    @property
    def is_complete(self) -> bool:
        return not self.refused and self.diff.is_same


#: Pairs both structures by the mapping in force; the last are what was created in the target.
PairUp = Callable[["Structure", "Structure", Mapping[PairKey, str]], Sequence[Pair]]


class StructureStage:
    """Works on the structure as it is now: `read_target` reads it anew each time."""

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        *,
        source: Sequence[StructureElement],
        read_target: Callable[[], Sequence[StructureElement]],
        pair_up: PairUp,
        cutoff_seconds: float = 0,
    ) -> None:
        self._workspace = workspace
        self._source = Parts(source)
        self._read_target = read_target
        self._pair_up = pair_up
        self._execution = Execution(workspace, target, cutoff_seconds)

    def diff(self) -> StructureDiff:
        """Reads only. Raises: StructureNotReadable, MappingFileError."""
        return self._now().diff

    def apply(self, *, dry_run: bool = False) -> ApplyResult:
        """Create what is missing, phase by phase.

        Raises: StructureNotReadable, StructureConflicts, MappingFileError, before anything is
        written to the target.
        """
        if dry_run:
            return self._foresee()
        self._resume()
        now = self._now()
        self._refuse_conflicts(now)
        self._workspace.progress.begin("Creating structure", len(now.diff.missing))
        rates = currency_losses(now)
        losses: list[Finding] = []
        for phase in PHASES:
            batches = phase(now)
            if not batches:
                continue
            losses = losses or setting_losses(now)
            for steps in batches:
                self._execution.run(steps)
            now = self._now()
        self._workspace.progress.end()
        return self._result(now, [*rates, *losses])

    def _resume(self) -> None:
        """What an earlier process left open comes first: it may be there already."""
        with self._workspace.read() as repositories:
            known = repositories.creations.load()
        unfinished = unfinished_stages(known)
        absent = self._execution.settle_in_doubt([one for one in known if not one.is_settled])
        again = [one for one in unfinished if one in absent or one.is_settled]
        with self._workspace.write() as repositories:
            for one in absent:
                if one not in again:
                    repositories.creations.forget(one)
        if again:
            self._execution.run(again)

    def _now(self) -> Situation:
        target = self._read_target()
        with self._workspace.read() as repositories:
            creations = repositories.creations.load()
        return self._situation(Parts(target), creations)

    def _situation(self, target: Parts, creations: Sequence[StructureCreation]) -> Situation:
        for role, parts in (("source", self._source), ("target", target)):
            _check_scope(role, parts)
        created = created_pairs(creations)
        pairs = self._pair_up(self._source.structure, target.structure, created)
        return Situation(self._source, target, pairs, creations)

    def _refuse_conflicts(self, now: Situation) -> None:
        conflicts = now.diff.conflicts
        if not conflicts:
            return
        with self._workspace.write() as repositories:
            repositories.findings.replace(Phase.STRUCTURE, [_conflict(one) for one in conflicts])
        raise StructureConflicts(conflicts)

    def _foresee(self) -> ApplyResult:
        now = self._now()
        self._refuse_conflicts(now)
        prediction = Prediction(now.target.elements)
        creations = list(now.creations)
        taken = [prediction.take(step) for step in unfinished_stages(creations)]
        now = self._situation(Parts(prediction.elements), [*creations, *taken])
        for phase in PHASES:
            for steps in phase(now):
                taken += [prediction.take(step) for step in steps]
            now = self._situation(Parts(prediction.elements), [*creations, *taken])
        return ApplyResult(steps=tuple(taken), diff=now.diff)

    def _result(self, now: Situation, losses: Sequence[Finding]) -> ApplyResult:
        account = self._execution.account
        own = ((one, made_by_portal_alone(one, self._source)) for one in now.diff.missing)
        findings = (
            *losses,
            *(_refusal(one) for one in account.refused),
            *(_portals_own(one, advice) for one, advice in own if advice is not None),
        )
        with self._workspace.write() as repositories:
            repositories.findings.replace(Phase.STRUCTURE, findings)
        return ApplyResult(
            steps=tuple(account.done),
            refused=tuple(account.refused),
            findings=findings,
            diff=now.diff,
        )


def _check_scope(role: str, parts: Parts) -> None:
    profile = parts.structure.profile
    if profile is not None and USER_FIELD_SCOPE not in profile.scopes:
        is_refused = USER_FIELD_SCOPE in profile.refused_scopes
        raise StructureNotReadable(
            (
                f"the {role} portal refuses the methods of the scope {USER_FIELD_SCOPE}"
                if is_refused
                else f"the webhook of the {role} lacks the scope {USER_FIELD_SCOPE}"
            )
            + ", so its user fields cannot be compared or created",
            hint="make the webhook as an administrator; an on-premise portal may need its crm and "
            "rest modules updated"
            if is_refused
            else f"edit the webhook and tick {USER_FIELD_SCOPE}",
        )


def _where(line: Line) -> str:
    place = f" of {line.scope}" if line.scope else ""
    return f"{line.kind.value.replace('_', ' ')} '{line.name}' ({line.key}){place}"


def _conflict(line: Line) -> Finding:
    return Finding(
        kind=FindingKind.STRUCTURE_CONFLICT,
        severity=Severity.BLOCKING,
        entity_type_id=_entity_type_id(line.kind, line.scope),
        field=line.key if line.kind is PartKind.FIELD else None,
        value=line.key,
        detail=f"{_where(line)}: {line.conflict}",
        hint=line.choices,
    )


def _refusal(refusal: Refusal) -> Finding:
    step = refusal.step
    return Finding(
        kind=FindingKind.STRUCTURE_REFUSED,
        severity=Severity.WARNING,
        effect=Effect.LOST,
        entity_type_id=_entity_type_id(step.kind, step.scope),
        field=step.source_key if step.kind == PartKind.FIELD else None,
        value=step.source_key,
        detail=f"{step.kind.replace('_', ' ')} '{step.name}': {step.method}: {refusal.reason}",
        hint="see to the reason (rights, the tariff's limits, the portal's rules), or create it "
        "by hand or leave it out in the mapping file, then run the same command again",
    )


def _portals_own(line: Line, advice: str) -> Finding:
    return Finding(
        kind=FindingKind.STRUCTURE_REFUSED,
        severity=Severity.WARNING,
        effect=Effect.LOST,
        entity_type_id=_entity_type_id(line.kind, line.scope),
        value=line.key,
        detail=f"{_where(line)}: {advice}",
        hint="or name a pipeline of the target for it in the mapping file",
    )


def _entity_type_id(kind: str, scope: str) -> int | None:
    of_a_type = kind in {PartKind.CATEGORY, PartKind.FIELD, PartKind.ENUMERATION}
    number = scope.partition(".")[0]
    return int(number) if of_a_type and number.isdecimal() else None
