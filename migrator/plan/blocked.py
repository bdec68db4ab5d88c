"""Why a plan is not carried out: findings that have to be answered first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.errors import UsageError

if TYPE_CHECKING:
    from migrator.plan.plan import Blueprint

#: How many blocking findings an error message lists.
_SHOWN = 20


class BlockedByFindings(UsageError):
    """The plan has findings that must be answered before an item is written."""

    reference = "blocked"

    def __init__(self, blueprint: Blueprint) -> None:
        count = len(blueprint.plan.blocking)
        noun = "finding blocks" if count == 1 else "findings block"
        # One user without a partner blocks every type that names it: said once.
        said = list(dict.fromkeys(f"{f.kind.value}: {f.detail}" for f in blueprint.plan.blocking))
        listed = "".join(f"\n  {one}" for one in said[:_SHOWN])
        if len(said) > _SHOWN:
            listed += f"\n  and {len(said) - _SHOWN} more: migrator plan"
        super().__init__(
            f"{count} {noun} the import; no item was written to the target:{listed}",
            hint=blueprint.plan.blocking[0].hint,
        )
        self.blueprint = blueprint
