"""Which entity types the target webhook's user may import.

No method tells. An administrator may everything. For anybody else an import is asked for that the
server has to refuse: rights are checked before values, so the kind of refusal is the answer.
Sources: core-corp modules/crm/lib/Service/Operation.php (order of the checks),
b24restdocs api-reference/crm/universal/import/index.md (a date in the future is refused).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.bitrix.errors import AccessDenied, ItemRefused
from migrator.domain.errors import TerminalError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.bitrix.client import PortalClient
    from migrator.domain.vocabulary import EntityTypeId

#: Refused three times over: in the future, without an administrator's right, by nobody.
_IMPOSSIBLE = {"createdTime": "2999-12-31T00:00:00+00:00", "createdBy": -1, "updatedBy": -1}


class ProbeAccepted(TerminalError):
    """The target created an item that it should have refused."""

    reference = "probe-accepted"


def types_without_import_right(
    target: PortalClient, types: Iterable[EntityTypeId]
) -> frozenset[EntityTypeId]:
    """Ask for each of the target's types; nothing is created.

    Raises: ProbeAccepted where the portal created the impossible item after all.
    """
    return frozenset(t for t in types if not _may_import(target, t))


def _may_import(target: PortalClient, entity_type_id: EntityTypeId) -> bool:
    try:
        answer = target.call(
            "crm.item.import", {"entityTypeId": entity_type_id, "fields": _IMPOSSIBLE}
        )
    except AccessDenied:
        return False
    except ItemRefused:
        return True
    item_id = answer.mapping("item").get("id")
    raise ProbeAccepted(
        f"{target.webhook.host}: asking for the import right of entity type {entity_type_id} "
        f"created item {item_id}, which the portal should have refused",
        hint="delete that item, and use an administrator's webhook, for which nothing is asked",
    )
