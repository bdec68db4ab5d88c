"""Filters and order of crm.item.list.

Sources: b24restdocs api-reference/crm/universal/crm-item-list.md;
core-corp: modules/crm/lib/controller/validator/filter.php, order.php
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.sandbox import php, reading
from migrator.sandbox.errors import invalid_argument
from migrator.sandbox.fields import BINDING_ROWS, Field, FieldSet
from migrator.sandbox.store import Row

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

Test = Callable[[Row], bool]
_OPERATORS = ("!=%", "!%=", "=%", "%=", "!%", "!@", "!=", ">=", "<=", "@", "!", "=", ">", "<", "%")
_NUMERIC = {
    "integer",
    "double",
    "user",
    "employee",
    "enumeration",
    "crm_company",
    "crm_contact",
    "crm_lead",
    "crm_deal",
    "crm_quote",
    "crm_entity",
    "crm_category",
    "location",
    "iblock_element",
    "iblock_section",
}
_NOT_FILTERABLE = {"file", "crm_multifield"}


@dataclass(slots=True)
class Filter:
    """Bounds on the id, answered by bisection, and tests for everything else."""

    above: int | None = None
    below: int | None = None
    ids: list[int] | None = None
    #: Texts a user field must have one of; a test says so, too.
    texts: dict[str, set[str]] = field(default_factory=dict)
    tests: list[Test] = field(default_factory=list)

    def narrow(self, operator: str, value: Any) -> bool:
        """Take a condition on the id; False when it has to be a test."""
        if operator in (">", ">="):
            bound = php.to_int(value) - (operator == ">=")
            self.above = bound if self.above is None else max(self.above, bound)
        elif operator in ("<", "<="):
            bound = php.to_int(value) + (operator == "<=")
            self.below = bound if self.below is None else min(self.below, bound)
        elif operator in ("", "=", "@"):
            wanted = php.array_values(value) if php.is_array(value) else [value]
            ids = {php.to_int(one) for one in wanted}
            self.ids = sorted(ids if self.ids is None else ids.intersection(self.ids))
        else:
            return False
        return True


class FilterReader:
    def __init__(self, portal: Portal, entity_type_id: int, *, original: bool) -> None:
        self._portal = portal
        self._etid = entity_type_id
        self._fields: FieldSet = portal.fields(entity_type_id)
        self._original = original

    def read(self, raw: Any) -> Filter:
        found = Filter()
        for key, value in php.array_items(raw):
            if key.isdigit() or key == "logic":
                if php.is_array(value):
                    found.tests.append(self._group(value))
                continue
            operator, one = self._condition(key, value)
            if one.stored != "id" or not found.narrow(operator, value):
                found.tests.append(self._test(operator, one, key, value))
            if _is_one_text(one) and operator in ("", "=", "@"):
                sent = php.array_values(value) if php.is_array(value) else [value]
                if sent and not any(map(php.is_empty, sent)):
                    found.texts[one.stored] = {str(text).lower() for text in sent}
        return found

    def _group(self, raw: Any) -> Test:
        """`{"logic": "OR", "0": {...}, "1": {...}}`, nested without a limit."""
        tests: list[Test] = []
        logic = "AND"
        for key, value in php.array_items(raw):
            if key == "logic":
                logic = str(value).upper()
            elif key.isdigit():
                tests.append(self._group(value))
            else:
                operator, one = self._condition(key, value)
                tests.append(self._test(operator, one, key, value))
        combine = any if logic == "OR" else all
        return lambda row: combine(test(row) for test in tests)

    def _condition(self, key: str, value: Any) -> tuple[str, Field]:
        operator = next((one for one in _OPERATORS if key.startswith(one)), "")
        name = key[len(operator) :]
        find = self._fields.find_exact if operator else self._fields.find
        one = find(name, original=self._original)
        if one is None or one.type in _NOT_FILTERABLE or one.stored in BINDING_ROWS:
            raise invalid_argument(f"Invalid filter: field '{key}' is not allowed in filter")
        self._check_value(operator, one, key, value)
        return operator, one

    def _check_value(self, operator: str, one: Field, key: str, value: Any) -> None:
        """An array behind > or <: what a page chain meets after a short page."""
        ordered = operator in (">", ">=", "<", "<=")
        numeric = one.type in _NUMERIC
        values = php.array_values(value) if php.is_array(value) else [value]
        bad = (ordered and php.is_array(value)) or (
            numeric and any(not php.is_empty(item) and not php.is_number(item) for item in values)
        )
        if bad:
            shown = f"{operator}{one.upper}" if ordered else key
            raise invalid_argument(f"Invalid filter: field '{shown}' has invalid value")

    def _test(self, operator: str, one: Field, key: str, value: Any) -> Test:
        read = reading.getter(self._portal, self._etid, one)
        normal = self._normalizer(one, key)
        if "%" in operator:
            return _like(operator, read, value)
        sent = (php.array_values(value) or [None]) if php.is_array(value) else [value]
        wanted = [normal(item) for item in sent]
        stored = _stored_form(one, normal)
        if operator in (">", ">=", "<", "<="):
            return _ordered(operator, read, wanted[0], stored)
        hit = _member(read, set(wanted), stored)
        return (lambda row: not hit(row)) if operator.startswith("!") else hit

    def _normalizer(self, one: Field, key: str) -> Callable[[Any], Any]:
        """Make stored and sent values comparable; None stands for every kind of empty."""
        moments = self._portal.moments
        if one.type in _NUMERIC:
            return lambda value: None if php.is_empty(value) else php.to_float(value)
        if one.type == "boolean":
            return _dynamic_boolean if one.dynamic else _system_boolean
        if one.type in ("datetime", "date"):
            parse = moments.read_datetime if one.type == "datetime" else moments.read_date

            def read(value: Any) -> Any:
                if php.is_empty(value):
                    return None
                moment = parse(value)
                if moment is None:
                    raise invalid_argument(f"Invalid filter: field '{key}' has invalid value")
                return moment

            return read
        return lambda value: None if php.is_empty(value) else str(value).lower()


def _is_one_text(one: Field) -> bool:
    return one.dynamic and one.type == "string" and not one.multiple


def _system_boolean(value: Any) -> Any:
    return "Y" if value in ("Y", True, "1", 1) else "N"


def _dynamic_boolean(value: Any) -> Any:
    """Stored Y or N, but filtered with 1 or 0 only (crm-item-list.md)."""
    return "Y" if php.to_int(value) == 1 else "N"


def _stored_boolean(value: Any) -> Any:
    return value or "N"


def _values(value: Any) -> list[Any]:
    return (value or [None]) if isinstance(value, list) else [value]


def _stored_form(one: Field, normal: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The stored side of a comparison; dates are kept in the comparable form already."""
    if one.type == "boolean":
        return _stored_boolean
    return _or_none if one.type in ("datetime", "date") else normal


