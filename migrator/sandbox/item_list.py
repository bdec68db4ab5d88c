"""crm.item.list: candidates, order, page, selected columns."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from migrator.sandbox import php, reading
from migrator.sandbox.fields import NAMED_ONLY, Field, FieldSet
from migrator.sandbox.item_filter import Filter, FilterReader, SortKey, read_order, sort_value
from migrator.sandbox.registry import PAGE, Answer, Call

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence

    from migrator.sandbox.portal import Portal
    from migrator.sandbox.store import Row, Table


def list_items(portal: Portal, call: Call, entity_type_id: int) -> Answer:
    original = call.original_names
    fields = portal.fields(entity_type_id)
    wanted = FilterReader(portal, entity_type_id, original=original).read(call.get("filter"))
    order = read_order(fields, call.get("order"), original=original)
    start = php.to_int(call.get("start"))
    counting = start >= 0
    first = start - start % PAGE if counting else 0
    rows, total = _select_rows(portal, entity_type_id, wanted, order, first, counting=counting)
    columns = _columns(portal, call, entity_type_id)
    items = [{name: show(row) for name, show in columns} for row in rows]
    portal.charge_reads(len(items))
    if not counting:
        # No total and no next (riester: bitrix/modules/rest/lib/engine/restmanager.php).
        return Answer({"items": items})
    following = first + PAGE if total > first + PAGE else None
    return Answer({"items": items}, total, following)


def _select_rows(
    portal: Portal,
    entity_type_id: int,
    wanted: Filter,
    order: list[SortKey],
    first: int,
    *,
    counting: bool,
) -> tuple[list[Row], int]:
    table = portal.table(entity_type_id)
    ids = _candidates(table, wanted)
    by_id = not order or order[0].field.stored == "id"
    if by_id and (not order or order[0].descending):
        # Without `order` a portal promises none; newest first shows up who relies on it
        # (b24_clear: bitrix/modules/crm/lib/controller/item.php).
        ids = ids[::-1]
    if by_id and not wanted.tests:
        return [table.rows[one] for one in ids[first : first + PAGE]], len(ids)
    matching = _matching(table.rows, ids, wanted)
    if by_id and not counting:
        return list(islice(matching, PAGE)), 0
    rows = list(matching)
    if not by_id:
        _sort(portal, entity_type_id, rows, order)
    return rows[first : first + PAGE], len(rows)


def _candidates(table: Table, wanted: Filter) -> Sequence[int]:
    chosen: Sequence[int]
    if wanted.ids is not None:
        chosen = wanted.ids
    elif wanted.texts:
        # A database would use its index here.
        chosen = table.with_text(*next(iter(wanted.texts.items())))
    else:
        return table.between(wanted.above, wanted.below)
    low = wanted.above if wanted.above is not None else -1
    return [
        one
        for one in chosen
        if one in table.rows and one > low and (wanted.below is None or one < wanted.below)
    ]


def _matching(rows: MutableMapping[int, Row], ids: Sequence[int], wanted: Filter) -> Iterator[Row]:
    return (rows[one] for one in ids if all(test(rows[one]) for test in wanted.tests))


def _sort(portal: Portal, entity_type_id: int, rows: list[Row], order: list[SortKey]) -> None:
    for key in reversed(order):
        read = reading.getter(portal, entity_type_id, key.field)
        rows.sort(key=lambda row, read=read: sort_value(read(row)), reverse=key.descending)  # type: ignore[misc] # mypy cannot infer a lambda with a default


def _columns(portal: Portal, call: Call, entity_type_id: int) -> list[tuple[str, reading.Getter]]:
    """Wire name and printer of every column the call gets.

    Only listed names come, the id included; unknown names are dropped. `*` is own fields, user
    fields and parents; bindings, observers and fm have to be named
    (b24_clear: bitrix/modules/crm/lib/controller/item.php; the list page says the opposite of
    fm, hence the switch `select_star_includes_fm`).
    """
    fields = portal.fields(entity_type_id)
    names = [str(name) for name in php.array_values(call.get("select"))] or ["*"]
    chosen = _chosen(portal, fields, names, original=call.original_names)
    columns = portal.columns(entity_type_id, call, chosen)
    if "*" in names or "entityTypeId" in names:
        columns = [*columns, ("entityTypeId", lambda _row: entity_type_id)]
    return columns


def _chosen(portal: Portal, fields: FieldSet, names: list[str], *, original: bool) -> list[Field]:
    named = {found.stored for name in names if (found := fields.find(name, original=original))}
    star = "*" in names
    hidden = NAMED_ONLY - ({"fm"} if portal.settings.select_star_includes_fm else set())
    return [
        one
        for one in fields.fields
        if one.stored in named
        or (star and one.stored not in hidden)
        or ("UF_*" in names and one.dynamic)
        or ("PARENT_ID_*" in names and one.stored.startswith("parentId"))
    ]
