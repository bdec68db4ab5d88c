"""What a portal can answer instead of a result, and what each answer means for the work.

PortalError
 ├─ RepeatLater         not executed, or a read: the same request later
 │   ├─ RateLimited         the leaky bucket is full
 │   ├─ OperationTimeLimit  one method's execution budget is used up
 │   ├─ PortalBusy          5xx
 │   │   └─ UnreadableAnswer    HTML, a truncated body, JSON without a result
 │   └─ PortalUnreachable   no answer at all; `.sent` tells whether the request left
 │       └─ CertificateRefused  TLS says this is not the portal
 ├─ UnknownOutcome      a write was sent, and nobody knows whether it was executed
 ├─ ItemRefused         gives up this item or this call
 │   ├─ FieldRefused, ArgumentRefused, AccessDenied, NotFound, MethodNotFound
 │   └─ PlanRestricted, RequestTooLarge
 ├─ PortalStopped       stops everything until somebody acts
 │   ├─ InvalidCredentials, MissingScope, UserNotAllowed
 │   └─ PlanWithoutRest, PortalBlocked, PortalClosed, HttpsRequired, NotAPortal
 ├─ PagingStuck         a list that does not get ahead
 └─ UnknownError        a code nobody documented; never taken for success

Sources: b24restdocs _includes/system-errors.md, api-reference/crm/universal/**; docs/errors.md
holds the table for readers, and a test compares it with the one below.
"""

from __future__ import annotations

from typing import ClassVar

from migrator.domain.errors import MigratorError, RetriableError, TerminalError, UsageError

_WEBHOOK_PAGE = "Developer resources > Other > Inbound webhook"
_LONGEST_DESCRIPTION = 500


class PortalError(MigratorError):
    """A portal did not give a result. Holds the host, never the webhook.

    `http_status` is None where no HTTP answer came.
    """

    reference = "portal-error"
    meaning: ClassVar[str] = "the portal answered with an error"
    advice: ClassVar[str | None] = None

    def __init__(
        self,
        *,
        method: str,
        portal: str,
        code: str = "",
        description: str = "",
        http_status: int | None = None,
        hint: str | None = None,
    ) -> None:
        self.code = code
        self.description = description[:_LONGEST_DESCRIPTION]
        self.http_status = http_status
        self.method = method
        self.portal = portal
        super().__init__(self._sentence(), hint=hint or self.advice)

    def _sentence(self) -> str:
        # 200 is the status of the batch around a refused command, and would only mislead.
        told = self.http_status not in {None, 200}
        status = f"HTTP {self.http_status}" if told else ""
        facts = ", ".join(fact for fact in (self.code, status) if fact)
        sentence = f"{self.portal}: {self.method}: {self.meaning}"
        if facts:
            sentence += f" ({facts})"
        return f"{sentence}: {self.description}" if self.description else sentence


class RepeatLater(PortalError, RetriableError):
    """The same request may succeed later; it was not executed, or it only reads."""

    reference = "portal-busy"
    meaning = "the portal cannot answer now"
    advice = "run the same command again later; it resumes where it stopped"


class RateLimited(RepeatLater):
    reference = "rate-limited"
    meaning = "too many requests from this address"
    advice = (
        "something else uses this portal's REST API from the same address, or the tariff allows "
        "less than requests_per_second and burst say; run the same command again to resume"
    )


class OperationTimeLimit(RepeatLater):
    reference = "operation-time-limit"
    meaning = "this method has used up its execution time"
    advice = "wait ten minutes and run the same command again; it resumes where it stopped"


class PortalBusy(RepeatLater):
    meaning = "the portal failed to answer"


class UnreadableAnswer(PortalBusy):
    """The body is no REST answer: HTML, truncated JSON, JSON without `result` and `error`."""

    reference = "unreadable-answer"
    meaning = "the answer is not one of the REST API"


class PortalUnreachable(RepeatLater):
    """No answer: name resolution, connection, TLS or a time-out.

    `sent` is False only where the request certainly never left this machine.
    """

    reference = "portal-unreachable"
    meaning = "the portal cannot be reached"
    advice = "check the address and this machine's network, then run the same command again"

    def __init__(self, *, method: str, portal: str, description: str, sent: bool) -> None:
        super().__init__(method=method, portal=portal, description=description)
        self.sent = sent


class CertificateRefused(PortalUnreachable):
    reference = "certificate-refused"
    meaning = "the server does not prove that it is the portal"
    advice = (
        "check the address; for a certificate authority of your own set REQUESTS_CA_BUNDLE to "
        "its certificate file"
    )


class UnknownOutcome(PortalError, RetriableError):
    """A write was sent and its answer is missing or unreadable: look before sending it again."""

    reference = "unknown-outcome"
    meaning = "nobody knows whether this write was carried out"
    advice = "run the same command again; it asks the portal before anything is sent twice"


