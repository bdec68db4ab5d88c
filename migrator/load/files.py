"""Fetch the contents of files from the source at the moment their item is imported."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.bitrix.errors import ItemRefused
from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.records import StagedFile
from migrator.domain.values import FileValue, decode, scalars
from migrator.domain.vocabulary import EntityTypeId, SourceId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.bitrix.client import PortalClient
    from migrator.domain.fields import FieldSet
    from migrator.transform.item import TypeTransform
    from migrator.transform.transformed import TransformedItem


@dataclass(slots=True)
class ItemFiles:
    """The files of one item, by the source's file id."""

    contents: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    staged: list[StagedFile] = field(default_factory=list)

    def content(self, file: FileValue) -> tuple[str, bytes]:
        return self.contents[file.file_id]

    @property
    def encoded_bytes(self) -> int:
        """Size in a request: base64 makes four characters of three bytes."""
        return sum(len(body) * 4 // 3 + 4 for _, body in self.contents.values())


class FileFetcher:
    """Reads the files of one entity type's items from the source."""

    def __init__(self, source: PortalClient, transform: TypeTransform) -> None:
        self._source = source
        self._type: EntityTypeId = transform.entity_type_id
        self._fields: FieldSet = transform.source_fields
        self._name = transform.source_name

    def fetch(self, item: TransformedItem) -> ItemFiles:
        """Download what the item's values name; a file that cannot be had becomes a finding.

        The links in staging have aged, so the item is asked for fresh ones first.
        """
        files = ItemFiles()
        named = {name: value for name, value in item.values.items() if _files(value)}
        if not named:
            return files
        links = self._fresh_links(item.source_id, [self._name(name) for name in named])
        for name, value in named.items():
            kept = []
            for position, file in enumerate(_files(value)):
                if self._fetch_one(item, files, name, position, file, links.get(file.file_id)):
                    kept.append(file)
            item.values[name] = tuple(kept) if isinstance(value, tuple) else next(iter(kept), None)
        return files

    def _fetch_one(
        self,
        item: TransformedItem,
        files: ItemFiles,
        name: str,
        position: int,
        file: FileValue,
        link: str | None,
    ) -> bool:
        try:
            downloaded = self._source.download(link) if link else None
        except ItemRefused:
            downloaded = None
        if downloaded is None:
            item.findings.append(self._not_readable(item, self._name(name), file))
            return False
        files.contents[file.file_id] = (downloaded.name, downloaded.content)
        files.staged.append(
            StagedFile(
                entity_type_id=self._type,
                source_id=SourceId(item.source_id),
                field=self._name(name),
                position=position,
                source_file_id=file.file_id,
                name=downloaded.name,
                size=len(downloaded.content),
                sha256=hashlib.sha256(downloaded.content).hexdigest(),
            )
        )
        return True

    def _fresh_links(self, source_id: int, names: Iterable[str]) -> dict[int, str]:
        wanted = list(names)
        rows = self._source.read_items(self._type, [source_id], select=["id", *wanted])
        links: dict[int, str] = {}
        for row in rows:
            for name in wanted:
                value = decode(self._fields.by_name[name], self._fields.value(row, name))
                links.update(
                    {f.file_id: f.url_machine for f in _files(value) if f.url_machine is not None}
                )
        return links

    def _not_readable(self, item: TransformedItem, name: str, file: FileValue) -> Finding:
        return Finding(
            kind=FindingKind.FILE_NOT_READABLE,
            severity=Severity.WARNING,
            effect=Effect.LOST,
            entity_type_id=self._type,
            source_id=item.source_id,
            field=name,
            value=str(file.file_id),
            detail=f"file {file.file_id} could not be downloaded from the source",
        )


def _files(value: object) -> list[FileValue]:
    rows = scalars(value)  # type: ignore[arg-type]  # any value, asked for its files only
    return [one for one in rows if isinstance(one, FileValue)]
