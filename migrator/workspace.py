"""What every stage works with: one migration, its staging database, and the log of requests."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from migrator.domain.mapping import Mapping as PortalMapping
from migrator.domain.vocabulary import EntityTypeId
from migrator.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from migrator.clock import Clock
    from migrator.domain.mapping import PairKey
    from migrator.domain.records import Migration, RequestEntry
    from migrator.staging import Staging
    from migrator.staging.repositories import Repositories


@dataclass(slots=True, kw_only=True)
class Workspace:
    """One migration under way.

    Requests are logged together with the next change they belong to, so logging costs no
    transaction of its own.
    """

    staging: Staging
    migration: Migration
    clock: Clock
    progress: Progress = field(default_factory=Silent)
    requests: list[RequestEntry] = field(default_factory=list)
    #: Whether planning and import are about the items of the sample only.
    sampled: bool = False
    #: Called between two steps; raises where the process has been asked to end.
    check_stop: Callable[[], None] = lambda: None
    #: Called before each write to the target; raises where another process may own the migration.
    check_owned: Callable[[], None] = lambda: None

    @contextmanager
    def write(self) -> Iterator[Repositories]:
        """A transaction: all of it is committed at the end of the block, or nothing."""
        with self.staging.begin() as transaction:
            repositories = transaction.of(self.migration.migration_id, sampled=self.sampled)
            logged = len(self.requests)
            repositories.request_log.add(self.requests[:logged])
            yield repositories
        del self.requests[:logged]

    @contextmanager
    def read(self) -> Iterator[Repositories]:
        with self.staging.read() as transaction:
            yield transaction.of(self.migration.migration_id, sampled=self.sampled)

    def flush_requests(self) -> None:
        """Write down the requests no change has taken along yet."""
        if self.requests:
            with self.write():
                pass


#: The setting with the rates that amounts were converted at by the last plan, as texts.
_CURRENCY_RATES = "currency_rates"
_ITEM_FILTER = "item_filter:"


def item_filter_setting(entity_type_id: EntityTypeId) -> str:
    """The setting of a migration with the filter by which items of a type were exported."""
    return f"{_ITEM_FILTER}{entity_type_id}"


def recorded_filters(repositories: Repositories) -> dict[EntityTypeId, Any]:
    """The filters by which what is staged was exported; a type without one is staged whole."""
    return {
        EntityTypeId(int(key.removeprefix(_ITEM_FILTER))): conditions
        for key, conditions in repositories.settings.all().items()
        if key.startswith(_ITEM_FILTER) and conditions
    }


def save_mapping(
    repositories: Repositories, mapping: PortalMapping, affected: Mapping[PairKey, int]
) -> None:
    """This is the mapping from now on; `affected` says how many items need each pair."""
    repositories.pairs.replace(list(mapping), affected)
    rates = {currency: str(rate) for currency, rate in mapping.rates.items()}
    repositories.settings.set(_CURRENCY_RATES, rates)


def staged_mapping(repositories: Repositories) -> PortalMapping:
    """The mapping of the last plan."""
    rates = repositories.settings.get(_CURRENCY_RATES, {})
    return PortalMapping(
        repositories.pairs.load(),
        rates={currency: Decimal(rate) for currency, rate in rates.items()},
        filtered=frozenset(recorded_filters(repositories)),
    )


#: The stage under which the export keeps its checkpoints.
EXPORT_STAGE = "export"


def exported_types(repositories: Repositories) -> frozenset[EntityTypeId]:
    """Entity types of which every item is staged."""
    checkpoints = repositories.checkpoints.all(EXPORT_STAGE)
    return frozenset(one.entity_type_id for one in checkpoints if one.done)
