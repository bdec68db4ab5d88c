"""Currencies: crm.currency.* (b24restdocs api-reference/crm/currency/*.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import php
from migrator.sandbox.errors import PortalError, not_found
from migrator.sandbox.registry import Answer, Call, method, page

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

_DEFAULTS: dict[str, Any] = {
    "CURRENCY": "",
    "AMOUNT_CNT": "1",
    "AMOUNT": "1.0000",
    "SORT": "100",
    "BASE": "N",
    "FULL_NAME": "",
    "LID": "en",
    "FORMAT_STRING": "#",
    "DEC_POINT": ".",
    "THOUSANDS_SEP": "&nbsp;",
    "DECIMALS": "2",
    "DATE_UPDATE": "",
}
#: Told by crm.currency.get alone.
_LOCAL_ONLY = {"THOUSANDS_VARIANT": "B", "HIDE_ZERO": "Y"}
_LOCAL = ("FORMAT_STRING", "FULL_NAME", "DEC_POINT", "THOUSANDS_SEP", "DECIMALS")


class Currencies:
    def __init__(self, rows: list[dict[str, Any]], moment: str) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self._localized: dict[str, dict[str, Any]] = {}
        for row in rows or [{"CURRENCY": "USD", "BASE": "Y", "FULL_NAME": "US Dollar"}]:
            self.put(row, moment)
        if not any(row["BASE"] == "Y" for row in self._rows.values()):
            next(iter(self._rows.values()))["BASE"] = "Y"

    def put(self, raw: dict[str, Any], moment: str) -> None:
        code = str(raw["CURRENCY"])
        row = self._rows.get(code, _DEFAULTS | {"FULL_NAME": code, "DATE_UPDATE": moment})
        given = {key: value for key, value in raw.items() if key in _DEFAULTS}
        self._rows[code] = row | given
        if isinstance(raw.get("LANG"), dict):
            self._localized[code] = raw["LANG"]

    @property
    def base(self) -> str:
        return next(code for code, row in self._rows.items() if row["BASE"] == "Y")

    def remove(self, code: str) -> None:
        del self._rows[code]
        self._localized.pop(code, None)

    def __contains__(self, code: object) -> bool:
        return code in self._rows

    def rows(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self._rows.values()]

    def get(self, code: str) -> dict[str, Any] | None:
        row = self._rows.get(code)
        if row is None:
            return None
        own = {row["LID"]: {key: row[key] for key in _LOCAL} | _LOCAL_ONLY}
        return row | {"LANG": self._localized.get(code, own)}


@method("crm.currency.list")
def list_currencies(portal: Portal, call: Call) -> Answer:
    """`total` is always 0 (crm-currency-list.md), so there is no `next` at the end of a page."""
    rows = portal.currencies.rows()
    for key, direction in reversed(call.array("order", "ORDER").items()):
        backwards = str(direction).upper() == "DESC"
        rows.sort(key=lambda row, key=key: str(row.get(key.upper())), reverse=backwards)  # type: ignore[misc] # mypy cannot infer a lambda with a default
    rows, _, _ = page(rows, call.get("start") or 0)
    return Answer(rows, total=0)


@method("crm.currency.get")
def get(portal: Portal, call: Call) -> Answer:
    row = portal.currencies.get(str(call.get("id", "ID")))
    if row is None:
        raise not_found("Not found")
    return Answer(row)


@method("crm.currency.base.get")
def base(portal: Portal, call: Call) -> Answer:
    del call
    return Answer(portal.currencies.base)


def _administrator(call: Call) -> None:
    """Words without a code (crm-currency-add.md, -update.md, -delete.md)."""
    if not call.user.crm_admin:
        raise PortalError("", "Access denied.")


@method("crm.currency.add")
def add(portal: Portal, call: Call) -> Answer:
    _administrator(call)
    raw = call.array("fields", "FIELDS")
    for key in ("CURRENCY", "AMOUNT_CNT", "AMOUNT"):
        if php.is_empty(raw.get(key)):
            # b24restdocs .../crm-currency-add.md
            raise PortalError("ERROR_CORE", f'Undefined array key "{key}"')
    portal.currencies.put({**raw, "BASE": "N"}, portal.now())
    return Answer(str(raw["CURRENCY"]))


@method("crm.currency.update")
def update(portal: Portal, call: Call) -> Answer:
    _administrator(call)
    code = str(call.get("id", "ID"))
    if code not in portal.currencies:
        raise not_found("Not found")
    raw = call.array("fields", "FIELDS")
    portal.currencies.put({**raw, "CURRENCY": code}, portal.now())
    return Answer(True)  # noqa: FBT003 - the documented result


@method("crm.currency.delete")
def delete(portal: Portal, call: Call) -> Answer:
    """Whether items have amounts in it is not looked at (crm-currency-delete.md).

    Prices of products go with it (the module catalog: general/price.php, OnCurrencyDelete).
    """
    _administrator(call)
    code = str(call.get("id", "ID"))
    if code not in portal.currencies:
        raise PortalError("ERROR_CODE", "The currency does not exist")
    if code == portal.currencies.base:
        raise PortalError("", "Cannot delete base currency.")
    portal.currencies.remove(code)
    prices = portal.lists.get("catalog.price.list", [])
    prices[:] = [price for price in prices if price.get("currency") != code]
    return Answer(True)  # noqa: FBT003 - the documented result


@method("crm.currency.fields")
def fields(portal: Portal, call: Call) -> Answer:
    del portal, call
    required = ("CURRENCY", "AMOUNT_CNT", "AMOUNT")
    return Answer(
        {
            name: {
                "type": "string",
                "isRequired": name in required,
                "isReadOnly": name == "DATE_UPDATE",
                "isImmutable": name == "CURRENCY",
                "isMultiple": False,
                "isDynamic": False,
                "title": name,
            }
            for name in (*_DEFAULTS, "LANG")
        }
    )
