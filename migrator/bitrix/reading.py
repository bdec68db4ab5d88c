"""A way to a portal on which nothing travels that could change it.

It stands below everything else in the client, so whatever is built above it cannot get past: a
request leaves only if every method in it is on the list of those that read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.adapters import BaseAdapter

from migrator.bitrix.download import method_of
from migrator.bitrix.errors import WriteRefused

if TYPE_CHECKING:
    import requests

#: What is read of a target, in lower case. A method is added by name, never by how it ends:
#: `event.offline.get` takes the events it returns out of the queue.
READING_METHODS = frozenset(
    {
        "crm.category.get",
        "crm.category.list",
        "crm.company.userfield.list",
        "crm.contact.userfield.list",
        "crm.controller.item.getfile",
        "crm.currency.base.get",
        "crm.currency.get",
        "crm.currency.list",
        "crm.deal.userfield.list",
        "crm.item.fields",
        "crm.item.get",
        "crm.item.list",
        "crm.lead.userfield.list",
        "crm.quote.userfield.list",
        "crm.smart_invoice.userfield.list",
        "crm.status.entity.types",
        "crm.status.list",
        "crm.type.get",
        "crm.type.list",
        "department.get",
        "profile",
        "scope",
        "server.time",
        "user.get",
        "userfieldconfig.get",
        "userfieldconfig.list",
    }
)


class ReadingAdapter(BaseAdapter):
    """Hands a request on if it only reads. Raises: WriteRefused."""

    def __init__(self, way: BaseAdapter, portal: str) -> None:
        super().__init__()
        self._way = way
        self._portal = portal

    def send(
        self, request: requests.PreparedRequest, *arguments: Any, **options: Any
    ) -> requests.Response:
        for method in _methods(request):
            if method.lower() not in READING_METHODS:
                raise WriteRefused(f"{self._portal}: {method}: this portal is only read from")
        return self._way.send(request, *arguments, **options)

    def close(self) -> None:
        self._way.close()


def _methods(request: requests.PreparedRequest) -> list[str]:
    """Every method a request would execute; `batch` itself where its commands cannot be told."""
    url = str(request.url)
    method = method_of(url)
    if method.lower() != "batch":
        return [method]
    try:
        body = json.loads(request.body or b"")
        commands = body["cmd"]
        listed = list(commands.values() if isinstance(commands, dict) else commands)
    except (ValueError, KeyError, TypeError):
        return [method]
    # Parameters in the address would be read beside, or instead of, the body.
    if urlsplit(url).query or not listed:
        return [method]
    return [str(command).partition("?")[0].strip() for command in listed]
