"""The composition root: settings in, one migration with everything it needs out.

The only place that wires portals, staging, clock and progress together.
"""

from __future__ import annotations

import logging
import math
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from migrator.app import App
from migrator.bitrix.client import PortalClient
from migrator.bitrix.limits import PortalLimits
from migrator.bitrix.records import EarlierRequest, RequestRecord, Wait, WaitReason
from migrator.bitrix.webhook import InvalidWebhook, Webhook
from migrator.clock import SystemClock
from migrator.domain.errors import UsageError
from migrator.domain.records import (
    Migration,
    RequestEntry,
)
from migrator.domain.vocabulary import Role
from migrator.interrupt import InterruptibleClock, StopRequest
from migrator.progress import Progress, Silent
from migrator.staging import Staging
from migrator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from migrator.clock import Clock
    from migrator.settings import PortalSettings, Settings

logger = logging.getLogger(__name__)

_WAITS = {
    WaitReason.RATE: "the request rate of {portal}",
    WaitReason.OPERATING: "the execution budget of {method} on {portal}",
    WaitReason.TROUBLE: "{portal} to recover",
}

#: A batch of one method's commands is logged as this and the method.
BATCH_OF = "batch:"


class UnknownMigration(UsageError):
    """The staging database holds no migration of that name."""

    reference = "unknown-migration"


def find_migration(staging: Staging, name: str) -> Migration:
    """Raises: UnknownMigration."""
    with staging.read() as transaction:
        found = transaction.migrations.get(name)
        known = [migration.name for migration in transaction.migrations.list()]
    if found is None:
        there = f"there are: {', '.join(known)}" if known else "there is none yet"
        raise UnknownMigration(
            f"{staging.name} holds no migration '{name}'; {there}",
            hint="name one with --migration, or set MIGRATOR_STAGING_URL",
        )
    return found


@contextmanager
def open_staging(settings: Settings, *, create: bool = True) -> Iterator[Staging]:
    """Open the staging database, its schema brought up to date, each step logged."""
    url = settings.staging_url.get_secret_value()
    with Staging.open(url, create=create) as staging:
        staging.upgrade(log=logger.info)
        yield staging


@contextmanager
def open_app(
    settings: Settings,
    migration: str,
    *,
    progress: Progress | None = None,
    stop: StopRequest | None = None,
    only_reads_target: bool = False,
) -> Iterator[App]:
    """Everything for one migration; requests not logged yet are written down at the end.

    With `only_reads_target` nothing that might write can be sent to the target.

    Raises: UsageError for a missing or unusable webhook, or a staging database of other portals.
    """
    source = _webhook(settings.source, Role.SOURCE)
    target = _webhook(settings.target, Role.TARGET)
    if source.host == target.host:
        raise UsageError(
            f"source and target are the same portal: {source.host}",
            hint="nothing is ever written to the source: make MIGRATOR_TARGET__WEBHOOK_URL a "
            "webhook of the portal that the items are to go to",
        )
    stop = stop or StopRequest()
    clock = InterruptibleClock(SystemClock(), stop)
    with open_staging(settings) as staging:
        portals = {
            "source_portal": source.host,
            "target_portal": target.host,
            "source_origin": source.site,
            "target_origin": target.site,
        }
        with staging.begin() as transaction:
            row = transaction.migrations.get_or_create(migration, **portals)
        with ExitStack() as held:
            still_owned = held.enter_context(staging.own(row.migration_id))
            with staging.begin() as transaction:
                row = transaction.migrations.claim(migration, **portals)
            workspace = Workspace(
                staging=staging,
                migration=row,
                clock=clock,
                progress=progress or Silent(),
                check_stop=stop.check,
                check_owned=still_owned,
            )
            source_client = held.enter_context(
                _client(source, settings.source, Role.SOURCE, workspace)
            )
            target_client = held.enter_context(
                _client(
                    target, settings.target, Role.TARGET, workspace, read_only=only_reads_target
                )
            )
            for client in (source_client, target_client):
                client.remember(_recent_requests(staging, client, clock))
            try:
                yield App(settings, workspace, source_client, target_client)
            finally:
                workspace.flush_requests()


def _recent_requests(staging: Staging, client: PortalClient, clock: Clock) -> list[EarlierRequest]:
    """What earlier processes asked of this portal: its bucket may be full, its budgets used up."""
    limits = client.limits
    in_a_window = math.ceil(limits.requests_per_second * limits.operating_window_seconds)
    with staging.read() as transaction:
        latest = transaction.request_log.latest(client.webhook.host, limits.burst + in_a_window)
    now = clock.now()
    return [
        EarlierRequest(
            method=entry.method.removeprefix(BATCH_OF),
            seconds_ago=max(0.0, (now - entry.sent_at).total_seconds() - entry.duration_s),
            operating_s=entry.operating_s or 0.0,
        )
        for entry in latest
    ]


def _webhook(portal: PortalSettings, role: Role) -> Webhook:
    url = portal.webhook_url or SecretStr("")
    if not url.get_secret_value():
        raise UsageError(
            f"the webhook of the {role} is not set",
            hint=f"set MIGRATOR_{role.upper()}__WEBHOOK_URL (mind the two underscores) to the "
            f"inbound webhook of the {role}",
        )
    try:
        return Webhook(url.get_secret_value())
    except InvalidWebhook as error:
        reason = error.reason
    # Outside the handler: the webhook stays out of what a traceback would show.
    raise InvalidWebhook(reason, f"of the {role} (MIGRATOR_{role.upper()}__WEBHOOK_URL) ")


def limits_of(portal: PortalSettings) -> PortalLimits:
    """What the tariff permits, as it is configured."""
    return PortalLimits(
        requests_per_second=portal.requests_per_second,
        burst=portal.burst,
        operating_limit_seconds=portal.operating_limit_seconds,
        operating_window_seconds=portal.operating_window_seconds,
    )


def _client(
    webhook: Webhook,
    portal: PortalSettings,
    role: Role,
    workspace: Workspace,
    *,
    read_only: bool = False,
) -> PortalClient:
    def still_owned() -> None:
        """The migration may have been lost to another process in a pause for the limits."""
        workspace.check_owned()

    return PortalClient(
        webhook,
        limits_of(portal),
        clock=workspace.clock,
        on_request=_recorder(role, workspace.requests.append),
        on_wait=_announcer(workspace.progress),
        before_write=still_owned,
        read_only=read_only,
    )


def _recorder(role: Role, log: Callable[[RequestEntry], None]) -> Callable[[RequestRecord], None]:
    def record(request: RequestRecord) -> None:
        log(
            RequestEntry(
                portal_role=role,
                portal=request.portal,
                method=_method(request),
                sent_at=request.sent_at,
                duration_s=request.duration_s,
                operating_s=request.operating_s,
                status=request.status,
                error=request.error,
                items=request.items,
                commands=request.commands or 1,
            )
        )

    return record


def _method(request: RequestRecord) -> str:
    """A batch of one method's commands is told from others: budgets are per inner method."""
    if len(request.inner) == 1:
        return f"{BATCH_OF}{next(iter(request.inner))}"
    return request.method


def _announcer(progress: Progress) -> Callable[[Wait], None]:
    def announce(wait: Wait) -> None:
        why = _WAITS[wait.reason].format(portal=wait.portal, method=wait.method)
        progress.waiting(why, wait.seconds)

    return announce
