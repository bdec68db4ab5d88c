"""The source's part in a rehearsal: items are staged, so only files could still be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.bitrix.client import PortalClient
from migrator.bitrix.download import DownloadedFile
from migrator.domain.vocabulary import EntityTypeId, SourceId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.bitrix.webhook import Webhook
    from migrator.workspace import Workspace

#: In the place of every file: enough to be sent, stored and compared.
_PLACEHOLDER = DownloadedFile("file", b"placeholder of a rehearsal")


class SourceFromStaging(PortalClient):
    """Answers from staging; the contents of files are placeholders, and nothing is sent."""

    def __init__(self, webhook: Webhook, workspace: Workspace) -> None:
        super().__init__(webhook, clock=workspace.clock, read_only=True)
        self._workspace = workspace

    def read_items(
        self,
        entity_type_id: int,
        ids: Sequence[int],
        *,
        select: Sequence[str],  # noqa: ARG002 - more than was asked for does no harm
        use_original_uf_names: bool = True,  # noqa: ARG002 - as they were exported
    ) -> list[dict[str, Any]]:
        with self._workspace.read() as repositories:
            wanted = [SourceId(one) for one in ids]
            staged = repositories.items.get(EntityTypeId(entity_type_id), wanted)
        return [dict(item.payload) for item in staged]

    def download(self, url: str) -> DownloadedFile:  # noqa: ARG002 - every file is the same one
        return _PLACEHOLDER
