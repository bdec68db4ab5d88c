"""Find items of the target that came from one source item more than once."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from migrator.bitrix import keyset
from migrator.correlation import CorrelationField
from migrator.domain.findings import Finding, FindingKind, Phase, Severity
from migrator.domain.records import Difference, VerifiedItem, VerifiedState
from migrator.domain.vocabulary import TargetId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.domain.structure import EntityType
    from migrator.domain.vocabulary import EntityTypeId, SourceId
    from migrator.outlook import Outlook
    from migrator.transform.item import TypeTransform
    from migrator.workspace import Workspace

#: Under which field it is told that an item exists no more, or more than once.
EXISTENCE = "id"


class Copies:
    """Reads all that carry where they came from; writes only to staging."""

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        target_types: Mapping[EntityTypeId, EntityType],
        outlook: Outlook,
    ) -> None:
        self._workspace = workspace
        self._target = target
        self._target_types = target_types
        self._outlook = outlook

    def find(self, transform: TypeTransform) -> dict[SourceId, TargetId]:
        """Record the copies of items of one source type.

        Returns: which items have some that verify has found nothing else about, and their partners.
        """
        entity_type_id = transform.entity_type_id
        target_type = self._target_types[transform.target_type_id]
        clock = self._workspace.clock
        field = CorrelationField(self._target, target_type, transform.target_fields, clock)
        if not field.exists():
            return {}
        copies: dict[SourceId, list[TargetId]] = defaultdict(list)
        partners: dict[SourceId, TargetId] = {}
        for found in field.scan(self._workspace.migration, entity_type_id):
            self._outlook.done(len(found), calls=math.ceil(len(found) / keyset.PAGE))
            with self._workspace.read() as repositories:
                mapped = repositories.id_map.lookup(entity_type_id, list(found))
            for source_id, ids in found.items():
                others = [i for i in ids if source_id in mapped and i != mapped[source_id][1]]
                if others:
                    copies[source_id] += others
                    partners[source_id] = mapped[source_id][1]
        if not copies:
            return {}
        there = self._there(transform.target_type_id, partners.values())
        agreed = self._record(entity_type_id, copies, partners, there)
        return {source_id: partners[source_id] for source_id in agreed}

    def _there(self, target_type_id: EntityTypeId, ids: Iterable[TargetId]) -> set[TargetId]:
        rows = self._target.read_items(target_type_id, list(ids), select=["id"])
        return {TargetId(int(row["id"])) for row in rows}

    def _record(
        self,
        entity_type_id: EntityTypeId,
        copies: Mapping[SourceId, Sequence[TargetId]],
        partners: Mapping[SourceId, TargetId],
        there: Collection[TargetId],
    ) -> set[SourceId]:
        differences = []
        findings = []
        for source_id, ids in copies.items():
            listed = ", ".join(str(one) for one in ids)
            is_there = partners[source_id] in there
            differences.append(
                Difference(
                    entity_type_id=entity_type_id,
                    source_id=source_id,
                    field=EXISTENCE,
                    expected="one item" if is_there else str(partners[source_id]),
                    actual=f"also {listed}" if is_there else f"gone, but {listed} is a copy of it",
                )
            )
            if is_there:
                findings.append(_copy_found(entity_type_id, source_id, listed))
        states = [VerifiedItem(source_id=i, state=VerifiedState.DIFFERS) for i in copies]
        with self._workspace.write() as repositories:
            repositories.differences.add(differences)
            repositories.findings.add(Phase.VERIFY, findings)
            agreed = repositories.id_map.agreeing(entity_type_id, list(copies))
            repositories.id_map.mark_verified(entity_type_id, states)
        return agreed


def _copy_found(entity_type_id: EntityTypeId, source_id: SourceId, listed: str) -> Finding:
    return Finding(
        kind=FindingKind.DUPLICATE_IN_TARGET,
        severity=Severity.WARNING,
        entity_type_id=entity_type_id,
        source_id=source_id,
        value=listed,
        detail=f"the target holds it again as {listed}",
        hint="delete the copy, or, if people made it on purpose, empty its field 'Migrator: source "
        "item'",
    )
