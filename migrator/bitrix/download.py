"""Files behind the portal's own links.

Source: b24restdocs api-reference/files/*.md
"""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from migrator.bitrix.answers import Answer, parse_json
from migrator.bitrix.errors import NotFound

if TYPE_CHECKING:
    from migrator.bitrix.errors import PortalError
    from migrator.bitrix.replies import ReplyReader
    from migrator.bitrix.transport import Reply

_PAGES = {"text/html", "application/json"}
_EXTENDED_NAME = re.compile(r"filename\*\s*=\s*([\w.-]+)'[^']*'([^;]+)", re.IGNORECASE)
_QUOTED_NAME = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_PLAIN_NAME = re.compile(r"filename\s*=\s*([^;\"]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    name: str
    content: bytes


def method_of(link: str) -> str:
    """The method a link calls: the last part of its path, which is never the webhook's secret."""
    return PurePosixPath(urlsplit(link).path).name.removesuffix(".json")


def read_file(method: str, reply: Reply, replies: ReplyReader) -> Answer | PortalError:
    """The file in a reply, or the error that came in its place."""
    name = file_name(reply.headers.get("Content-Disposition", ""))
    is_page = reply.content_type in _PAGES and not name
    if reply.status == 200 and not is_page and not _is_missing_page(name, reply.content):
        name = name or f"file{mimetypes.guess_extension(reply.content_type) or ''}"
        return Answer(result=DownloadedFile(name, reply.content))
    body = parse_json(reply.content)
    if isinstance(body, dict) and "error" in body:
        return replies.error(method, body, reply.status)
    if reply.status in {200, 404}:
        return replies.made(NotFound, method, reply.status, "a page came in place of the file")
    return replies.not_rest(method, reply)


def file_name(disposition: str) -> str:
    """The name a Content-Disposition gives, the extended form (RFC 5987) first; "" for none."""
    if match := _EXTENDED_NAME.search(disposition):
        charset, quoted = match.groups()
        try:
            return _base_name(unquote(quoted.strip(), encoding=charset, errors="strict"))
        except (LookupError, UnicodeDecodeError):
            pass
    if match := _QUOTED_NAME.search(disposition):
        return _base_name(_utf8(re.sub(r"\\(.)", r"\1", match[1])))
    if match := _PLAIN_NAME.search(disposition):
        return _base_name(_utf8(match[1].strip()))
    return ""


def _utf8(header: str) -> str:
    """Header bytes arrive decoded as Latin-1, whatever they were."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _base_name(name: str) -> str:
    return PurePosixPath(name).name


def _is_missing_page(name: str, content: bytes) -> bool:
    """The web server's own 404 page, which can come under the header of the missing file."""
    if name.lower().endswith((".htm", ".html")):
        return False
    start = content[:512].lower()
    return start.lstrip().startswith(b"<html") and b"404 not found" in start
