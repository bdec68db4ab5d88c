"""The emulated portal: its state and the way a call takes through it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from migrator.sandbox import entity_types, fields, php, reading
from migrator.sandbox.categories import Categories
from migrator.sandbox.clock import Clock, SystemClock
from migrator.sandbox.currencies import Currencies
from migrator.sandbox.errors import PortalError, access_denied
from migrator.sandbox.limits import LeakyBucket, OperatingBudget
from migrator.sandbox.moments import Moments
from migrator.sandbox.registry import METHODS, Answer, Call
from migrator.sandbox.request_log import RequestRecord
from migrator.sandbox.settings import Settings, Webhook
from migrator.sandbox.statuses import Statuses
from migrator.sandbox.store import Bindings, FileStore, Row, Table
from migrator.sandbox.types import SmartTypes
from migrator.sandbox.user_fields import UserFields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from migrator.sandbox.fields import Field, FieldSet
    from migrator.sandbox.losses import SilentLoss
    from migrator.sandbox.users import User

_SYSTEM_UF_ENTITIES = (
    "CRM_LEAD",
    "CRM_DEAL",
    "CRM_CONTACT",
    "CRM_COMPANY",
    "CRM_QUOTE",
    "CRM_SMART_INVOICE",
    "CRM_REQUISITE",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is put on the wire."""

    http_status: int
    body: Any
    #: seconds the request is to take
    seconds: float = 0.0