class ItemRefused(PortalError):
    """The portal refuses this item or this call; other items may go through."""

    reference = "item-refused"
    meaning = "refused"


class FieldRefused(ItemRefused):
    reference = "field-refused"
    meaning = "a field's value is refused"


class ArgumentRefused(ItemRefused):
    reference = "argument-refused"
    meaning = "a parameter is refused"


class AccessDenied(ItemRefused):
    reference = "access-denied"
    meaning = "the webhook's user has no right to this"
    advice = "give the webhook's user the right, or make the webhook as an administrator"


class NotFound(ItemRefused):
    reference = "not-found"
    meaning = "the portal has no such thing"


class MethodNotFound(ItemRefused):
    reference = "method-not-found"
    meaning = "this portal does not know the method"
    advice = "an on-premise portal may need its crm and rest modules updated"


class PlanRestricted(ItemRefused):
    reference = "plan-restricted"
    meaning = "the portal's plan does not permit this"
    advice = "compare the portal's plan with what is to be moved (smart processes above all)"


class RequestTooLarge(ItemRefused):
    reference = "request-too-large"
    meaning = "the request is larger than the server accepts"


class PortalStopped(PortalError, TerminalError):
    """Nothing will work on this portal before somebody has acted."""

    reference = "portal-stopped"
    meaning = "the portal refuses to work"


class InvalidCredentials(PortalStopped):
    reference = "invalid-credentials"
    meaning = "the webhook is not accepted"
    advice = (
        f"in Bitrix24, {_WEBHOOK_PAGE}: is it still there, not expired, is its user active, "
        "and is the address copied whole?"
    )


class MissingScope(PortalStopped):
    reference = "missing-scope"
    meaning = "the webhook lacks a permission (scope)"


class UserNotAllowed(PortalStopped):
    reference = "user-not-allowed"
    meaning = "the webhook's user may not use the REST API"
    advice = f"make the webhook as an employee who is an administrator: {_WEBHOOK_PAGE}"


class PlanWithoutRest(PortalStopped):
    reference = "plan-without-rest"
    meaning = "the portal's plan does not include the REST API"
    advice = "the portal needs a commercial plan with a Market subscription"


class PortalBlocked(PortalStopped):
    reference = "portal-blocked"
    meaning = "Bitrix24 has blocked this portal's REST API for overload"
    advice = "only Bitrix24 support can lift this block; do not run again before it has"


class PortalClosed(PortalStopped):
    reference = "portal-closed"
    meaning = "the portal is deleted or its public part is closed"
    advice = (
        "on premise: Settings > Product Settings > Module Settings > Main Module > Temporary "
        "closure of the public part of the site"
    )


class HttpsRequired(PortalStopped):
    reference = "https-required"
    meaning = "the portal wants https"
    advice = "use the webhook's address with https://"


class NotAPortal(PortalStopped):
    reference = "not-a-portal"
    meaning = "this address does not answer as a Bitrix24 REST API"
    advice = f"compare the address with the one under {_WEBHOOK_PAGE}"


class PagingStuck(PortalError):
    """A list whose last id does not grow would be read forever, or read with gaps."""

    reference = "paging-stuck"
    meaning = "the list does not get ahead"


class UnknownError(PortalError):
    """A code no document names: the caller decides, and nothing is taken for done."""

    reference = "unknown-error"
    meaning = "the portal answered with an error this program does not know"


class WriteRefused(UsageError):
    """A client made for reading was asked to write."""

    reference = "write-refused"