def _or_none(value: Any) -> Any:
    return value or None


def _member(read: reading.Getter, wanted: set[Any], normal: Callable[[Any], Any]) -> Test:
    return lambda row: any(normal(one) in wanted for one in _values(read(row)))


def _ordered(operator: str, read: reading.Getter, bound: Any, normal: Callable[[Any], Any]) -> Test:
    def test(row: Row) -> bool:
        for one in _values(read(row)):
            value = normal(one)
            if value is None or bound is None:
                continue
            if value == bound and "=" in operator:
                return True
            if value > bound if operator[0] == ">" else value < bound:
                return True
        return False

    return test


def _like(operator: str, read: reading.Getter, value: Any) -> Test:
    patterns = [str(one).lower() for one in _values(value)]
    anchored = "=" in operator.replace("!=%", "=%")

    def hit(row: Row) -> bool:
        texts = [str(one or "").lower() for one in _values(read(row))]
        return any(_matches(text, one, anchored=anchored) for text in texts for one in patterns)

    return (lambda row: not hit(row)) if operator.startswith("!") else hit


def _matches(text: str, pattern: str, *, anchored: bool) -> bool:
    """`%` looks anywhere; with `=` the pattern carries its own percent signs."""
    core = pattern.strip("%")
    if not anchored or (pattern.startswith("%") and pattern.endswith("%")):
        return core in text
    if pattern.startswith("%"):
        return text.endswith(core)
    return text.startswith(core) if pattern.endswith("%") else text == core


@dataclass(frozen=True, slots=True)
class SortKey:
    field: Field
    descending: bool


def read_order(fields: FieldSet, raw: Any, *, original: bool) -> list[SortKey]:
    keys = []
    for name, direction in php.array_items(raw):
        one = fields.find(name, original=original)
        if one is None or one.multiple or one.type in _NOT_FILTERABLE:
            raise invalid_argument(f"Invalid order: field '{name}' is not allowed in order")
        if str(direction).upper() not in ("ASC", "DESC"):
            raise invalid_argument(
                "Invalid order: allowed sort directions are ASC, DESC. "
                f"But got '{direction}' for field '{name}'"
            )
        keys.append(SortKey(one, str(direction).upper() == "DESC"))
    return keys


def sort_value(value: Any) -> tuple[int, float, str]:
    """Empty before everything, numbers by size, the rest as text."""
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, (int, float)):
        return (1, float(value), "")
    return (1, 0.0, str(value).lower())
