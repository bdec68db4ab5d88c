"""What an item of the target refers to, by the metadata of its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.domain.references import is_ignored, references
from migrator.domain.values import Reference, UnreadableValueError, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migrator.domain.fields import Field, FieldSet


def reference_fields(fields: FieldSet) -> list[Field]:
    """The fields that can hold another item: bindings, parents, and those user fields."""
    return [
        field
        for field in fields
        if not is_ignored(field) and (field.refers_to is not None or field.type == "crm")
    ]


def references_in(
    fields: FieldSet, named: list[Field], payload: Mapping[str, Any]
) -> Iterator[tuple[Field, Reference]]:
    """A value that cannot be read refers to nothing of ours: we would have written it readably."""
    for field in named:
        try:
            value = decode(field, fields.value(payload, field.name))
        except UnreadableValueError:
            continue
        for reference in references(value):
            yield field, reference
