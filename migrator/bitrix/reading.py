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
        "user.admin",
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
    # Parameters in the address would be read beside, or instead of, the body.
    listed = [] if urlsplit(url).query or not _is_json(request) else _commands(request.body)
    return [command.partition("?")[0].strip() for command in listed] or [method]


def _is_json(request: requests.PreparedRequest) -> bool:
    """Another kind of body would be taken apart in another way by the portal."""
    kind = str(request.headers.get("Content-Type", "")).partition(";")[0]
    return kind.strip().lower() == "application/json"


def _commands(body: Any) -> list[str]:
    """The commands of a batch; none where something else stands beside them.

    A portal reads `CMD` and `Cmd`, too, and takes the last of them (riester:
    bitrix/modules/rest/classes/general/rest_provider.php).
    """
    try:
        read = json.loads(body or b"")
    except ValueError:
        return []
    if not isinstance(read, dict) or not read.keys() <= {"cmd", "halt"}:
        return []
    match read.get("cmd"):
        case dict(named):
            return [str(one) for one in named.values()]
        case list(listed):
            return [str(one) for one in listed]
        case _:
            return []
