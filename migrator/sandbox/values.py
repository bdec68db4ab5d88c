"""Reading one value of `fields`, as the server's crm.item controller does.

Sources: b24_clear: bitrix/modules/crm/lib/controller/item.php;
b24restdocs api-reference/crm/universal/crm-item-add.md, api-reference/crm/data-types.md
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from migrator.sandbox import bbcode, entity_types, files, php
from migrator.sandbox.errors import PortalError
from migrator.sandbox.losses import LossKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.sandbox.fields import Field
    from migrator.sandbox.writing import Write

#: The field is left as it was: what "silently not set" means.
UNSET: Any = object()
_TITLE_LENGTH = 255
_BINDING = re.compile(r"^(?:([A-Z]+|T[0-9a-f]+)_)?(\d+)$")
_LINK_TYPES = {"crm_company": 4, "crm_contact": 3, "crm_lead": 1, "crm_deal": 2, "crm_quote": 7}


def read_value(write: Write, field: Field, key: str, raw: Any) -> Any:
    """The stored form of a sent value, or UNSET.

    Raises: PortalError 100 for a scalar sent to a multiple field.
    """
    if field.multiple:
        return _read_multiple(write, field, key, raw)
    if php.is_empty(raw):
        if raw in (0, "0") and raw is not False and field.dynamic and field.type != "boolean":
            write.lose(LossKind.ZERO_TO_NULL, key, raw)
        # PHP-empty values set the field to null, zero included.
        return None
    return _read_one(write, field, key, raw)


def _read_multiple(write: Write, field: Field, key: str, raw: Any) -> Any:
    if raw is None or raw == "":
        return []
    if not php.is_array(raw):
        # b24restdocs api-reference/crm/universal/import/crm-item-import.md
        raise PortalError(100, f"Expected iterable value for multiple field, but got {raw!r}")
    if field.type == "file" and _is_pair(raw):
        write.lose(LossKind.UNREADABLE_FILE, key, _short(raw), "one pair for a multiple field")
        return []
    values = []
    for one in php.array_values(raw):
        if php.is_empty(one):
            if one in (0, "0") and one is not False:
                write.lose(LossKind.ZERO_TO_NULL, key, one)
            continue
        value = _read_one(write, field, key, one)
        if value is not UNSET and value is not None:
            values.append(value)
    return values


def _is_pair(raw: Any) -> bool:
    values = php.array_values(raw)
    return "fileData" in raw or (len(values) == 2 and isinstance(values[1], str))


def _read_one(write: Write, field: Field, key: str, raw: Any) -> Any:
    if php.is_array(raw) and field.type != "file":
        write.lose(LossKind.MALFORMED_VALUE, key, raw, f"an array for one {field.type}")
        return None
    return _READERS.get(field.type, _read_text)(write, field, key, raw)


def _read_text(write: Write, field: Field, key: str, raw: Any) -> Any:
    text = "1" if raw is True else str(raw)
    if field.stored == "title" and len(text) > _TITLE_LENGTH:
        # The column cuts it, nothing refuses (core-corp: .../Model/FieldRepository.php).
        write.lose(LossKind.TITLE_CUT, key, text)
        return text[:_TITLE_LENGTH]
    return bbcode.from_html(text) if field.stored == "comments" else text


def _read_integer(_write: Write, _field: Field, _key: str, raw: Any) -> Any:
    return php.to_int(raw)


def _read_double(_write: Write, _field: Field, _key: str, raw: Any) -> Any:
    return plain_number(php.to_float(raw))


def plain_number(value: float) -> float | int:
    """PHP prints 19000.0 as 19000."""
    return int(value) if value == int(value) else value


def _read_boolean(_write: Write, _field: Field, _key: str, raw: Any) -> Any:
    """1 means no (b24_clear: controller/item.php)."""
    return "Y" if raw is True or raw in ("true", "y", "Y") else "N"


def _read_datetime(write: Write, _field: Field, key: str, raw: Any) -> Any:
    moment = write.portal.moments.read_datetime(raw)
    if moment is None:
        write.lose(LossKind.UNREADABLE_DATE, key, raw)
        return UNSET
    return moment


def _read_date(write: Write, _field: Field, key: str, raw: Any) -> Any:
    day = write.portal.moments.read_date(raw)
    if day is None:
        write.lose(LossKind.UNREADABLE_DATE, key, raw)
        return UNSET
    return day


def _read_user(write: Write, _field: Field, key: str, raw: Any) -> Any:
    user_id = php.to_int(raw)
    write.check_user(user_id, key)
    return user_id


def _read_status(write: Write, field: Field, key: str, raw: Any) -> Any:
    """Unknown codes are stored as sent (b24_clear: Service/Factory/Deal.php)."""
    code = str(raw)
    # Stages are checked, with an error, in stages.py.
    stage = field.stored == "stageId"
    if not stage and write.portal.statuses.find(field.status_type, code) is None:
        write.lose(LossKind.UNKNOWN_STATUS, key, raw, f"not in {field.status_type}")
    return code


def _read_enumeration(write: Write, field: Field, key: str, raw: Any) -> Any:
    """Membership is never checked (riester: .../main/lib/userfield/types/enumtype.php)."""
    option = php.to_int(raw)
    if option not in field.option_ids():
        write.lose(LossKind.UNKNOWN_ENUMERATION, key, raw)
    return option


def _read_link(write: Write, field: Field, key: str, raw: Any) -> Any:
    item_id = php.to_int(raw)
    target = field.parent_entity_type_id or _LINK_TYPES.get(field.type, 0)
    write.check_reference(target, item_id, key, raw)
    return item_id


def _read_binding(write: Write, field: Field, key: str, raw: Any) -> Any:
    """`D_12`, `T80_6`; one allowed type may come without its prefix (crm/data-types.md)."""
    text = str(raw)
    target = binding_target(text, field.settings)
    if target is None:
        write.lose(LossKind.DANGLING_REFERENCE, key, raw, "unknown binding")
    else:
        write.check_reference(*target, key, raw)
    return text


def binding_target(text: str, settings: dict[str, Any]) -> tuple[int, int] | None:
    match = _BINDING.match(text)
    if match is None:
        return None
    allowed = [name for name, value in settings.items() if value == "Y"]
    if match[1] is None:
        types = [_type_of_name(name) for name in allowed]
        return (types[0], int(match[2])) if len(types) == 1 and types[0] else None
    entity_type_id = _type_of_short(match[1])
    return (entity_type_id, int(match[2])) if entity_type_id else None


def _type_of_short(short: str) -> int:
    if short.startswith("T") and len(short) > 1:
        return int(short[1:], 16)
    codes = entity_types.SYSTEM_CODES.values()
    return next((code.entity_type_id for code in codes if code.short == short), 0)


def _type_of_name(name: str) -> int:
    if name.startswith("DYNAMIC_"):
        return php.to_int(name.removeprefix("DYNAMIC_"))
    codes = entity_types.SYSTEM_CODES.values()
    return next((code.entity_type_id for code in codes if code.code == name), 0)


def _read_money(write: Write, _field: Field, key: str, raw: Any) -> Any:
    """Amount alone takes the base currency, an empty amount clears, the code is not checked."""
    amount, _, currency = str(raw).partition("|")
    if not amount:
        return None
    if currency and currency not in write.portal.currencies:
        write.lose(LossKind.UNKNOWN_CURRENCY, key, raw)
    return f"{amount}|{currency or write.portal.currencies.base}"


def _read_file(write: Write, _field: Field, key: str, raw: Any) -> Any:
    if isinstance(raw, dict) and "id" in raw:
        return _kept_file(write, key, raw)
    try:
        name, content = files.read_pair(raw)
    except files.UnreadableFileError as error:
        write.lose(LossKind.UNREADABLE_FILE, key, _short(raw), str(error))
        return None
    return {"id": write.portal.files.add(name, content)}


def _kept_file(write: Write, key: str, raw: dict[str, Any]) -> Any:
    """An id keeps a file of the field, on update only (b24restdocs .../how-to-update-files.md)."""
    file_id = php.to_int(raw["id"])
    if write.call.method.endswith(".update") and write.portal.files.get(file_id):
        return {"id": file_id}
    write.lose(LossKind.UNREADABLE_FILE, key, raw, "no file to keep")
    return None


def _short(raw: Any) -> str:
    text = str(raw)
    return text if len(text) <= 80 else text[:77] + "..."


_READERS: dict[str, Callable[[Write, Field, str, Any], Any]] = {
    "integer": _read_integer,
    "location": _read_integer,
    "crm_category": _read_integer,
    "iblock_element": _read_integer,
    "iblock_section": _read_integer,
    "double": _read_double,
    "boolean": _read_boolean,
    "datetime": _read_datetime,
    "date": _read_date,
    "user": _read_user,
    "employee": _read_user,
    "crm_status": _read_status,
    "enumeration": _read_enumeration,
    "crm_company": _read_link,
    "crm_contact": _read_link,
    "crm_lead": _read_link,
    "crm_deal": _read_link,
    "crm_quote": _read_link,
    "crm_entity": _read_link,
    "crm": _read_binding,
    "money": _read_money,
    "file": _read_file,
}
