"""What a portal answers when it refuses: a code, a text and an HTTP status."""

from __future__ import annotations

from typing import Any


class PortalError(Exception):
    """A refusal that reaches the client as `{"error": ..., "error_description": ...}`.

    `code` is printed as it is: a real portal answers strings, `""`, `0` and `100`
    (b24restdocs _includes/error-info.md).
    """

    def __init__(self, code: str | int, description: str = "", http_status: int = 400) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.http_status = http_status

    def body(self) -> dict[str, Any]:
        # Error replies carry no `time` block (riester: bitrix/modules/rest/.../rest.php).
        return {"error": self.code, "error_description": self.description}


def access_denied(description: str = "Access denied.") -> PortalError:
    return PortalError("ACCESS_DENIED", description)


def not_found(description: str = "Element not found") -> PortalError:
    """HTTP 400, not 404 (b24restdocs api-reference/crm/universal/crm-item-get.md)."""
    return PortalError("NOT_FOUND", description)


def invalid_argument(description: str) -> PortalError:
    return PortalError("INVALID_ARG_VALUE", description)


def invalid_field(title: str, reason: str = "") -> PortalError:
    """The one code of all field refusals (core-corp: modules/crm/lib/Field.php)."""
    text = f'Invalid value of the "{title}" field'
    return PortalError("CRM_FIELD_ERROR_VALUE_NOT_VALID", f"{text}. {reason}" if reason else text)
