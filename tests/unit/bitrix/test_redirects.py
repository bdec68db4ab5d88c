"""A renamed portal. Source: b24restdocs settings/how-to-call-rest-api/change-domen.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from migrator.bitrix.errors import NotAPortal
from tests.fakes.scene import SECRET, Scene, ok, sent_json
from tests.fakes.transport import FakeReply

if TYPE_CHECKING:
    import requests

PATH = f"/rest/7/{SECRET}/profile"


def moved_to(location: str) -> Scene:
    def handler(request: requests.PreparedRequest) -> FakeReply:
        if str(request.url).startswith("https://a.bitrix24.test/"):
            return FakeReply(b"", 302, {"Location": location})
        return ok("here")

    return Scene(handler)


def test_a_renamed_portal_gets_the_same_post_with_its_body() -> None:
    scene = moved_to(f"https://b.bitrix24.test{PATH}")

    answer = scene.client.call("profile", {"a": 1})

    again = scene.adapter.requests[1]
    assert answer.result == "here"
    assert (again.method, again.url) == ("POST", f"https://b.bitrix24.test{PATH}")
    assert sent_json(again) == {"a": 1}


def test_the_new_name_is_remembered() -> None:
    scene = moved_to(f"https://b.bitrix24.test{PATH}")

    scene.client.call("profile")
    scene.client.call("profile")

    assert scene.sent == 3


@pytest.mark.parametrize(
    "location",
    [
        f"http://b.bitrix24.test{PATH}",
        f"http://127.0.0.1{PATH}",
        "https://auth.bitrix24.test/login",
        f"https://a.bitrix24.test{PATH}",
        "",
    ],
)
def test_the_secret_follows_no_other_redirect(location: str) -> None:
    scene = moved_to(location)

    with pytest.raises(NotAPortal):
        scene.client.call("profile")

    assert scene.sent == 1


def test_a_circle_of_redirects_ends() -> None:
    def handler(request: requests.PreparedRequest) -> FakeReply:
        other = "b" if str(request.url).startswith("https://a.") else "a"
        return FakeReply(b"", 302, {"Location": f"https://{other}.bitrix24.test{PATH}"})

    scene = Scene(handler)

    with pytest.raises(NotAPortal):
        scene.client.call("profile")

    assert scene.sent == 4
