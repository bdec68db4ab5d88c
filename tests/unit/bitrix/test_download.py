from __future__ import annotations

import pytest
import requests

from migrator.bitrix.download import DownloadedFile, file_name
from migrator.bitrix.errors import AccessDenied, NotAPortal, NotFound, PortalError
from tests.fakes.scene import SECRET, URL, Scene, html, ok, refused, replying
from tests.fakes.transport import FakeReply

LINK = f"{URL}crm.controller.item.getFile.json?token=crm%7Cabc"


def a_file(
    content: bytes = b"%PDF", disposition: str = 'attachment; filename="a.pdf"'
) -> FakeReply:
    headers = {"Content-Type": "application/pdf", "Content-Disposition": disposition}
    return FakeReply(content, 200, headers)


def test_a_file_is_fetched_with_the_headers_the_web_server_wants() -> None:
    scene = Scene(replying(a_file()))

    file = scene.client.download(LINK)

    request = scene.adapter.requests[0]
    assert file == DownloadedFile("a.pdf", b"%PDF")
    assert (request.method, request.url) == ("GET", LINK)
    assert request.headers["Accept"] == "*/*"
    assert request.headers["Referer"] == "https://a.bitrix24.test/"
    assert "Accept-Language" in request.headers
    assert scene.records[0].method == "crm.controller.item.getFile"


def test_a_link_may_be_a_path() -> None:
    scene = Scene(replying(a_file()))

    scene.client.download(LINK.removeprefix("https://a.bitrix24.test"))

    assert scene.adapter.requests[0].url == LINK


@pytest.mark.parametrize(
    "link",
    [
        f"https://b.bitrix24.test/rest/7/{SECRET}/x",
        f"http://a.bitrix24.test/rest/7/{SECRET}/x",
        f"https://a.bitrix24.test@evil.test/rest/7/{SECRET}/x",
        "//evil.test/x",
        "",
    ],
)
def test_a_link_to_another_host_is_refused_unsent(link: str) -> None:
    scene = Scene(replying(a_file()))

    with pytest.raises(ValueError, match="another host") as refusal:
        scene.client.download(link)

    assert SECRET not in str(refusal.value)
    assert scene.sent == 0


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a.pdf"', "a.pdf"),
        ("attachment; filename=a.pdf", "a.pdf"),
        ('attachment; filename="say \\"hi\\".txt"', 'say "hi".txt'),
        ("attachment; filename=\"x\"; filename*=utf-8''%D0%B4%D0%BE%D0%B3.pdf", "дог.pdf"),
        ("attachment; filename*=UTF-8'en'a%20b.pdf; filename=\"x\"", "a b.pdf"),
        ("attachment; filename=\"x.pdf\"; filename*=utf-8''%FF", "x.pdf"),
        ("attachment; filename=\"x.pdf\"; filename*=nonsense''%61", "x.pdf"),
        ('attachment; filename="дог.pdf"'.encode().decode("latin-1"), "дог.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment", ""),
        ("", ""),
    ],
)
def test_the_name_comes_from_the_header(disposition: str, name: str) -> None:
    assert file_name(disposition) == name


def test_a_file_without_a_name_is_named_after_its_type() -> None:
    assert Scene(replying(a_file(disposition=""))).client.download(LINK).name == "file.pdf"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (html(404), NotFound),
        (html(200), NotFound),
        (ok("no file"), NotFound),
        (a_file(b"<html>\r\n<head><title>404 Not Found</title></head>"), NotFound),
        (refused("ACCESS_DENIED", "Access denied"), AccessDenied),
        (refused("ACCESS_DENIED", "Access denied", 200), AccessDenied),
    ],
)
def test_a_page_in_place_of_a_file_is_an_error(reply: FakeReply, kind: type[PortalError]) -> None:
    scene = Scene(replying(reply))

    with pytest.raises(kind):
        scene.client.download(LINK)

    assert scene.sent == 1


@pytest.mark.parametrize("content_type", ["text/html", "application/json"])
def test_a_page_that_is_the_file_is_kept(content_type: str) -> None:
    headers = {"Content-Type": content_type, "Content-Disposition": 'attachment; filename="p.html"'}
    page = b'<html><title>404 Not Found</title>{"error": 1}'

    assert Scene(replying(FakeReply(page, 200, headers))).client.download(LINK).content == page


def test_a_download_is_repeated_like_any_read() -> None:
    scene = Scene(replying(requests.ReadTimeout(), html(503), a_file()))

    assert scene.client.download(LINK).name == "a.pdf"


def test_a_file_kept_elsewhere_is_fetched_without_the_secret() -> None:
    scene = Scene(replying(FakeReply(b"", 302, {"Location": "https://cdn.test/f?k=1"}), a_file()))

    assert scene.client.download(LINK).content == b"%PDF"
    assert SECRET not in f"{scene.adapter.requests[1].url}{scene.adapter.requests[1].headers}"


@pytest.mark.parametrize("location", [f"https://evil.test/{SECRET}", "http://a.bitrix24.test/f"])
def test_the_secret_does_not_follow_a_file_elsewhere(location: str) -> None:
    scene = Scene(replying(FakeReply(b"", 302, {"Location": location}), a_file()))

    with pytest.raises(NotAPortal):
        scene.client.download(LINK)

    assert scene.sent == 1
