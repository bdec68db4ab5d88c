"""Two portals with as many deals as wanted, of which none is kept in memory.

What a deal holds follows from its number, and the number it gets in the target from that, too. So
what the program's process holds is its own, however many there are. Everything else a portal has to
say is answered by the sandbox.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from migrator.sandbox import Portal, twin_structure
from tests.fakes.scene import _resolve, parse_php_query
from tests.fakes.transport import FakeAdapter, FakeReply

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

DEAL, COMPANY = 2, 4
COMPANIES = 100
#: What a deal's number grows by on its way.
OFFSET = 5_000_000
FOLLOWS = "UF_CRM_FOLLOWS"
PAGE = 50
_BEGIN = datetime(2015, 1, 1, tzinfo=UTC)
#: What the target would fill in by itself.
_FILLED_IN: dict[str, Any] = {
    "begindate": None,
    "closedate": None,
    "opened": "N",
    "sourceId": None,
    "typeId": None,
}
_REMARK = "A remark of some length, as people write them down after a talk. " * 5


def has_deferred_link(number: int) -> bool:
    """Such a deal names a later one, so that its link has to wait."""
    return number % 100 == 50


def seed() -> dict[str, Any]:
    return {
        "portal": {"host": "old.bitrix24.test"},
        "userFields": [
            {
                "id": "701",
                "entityId": "CRM_DEAL",
                "fieldName": FOLLOWS,
                "userTypeId": "crm",
                "multiple": "N",
                "settings": {"DEAL": "Y", "COMPANY": "Y"},
            }
        ],
        "items": {
            "2": [{"id": 1, "title": "Deal", "comments": _REMARK, "companyId": 1}],
            "4": [{"id": n, "title": f"Company {n}"} for n in range(1, COMPANIES + 1)],
        },
    }


def two_portals(deals: int) -> tuple[EndlessPortal, EndlessPortal]:
    source = Portal.from_seed(seed())
    twin = twin_structure(seed())
    twin["portal"] = {**twin.get("portal", {}), "host": "new.bitrix24.test"}
    return EndlessPortal(source, deals, 0), EndlessPortal(Portal.from_seed(twin), deals, OFFSET)


class EndlessPortal:
    """Answers at once; deals by their numbers, the rest as the sandbox does."""

    def __init__(self, portal: Portal, deals: int, offset: int) -> None:
        self.portal = portal
        self._deals = deals
        self._offset = offset
        #: Deals with numbers up to this are there, and up to that have their links.
        self.filled_to = 0 if offset else deals
        self.linked_to = 0 if offset else deals
        self.adapter = FakeAdapter(self._handle)

    @property
    def host(self) -> str:
        return str(self.portal.settings.host)

    @property
    def webhook_url(self) -> str:
        hook = self.portal.webhook_of(None)
        return f"https://{self.host}/rest/{hook.user_id}/{hook.secret}/"

    def _handle(self, request: requests.PreparedRequest) -> FakeReply:
        self.adapter.requests.clear()
        self.portal.requests.clear()
        method = urlsplit(str(request.url)).path.rstrip("/").rsplit("/", 1)[1]
        params = json.loads(request.body) if request.body else {}
        body = self._batch(params) if method == "batch" else self._answer(method, params)
        return FakeReply(json.dumps(body, default=str).encode(), 400 if "error" in body else 200)

    def _batch(self, params: dict[str, Any]) -> dict[str, Any]:
        results: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for key, command in params["cmd"].items():
            method, _, query = command.partition("?")
            body = self._answer(method, _resolve(parse_php_query(query), results))
            if "error" in body:
                errors[key] = body
            else:
                results[key] = body["result"]
        return _ok({"result": results or [], "result_error": errors or []})

    def _answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        is_about_deals = int(params.get("entityTypeId") or 0) == DEAL
        if is_about_deals and method == "crm.item.list":
            return _ok({"items": self._list(params)})
        if is_about_deals and method == "crm.item.batchImport":
            return _ok({"items": {k: self._import(v) for k, v in params["data"].items()}})
        if is_about_deals and method == "crm.item.update":
            self.linked_to = max(self.linked_to, int(params["id"]) - self._offset)
            return _ok({"item": {"id": params["id"]}})
        return self._ask_sandbox(method, params)

    def _ask_sandbox(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        hook = self.portal.webhook_of(None)
        return dict(self.portal.handle(method, params, hook.user_id, hook.secret).body)

    def _list(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        limits = params["filter"]
        if params["order"]["id"] == "DESC":
            return [self._deal(self.filled_to)] if self.filled_to else []
        if "@id" in limits:
            wanted = limits["@id"]
            ids = wanted.values() if isinstance(wanted, dict) else wanted
            numbers = sorted(int(one) - self._offset for one in ids)
            return [self._deal(number) for number in numbers if number <= self.filled_to]
        first = max(0, int(limits[">id"]) - self._offset) + 1
        return [self._deal(n) for n in range(first, min(first + PAGE, self.filled_to + 1))]

    def _import(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        number = int(str(fields["title"]).rpartition(" ")[2])
        self.filled_to = max(self.filled_to, number)
        return {"item": {"id": number + self._offset}}

    def _deal(self, number: int) -> dict[str, Any]:
        moment = (_BEGIN + timedelta(minutes=number)).isoformat()
        return {
            **self._template,
            **_FILLED_IN,
            "id": number + self._offset,
            "title": f"Deal {number}",
            "createdTime": moment,
            "updatedTime": moment,
            "movedTime": moment,
            "opportunity": number,
            "companyId": self._companies[number % COMPANIES],
            FOLLOWS: self._follows(number),
        }

    def _follows(self, number: int) -> str | None:
        if has_deferred_link(number) and number <= self.linked_to and number + 7 <= self._deals:
            return f"D_{number + 7 + self._offset}"
        if number % 10 == 5 and number > self._deals // 2:
            return f"D_{number - self._deals // 2 + self._offset}"
        return None

    @cached_property
    def _template(self) -> dict[str, Any]:
        """A deal with every field a portal sends."""
        if not self.portal.items(DEAL):
            fields = {"title": "Deal", "comments": _REMARK}
            self._ask_sandbox("crm.item.add", {"entityTypeId": DEAL, "fields": fields})
        select = ["*", "contactIds", "observers", "fm"]
        params = {"entityTypeId": DEAL, "select": select, "useOriginalUfNames": "Y"}
        item: dict[str, Any] = self._ask_sandbox("crm.item.list", params)["result"]["items"][0]
        return item

    @cached_property
    def _companies(self) -> list[int]:
        by_title = {item["title"]: int(i) for i, item in self.portal.items(COMPANY).items()}
        return [by_title[f"Company {n}"] for n in range(1, COMPANIES + 1)]


def _ok(result: dict[str, Any]) -> dict[str, Any]:
    return {"result": result, "time": {"duration": 0.01, "operating": 0}}
