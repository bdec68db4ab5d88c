"""The inbound webhook: an address and a password in one string, kept apart from here on."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from migrator.domain.errors import UsageError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

#: No folder is called `rest`: what follows it is a secret, and the folder is shown.
_PATH = re.compile(
    r"(?P<folder>(?:/(?!rest/)[\w.~-]+)*)/rest/(?P<user>[1-9][0-9]{0,17})/(?P<secret>[^/\s]+)/?"
)
_MASK = "***"


class InvalidWebhook(UsageError):
    """The webhook address cannot be used; the message never repeats it."""

    reference = "invalid-webhook"

    def __init__(self, reason: str, whose: str = "") -> None:
        self.reason = reason
        super().__init__(
            f"the webhook address {whose}{reason}",
            hint="copy it whole from Bitrix24, Developer resources > Other > Inbound webhook: "
            "https://<portal>/rest/<user>/<code>/",
        )


class Webhook:
    """A validated `https://<host>/rest/<user>/<code>/`; `repr` and `str` show only the host.

    `http` is accepted for loopback alone: the code in the path is a password. An on-premise portal
    may be served from a folder of its host, which then belongs to its name.
    Source: b24restdocs local-integrations/local-webhooks.md
    """

    __slots__ = ("_folder", "_secret", "host", "origin", "user_id")

    def __init__(self, url: str) -> None:
        parts = _split(url.strip())
        path = _PATH.fullmatch(parts.path)
        if path is None or parts.query or parts.fragment:
            raise InvalidWebhook("does not end in /rest/<user>/<code>/")
        self.host = parts.netloc.lower()
        if parts.scheme == "https":
            self.host = self.host.removesuffix(":443")
        self.origin = f"{parts.scheme}://{self.host}"
        self._folder = path["folder"]
        self.host += self._folder
        self.user_id = int(path["user"])
        self._secret = path["secret"]

    def __repr__(self) -> str:
        return f"Webhook({self.host})"

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a webhook holds a secret and is not serialised")

    @property
    def site(self) -> str:
        """What the links to the portal's own pages begin with."""
        return f"{self.origin}{self._folder}"

    def path_of(self, method: str) -> str:
        return f"{self._folder}/rest/{self.user_id}/{self._secret}/{method}"

    def redact(self, text: str) -> str:
        """The text with every occurrence of the secret, plain or URL-quoted, masked."""
        for form in {self._secret, quote(self._secret, safe="")}:
            text = text.replace(form, _MASK)
        return text


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        hostname, port = parts.hostname, parts.port
    except ValueError:
        parts, hostname, port = urlsplit(""), None, None
    # Raised outside the handler: urlsplit's own message repeats what it was given.
    if not url.casefold().startswith(("http://", "https://")):
        raise InvalidWebhook("does not start with https://")
    if not hostname or port == 0:
        raise InvalidWebhook("names no host")
    if parts.username is not None or parts.password is not None:
        raise InvalidWebhook("holds a user name or password before the host")
    if parts.scheme == "http" and not is_loopback(hostname):
        raise InvalidWebhook("starts with http://, which would send its password in clear")
    return parts


def is_loopback(hostname: str) -> bool:
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False