class Portal:
    """State of one portal; `call` runs a REST method without HTTP."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        make_table: Callable[[], Table] = Table,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.moments = Moments(settings.utc_offset)
        #: address printed in file links; the server sets its own
        self.origin = f"https://{settings.host}"
        self.users: dict[int, User] = {}
        self.departments: list[dict[str, Any]] = []
        #: rows of list methods that only read, by method name
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.types = SmartTypes()
        self.categories = Categories()
        self.statuses = Statuses()
        self.user_fields = UserFields()
        self.currencies = Currencies([], "")
        self.bindings = Bindings()
        self.files = FileStore()
        self.losses: list[SilentLoss] = []
        self.requests: list[RequestRecord] = []
        #: (method, entity type, item) of every write that would start robots
        self.automation_runs: list[tuple[str, int, int]] = []
        self.lock = threading.RLock()
        #: where the items of one more entity type are kept
        self._make_table = make_table
        self._tables: dict[int, Table] = {etid: make_table() for etid in entity_types.SYSTEM_TYPES}
        self._field_sets: dict[int, FieldSet] = {}
        self._last_multifield_id = 0
        self._bucket = LeakyBucket(settings.limits)
        self._budget = OperatingBudget(settings.limits)
        self._seconds = 0.0

    @classmethod
    def from_seed(
        cls,
        seed: dict[str, Any],
        clock: Clock | None = None,
        make_table: Callable[[], Table] = Table,
    ) -> Self:
        from migrator.sandbox import seed as seeds

        portal = cls(seeds.settings_of(seed), clock, make_table)
        seeds.load(portal, seed)
        return portal

    # --- state, for tests -------------------------------------------------------------------

    def items(self, entity_type_id: int) -> dict[int, Row]:
        """Copies of the stored items, bindings included, by id."""
        plural, ids = reading.bound_ids(self, entity_type_id)
        rows = self.table(entity_type_id).rows
        bound = {item_id: {plural: list(ids(row))} for item_id, row in rows.items()}
        return {item_id: dict(row) | bound[item_id] for item_id, row in rows.items()}

    def add_printed(self, entity_type_id: int, rows: Iterable[Row]) -> None:
        """Take items as crm.item.list of the portal prints them that this one stands for."""
        from migrator.sandbox import seed as seeds

        seeds.add_printed(self, entity_type_id, rows)

    def dump(self) -> dict[str, Any]:
        """The present state in the shape of a seed."""
        from migrator.sandbox import seed as seeds

        return seeds.dump(self)

    # --- time -------------------------------------------------------------------------------

    def now(self) -> str:
        return self.moments.at(self.clock.time())

    def today(self, days: int = 0) -> str:
        return self.moments.today(self.clock.time(), days)

    # --- structure --------------------------------------------------------------------------

    def has_type(self, entity_type_id: int) -> bool:
        return entity_type_id in self._tables and (
            entity_type_id in entity_types.SYSTEM_TYPES
            or entity_type_id in self.types.by_entity_type_id
        )

    def require_served(self, entity_type_id: int) -> None:
        """Raises: PortalError for a type that the portal lacks, or that may not be seen.

        Source: b24restdocs api-reference/crm/universal/crm-item-fields.md
        """
        code = self.settings.refused_types.get(entity_type_id)
        if code is not None:
            raise PortalError(code, "Smart process not found" if code == "NOT_FOUND" else "")

    def open_type(self, entity_type_id: int) -> None:
        """Give a new smart process its table, its default pipeline and stages."""
        self.table(entity_type_id)
        self.categories.ensure_default(entity_type_id, self.types.title(entity_type_id))
        for category in self.categories.of(entity_type_id):
            self.statuses.add_stages(entity_type_id, category["id"])
        self.structure_changed()

    def structure_changed(self) -> None:
        self._field_sets.clear()

    def fields(self, entity_type_id: int) -> FieldSet:
        found = self._field_sets.get(entity_type_id)
        if found is None:
            found = fields.build(self, entity_type_id)
            self._field_sets[entity_type_id] = found
        return found

    def uf_entities(self) -> set[str]:
        own = {self.types.uf_entity(etid) for etid in self.types.by_entity_type_id}
        return own | set(_SYSTEM_UF_ENTITIES)

    def columns(
        self, entity_type_id: int, call: Call, chosen: Iterable[Field]
    ) -> list[tuple[str, reading.Getter]]:
        original = call.original_names
        return [
            (
                one.wire(original=original),
                reading.printer(self, entity_type_id, one, call.webhook),
            )
            for one in chosen
        ]

    def semantics(self, entity_type_id: int, row: Row) -> str:
        """P, S or F of the stage an item stands in."""
        category = row.get("categoryId")
        if category is None:
            category = self.categories.default_id(entity_type_id)
        stages = entity_types.stage_entity_id(entity_type_id, int(category))
        return self.statuses.semantics(stages, row.get("stageId"))

    def stage_in_use(self, entity_id: str, status_id: str) -> bool:
        owner = {"STATUS": (entity_types.LEAD, 0), "QUOTE_STATUS": (entity_types.QUOTE, 0)}.get(
            entity_id
        ) or self.categories.stage_lists().get(entity_id)
        if owner is None:
            return False
        return any(row.get("stageId") == status_id for row in self.table(owner[0]).rows.values())

    # --- items ------------------------------------------------------------------------------

    def table(self, entity_type_id: int) -> Table:
        if entity_type_id not in self._tables:
            self._tables[entity_type_id] = self._make_table()
        return self._tables[entity_type_id]

    def entity_type_ids(self) -> list[int]:
        return [etid for etid in self._tables if self.has_type(etid)]

    def exists(self, entity_type_id: int, item_id: int) -> bool:
        table = self._tables.get(entity_type_id)
        return table is not None and item_id in table.rows

    def forget_item(self, entity_type_id: int, item_id: int) -> None:
        self.table(entity_type_id).remove(item_id)
        if entity_type_id == entity_types.CONTACT:
            self.bindings.set_companies(item_id, [])
        if entity_type_id == entity_types.COMPANY:
            self.bindings.set_contacts(item_id, [])

    def first_own_company(self) -> int | None:
        rows = self.table(entity_types.COMPANY).rows
        return next(
            (item_id for item_id, row in rows.items() if row.get("isMyCompany") == "Y"), None
        )

    def next_multifield_id(self) -> int:
        self._last_multifield_id += 1
        return self._last_multifield_id

    def note_multifield_id(self, row_id: int) -> None:
        self._last_multifield_id = max(self._last_multifield_id, row_id)

    # --- cost -------------------------------------------------------------------------------

    def charge_reads(self, items: int) -> None:
        self._seconds += items * self.settings.cost.seconds_per_read_item

    def charge_imports(self, items: int) -> None:
        self._seconds += items * self.settings.cost.seconds_per_imported_item

    # --- calls ------------------------------------------------------------------------------

    def call(
        self, method: str, params: dict[str, Any] | None = None, *, user_id: int | None = None
    ) -> dict[str, Any]:
        """Run a method as a user and return the body a client would get."""
        hook = self.webhook_of(user_id)
        body = self.handle(method, params or {}, hook.user_id, hook.secret).body
        return dict(body)

    def webhook_of(self, user_id: int | None) -> Webhook:
        """The webhook of a user, or the first one configured; users without one get one."""
        hooks = self.settings.webhooks
        if user_id is None:
            return hooks[0]
        return next((hook for hook in hooks if hook.user_id == user_id), None) or Webhook(
            user_id, "withoutwebhook00", hooks[0].scopes
        )

    def handle(self, method: str, params: dict[str, Any], user_id: int, secret: str) -> Reply:
        """One HTTP request: limits, authorization, execution, log."""
        with self.lock:
            started = self.clock.time()
            self._seconds = 0.0
            commands: list[tuple[str, str | None]] = []
            try:
                self._bucket.take(started)
                caller = self._authorize(user_id, secret)
                call = Call(method, params, *caller)
                body = self._perform(call, started, commands)
                status, error = 200, None
            except PortalError as refusal:
                body, status, error = refusal.body(), refusal.http_status, str(refusal.code)
            self.requests.append(RequestRecord(self.clock.time(), method, status, error, commands))
            return Reply(status, body, self._seconds)

    def _authorize(self, user_id: int, secret: str) -> tuple[User, Webhook]:
        known = [*self.settings.webhooks, self.webhook_of(user_id)]
        hook = next((h for h in known if (h.user_id, h.secret) == (user_id, secret)), None)
        user = self.users.get(user_id)
        if hook is None or user is None:
            # b24restdocs .../import/crm-item-import.md; the system list says 403.
            raise PortalError("INVALID_CREDENTIALS", "Invalid request credentials", 401)
        if user.extranet:
            raise PortalError("allowed_only_intranet_user", "Allowed only for intranet users", 403)
        return user, hook

    def _perform(
        self, call: Call, started: float, commands: list[tuple[str, str | None]]
    ) -> dict[str, Any]:
        if call.method.lower() == "batch":
            from migrator.sandbox import batch

            result = batch.run(self, call, commands)
            # The outer batch has no budget of its own (b24restdocs limits.md).
            return {"result": result, "time": self.time_block(started, self._seconds, None)}
        return self.execute(call, started)

    def execute(self, call: Call, started: float) -> dict[str, Any]:
        """Run one method, alone or as a command of a batch.

        Raises: PortalError.
        """
        method = METHODS.get(call.method.lower())
        if method is None:
            raise PortalError("ERROR_METHOD_NOT_FOUND", "Method not found!", 404)
        self._check_access(call, method.name, method.scopes)
        # By webhook and method (riester: .../rest/lib/engine/access/loadlimiter.php).
        account = f"{call.webhook.user_id}/{call.webhook.secret}/{method.name}"
        self._budget.check(account, started)
        before = self._seconds
        self._seconds += self.settings.cost.seconds_per_request
        try:
            answer = method.handler(self, call)
        finally:
            spent = self._seconds - before
            self._budget.spend(account, spent, started)
        return self._body(answer, started, spent, account)

    def _check_access(self, call: Call, name: str, scopes: tuple[str, ...]) -> None:
        if scopes and not set(scopes) & set(call.webhook.scopes):
            raise PortalError(
                "insufficient_scope",
                "The request requires higher privileges than provided by the access token",
                403,
            )
        if name.startswith("crm.") and not call.user.crm:
            raise access_denied()

    def _body(self, answer: Answer, started: float, spent: float, account: str) -> dict[str, Any]:
        body: dict[str, Any] = {"result": answer.result}
        if answer.next is not None:
            body["next"] = answer.next
        if answer.total is not None:
            body["total"] = answer.total
        return body | {"time": self.time_block(started, spent, account)}

    def time_block(self, started: float, spent: float, account: str | None) -> dict[str, Any]:
        finished = max(self.clock.time(), started) + spent
        block: dict[str, Any] = {
            "start": started,
            "finish": finished,
            "duration": finished - started,
            "processing": finished - started,
            "date_start": self.moments.at(started),
            "date_finish": self.moments.at(finished),
        }
        if account is not None:
            block["operating_reset_at"] = self._budget.reset_at(account, started)
            block["operating"] = php_number(self._budget.operating(account, started))
        return block


def php_number(value: float) -> float | int:
    """PHP prints an untouched counter as 0."""
    return int(value) if php.is_empty(value) else value
