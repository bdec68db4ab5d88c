from __future__ import annotations

import re
from pathlib import Path

import pytest

from migrator.bitrix import errors
from migrator.bitrix.errors import (
    CODES,
    AccessDenied,
    FieldRefused,
    InvalidCredentials,
    ItemRefused,
    MissingScope,
    NotFound,
    PlanWithoutRest,
    PortalBusy,
    PortalError,
    PortalStopped,
    RateLimited,
    RepeatLater,
    UnknownError,
    error_for,
)
from migrator.domain.errors import RetriableError, TerminalError

DOCS = Path(__file__).parents[3] / "docs" / "errors.md"


def an_error(code: str, description: str = "", http_status: int = 400) -> PortalError:
    return error_for(code, description, http_status, "crm.item.list", "a.bitrix24.test")


@pytest.mark.parametrize("code", CODES)
def test_every_documented_code_becomes_its_class_however_it_is_written(code: str) -> None:
    assert type(an_error(code)) is type(an_error(code.lower())) is CODES[code]


def test_every_error_of_a_portal_is_drawn_in_the_tree() -> None:
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, PortalError)
    ]

    drawn = set(re.findall(r"\w+", errors.__doc__ or ""))

    assert {kind.__name__ for kind in classes} <= drawn
    assert len({kind.reference for kind in classes}) >= len(classes) - 1  # PortalBusy: its parent's


def test_the_page_on_errors_says_what_the_table_does() -> None:
    rows = re.findall(r"^\| `(.+?)` \| `(\w+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)

    assert dict(rows) == {code: kind.__name__ for code, kind in CODES.items()}


def test_the_page_on_errors_explains_every_reference() -> None:
    text = DOCS.read_text(encoding="utf-8")
    references = {
        kind.reference
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, PortalError)
    }

    assert [reference for reference in references if f"`{reference}`" not in text] == []


def test_no_class_belongs_to_two_families() -> None:
    for kind in (RepeatLater, PortalStopped, ItemRefused):
        families = (RetriableError, TerminalError, ItemRefused)
        assert sum(issubclass(kind, family) for family in families) == 1


@pytest.mark.parametrize(
    ("code", "description", "status", "kind"),
    [
        ("ACCESS_DENIED", "Access denied", 400, AccessDenied),
        ("ACCESS_DENIED", "Access denied", 200, AccessDenied),
        ("ACCESS_DENIED", "REST API is available only on commercial plans", 403, PlanWithoutRest),
        ("ACCESS_DENIED", "Access denied! Application context required", 403, AccessDenied),
        ("INVALID_CREDENTIALS", "", 401, InvalidCredentials),
        ("INVALID_CREDENTIALS", "", 403, InvalidCredentials),
        ("", "Access denied.", 400, AccessDenied),
        ("0", "Smart process not found", 400, NotFound),
        ("", "The current method required more scopes. (crm)", 400, MissingScope),
        ("", "Field UF_CRM_X already exists", 400, ItemRefused),
        ("", "", 500, PortalBusy),
        ("-", "Insufficient permissions to change the stage", 400, AccessDenied),
        ("ERROR_CORE", "access_denied", 400, AccessDenied),
        ("ERROR_CORE", "The specified status ID already exists.", 400, ItemRefused),
        ("Status is not found.", "", 400, NotFound),
        ("Error on updating status.", "", 400, ItemRefused),
        ("A sentence nobody wrote down.", "", 400, UnknownError),
        ("CRM_FIELD_ERROR_OF_TOMORROW", "", 200, FieldRefused),
        ("200040300010", "something of the catalog", 400, UnknownError),
        ("BRAND_NEW", "", 400, UnknownError),
        ("BRAND_NEW", "", 200, UnknownError),
        ("BRAND_NEW", "", 502, PortalBusy),
        ("QUERY_LIMIT_EXCEEDED", "Too many requests", 503, RateLimited),
    ],
)
def test_code_words_and_status_decide_together(
    code: str, description: str, status: int, kind: type[PortalError]
) -> None:
    assert type(an_error(code, description, status)) is kind


def test_an_error_is_one_sentence_with_host_method_and_code() -> None:
    error = an_error("NOT_FOUND", "SPA not found")

    assert str(error) == (
        "a.bitrix24.test: crm.item.list: the portal has no such thing "
        "(NOT_FOUND, HTTP 400): SPA not found"
    )


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        ("crm.item.list", "`crm`"),
        ("userfieldconfig.list", "`userfieldconfig`"),
        ("user.get", "`user`"),
    ],
)
def test_a_missing_scope_is_named(method: str, scope: str) -> None:
    error = error_for("insufficient_scope", "", 403, method, "a.bitrix24.test")

    assert scope in (error.hint or "")


@pytest.mark.parametrize(
    "kind", [k for k in CODES.values() if issubclass(k, PortalStopped)], ids=lambda k: k.__name__
)
def test_whatever_stops_everything_says_what_to_do(kind: type[PortalError]) -> None:
    code = next(code for code, named in CODES.items() if named is kind)

    assert an_error(code, "", 401).hint


def test_a_page_of_text_in_place_of_a_description_is_cut() -> None:
    assert len(str(an_error("100", "x" * 10_000))) < 1_000
