"""Ask both portals everything a migration should know beforehand, and judge the answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from migrator.check.hand_over import list_left_behind
from migrator.check.items import SourceItems, ask_import_rights, count_currencies, count_types
from migrator.check.owners import count_owners
from migrator.check.portal import PortalReading, read_fields, read_portal
from migrator.domain.mapping import Mapping as PortalMapping
from migrator.domain.vocabulary import EntityTypeId, Role
from migrator.plan.check.facts import Comparison, Policies
from migrator.plan.check.judge import judge_both, judge_portal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from migrator.bitrix.client import PortalClient
    from migrator.domain.mapping import Pair
    from migrator.domain.structure import Profile, Structure
    from migrator.plan.check.facts import DiskFacts, TypeFacts
    from migrator.plan.check.line import Line
    from migrator.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What the operator decided beforehand, and where staging lies if it is a file."""

    policies: Policies = field(default_factory=Policies)
    #: Makes the pairs of entity types, users and currencies.
    pair_up: Callable[[Structure, Structure], list[Pair]]
    #: Entity types of which the mapping file takes only some items, and which ones those are.
    filtered: frozenset[EntityTypeId] = frozenset()
    #: what one unit of a source currency is in the currency it is mapped to
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    filters_of: Callable[[Structure], Mapping[EntityTypeId, Mapping[str, Any]]] = lambda _: {}
    disk: DiskFacts | None = None


class Check:
    """Reads only, on both portals, and keeps nothing.

    One question has the form of a write: see `migrator.bitrix.import_right`. It is asked of the
    target where the webhook's user is no administrator.
    """

    def __init__(self, workspace: Workspace, options: CheckOptions) -> None:
        self._workspace = workspace
        self._options = options

    def run(self, portals: Mapping[Role, tuple[PortalClient, Profile]]) -> list[Line]:
        """The lines about the portals that answer, and about both where both do.

        Raises: PortalError where a portal fails on the way, ProbeAccepted.
        """
        self._workspace.progress.begin("Asking both portals", None)
        both: list[Line] = []
        try:
            readings = {role: self._read(role, *portal) for role, portal in portals.items()}
            if len(readings) == len(Role):
                both = self._compare(readings[Role.SOURCE], readings[Role.TARGET])
        finally:
            self._workspace.progress.end()
        policies = self._options.policies
        alone = [line for one in readings.values() for line in judge_portal(one.facts, policies)]
        return alone + both

    def _read(self, role: Role, client: PortalClient, profile: Profile) -> PortalReading:
        reading = read_portal(client, role, profile, self._workspace.clock)
        self._step()
        return reading

    def _step(self) -> None:
        self._workspace.progress.advance(1)
        self._workspace.check_stop()

    def _compare(self, source: PortalReading, target: PortalReading) -> list[Line]:
        options = self._options
        comparison = self._comparison(source, target)
        return list(
            judge_both(source.facts, target.facts, comparison, options.policies, options.disk)
        )

    def _filters(self, source: PortalReading) -> Mapping[EntityTypeId, Mapping[str, Any]]:
        """What a filter means depends on the types of its fields, so those are asked for."""
        asked = sorted(self._options.filtered & source.structure.entity_types.keys())
        if not asked:
            return {}
        fields = {**source.structure.fields, **read_fields(source.client, asked)}
        return self._options.filters_of(replace(source.structure, fields=fields))

    def _comparison(self, source: PortalReading, target: PortalReading) -> Comparison:
        pairs = self._options.pair_up(source.structure, target.structure)
        mapping = PortalMapping(pairs, rates=self._options.rates)
        items = SourceItems(source.client, self._filters(source))
        types = count_types(items, target.client, source.structure.entity_types.values(), mapping)
        types = self._with_imported(types)
        if not target.facts.profile.is_admin:
            types = ask_import_rights(target.client, types)
        taken = [one.entity_type_id for one in types if one.source_items and not one.is_left_out]
        unlisted = source.facts.refused.keys() | target.facts.refused.keys()
        self._step()
        users = currencies = None
        if "users" not in unlisted:
            users = count_owners(items, source.structure, target.structure, mapping, taken)
        if "currencies" not in unlisted:
            currencies = tuple(count_currencies(items, mapping, taken))
        self._step()
        without_partner = users.without_partner if users else ()
        return Comparison(
            types=tuple(types),
            users=users,
            currencies=currencies,
            left_behind=list_left_behind(source.client, types, without_partner),
        )

    def _with_imported(self, types: list[TypeFacts]) -> list[TypeFacts]:
        """Of a migration under way staging knows what is still to come, the source does not."""
        with self._workspace.read() as repositories:
            imported = repositories.id_map.counts()
            return [
                replace(
                    one,
                    imported=imported[one.entity_type_id],
                    late_items=repositories.items.count_older_than(
                        one.entity_type_id, one.target_newest
                    ),
                )
                if one.target_newest is not None and imported.get(one.entity_type_id)
                else one
                for one in types
            ]
