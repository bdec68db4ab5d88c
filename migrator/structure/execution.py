"""Carry out steps, each exactly once: on record before its request, settled after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from json import dumps
from typing import TYPE_CHECKING

from migrator.bitrix.errors import ItemRefused, UnknownError, UnknownOutcome
from migrator.domain.records import CreationState, StructureCreation
from migrator.plan.structure.parts import PartKind
from migrator.structure.lookup import CHOSEN_BY_TARGET, Lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.workspace import Workspace

#: How often a request is sent whose answer is lost each time and which is not carried out either.
_ATTEMPTS = 5
#: Between two looks at the target while its time for the request is not over yet, in seconds.
_LOOK_EVERY = 5.0
#: Clocks and networks are not exact; the portal's own limit is waited out with this to spare.
_MARGIN = 2.0
#: Errors in relations are not told (b24restdocs
#: api-reference/crm/universal/user-defined-object-types/crm-type-update.md).
_NOT_SET = "the target took the request, but did not do what it said"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A step the target refused, in its own words."""

    step: StructureCreation
    reason: str


@dataclass(slots=True)
class Account:
    """What has been done up to now."""

    done: list[StructureCreation] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


class Execution:
    """Sends the steps to the target; `cutoff_seconds` is how long it may work on a request."""

    def __init__(self, workspace: Workspace, target: PortalClient, cutoff_seconds: float) -> None:
        self._workspace = workspace
        self._target = target
        self._lookup = Lookup(target)
        self._cutoff = timedelta(seconds=cutoff_seconds + _MARGIN if cutoff_seconds else 0)
        self.account = Account()

    def run(self, steps: Sequence[StructureCreation]) -> None:
        """Record the steps together, then take them one by one; a refused one stops no other."""
        self._workspace.check_stop()
        with self._workspace.write() as repositories:
            repositories.creations.begin(steps)
        self.carry_out(steps)

    def carry_out(self, steps: Sequence[StructureCreation]) -> None:
        """Take steps that are on record; those of one request share it."""
        for _, group in groupby(steps, key=_request):
            self._send(list(group))

    def settle_in_doubt(self, steps: Sequence[StructureCreation]) -> list[StructureCreation]:
        """Find out what became of steps that an earlier process left open.

        Returns: those that were certainly not carried out.
        """
        if not steps:
            return []
        found = self._look(steps, self._workspace.clock.now())
        self._adopt(found)
        there = {id(step) for step, _ in found}
        return [step for step in steps if id(step) not in there]

    def _send(self, steps: list[StructureCreation]) -> None:
        """Raises: UnknownOutcome, where the answer was lost each time."""
        for attempt in range(1, _ATTEMPTS + 1):
            self._workspace.check_stop()
            try:
                answer = self._target.call(steps[0].method, steps[0].params)
            except UnknownOutcome:
                steps = self._settle_lost(steps)
                if not steps:
                    return
                if attempt == _ATTEMPTS:
                    raise
            except (ItemRefused, UnknownError) as error:
                self._settle_refused(steps, f"{error.code} {error.description}".strip())
                return
            else:
                keys = {step.source_key: self._lookup.read_key(step, answer) for step in steps}
                made = [(step, key) for step in steps if (key := keys[step.source_key])]
                self._settle(made, CreationState.CREATED)
                self._refuse([s for s in steps if not keys[s.source_key]], _NOT_SET)
                return

    def _settle_lost(self, steps: list[StructureCreation]) -> list[StructureCreation]:
        """Returns: the steps that were not carried out and may be sent again."""
        noticed_at = self._workspace.clock.now()
        with self._workspace.write() as repositories:
            for step in steps:
                repositories.creations.settle(step, CreationState.UNKNOWN)
        found = self._look(steps, noticed_at)
        self._adopt(found)
        if not found:
            return steps
        # A request that was carried out in part is not repeated: what is left will be missing.
        there = {id(step) for step, _ in found}
        with self._workspace.write() as repositories:
            for step in steps:
                if id(step) not in there:
                    repositories.creations.forget(step)
        return []

    def _settle_refused(self, steps: list[StructureCreation], reason: str) -> None:
        """What is reported as an error may have been made nevertheless."""
        found = self._find(steps)
        self._adopt(found)
        there = {id(step) for step, _ in found}
        refused = [step for step in steps if id(step) not in there]
        self._refuse(refused, reason)

    def _refuse(self, steps: Sequence[StructureCreation], reason: str) -> None:
        if not steps:
            return
        with self._workspace.write() as repositories:
            for step in steps:
                repositories.creations.settle(step, CreationState.FAILED, detail=reason)
        self.account.refused += [Refusal(step=step, reason=reason) for step in steps]

    def _look(
        self, steps: Sequence[StructureCreation], noticed_at: datetime
    ) -> list[tuple[StructureCreation, str]]:
        """Look until all is there, or until the portal has certainly ended the request.

        Only a look that began after that moment may call a step not carried out.
        """
        clock = self._workspace.clock
        while True:
            rest = (noticed_at + self._cutoff - clock.now()).total_seconds()
            found = self._find(steps)
            if len(found) == len(steps) or rest <= 0:
                return found
            self._workspace.progress.waiting(
                "an answer was lost; the portal may still be working on the request", rest
            )
            clock.sleep(min(rest, _LOOK_EVERY))

    def _find(self, steps: Sequence[StructureCreation]) -> list[tuple[StructureCreation, str]]:
        with self._workspace.read() as repositories:
            known = repositories.creations.load()
        claimed = {(c.kind, c.target_scope, c.target_key) for c in known if c.is_there}
        found: list[tuple[StructureCreation, str]] = []
        for step in steps:
            taken = [k for kind, scope, k in claimed if (kind, scope) == _place(step) and k]
            key = self._lookup.find(step, taken if step.kind in CHOSEN_BY_TARGET else ())
            if key is not None:
                found.append((step, key))
                claimed.add((step.kind, step.target_scope, key))
        return found

    def _adopt(self, found: Sequence[tuple[StructureCreation, str]]) -> None:
        if found:
            self._settle(found, CreationState.FOUND)

    def _settle(self, keys: Sequence[tuple[StructureCreation, str]], state: CreationState) -> None:
        with self._workspace.write() as repositories:
            for step, key in keys:
                is_gone = step.kind == PartKind.DEFAULT_STAGE
                outcome = CreationState.REMOVED if is_gone else state
                repositories.creations.settle(step, outcome, target_key=key)
        self.account.done += [step for step, _ in keys]
        self._workspace.progress.advance(len(keys))


def settle_creations(workspace: Workspace, target: PortalClient, cutoff_seconds: float) -> None:
    """Find out what became of every step left open; those not carried out are forgotten."""
    with workspace.read() as repositories:
        open_steps = [one for one in repositories.creations.load() if not one.is_settled]
    undone = Execution(workspace, target, cutoff_seconds).settle_in_doubt(open_steps)
    if undone:
        with workspace.write() as repositories:
            for step in undone:
                repositories.creations.forget(step)


def _place(step: StructureCreation) -> tuple[str, str | None]:
    return step.kind, step.target_scope


def _request(step: StructureCreation) -> tuple[str, str]:
    return step.method, dumps(step.params, sort_keys=True, default=str)
