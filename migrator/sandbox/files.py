"""File values: writing pairs of name and base64, downloading by urlMachine.

Source: b24restdocs api-reference/files/how-to-upload-files.md, how-to-update-files.md
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from migrator.sandbox import php
from migrator.sandbox.errors import PortalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migrator.sandbox.portal import Portal
    from migrator.sandbox.store import StoredFile

DOWNLOAD = "crm.controller.item.getFile"
_PREFIX = "crm|"
_DOWNLOAD_HEADERS = ("User-Agent", "Accept", "Accept-Language", "Referer")


class UnreadableFileError(Exception):
    """A file value the server ignores without an error."""


def read_pair(value: Any) -> tuple[str, bytes]:
    """Read `["name", "base64"]`; `{"fileData": ...}` belongs to the classic methods."""
    if not isinstance(value, (list, dict)) or "fileData" in value:
        raise UnreadableFileError("not a pair of name and base64")
    parts = php.array_values(value)
    if len(parts) != 2 or not all(isinstance(part, str) for part in parts):
        raise UnreadableFileError("not a pair of name and base64")
    try:
        return parts[0], base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableFileError("not base64") from error


def token(file_id: int) -> str:
    inner = base64.urlsafe_b64encode(f"fileId={file_id}".encode()).decode()
    return f"{_PREFIX}{inner}|sandbox"


def find_by_token(portal: Portal, value: object) -> StoredFile:
    try:
        inner = str(value).removeprefix(_PREFIX).split("|")[0]
        file_id = int(base64.urlsafe_b64decode(inner).decode().removeprefix("fileId="))
    except (binascii.Error, ValueError) as error:
        raise PortalError("ERROR_CORE", "Invalid token") from error
    found = portal.files.get(file_id)
    if found is None:
        raise PortalError("NOT_FOUND", "File not found")
    return found


def may_download(headers: Mapping[str, str]) -> bool:
    """By the rules of b24restdocs settings/how-to-call-rest-api/general-principles.md."""
    return all(headers.get(name) for name in _DOWNLOAD_HEADERS)


def content_disposition(name: str) -> str:
    """RFC 6266 with RFC 5987 for names outside ASCII."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
