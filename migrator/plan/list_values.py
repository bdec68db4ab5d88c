"""What the target may hold for a list value of the source, whatever type its field has there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from migrator.domain.conversion import holds_text

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.domain.structure import Structure


class ListValue(NamedTuple):
    """A value of a list (enumeration), or an entry of the directory that a field shows."""

    key: str
    name: str
    xml_id: str | None = None


def list_values(structure: Structure, field: Field | None) -> list[ListValue]:
    """Everything a field offers to choose from."""
    if field is None:
        return []
    if field.type == "crm_status":
        entries = structure.statuses.get(field.status_type or "", {}).values()
        return [ListValue(entry.status_id, entry.name) for entry in entries]
    return [ListValue(str(one.value_id), one.value, one.xml_id) for one in field.enum]


def written_out(value: ListValue) -> ListValue:
    """What stands for a list value in a field of text: its own text."""
    return ListValue(value.name, value.name)


def name_of_value(structure: Structure, field: Field | None, key: str) -> str | None:
    """The name of what a field may hold, or None where it may not."""
    if field is not None and holds_text(field):
        return key or None
    return {value.key: value.name for value in list_values(structure, field)}.get(key)
