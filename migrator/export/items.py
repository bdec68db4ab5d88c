"""Read the source's items into staging, page by page, resumable after each request.

File contents are not read here: a file is fetched when its item is imported. The links to files
carry the webhook's secret and age, copies of customers' files would lie beside the database, and
nothing can be imported without the target anyway.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from migrator.bitrix.answers import Answer
from migrator.bitrix.commands import Command
from migrator.bitrix.counting import CountQuery
from migrator.bitrix.errors import (
    ArgumentRefused,
    ItemRefused,
    NotFound,
    PortalError,
    RepeatLater,
)
from migrator.bitrix.keyset import PAGE
from migrator.domain.errors import UsageError
from migrator.domain.records import Checkpoint, SaveCounts, StagedItem
from migrator.domain.values import parse_datetime
from migrator.domain.vocabulary import EntityTypeId, SourceId
from migrator.export.filters import use_filter
from migrator.export.profile import PortalNotUsable
from migrator.outlook import Outlook
from migrator.workspace import EXPORT_STAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.bitrix.keyset import ItemPages
    from migrator.domain.fields import FieldSet
    from migrator.domain.structure import Structure
    from migrator.workspace import Workspace

#: What `*` leaves out in the server's source, while the documentation says of `fm` that it comes
#: only with `*`: naming them beside it is right either way.
_BESIDE_STAR = ("companyIds", "contactIds", "observers", "fm")


class FilterRefused(UsageError):
    """The source does not take a filter of the mapping file."""

    reference = "filter-refused"


class ItemExport:
    """Exports the items of the source, one entity type after another."""

    def __init__(
        self,
        workspace: Workspace,
        source: PortalClient,
        structure: Structure,
        filters: Mapping[EntityTypeId, Mapping[str, Any]] | None = None,
    ) -> None:
        self._workspace = workspace
        self._source = source
        self._structure = structure
        self._filters = filters or {}
        self._outlook = Outlook(
            source,
            workspace.clock,
            workspace.progress,
            stage="export",
            method="crm.item.list",
            page=PAGE,
        )

    def run(self, types: Sequence[EntityTypeId], *, refresh: bool = False) -> SaveCounts:
        """Export what is not exported yet; with `refresh`, and nothing half done, read all again.

        Reading again overwrites items that have changed and leaves the others untouched.

        Raises: PortalNotUsable where the portal does not list a type's items at all.
        """
        for entity_type_id in types:
            use_filter(self._workspace, entity_type_id, self._filters.get(entity_type_id))
        self._begin(types, refresh=refresh)
        todo = [t for t in types if not self._checkpoint(t).done]
        newest, left = self._source.newest_and_counts([self._left(t) for t in todo])
        self._outlook.expect(left[t] for t in todo if len(left) == len(todo))
        counts = SaveCounts()
        for entity_type_id in todo:
            row = newest[entity_type_id]
            if isinstance(row, ItemRefused):
                raise PortalNotUsable(row.message, hint=row.hint)
            if isinstance(row, PortalError):
                raise row
            newest_id = row.id if row else 0
            counts += self._export_type(entity_type_id, newest_id, left.get(entity_type_id))
            self._outlook.next_type()
        return counts

    def _left(self, entity_type_id: EntityTypeId) -> CountQuery:
        """What is still to be read of a type."""
        beyond = {">id": self._checkpoint(entity_type_id).position}
        return CountQuery(
            entity_type_id=entity_type_id,
            filter={**self._filters.get(entity_type_id, {}), **beyond},
        )

    def _begin(self, types: Iterable[EntityTypeId], *, refresh: bool) -> None:
        """Put on record what is to be read, so that what was cut short is told from what is new.

        A type the source did not have before does not keep the others from being read again.
        """
        with self._workspace.write() as repositories:
            known = {one.entity_type_id: one for one in repositories.checkpoints.all(EXPORT_STAGE)}
            is_cut_short = any(not known[t].done for t in types if t in known)
            reads_again = refresh and not is_cut_short
            for entity_type_id in types:
                if reads_again or entity_type_id not in known:
                    beginning = Checkpoint(stage=EXPORT_STAGE, entity_type_id=entity_type_id)
                    repositories.checkpoints.set(beginning)

    def _checkpoint(self, entity_type_id: EntityTypeId) -> Checkpoint:
        with self._workspace.read() as repositories:
            found = repositories.checkpoints.get(EXPORT_STAGE, entity_type_id)
        return found or Checkpoint(stage=EXPORT_STAGE, entity_type_id=entity_type_id)

    def _export_type(
        self, entity_type_id: EntityTypeId, newest: int, left: int | None
    ) -> SaveCounts:
        counts, after = SaveCounts(), self._checkpoint(entity_type_id).position
        fields = self._structure.fields[entity_type_id]
        title = self._structure.entity_types[entity_type_id].title
        if newest == 0:
            return self._save(entity_type_id, [], position=after, done=True)
        self._workspace.progress.begin(f"Exporting {title}", left)
        for page in self._pages(entity_type_id, after, newest):
            items = self._complete(entity_type_id, fields, page.items)
            counts += self._save(entity_type_id, items, position=page.last_id, done=page.exhausted)
            self._workspace.progress.advance(len(items))
            pages = math.ceil(len(items) / PAGE)
            self._outlook.done(len(items), calls=pages, next_calls=self._source.pages_per_request)
            self._workspace.check_stop()
        self._workspace.progress.end()
        return counts

    def _pages(self, entity_type_id: EntityTypeId, after: int, newest: int) -> Iterator[ItemPages]:
        """Raises: FilterRefused where the portal knows better what can be filtered by."""
        conditions = self._filters.get(entity_type_id)
        try:
            yield from self._source.iter_items(
                entity_type_id,
                select=item_select(self._structure.fields[entity_type_id]),
                after=after,
                newest=newest,
                filter=conditions,
            )
        except ArgumentRefused as error:
            if conditions is None:
                raise
            title = self._structure.entity_types[entity_type_id].title
            raise FilterRefused(
                f"the source refuses the filter on {title}: {error.description}",
                hint=f"correct it in the mapping file, under filters: {entity_type_id}",
            ) from error

    def _save(
        self,
        entity_type_id: EntityTypeId,
        items: Sequence[Mapping[str, Any]],
        *,
        position: int,
        done: bool,
    ) -> SaveCounts:
        staged = [self._staged(entity_type_id, item) for item in items]
        with self._workspace.write() as repositories:
            counts = repositories.items.save(staged)
            known = repositories.checkpoints.get(EXPORT_STAGE, entity_type_id)
            if done or known is None or not known.position:
                repositories.items.refresh_statistics()
            repositories.checkpoints.set(
                Checkpoint(
                    stage=EXPORT_STAGE, entity_type_id=entity_type_id, position=position, done=done
                )
            )
        return counts

    def _staged(self, entity_type_id: EntityTypeId, item: Mapping[str, Any]) -> StagedItem:
        return StagedItem(
            entity_type_id=entity_type_id,
            source_id=SourceId(int(item["id"])),
            title=item_title(item),
            created_time=_moment(item.get("createdTime")) or datetime.fromtimestamp(0, UTC),
            updated_time=_moment(item.get("updatedTime")),
            payload=self._without_secret(item),
        )

    def _without_secret(self, value: Any) -> Any:
        """The payload exactly as sent, but for the webhook's secret in the links to files."""
        if isinstance(value, str):
            return self._source.webhook.redact(value)
        if isinstance(value, dict):
            return {key: self._without_secret(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._without_secret(inner) for inner in value]
        return value

    def _complete(
        self, entity_type_id: EntityTypeId, fields: FieldSet, items: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Fetch by crm.item.get what this portal's lists leave out."""
        named = named_fields(fields)
        partial = [item for item in items if any(name not in item for name in named)]
        whole = self._get(entity_type_id, [int(item["id"]) for item in partial])
        for item in partial:
            got = whole.get(int(item["id"]), {})
            item.update({n: got[n] for n in named if n not in item and n in got})
        return items

    def _get(self, entity_type_id: EntityTypeId, ids: list[int]) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        while ids:
            part, ids = ids[:PAGE], ids[PAGE:]
            params = {"entityTypeId": entity_type_id, "useOriginalUfNames": "Y"}
            answers = self._source.batch(
                {f"i{one}": Command("crm.item.get", {**params, "id": one}) for one in part}
            )
            for one in part:
                answer = answers[f"i{one}"]
                if isinstance(answer, RepeatLater):
                    answer = self._source.call("crm.item.get", {**params, "id": one})
                if isinstance(answer, Answer):
                    found[one] = answer.mapping("item")
                elif not isinstance(answer, NotFound):  # deleted while it was being exported
                    raise answer
        return found


def named_fields(fields: FieldSet) -> list[str]:
    """The fields to name beside `*`, of those this entity type has."""
    utm = [f.name for f in fields if f.name.startswith("utm")]
    parents = [f.name for f in fields if f.name.startswith("parentId")]
    return [name for name in (*_BESIDE_STAR, *utm, *parents) if name in fields]


def item_select(fields: FieldSet) -> list[str]:
    return ["*", *named_fields(fields)]


def item_title(item: Mapping[str, Any]) -> str:
    """What people know the item by; contacts have a name instead of a title."""
    names = (item.get("name"), item.get("secondName"), item.get("lastName"))
    return str(item.get("title") or " ".join(str(part) for part in names if part))


def _moment(raw: Any) -> datetime | None:
    try:
        return parse_datetime(raw) if raw else None
    except ValueError:
        return None
