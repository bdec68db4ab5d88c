"""The portal driven by fast_bitrix24, a client nobody here wrote."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from fast_bitrix24 import BitrixAsync
from fast_bitrix24.server_response import ErrorInServerResponseException

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from migrator.sandbox import PortalServer

SEED: dict[str, Any] = {
    "categories": [{"id": 4, "entityTypeId": 2, "name": "Second"}],
    "items": {
        "2": [
            {"id": number, "title": f"Deal {number}", "opportunity": number}
            for number in range(1, 131)
        ],
    },
}


@pytest.fixture
def server(serve_portal: Callable[..., PortalServer]) -> PortalServer:
    return serve_portal(SEED)


def run(server: PortalServer, work: Callable[[BitrixAsync], Coroutine[Any, Any, Any]]) -> Any:
    client = BitrixAsync(server.webhook_url(), verbose=False)
    return asyncio.run(work(client))


def test_it_collects_all_pages_of_the_universal_list(server: PortalServer) -> None:
    params = {"entityTypeId": 2, "select": ["id", "title"]}

    items = run(server, lambda client: client.get_all("crm.item.list", params))

    assert sorted(item["id"] for item in items) == list(range(1, 131))


def test_it_collects_all_pages_of_the_classic_list(server: PortalServer) -> None:
    deals = run(server, lambda client: client.get_all("crm.deal.list", {"select": ["ID", "TITLE"]}))

    assert sorted(int(deal["ID"]) for deal in deals) == list(range(1, 131))


def test_it_reads_items_by_id_in_batches(server: PortalServer) -> None:
    found = run(
        server, lambda client: client.get_by_ID("crm.deal.get", [str(n) for n in range(1, 61)])
    )

    assert {deal["TITLE"] for deal in found.values()} == {f"Deal {n}" for n in range(1, 61)}


def test_it_adds_updates_and_deletes(server: PortalServer) -> None:
    async def work(client: BitrixAsync) -> Any:
        ids = await client.call(
            "crm.deal.add", [{"fields": {"TITLE": f"new {n}", "OPPORTUNITY": n}} for n in range(3)]
        )
        await client.call("crm.deal.update", [{"ID": ids[0], "fields": {"TITLE": "renamed"}}])
        renamed = await client.call("crm.deal.get", [{"ID": ids[0]}])
        await client.call("crm.deal.delete", [{"ID": one} for one in ids])
        return ids, renamed, await client.get_all("crm.deal.list", {"filter": {">ID": 130}})

    ids, renamed, left = run(server, work)

    assert sorted(ids) == [131, 132, 133]
    assert [deal["TITLE"] for deal in renamed] == ["renamed"]
    assert left == []


def test_it_imports_and_gets_universal_items(server: PortalServer) -> None:
    async def work(client: BitrixAsync) -> Any:
        fields = {"title": "imported & kept", "contactIds": [], "categoryId": 4}
        params = {"entityTypeId": 2, "fields": fields}
        added = await client.call("crm.item.import", params)
        return added, await client.call("crm.item.get", {"entityTypeId": 2, "id": 131})

    added, item = run(server, work)

    assert (added["id"], item["title"], item["stageId"]) == (131, "imported & kept", "C4:NEW")


def test_it_runs_its_own_batch(server: PortalServer) -> None:
    body = {
        "halt": 0,
        "cmd": {
            "deals": "crm.deal.list?filter[>ID]=128&order[ID]=ASC",
            "first": "crm.deal.get?ID=$result[deals][0][ID]",
        },
    }

    result = run(server, lambda client: client.call_batch(body))

    assert [deal["ID"] for deal in result["deals"]] == ["129", "130"]
    assert result["first"]["TITLE"] == "Deal 129"


def test_it_raises_what_the_portal_refuses(server: PortalServer) -> None:
    with pytest.raises(ErrorInServerResponseException, match="Not found"):
        run(server, lambda client: client.call("crm.deal.get", [{"ID": 999}]))
