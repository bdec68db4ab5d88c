"""Values into the JSON that crm.item.import, crm.item.add and crm.item.update read.

Source: b24restdocs api-reference/crm/universal/import/crm-item-import.md,
api-reference/crm/data-types.md; PHP's empty() rule from the crm module (controller/item.php).
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from migrator.domain.values import (
    FileValue,
    Money,
    Multifield,
    Reference,
    Scalar,
    Value,
    allowed_binding_types,
    scalars,
)
from migrator.domain.vocabulary import short_code

if TYPE_CHECKING:
    from migrator.domain.fields import Field, FieldSet

#: Name and bytes of a file, asked for once per file while its item is encoded.
FileContent = Callable[[FileValue], tuple[str, bytes]]

#: PHP's empty() takes 0 and "0" for "no value" and would store null; this is a number to it and
#: not empty.
_ZERO = "0.0"


def encode_import(
    values: Mapping[str, Value], fields: FieldSet, content: FileContent
) -> dict[str, Any]:
    """The `fields` of one crm.item.import: multifields under PHONE, EMAIL, WEB, IM and LINK."""
    encoded: dict[str, Any] = {}
    for name, value in values.items():
        field = fields.by_name[name]
        if field.type == "crm_multifield":
            encoded.update(_multifields_for_import(value))
        elif field.type == "boolean" and value is None and not field.is_dynamic:
            continue  # switched off in the source: nothing is known, so the default may stand
        else:
            encoded[name] = encode_value(field, value, content)
    return encoded


def encode_add(
    values: Mapping[str, Value], fields: FieldSet, content: FileContent
) -> dict[str, Any]:
    """The `fields` of one crm.item.add: no history, multifields as one `fm` array."""
    kept = {name: value for name, value in values.items() if not fields.by_name[name].is_history}
    encoded = encode_import(kept, fields, content)
    for type_id in _MULTIFIELD_TYPES:
        encoded.pop(type_id, None)
    multifields = [one for one in scalars(values.get("fm")) if isinstance(one, Multifield)]
    if multifields:
        encoded["fm"] = [
            {"typeId": one.type_id, "valueType": one.value_type, "value": one.value}
            for one in multifields
        ]
    return encoded


def encode_value(field: Field, value: Value, content: FileContent) -> Any:
    """One field; None and [] say "empty" explicitly, an absent key would take a default."""
    encoded = [_encode_one(field, one, content) for one in scalars(value)]
    if field.is_multiple:
        return encoded
    return encoded[0] if encoded else None


def _encode_one(field: Field, one: Scalar, content: FileContent) -> Any:
    match one:
        case bool():
            return "Y" if one else "N"
        case int() | float() if one == 0 and field.is_dynamic:
            return _ZERO
        case datetime():
            return one.astimezone(UTC).isoformat(timespec="seconds")
        case date():
            return one.isoformat()
        case Money(amount, currency):
            digits = f"{amount:f}"  # never 1E-7
            if currency:
                return f"{digits}|{currency}"
            return digits if digits != "0" else _ZERO
        case Reference():
            return _encode_reference(field, one)
        case FileValue():
            name, body = content(one)
            return [name, base64.b64encode(body).decode("ascii")]
        case _:
            return one


def _encode_reference(field: Field, one: Reference) -> Any:
    if field.type != "crm":
        return one.item_id
    # Without its prefix a number says nothing where the target's field allows several types.
    if one.bare and len(allowed_binding_types(field)) < 2:
        return str(one.item_id)
    return f"{short_code(one.entity_type_id)}_{one.item_id}"


_MULTIFIELD_TYPES = ("PHONE", "EMAIL", "WEB", "IM", "LINK")


def _multifields_for_import(value: Value) -> dict[str, list[dict[str, str]]]:
    grouped: dict[str, list[dict[str, str]]] = defaultdict(list)
    for one in scalars(value):
        if isinstance(one, Multifield):
            grouped[one.type_id].append({"VALUE": one.value, "VALUE_TYPE": one.value_type})
    return dict(grouped)
