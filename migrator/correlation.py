"""The field that says in the target which source item an item came from.

REST of this version has no idempotency key, so each import carries a value by which the target can
be asked afterwards. It stands in a string user field of its own: originId and xmlId belong to the
source, and quotes have neither.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from migrator.bitrix.errors import ItemRefused, MethodNotFound, PortalError, UnknownOutcome
from migrator.domain.errors import TerminalError
from migrator.domain.fields import FieldSet, parse_field
from migrator.domain.references import CORRELATION_SUFFIX
from migrator.domain.vocabulary import (
    SMART_INVOICE,
    SYSTEM_TYPES,
    EntityTypeId,
    SourceId,
    TargetId,
    short_code,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from migrator.bitrix.client import PortalClient
    from migrator.clock import Clock
    from migrator.domain.records import Migration
    from migrator.domain.structure import EntityType

_LABEL = "Migrator: source item"
_ATTEMPTS = 5

#: Values asked for at once, so that the answer fits a page.
PER_LOOK_UP = 50


class CorrelationFieldMissing(TerminalError):
    """Without the field, lost answers could not be told from failures."""

    reference = "correlation-field"


def correlation_value(migration: Migration, entity_type_id: EntityTypeId, source_id: int) -> str:
    """Readable in the CRM: `old.bitrix24.com/D_4711`."""
    return f"{migration.source_portal}/{short_code(entity_type_id)}_{source_id}"


def stored_name(entity_type: EntityType) -> str:
    """The field's name; those of smart processes and invoices carry their own entity's."""
    return f"{entity_type.user_field_prefix}{CORRELATION_SUFFIX}"


class CorrelationField:
    """The correlation field of one entity type of the target."""

    def __init__(
        self, target: PortalClient, entity_type: EntityType, known: FieldSet, clock: Clock
    ) -> None:
        self._target = target
        self._known = known
        self._type = entity_type
        self._stored_name = stored_name(entity_type)
        self._clock = clock
        self.name = self._stored_name

    def ensure(self) -> bool:
        """Create the field where the target's structure does not list it.

        Creating a field can take the portal longer than a request may (b24restdocs
        api-reference/crm/universal/userfieldconfig/index.md), so a lost or failed answer means
        nothing: the fields are read again.

        Returns: whether it was there before.
        Raises: CorrelationFieldMissing.
        """
        refusal: PortalError | None = None
        if self._is_among(self._known):
            return True
        for attempt in range(_ATTEMPTS):
            try:
                self._create()
            except UnknownOutcome:
                self._clock.sleep(2.0**attempt)
            except ItemRefused as error:
                refusal = error
            if self._is_among(self._read()):
                return False
        raise CorrelationFieldMissing(
            f"{self._target.webhook.host}: the user field {self._stored_name} for "
            f"'{self._type.title}' could not be created"
            + (f": {refusal.code} {refusal.description}" if refusal else ""),
            hint="let an administrator of the CRM make the webhook, with the scope "
            "userfieldconfig, or create this string field by hand",
        )

    def exists(self) -> bool:
        """Whether the target has the field; asked where its structure does not list it."""
        return self._is_among(self._known) or self._is_among(self._read())

    def _read(self) -> FieldSet:
        answer = self._target.call(
            "crm.item.fields",
            {"entityTypeId": self._type.entity_type_id, "useOriginalUfNames": "Y"},
        )
        fields = answer.mapping("fields").items()
        return FieldSet.of(parse_field(name, meta) for name, meta in fields)

    def _is_among(self, fields: FieldSet) -> bool:
        for one in fields:
            if one.stored_name == self._stored_name:
                self.name = one.name
                return True
        return False

    def _create(self) -> None:
        system = SYSTEM_TYPES.get(self._type.entity_type_id)
        if system is not None and self._type.entity_type_id != SMART_INVOICE:
            try:
                self._create_classic(f"crm.{system.symbol.lower()}.userfield.add")
            except MethodNotFound:
                # Whether this name will do there, the documentation leaves open.
                self._create_configured()
        else:
            self._create_configured()

    def _create_classic(self, method: str) -> None:
        self._target.call(
            method,
            {
                "fields": {
                    "FIELD_NAME": self._stored_name,
                    "USER_TYPE_ID": "string",
                    "LABEL": _LABEL,
                    "EDIT_FORM_LABEL": _LABEL,
                    "SHOW_FILTER": "I",
                }
            },
        )

    def _create_configured(self) -> None:
        self._target.call(
            "userfieldconfig.add",
            {
                "moduleId": "crm",
                "field": {
                    "entityId": self._type.user_field_entity_id,
                    "fieldName": self._stored_name,
                    "userTypeId": "string",
                    "editFormLabel": {"en": _LABEL},
                    "showFilter": "I",
                },
            },
        )

    def scan(
        self, migration: Migration, entity_type_id: EntityTypeId
    ) -> Iterator[dict[SourceId, list[TargetId]]]:
        """All items of the target that came from items of this source type, page by page.

        An item that came twice may be on two pages.
        """
        prefix = correlation_value(migration, entity_type_id, 0)[:-1]
        pages = self._target.iter_items(self._type.entity_type_id, select=["id", self.name])
        for page in pages:
            found: dict[SourceId, list[TargetId]] = defaultdict(list)
            for row in page.items:
                value = str(row.get(self.name) or "")
                if value.startswith(prefix) and value.removeprefix(prefix).isdecimal():
                    source_id = SourceId(int(value.removeprefix(prefix)))
                    found[source_id].append(TargetId(int(row["id"])))
            yield dict(found)

    def find(self, values: Iterable[str]) -> dict[str, list[int]]:
        """Which of these correlation values exist in the target, with the items that carry them."""
        found: dict[str, list[int]] = defaultdict(list)
        wanted = list(values)
        while wanted:
            part, wanted = wanted[:PER_LOOK_UP], wanted[PER_LOOK_UP:]
            rows: list[dict[str, Any]] = self._target.find_items(
                self._type.entity_type_id,
                filter={f"@{self.name}": part},
                select=["id", self.name],
            )
            for row in rows:
                found[str(row[self.name])].append(int(row["id"]))
        return dict(found)
