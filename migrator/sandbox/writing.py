"""What a write carries along: who, by which method, and what was lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.sandbox.losses import LossKind, SilentLoss

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal
    from migrator.sandbox.registry import Call


@dataclass(slots=True)
class Write:
    """One item being written.

    Losses are kept back until the item is saved: what ends in an error is not silent.
    """

    portal: Portal
    call: Call
    entity_type_id: int
    _losses: list[tuple[LossKind, str, Any, str]] = field(default_factory=list)

    def lose(self, kind: LossKind, name: str, value: Any, detail: str = "") -> None:
        self._losses.append((kind, name, value, detail))

    def commit(self, item_id: int) -> None:
        self.portal.losses += [
            SilentLoss(
                kind.value, self.call.method, self.entity_type_id, item_id, name, value, detail
            )
            for kind, name, value, detail in self._losses
        ]

    def check_reference(self, entity_type_id: int, item_id: int, name: str, value: Any) -> None:
        """Nonexistent items are stored as sent (core-corp: modules/crm/lib/item.php)."""
        if not self.portal.exists(entity_type_id, item_id):
            detail = f"no item {item_id} of type {entity_type_id}"
            self.lose(LossKind.DANGLING_REFERENCE, name, value, detail)

    def check_user(self, user_id: int, name: str) -> None:
        """Nonexistent users are stored as sent (core-corp: modules/crm/lib/Field/Assigned.php)."""
        if user_id not in self.portal.users:
            self.lose(LossKind.UNKNOWN_USER, name, user_id)
