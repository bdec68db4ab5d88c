"""Does anything in the target use a part of its structure, or depend on it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.bitrix.counting import Count, CountQuery
from migrator.bitrix.errors import ItemRefused, PortalError, UnknownError
from migrator.domain.vocabulary import EntityTypeId, entity_type_of_stages, stage_entity_id
from migrator.plan.structure.parts import PartKind
from migrator.plan.structure.prediction import BORN_CODES
from migrator.undo.inspection import mark_of
from migrator.undo.structure_parts import Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from migrator.bitrix.client import PortalClient
    from migrator.domain.fields import Field
    from migrator.domain.structure import Structure
    from migrator.workspace import Workspace

#: The scope that prices of products are read with.
_PRICES = "catalog"

#: What a field prints that nobody has filled in.
_EMPTY: tuple[object, ...] = (None, "", [], {}, 0, "0", 0.0, False, "N")


class StructureUse:
    """Asks the target for the items that use a part; items that are gone do not count."""

    def __init__(
        self,
        workspace: Workspace,
        target: PortalClient,
        structure: Structure,
        made: Collection[Part],
    ) -> None:
        self._workspace = workspace
        self._target = target
        self._structure = structure
        #: whatever this migration has made, or was about to
        self._made = made
        #: parts that were there when the structure was read
        self._gone: set[Part] = set()

    def forget(self, part: Part) -> None:
        """The part is gone, so it cannot be asked for, and uses nothing any more."""
        self._gone.add(part)

    def of(self, part: Part) -> str | None:
        """How the part is used, or None where it is not."""
        match part.kind:
            case "entity_type":
                held = self._held(self._inside_type(EntityTypeId(int(part.key))))
                return held or self._counted([CountQuery(entity_type_id=int(part.key))])
            case "category":
                owner, category_id = EntityTypeId(int(part.scope)), int(part.key)
                query = CountQuery(entity_type_id=owner, filter={"=categoryId": category_id})
                held = self._held(self._inside_category(owner, category_id))
                return held or self._counted([query])
            case "field":
                return self._of_field(EntityTypeId(int(part.scope)), part.key)
            case "currency":
                return self._of_prices(part.key) or self._counted(self._queries(part))
            case _:
                return self._counted(self._queries(part))

    def _held(self, inside: Iterable[tuple[Part, str]]) -> str | None:
        """What others have made inside a part would go with it."""
        theirs = (
            f"{part.kind} '{name or part.key}'" for part, name in inside if part not in self._made
        )
        found = next(theirs, None)
        return f"it holds what others have made: {found}" if found is not None else None

    def _inside_type(self, entity_type_id: EntityTypeId) -> Iterator[tuple[Part, str]]:
        """User fields, pipelines and stages of a smart process, but for the portal's own."""
        if not self._is_there(entity_type_id):
            return
        scope, mark = str(entity_type_id), mark_of(self._structure, entity_type_id)
        for field in self._structure.fields.get(entity_type_id, ()):
            if field.is_dynamic and field.name != mark:
                yield Part(PartKind.FIELD, scope, field.stored_name), field.title
        for category in self._structure.categories.get(entity_type_id, {}).values():
            if not category.is_default:
                yield Part(PartKind.CATEGORY, scope, str(category.category_id)), category.name
            yield from self._inside_category(entity_type_id, category.category_id)

    def _inside_category(
        self, entity_type_id: EntityTypeId, category_id: int
    ) -> Iterator[tuple[Part, str]]:
        """The stages of a pipeline; a portal may cut the codes of those it makes itself."""
        directory = stage_entity_id(entity_type_id, category_id) or ""
        for stage in self._structure.statuses.get(directory, {}).values():
            if not any(born.startswith(stage.code) for born in BORN_CODES):
                yield Part(PartKind.STAGE, directory, stage.status_id), stage.name

    def _of_prices(self, code: str) -> str | None:
        """A portal deletes all prices of its products with their currency, and does not ask.

        Sources: the module catalog, general/price.php, OnCurrencyDelete; b24restdocs
        api-reference/catalog/price/catalog-price-list.md.
        """
        profile = self._structure.profile
        if profile is None or _PRICES not in profile.scopes:
            return (
                "prices of products would go with it, and whether there are any cannot be asked: "
                f"the webhook lacks the scope {_PRICES}"
            )
        try:
            answer = self._target.call(
                "catalog.price.list", {"select": ["id"], "filter": {"currency": code}}
            )
        except (ItemRefused, UnknownError) as error:
            return f"whether prices of products are in it cannot be asked: {error.message}"
        return "prices of products are in it" if answer.mapping().get("prices") else None

    def _queries(self, part: Part) -> Iterator[CountQuery]:
        match part.kind:
            case "stage":
                owner = entity_type_of_stages(part.scope)
                if owner is not None:
                    yield CountQuery(entity_type_id=owner, filter={"=stageId": part.key})
            case "status":
                for owner, field in self._fields():
                    if field.type == "crm_status" and field.status_type == part.scope:
                        yield CountQuery(entity_type_id=owner, filter={f"={field.name}": part.key})
            case "enumeration":
                entity_type_id, _, name = part.scope.partition(".")
                yield CountQuery(
                    entity_type_id=int(entity_type_id), filter={f"={name}": int(part.key)}
                )
            case "currency":
                yield from self._of_currency(part.key)
            case _:
                raise ValueError(f"nobody knows what uses a {part.kind}")

    def _of_currency(self, code: str) -> Iterator[CountQuery]:
        for owner, field in self._fields():
            if field.type == "crm_currency":
                yield CountQuery(entity_type_id=owner, filter={f"={field.name}": code})
            elif field.type == "money":
                # A money value is one text, `12.50|EUR`.
                yield CountQuery(entity_type_id=owner, filter={f"%{field.name}": f"|{code}"})

    def _fields(self) -> Iterator[tuple[EntityTypeId, Field]]:
        """Every field there is by now."""
        for owner, fields in self._structure.fields.items():
            if self._is_there(owner):
                for field in fields:
                    if Part(PartKind.FIELD, str(owner), field.stored_name) not in self._gone:
                        yield owner, field

    def _counted(self, queries: Iterable[CountQuery]) -> str | None:
        asked = list(queries)
        for query, answer in zip(
            asked, self._target.count_items(asked) if asked else (), strict=True
        ):
            self._workspace.check_stop()
            if isinstance(answer, Count) and answer.items:
                return f"{answer.items} items of {self._title(query.entity_type_id)} use it"
            if isinstance(answer, PortalError) and not isinstance(answer, ItemRefused):
                raise answer
            if isinstance(answer, PortalError) and self._is_there(query.entity_type_id):
                return f"whether it is used cannot be asked: {answer.message}"
        return None

    def _of_field(self, entity_type_id: EntityTypeId, name: str) -> str | None:
        """A field is asked for item by item: not every portal filters by "not empty"."""
        if not self._is_there(entity_type_id):
            return None
        fields = self._structure.fields[entity_type_id]
        known = next((field for field in fields if field.stored_name == name), None)
        if known is None:
            return None
        for page in self._target.iter_items(entity_type_id, select=["id", known.name]):
            self._workspace.check_stop()
            for row in page.items:
                if not _is_empty(fields.value(row, known.name)):
                    title = self._title(entity_type_id)
                    return f"items of {title} hold values of it, such as {row['id']}"
        return None

    def _is_there(self, entity_type_id: int) -> bool:
        part = Part(PartKind.ENTITY_TYPE, "", str(entity_type_id))
        return EntityTypeId(entity_type_id) in self._structure.entity_types and (
            part not in self._gone
        )

    def _title(self, entity_type_id: int) -> str:
        known = self._structure.entity_types.get(EntityTypeId(entity_type_id))
        return known.title if known is not None else str(entity_type_id)


def _is_empty(value: Any) -> bool:
    return any(value == empty and type(value) is type(empty) for empty in _EMPTY)
