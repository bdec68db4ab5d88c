"""The staging database: the only place that speaks SQL."""

from migrator.staging.audit import AuditQuery, audit_queries
from migrator.staging.database import Staging, Transaction
from migrator.staging.errors import (
    AlreadyMapped,
    MigrationMismatch,
    MigrationOwned,
    QueryRefused,
    StagingBusy,
    StagingLost,
    StagingTooNew,
    StagingUnavailable,
)
from migrator.staging.queries import QueryResult
from migrator.staging.repositories import Repositories

__all__ = [
    "AlreadyMapped",
    "AuditQuery",
    "MigrationMismatch",
    "MigrationOwned",
    "QueryRefused",
    "QueryResult",
    "Repositories",
    "Staging",
    "StagingBusy",
    "StagingLost",
    "StagingTooNew",
    "StagingUnavailable",
    "Transaction",
    "audit_queries",
]
