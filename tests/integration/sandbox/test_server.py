"""What only shows over HTTP."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import requests

from migrator.sandbox import Portal, PortalServer
from tests.acceptance.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

SEED: dict[str, Any] = {
    "portal": {"webhooks": [{"user_id": 1, "secret": "thesecret", "scopes": ["crm", "user"]}]},
    "types": [{"id": 7, "title": "Purchase", "entityTypeId": 1046}],
    "userFields": [
        {
            "entityId": "CRM_7",
            "fieldName": "UF_CRM_7_FILES",
            "userTypeId": "file",
            "multiple": "Y",
        }
    ],
    "items": {"2": [{"id": number, "title": f"Deal {number}"} for number in range(1, 61)]},
}
LIST = {"entityTypeId": 2, "filter": {">id": 58}, "order": {"id": "ASC"}, "select": ["id"]}


def test_the_webhook_url_holds_user_and_secret(serve_portal: Callable[..., PortalServer]) -> None:
    server = serve_portal(SEED)

    assert server.webhook_url(1) == f"{server.origin}/rest/1/thesecret/"


@pytest.mark.parametrize("suffix", ["", ".json"])
@pytest.mark.parametrize("how", ["json", "form", "multipart", "query"])
def test_parameters_arrive_the_same_however_they_are_sent(
    serve_portal: Callable[..., PortalServer], how: str, suffix: str
) -> None:
    url = serve_portal(SEED).webhook_url() + "crm.item.list" + suffix
    flat = {
        "entityTypeId": "2",
        "filter[>id]": "58",
        "order[id]": "ASC",
        "select[]": "id",
    }
    ways: dict[str, dict[str, Any]] = {
        "json": {"json": LIST},
        "form": {"data": flat},
        "multipart": {"files": {key: (None, value) for key, value in flat.items()}},
        "query": {"params": flat},
    }

    answer = requests.post(url, timeout=5, **ways[how]).json()

    assert answer["result"] == {"items": [{"id": 59}, {"id": 60}]}


def test_a_method_may_be_called_by_get(serve_portal: Callable[..., PortalServer]) -> None:
    answer = requests.get(serve_portal(SEED).webhook_url() + "profile", timeout=5)

    assert answer.json()["result"]["ID"] == "1"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("rest/1/thesecret/no.such.method", 404, "ERROR_METHOD_NOT_FOUND"),
        ("rest/1/wrong/profile", 401, "INVALID_CREDENTIALS"),
        ("rest/1/thesecret/department.get", 403, "insufficient_scope"),
        ("rest/1/thesecret/crm.item.get?entityTypeId=2&id=999", 400, "NOT_FOUND"),
    ],
)
def test_a_refusal_has_its_documented_status(
    serve_portal: Callable[..., PortalServer], path: str, status: int, code: str
) -> None:
    answer = requests.get(f"{serve_portal(SEED).origin}/{path}", timeout=5)

    assert (answer.status_code, answer.json()["error"]) == (status, code)


def test_files_sent_in_base64_come_back_under_their_machine_link(
    serve_portal: Callable[..., PortalServer],
) -> None:
    url = serve_portal(SEED).webhook_url()
    content = bytes(range(256))
    pairs = [[name, base64.b64encode(content).decode()] for name in ("plain.bin", "Счёт №1.pdf")]
    fields = {"title": "x", "ufCrm7Files": pairs}

    added = requests.post(
        url + "crm.item.add", json={"entityTypeId": 1046, "fields": fields}, timeout=5
    ).json()
    links = [one["urlMachine"] for one in added["result"]["item"]["ufCrm7Files"]]
    headers = {"Accept-Language": "en", "Referer": url}
    downloads = [requests.get(link, headers=headers, timeout=5) for link in links]

    assert [one.content for one in downloads] == [content, content]
    assert [one.headers["Content-Disposition"] for one in downloads] == [
        "attachment; filename=\"plain.bin\"; filename*=UTF-8''plain.bin",
        'attachment; filename="____ _1.pdf"; '
        "filename*=UTF-8''%D0%A1%D1%87%D1%91%D1%82%20%E2%84%961.pdf",
    ]
    assert all("/rest/1/thesecret/" in link for link in links)


def test_a_file_stays_hidden_from_who_does_not_say_what_is_accepted(
    serve_portal: Callable[..., PortalServer],
) -> None:
    url = serve_portal(SEED).webhook_url() + "crm.controller.item.getFile.json?token=x"

    answer = requests.get(url, timeout=5)

    assert (answer.status_code, "nginx" in answer.text) == (404, True)
    assert "Content-Disposition" in answer.headers


def test_a_file_cannot_be_fetched_inside_a_batch(
    serve_portal: Callable[..., PortalServer],
) -> None:
    body = {"cmd": {"f": "crm.controller.item.getFile?token=x"}}

    answer = requests.post(serve_portal(SEED).webhook_url() + "batch", json=body, timeout=5).json()

    assert answer["result"]["result_error"]["f"]["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"


def test_the_control_endpoints_tell_losses_requests_and_state(
    serve_portal: Callable[..., PortalServer],
) -> None:
    server = serve_portal(SEED)
    entry = {"title": "x", "tilte": "y"}
    requests.post(
        server.webhook_url() + "crm.item.batchImport",
        json={"entityTypeId": 2, "data": [entry]},
        timeout=5,
    )
    requests.get(server.webhook_url() + "nope", timeout=5)

    losses = requests.get(server.origin + "/sandbox/losses", timeout=5).json()
    log = requests.get(server.origin + "/sandbox/requests", timeout=5).json()
    state = requests.get(server.origin + "/sandbox/state", timeout=5).json()

    assert losses == {
        "total": 1,
        "by_kind": {"unknown-field": 1},
        "losses": [
            {
                "kind": "unknown-field",
                "method": "crm.item.batchImport",
                "entity_type_id": 2,
                "item_id": 61,
                "field": "tilte",
                "value": "y",
                "detail": "",
            }
        ],
    }
    assert log["http_requests"] == 2
    assert log["by_method"]["nope"] == {"count": 1, "errors": {"ERROR_METHOD_NOT_FOUND": 1}}
    assert state["items"]["2"] == 61


def test_the_log_can_be_emptied_without_touching_the_items(
    serve_portal: Callable[..., PortalServer],
) -> None:
    server = serve_portal(SEED)
    requests.get(server.webhook_url() + "profile", timeout=5)

    requests.post(server.origin + "/sandbox/reset-log", timeout=5)

    log = requests.get(server.origin + "/sandbox/requests", timeout=5).json()
    state = requests.get(server.origin + "/sandbox/state", timeout=5).json()
    assert (log["http_requests"], state["items"]["2"]) == (0, 60)


def test_a_request_beyond_the_time_limit_is_cut_off_but_done(
    serve_portal: Callable[..., PortalServer],
) -> None:
    portal = Portal.from_seed(
        {
            "portal": {
                "cost": {"seconds_per_imported_item": 100},
                "request_time_limit_seconds": 0.05,
            }
        }
    )
    body = {"entityTypeId": 2, "data": [{"title": "x"}]}

    answer = requests.post(
        serve_portal(portal).webhook_url() + "crm.item.batchImport", json=body, timeout=5
    )

    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (504, "text/html")
    assert len(portal.items(2)) == 1


def test_a_client_that_goes_away_leaves_its_import_done(
    serve_portal: Callable[..., PortalServer],
) -> None:
    portal = Portal.from_seed({"portal": {"cost": {"seconds_per_imported_item": 30}}})
    body = {"entityTypeId": 2, "data": [{"title": "x"}]}

    with pytest.raises(requests.Timeout):
        requests.post(
            serve_portal(portal).webhook_url() + "crm.item.batchImport", json=body, timeout=0.2
        )

    wait_until(lambda: len(portal.items(2)) == 1)


def test_a_port_in_use_is_an_error_of_the_system(
    serve_portal: Callable[..., PortalServer],
) -> None:
    taken = int(serve_portal(SEED).origin.rsplit(":", 1)[1])

    with pytest.raises(OSError, match="address already in use"):
        PortalServer(Portal.from_seed({}), port=taken).start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serving_for_the_command_line_stops_cleanly_on_a_signal(number: signal.Signals) -> None:
    program = (
        "import json, os\n"
        "from migrator.sandbox import Portal, serve\n"
        "def kill(server):\n"
        f"    os.kill(os.getpid(), {number.value})\n"
        "serve(Portal.from_seed({}), on_ready=kill)\n"
        "print(json.dumps('stopped'))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == "stopped"