#: Every documented code, in upper case, and the class it becomes. `ACCESS_DENIED`,
#: the codes that say nothing and those that begin alike are decided in `error_for`.
CODES: dict[str, type[PortalError]] = {
    "QUERY_LIMIT_EXCEEDED": RateLimited,
    "OPERATION_TIME_LIMIT": OperationTimeLimit,
    "INTERNAL_SERVER_ERROR": PortalBusy,
    "ERROR_UNEXPECTED_ANSWER": PortalBusy,
    "ACCESS_DENIED": AccessDenied,
    "INSUFFICIENT_PERMISSIONS": AccessDenied,
    "ERROR_WRONG_CONTEXT": AccessDenied,
    "NOT_FOUND": NotFound,
    "OWNER_NOT_FOUND": NotFound,
    "ERROR_METHOD_NOT_FOUND": MethodNotFound,
    "100": ArgumentRefused,
    "INVALID_ARG_VALUE": ArgumentRefused,
    "CODE_EMPTY": ArgumentRefused,
    "ERROR_ARGUMENT": ArgumentRefused,
    "WRONG_DATETIME_FORMAT": ArgumentRefused,
    "MAX_IMPORT_BATCH_SIZE_EXCEEDED": ArgumentRefused,
    "ERROR_BATCH_LENGTH_EXCEEDED": ArgumentRefused,
    "ERROR_BATCH_METHOD_NOT_ALLOWED": ArgumentRefused,
    "ENTITY_TYPE_NOT_SUPPORTED": ItemRefused,
    "REMOVING_DISABLED": ItemRefused,
    "BX_ERROR": ItemRefused,
    "ERROR_CORE": ItemRefused,
    "ERROR_CODE": ItemRefused,
    "ACTIVITY_IS_ALREADY_BOUND": ItemRefused,
    "CAN_NOT_UPDATE_COMPLETED_TODO": ItemRefused,
    "ERROR_GROUPID": ItemRefused,
    "ERROR_NO_GROUP": ItemRefused,
    "ERROR_MANIFEST_IS_NOT_AVAILABLE": ItemRefused,
    "CRM_FIELD_ERROR_VALUE_NOT_VALID": FieldRefused,
    "CRM_FIELD_ERROR_REQUIRED": FieldRefused,
    "CRM_FIELD_ERROR_CATEGORY_NOT_AVAILABLE": FieldRefused,
    "CREATE_DYNAMIC_ITEM_RESTRICTED": PlanRestricted,
    "UPDATE_DYNAMIC_ITEM_RESTRICTED": PlanRestricted,
    "CREATE_DYNAMIC_TYPE_RESTRICTED": PlanRestricted,
    "UPDATE_DYNAMIC_TYPE_RESTRICTED": PlanRestricted,
    "INVALID_CREDENTIALS": InvalidCredentials,
    "NO_AUTH_FOUND": InvalidCredentials,
    "EXPIRED_TOKEN": InvalidCredentials,
    "INSUFFICIENT_SCOPE": MissingScope,
    "USER_ACCESS_ERROR": UserNotAllowed,
    "ALLOWED_ONLY_INTRANET_USER": UserNotAllowed,
    "OVERLOAD_LIMIT": PortalBlocked,
    "PORTAL_DELETED": PortalClosed,
    "INVALID_REQUEST": HttpsRequired,
}

#: Codes that say nothing by themselves; a sentence in place of a code is one of them too.
#: Source: b24restdocs api-reference/crm/status/*.md, universal/category/*.md, userfieldconfig/*.md
_UNSPECIFIC = {"", "0", "-", "BX_ERROR", "ERROR_CORE", "ERROR_CODE"}

#: What such an answer says in words, tried in this order. The server writes these in English.
_WORDS: tuple[tuple[str, type[PortalError]], ...] = (
    ("required more scopes", MissingScope),
    ("access denied", AccessDenied),
    ("access_denied", AccessDenied),
    ("insufficient permissions", AccessDenied),
    ("not found", NotFound),
)

#: Sentences that stand in the place of a code on the older pages.
_DOCUMENTED_SENTENCES = {
    "invalid identifier.",
    "invalid parameters.",
    "error on deleting status.",
    "error on updating status.",
    "there are active items in this status.",
    "the parameter entityid is not defined or invalid.",
    'crm system status can be deleted only if parameter forced is specified and equal to "y".',
}

#: The scope a method belongs to, as the webhook's form names it. Anything else: crm.
#: Source: b24restdocs api-reference/scopes/permissions.md
_SCOPES = {
    "bizproc": "bizproc",
    "userfieldconfig": "userfieldconfig",
    "user": "user",
    "department": "department",
    "disk": "disk",
    "catalog": "catalog",
}


def error_for(
    code: str, description: str, http_status: int, method: str, portal: str
) -> PortalError:
    """The error a portal's `error` and `error_description` mean.

    The code decides first; where it says nothing, the words do, then the HTTP status. A status of
    200 (a command of a batch, an item of an import) says nothing.
    """
    kind = _kind_of(code.strip().upper(), description.lower(), http_status)
    return kind(
        code=code,
        description=description,
        http_status=http_status,
        method=method,
        portal=portal,
        hint=_scope_hint(method) if kind is MissingScope else None,
    )


def _kind_of(code: str, description: str, http_status: int) -> type[PortalError]:
    if code == "ACCESS_DENIED" and http_status == 403 and "context" not in description:
        return PlanWithoutRest
    if code in _UNSPECIFIC or " " in code:
        return _kind_of_words(code, f"{code.lower()} {description}", http_status)
    if code in CODES:
        return CODES[code]
    if code.startswith("CRM_FIELD_ERROR_"):
        return FieldRefused
    return PortalBusy if http_status >= 500 else UnknownError


def _kind_of_words(code: str, words: str, http_status: int) -> type[PortalError]:
    for text, kind in _WORDS:
        if text in words:
            return kind
    if http_status >= 500:
        return PortalBusy
    if code in _UNSPECIFIC or code.lower() in _DOCUMENTED_SENTENCES:
        return ItemRefused
    return UnknownError


def _scope_hint(method: str) -> str:
    scope = _SCOPES.get(method.split(".", maxsplit=1)[0].lower(), "crm")
    return f"tick the permission `{scope}` of the webhook in Bitrix24, {_WEBHOOK_PAGE}"
