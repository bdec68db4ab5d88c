from __future__ import annotations

import copy

import pytest

from migrator.bitrix.webhook import InvalidWebhook, Webhook
from migrator.domain.errors import UsageError
from tests.fakes.scene import SECRET, URL


def test_a_webhook_is_taken_apart() -> None:
    webhook = Webhook(URL)

    assert webhook.host == "a.bitrix24.test"
    assert webhook.origin == "https://a.bitrix24.test"
    assert webhook.user_id == 7
    assert webhook.path_of("profile") == f"/rest/7/{SECRET}/profile"


@pytest.mark.parametrize(
    "url",
    [
        "https://A.bitrix24.test:443/rest/7/s3cr3tc0de",
        "  https://a.bitrix24.test/rest/7/s3cr3tc0de/\n",
    ],
)
def test_small_differences_of_writing_do_not_make_another_portal(url: str) -> None:
    webhook = Webhook(url)

    assert f"{webhook.origin}{webhook.path_of('profile')}" == f"{URL}profile"


def test_a_portal_may_be_served_from_a_folder_which_belongs_to_its_name() -> None:
    webhook = Webhook(f"https://intranet.test/bitrix/crm/rest/7/{SECRET}/")

    assert webhook.host == "intranet.test/bitrix/crm"
    assert webhook.origin == "https://intranet.test"
    assert webhook.site == "https://intranet.test/bitrix/crm"
    assert webhook.path_of("profile") == f"/bitrix/crm/rest/7/{SECRET}/profile"


@pytest.mark.parametrize("host", ["127.0.0.1:8001", "localhost:8001", "[::1]:8001"])
def test_http_is_accepted_for_loopback(host: str) -> None:
    assert Webhook(f"http://{host}/rest/1/{SECRET}/").host == host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "not a url",
        f"http://a.bitrix24.test/rest/7/{SECRET}/",
        f"http://127.0.0.1.evil.test/rest/7/{SECRET}/",
        f"ftp://a.bitrix24.test/rest/7/{SECRET}/",
        f"a.bitrix24.test/rest/7/{SECRET}/",
        f"https:///rest/7/{SECRET}/",
        f"https://[::1/rest/7/{SECRET}/",
        f"https://a.bitrix24.test:port/rest/7/{SECRET}/",
        f"https://me:{SECRET}@a.bitrix24.test/rest/7/{SECRET}/",
        f"https://a.bitrix24.test/rest/7/{SECRET}/profile.json",
        f"https://a.bitrix24.test/rest/{SECRET}/",
        f"https://a.bitrix24.test/rest/0/{SECRET}/",
        f"https://a.bitrix24.test/rest/7/{SECRET}/?auth={SECRET}",
        f"https://a.bitrix24.test/rest/api/7/{SECRET}/",
        f"https://a.bitrix24.test/rest/7/{SECRET}/rest/7/{SECRET}/",
        f"https://a.bitrix24.test/crm/rest/7/{SECRET}/rest/7/{SECRET}/",
    ],
)
def test_an_address_that_is_no_webhook_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidWebhook) as refusal:
        Webhook(url)

    assert isinstance(refusal.value, UsageError)
    assert SECRET not in f"{refusal.value!r}{refusal.value.hint}"
    assert refusal.value.__cause__ is None
    assert refusal.value.__context__ is None


def test_repr_and_str_show_only_the_host() -> None:
    webhook = Webhook(URL)

    assert f"{webhook} {webhook!r} {[webhook]}" == (
        "Webhook(a.bitrix24.test) Webhook(a.bitrix24.test) [Webhook(a.bitrix24.test)]"
    )


def test_a_webhook_cannot_be_serialised() -> None:
    with pytest.raises(TypeError):
        copy.copy(Webhook(URL))


def test_a_link_loses_its_secret() -> None:
    webhook = Webhook(URL)
    link = f"{URL}crm.controller.item.getFile.json?token=crm%7C1&again={SECRET}"

    assert SECRET not in webhook.redact(link)


def test_a_url_quoted_secret_is_masked_too() -> None:
    webhook = Webhook("https://a.bitrix24.test/rest/7/se!cr=et/")

    assert webhook.redact("x se!cr=et y se%21cr%3Det z") == "x *** y *** z"
