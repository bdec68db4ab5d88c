"""The portal driven by b24pysdk, the vendor's own Python client.

It fixes https and port 443 in its code, so its requests are led to the loopback port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from b24pysdk import BitrixWebhook, Client
from b24pysdk.errors import BitrixAPIError

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.sandbox import PortalServer

DOMAIN = "portal.bitrix24.test"
SEED: dict[str, Any] = {
    "portal": {
        "host": DOMAIN,
        "webhooks": [
            {"user_id": 1, "secret": "sdksecret001", "scopes": ["crm", "user", "userfieldconfig"]}
        ],
    },
    "types": [{"id": 7, "title": "Purchase", "entityTypeId": 1046, "isStagesEnabled": "Y"}],
    "categories": [{"id": 4, "entityTypeId": 2, "name": "Second"}],
    "items": {"2": [{"id": n, "title": f"Deal {n}"} for n in range(1, 121)]},
}


@pytest.fixture
def client(serve_portal: Callable[..., PortalServer], monkeypatch: pytest.MonkeyPatch) -> Client:
    server = serve_portal(SEED)
    post = requests.post

    def post_to_loopback(url: str, **options: Any) -> requests.Response:
        return post(url.replace(f"https://{DOMAIN}", server.origin), **options)

    monkeypatch.setattr(requests, "post", post_to_loopback)
    return Client(BitrixWebhook(domain=DOMAIN, webhook_token="1/sdksecret001"))


def test_it_lists_items(client: Client) -> None:
    request = client.crm.item.list(entity_type_id=2, select=["id"], order={"id": "ASC"})

    assert [item["id"] for item in request.response.result["items"]] == list(range(1, 51))
    assert request.response.total == 120
    assert request.response.next == 50


def test_it_walks_all_pages(client: Client) -> None:
    deals = client.crm.deal.list(select=["ID"]).as_list().result

    assert len(list(deals)) == 120


def test_it_walks_all_pages_the_fast_way(client: Client) -> None:
    deals = client.crm.deal.list(select=["ID"]).as_list_fast().result

    assert sorted(int(deal["ID"]) for deal in deals) == list(range(1, 121))


def test_it_adds_gets_updates_and_deletes_items(client: Client) -> None:
    item = client.crm.item
    added = item.add(fields={"title": "new"}, entity_type_id=1046).result["item"]
    changed = item.update(bitrix_id=added["id"], entity_type_id=1046, fields={"title": "renamed"})
    assert changed.result["item"]["title"] == "renamed"
    read = item.get(bitrix_id=added["id"], entity_type_id=1046).result["item"]
    assert item.delete(bitrix_id=added["id"], entity_type_id=1046).result == []

    left = item.list(entity_type_id=1046).result["items"]

    assert read["title"] == "renamed"
    assert read["stageId"].endswith(":NEW")
    assert left == []


def test_it_adds_classic_deals(client: Client) -> None:
    deal_id = client.crm.deal.add(fields={"TITLE": "new", "OPPORTUNITY": 5}).result

    assert client.crm.deal.get(bitrix_id=deal_id).result["OPPORTUNITY"] == "5.00"


def test_it_runs_a_batch(client: Client) -> None:
    calls = {
        "one": client.crm.item.get(bitrix_id=1, entity_type_id=2),
        "users": client.user.get(),
    }

    result = client.call_batch(calls).result

    assert result.result["one"]["item"]["title"] == "Deal 1"
    assert result.result["users"][0]["ID"] == "1"


def test_it_reads_the_structure(client: Client) -> None:
    types = client.crm.type.list().result["types"]
    categories = client.crm.category.list(entity_type_id=2).result["categories"]
    statuses = client.crm.status.list(filter={"ENTITY_ID": "DEAL_STAGE_4"}).result
    fields = client.crm.item.fields(entity_type_id=1046).result["fields"]

    assert [one["entityTypeId"] for one in types] == [1046]
    assert {one["id"] for one in categories} == {0, 4}
    assert statuses[0]["STATUS_ID"] == "C4:NEW"
    assert "stageId" in fields


def test_it_raises_what_the_portal_refuses(client: Client) -> None:
    request = client.crm.item.get(bitrix_id=999, entity_type_id=2)

    with pytest.raises(BitrixAPIError, match="Element not found"):
        request.response  # noqa: B018 - reading it sends the request
