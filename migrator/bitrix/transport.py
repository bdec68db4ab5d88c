"""One HTTP request and its answer, or the reason why there is none.

Nothing raised here holds a URL: the exceptions of requests and urllib3 do, in their text, so they
are neither chained nor quoted.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from migrator.bitrix.errors import CertificateRefused, NotAPortal, PortalUnreachable
from migrator.bitrix.log_redaction import redact_http_logs
from migrator.bitrix.webhook import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests.adapters import BaseAdapter

    from migrator.bitrix.limits import PortalLimits
    from migrator.bitrix.webhook import Webhook
    from migrator.clock import Clock

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 3
#: A connection left idle may have been closed on the other side just as we write to it, and then
#: nobody knows what became of that write.
_IDLE_SECONDS = 20.0

_NEVER_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.LocationParseError,
    requests.exceptions.ConnectTimeout,
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidURL,
)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class Transport:
    """A kept-alive session with one portal, which may have been renamed."""

    def __init__(
        self,
        webhook: Webhook,
        limits: PortalLimits,
        *,
        clock: Clock,
        adapter: BaseAdapter | None,
        user_agent: str,
    ) -> None:
        redact_http_logs()
        self._webhook = webhook
        self._timeout = (limits.connect_timeout_seconds, limits.read_timeout_seconds)
        self._clock = clock
        self._used_at = clock.monotonic()
        #: Where the portal is reached now; another host than the webhook's once it was renamed.
        self.origin = webhook.origin
        self._session = _session(webhook, adapter, user_agent)

    def post(self, method: str, body: bytes) -> Reply:
        """POST JSON to a method, following a renamed portal with the body kept.

        Source: b24restdocs settings/how-to-call-rest-api/change-domen.md
        """
        path = self._webhook.path_of(method)
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(
                method,
                requests.Request(
                    "POST",
                    self.origin + path,
                    data=body,
                    headers={"Content-Type": "application/json", "Accept": "application/json"},
                ),
            )
            if response.status_code not in _REDIRECTS:
                return _reply(response)
            self.origin = self._new_origin(method, path, response.headers.get("Location", ""))
        raise self._redirected(method, "redirects in a circle")

    def get(self, method: str, url: str) -> Reply:
        """GET one of the portal's own links.

        Source: b24restdocs api-reference/files/*.md
        """
        for _ in range(_MOST_REDIRECTS + 1):
            # Without these headers the body may be an nginx 404 under a file's own header.
            headers = {"Accept": "*/*", "Accept-Language": "en", "Referer": f"{self.origin}/"}
            response = self._send(method, requests.Request("GET", url, headers=headers))
            if response.status_code not in _REDIRECTS:
                return _reply(response)
            url = self._new_link(method, url, response.headers.get("Location", ""))
        raise self._redirected(method, "redirects in a circle")

    def is_own(self, url: str) -> bool:
        """Whether a link leads to this portal, under its present or its former name."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.lower()}" in {self.origin, self._webhook.origin}

    def close(self) -> None:
        self._session.close()

    def _send(self, method: str, request: requests.Request) -> requests.Response:
        if self._clock.monotonic() - self._used_at > _IDLE_SECONDS:
            self._session.close()
        try:
            prepared = self._session.prepare_request(request)
            settings = self._session.merge_environment_settings(
                prepared.url, {}, stream=False, verify=None, cert=None
            )
            response = self._session.send(
                prepared, timeout=self._timeout, allow_redirects=False, **settings
            )
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as failure:
            unreachable = self._unreachable(method, failure)
        else:
            self._used_at = self._clock.monotonic()
            return response
        # Outside the handler, so that not even the context of this error holds the URL.
        raise unreachable

    def _unreachable(self, method: str, failure: BaseException) -> PortalUnreachable:
        causes = list(_causes(failure))
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            return CertificateRefused(
                method=method,
                portal=self._webhook.host,
                description="its TLS certificate is not valid for this name",
                sent=False,
            )
        return PortalUnreachable(
            method=method,
            portal=self._webhook.host,
            description=_in_words(causes),
            sent=not any(isinstance(cause, _NEVER_SENT) for cause in causes),
        )

    def _new_origin(self, method: str, path: str, location: str) -> str:
        """The origin a renamed portal names; only for the same path, else the secret would leak."""
        target = urlsplit(urljoin(self.origin, location))
        origin = f"{target.scheme}://{target.netloc.lower()}"
        if target.path != path or origin == self.origin:
            raise self._redirected(method, "redirects somewhere else than to its new name")
        self._require_safe(method, target.scheme, target.hostname)
        return origin

    def _new_link(self, method: str, url: str, location: str) -> str:
        link = urljoin(url, location)
        target = urlsplit(link)
        if not self.is_own(link):
            self._require_safe(method, target.scheme, target.hostname)
            if self._webhook.redact(link) != link:
                raise self._redirected(method, "would send the webhook's secret to another host")
        return link

    def _require_safe(self, method: str, scheme: str, hostname: str | None) -> None:
        was_https = self.origin.startswith("https://")
        local = not was_https and hostname is not None and is_loopback(hostname)
        if scheme != "https" and not (scheme == "http" and local):
            raise self._redirected(method, "redirects to an address without https")

    def _redirected(self, method: str, description: str) -> NotAPortal:
        return NotAPortal(method=method, portal=self._webhook.host, description=description)


def http_adapter() -> BaseAdapter:
    """The way over the network; nothing is repeated on it."""
    return HTTPAdapter(max_retries=0, pool_connections=2, pool_maxsize=2)


def _session(webhook: Webhook, adapter: BaseAdapter | None, user_agent: str) -> requests.Session:
    session = requests.Session()
    own = adapter or http_adapter()
    session.mount("https://", own)
    session.mount("http://", own)
    session.headers["User-Agent"] = user_agent
    # Every call carries its own authorization; a PHP session would only add state.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Keeps requests from adding credentials of a .netrc file.
    session.auth = lambda request: request
    if webhook.origin.startswith("http://"):
        # Loopback in clear text must not go through a proxy of the environment.
        session.trust_env = False
    return session


def _reply(response: requests.Response) -> Reply:
    return Reply(response.status_code, response.headers, response.content)


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """The error and everything requests and urllib3 wrapped into it."""
    waiting, seen = [failure], set[int]()
    while waiting:
        error = waiting.pop()
        if id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        wrapped = (*error.args, getattr(error, "reason", None), error.__cause__, error.__context__)
        waiting.extend(cause for cause in wrapped if isinstance(cause, BaseException))


_WORDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((urllib3.exceptions.NameResolutionError,), "the host name cannot be resolved"),
    ((urllib3.exceptions.ProxyError,), "the proxy does not connect"),
    # urllib3 derives a refused connection from a time-out.
    ((urllib3.exceptions.NewConnectionError,), "no connection: refused or no route"),
    ((urllib3.exceptions.ConnectTimeoutError,), "no connection within the time limit"),
    ((ssl.SSLError,), "TLS failed"),
    ((urllib3.exceptions.ReadTimeoutError, requests.Timeout), "no answer within the time limit"),
)


def _in_words(causes: list[BaseException]) -> str:
    for kinds, words in _WORDS:
        if any(isinstance(cause, kinds) for cause in causes):
            return words
    return "the connection was cut"
