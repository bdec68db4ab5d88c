"""All rows of one migration, by what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.staging.repositories.batches import ImportBatches
from migrator.staging.repositories.deferred_links import DeferredLinks
from migrator.staging.repositories.findings import Findings
from migrator.staging.repositories.id_map import IdMap
from migrator.staging.repositories.items import Items
from migrator.staging.repositories.kept_items import KeptItems
from migrator.staging.repositories.match_candidates import MatchCandidates
from migrator.staging.repositories.matched_pairs import MatchedPairs
from migrator.staging.repositories.migrations import Migrations
from migrator.staging.repositories.progress import Checkpoints, Settings
from migrator.staging.repositories.request_log import RequestLog
from migrator.staging.repositories.results import Differences, FailedItems, ItemFiles
from migrator.staging.repositories.sample import Sample
from migrator.staging.repositories.structure import PortalStructure, StructurePairs
from migrator.staging.repositories.structure_creations import StructureCreations
from migrator.staging.repositories.undo import UndoRecords

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from migrator.clock import Clock
    from migrator.domain.records import MigrationId

__all__ = ["Migrations", "Repositories", "RequestLog"]


class Repositories:
    """The repositories of a migration within one transaction."""

    def __init__(
        self,
        connection: Connection,
        migration_id: MigrationId,
        clock: Clock,
        *,
        sampled: bool = False,
    ) -> None:
        self.migration_id = migration_id
        #: Whether what is counted, streamed and imported are the items of the sample only.
        self.sampled = sampled
        self.structure = PortalStructure(connection, migration_id, clock)
        self.pairs = StructurePairs(connection, migration_id, clock)
        self.creations = StructureCreations(connection, migration_id, clock)
        self.items = Items(connection, migration_id, clock, sampled=sampled)
        self.sample = Sample(connection, migration_id, clock)
        self.matches = MatchCandidates(connection, migration_id, clock)
        self.matched_pairs = MatchedPairs(connection, migration_id, clock, sampled=sampled)
        self.files = ItemFiles(connection, migration_id, clock)
        self.id_map = IdMap(connection, migration_id, clock)
        self.failed_items = FailedItems(connection, migration_id, clock)
        self.findings = Findings(connection, migration_id, clock)
        self.deferred_links = DeferredLinks(connection, migration_id, clock)
        self.batches = ImportBatches(connection, migration_id, clock)
        self.checkpoints = Checkpoints(connection, migration_id, clock)
        self.request_log = RequestLog(connection, migration_id)
        self.differences = Differences(connection, migration_id, clock)
        self.settings = Settings(connection, migration_id, clock)
        self.kept_items = KeptItems(connection, migration_id, clock)
        self.undo = UndoRecords(connection, migration_id, clock)
