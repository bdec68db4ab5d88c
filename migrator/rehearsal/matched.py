"""Items of the target that are partners already: the emulated one must hold them, too.

Of those that `match_on` has found some are updated, and all are read back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.vocabulary import SourceId
from migrator.export.items import item_select

if TYPE_CHECKING:
    from migrator.bitrix.client import PortalClient
    from migrator.plan.plan import Blueprint
    from migrator.sandbox import Portal
    from migrator.workspace import Workspace

#: Items read at a time.
_PAGE = 500


def bring_matched_items(
    own: Workspace, blueprint: Blueprint, real: PortalClient, portal: Portal
) -> None:
    """Read what the plan has matched from the real target into the emulated one."""
    for entity_type_id in blueprint.plan.order:
        partner = blueprint.mapping.target_type(entity_type_id)
        if partner is None:
            continue
        after = SourceId(0)
        while True:
            own.check_stop()
            with own.read() as repositories:
                page = repositories.matched_pairs.open_page(entity_type_id, _PAGE, after)
            if not page:
                break
            after = page[-1].source_id
            ids = [one.target_id for one in page]
            select = item_select(blueprint.target.fields[partner])
            portal.add_printed(partner, real.read_items(partner, ids, select=select))
