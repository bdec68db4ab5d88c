"""Filters on source items: the portal's own syntax, checked before the portal is asked.

A filter travels beside the condition that selects a page, and mostly inside a batch, where every
value is text: what cannot be said there is refused here.
Source: b24restdocs api-reference/crm/universal/crm-item-list.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from migrator.domain.values import parse_datetime
from migrator.planning.mapping_faults import Fault, place, suggestion

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap

    from migrator.domain.fields import Field, FieldSet

#: The documented prefixes, longest first.
_OPERATORS = ("!=%", "!%=", "=%", "%=", "!%", "!@", "!=", ">=", "<=", "@", "!", "=", ">", "<", "%")
#: With a list the documentation wants the operator that says so.
_OF_LISTS = {"": "@", "=": "@", "@": "@", "!": "!@", "!=": "!@", "!@": "!@"}
_NOT_FILTERABLE = frozenset({"file", "crm_multifield"})
_NUMBERS = frozenset(
    {
        "integer",
        "double",
        "user",
        "employee",
        "enumeration",
        "crm_category",
        "crm_company",
        "crm_contact",
        "crm_deal",
        "crm_lead",
        "crm_quote",
    }
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LOGIC = ("AND", "OR")


class FilterReader:
    """Reads the filter of one entity type; faults are gathered, not raised."""

    def __init__(self, where: str, fields: FieldSet) -> None:
        self._where = where
        self._fields = fields
        self.faults: list[Fault] = []

    def read(self, conditions: CommentedMap, *, is_group: bool = False) -> dict[str, Any]:
        """The filter as crm.item.list takes it, lists under the operator for lists."""
        found: dict[str, Any] = {}
        for key, value in conditions.items():
            line = conditions.lc.key(key)[0] + 1
            for name, sent in self._condition(str(key), value, line, is_group=is_group):
                if name in found:
                    self._fault(
                        line,
                        str(key),
                        f"{name} is asked for by another line, too, and only one would count; put "
                        "one of them into a numbered group",
                    )
                found[name] = sent
        return found

    def _condition(
        self, key: str, value: Any, line: int, *, is_group: bool
    ) -> Iterator[tuple[str, Any]]:
        if key.isdecimal():
            if isinstance(value, Mapping):
                yield key, self.read(value, is_group=True)  # type: ignore[arg-type]  # ruamel's own
            else:
                self._fault(line, key, "must hold conditions of its own")
            return
        if key == "logic":
            if not is_group or str(value).upper() not in _LOGIC:
                self._fault(line, key, "belongs into a numbered group, and is AND or OR")
            yield key, str(value).upper()
            return
        operator = next((one for one in _OPERATORS if key.startswith(one)), "")
        field = self._field(key.removeprefix(operator), key, line)
        if field is None:
            return
        if field.name == "id" and operator == ">" and not is_group:
            self._fault(line, key, "pages are told apart by this condition; use >=id")
            return
        if isinstance(value, list):
            if operator not in _OF_LISTS:
                self._fault(line, key, "takes one value, not a list")
            elif not value:
                self._fault(line, key, "the list is empty, so nothing would be taken")
            else:
                sent = [self._value(field, one, key, line) for one in value]
                yield f"{_OF_LISTS[operator]}{field.name}", sent
            return
        sent = self._value(field, value, key, line)
        yield key, [sent] if operator in {"@", "!@"} else sent

    def _field(self, name: str, key: str, line: int) -> Field | None:
        field = self._fields.get(name)
        if field is None:
            near = suggestion(name, self._fields.by_name)
            self._fault(line, key, f"the source has no field '{name}'{near}")
        elif field.type in _NOT_FILTERABLE:
            self._fault(line, key, f"the portal does not filter by fields of type {field.type}")
            return None
        return field

    def _value(self, field: Field, value: Any, key: str, line: int) -> Any:
        if value is None or isinstance(value, (Mapping, list)):
            self._fault(line, key, "must have a value")
        elif isinstance(value, datetime):
            self._fault(line, key, "put the time into quotes, with its offset: it is sent as text")
        elif field.type == "boolean":
            return self._flag(field, value, key, line)
        elif field.type in {"date", "datetime"}:
            return self._moment(value, key, line)
        elif field.type in _NUMBERS and not _is_number(value):
            self._fault(line, key, f"'{value}' is not a number")
        return value if isinstance(value, int) else str(value)

    def _flag(self, field: Field, value: Any, key: str, line: int) -> Any:
        """System fields are asked for by Y and N, user fields by 1 and 0 (same page)."""
        meant = _FLAGS.get(str(value).upper())
        if meant is None:
            self._fault(line, key, "must be Y or N")
        if field.is_dynamic:
            return int(bool(meant))
        return "Y" if meant else "N"

    def _moment(self, value: Any, key: str, line: int) -> str:
        text = value.isoformat() if isinstance(value, date) else str(value)
        try:
            if _DAY.fullmatch(text):
                date.fromisoformat(text)
            else:
                parse_datetime(text)
        except ValueError:
            self._fault(
                line,
                key,
                f"'{text}' is no date, or a time without offset (2024-01-31T00:00:00+03:00)",
            )
        return text

    def _fault(self, line: int, key: str, text: str) -> None:
        self.faults.append(Fault(line, f"{place(self._where, key)}: {text}"))


_FLAGS = {"Y": True, "TRUE": True, "1": True, "N": False, "FALSE": False, "0": False}


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(str(value))
    except ValueError:
        return str(value) == ""
    return True
