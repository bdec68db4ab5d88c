"""Items by ascending id, of which the portal is to send only some."""

from __future__ import annotations

from tests.fakes.scene import PortalOfItems, Scene, parse_php_query, sent_json

DEAL = 2


def test_every_page_of_a_chain_carries_the_filter_beside_its_own_condition() -> None:
    scene = Scene(PortalOfItems({DEAL: range(1, 120)}))

    list(
        scene.client.iter_items(
            DEAL,
            select=["*"],
            newest=119,
            filter={">=createdTime": "2024-01-01", "@stageId": ["A"]},
        )
    )

    sent = [parse_php_query(c.partition("?")[2]) for c in _commands(scene)]
    assert {tuple(sorted(one["filter"])) for one in sent} == {(">=createdTime", ">id", "@stageId")}
    assert sent[0]["filter"]["@stageId"] == {"0": "A"}


def _commands(scene: Scene) -> list[str]:
    return [
        command
        for request in scene.adapter.requests
        for command in sent_json(request).get("cmd", {}).values()
    ]
