"""Structure read from answers as the vendor's documentation prints them, and without some of them.

`tests/api_examples` holds the answers; its README tells where they come from.
"""

from __future__ import annotations

import json
import signal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.structure import build_structure, read_as_profile
from migrator.domain.vocabulary import COMPANY, DEAL, LEAD, QUOTE, SMART_INVOICE
from migrator.export.profile import PortalNotUsable, read_profile
from migrator.export.structure import read_structure
from migrator.interrupt import Interrupted
from tests.fakes.scene import Scene, method_of, ok, sent_json
from tests.fakes.transport import FakeReply

if TYPE_CHECKING:
    import requests

    from migrator.domain.records import StructureElement
    from migrator.domain.structure import Structure

EXAMPLES = Path(__file__).parents[2] / "api_examples"
#: The page of `scope` prints no answer; these names are those of scopes/permissions.md.
SCOPES = ["basic", "crm", "department", "user", "userfieldconfig"]

NOT_FOUND = {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}
DENIED = {"error": "ACCESS_DENIED", "error_description": "Access denied."}
WITHOUT_SCOPE = {
    "error": "insufficient_scope",
    "error_description": "The request requires higher privileges than provided by the token",
}
NO_TYPE = {"error": "ENTITY_TYPE_NOT_SUPPORTED", "error_description": "not supported"}

UNDOCUMENTED = {"error": "QUOTES_ARE_OFF", "error_description": "?"}


@cache
def documented(method: str) -> Any:
    return json.loads((EXAMPLES / f"{method}.json").read_text("utf-8"))


class DocumentedPortal:
    """Answers each method with its documented example, or with the error it is given for it.

    An error may be for one entity type only: the key is then the method and the number.
    """

    def __init__(self, errors: dict[str, dict[str, str]], fields: Any = None) -> None:
        self._errors = errors
        self._fields = fields

    def __call__(self, request: requests.PreparedRequest) -> FakeReply:
        method = method_of(request)
        if method != "batch":
            body = self._answer(method)
            return FakeReply(body, 400 if "error" in body else 200)
        parts: dict[str, dict[str, Any]] = {"result": {}, "result_error": {}}
        for key, command in sent_json(request)["cmd"].items():
            name, _, query = command.partition("?")
            body = self._answer(name, query)
            part = "result_error" if "error" in body else "result"
            parts[part][key] = body if "error" in body else body["result"]
        # PHP prints an empty map as a list.
        return ok({name: part or [] for name, part in parts.items()})

    def _answer(self, method: str, query: str = "") -> dict[str, Any]:
        for key, error in self._errors.items():
            name, _, number = key.partition(" ")
            if name == method and (not number or f"entityTypeId={number}" in query.split("&")):
                return error
        if method == "scope":
            return {"result": SCOPES}
        if method == "crm.item.fields" and self._fields is not None:
            return {"result": {"fields": self._fields}}
        if method.endswith(".userfield.list"):
            method = "crm.deal.userfield.list"
        body: dict[str, Any] = documented(method)
        return body


def profile_of(errors: dict[str, dict[str, str]]) -> StructureElement:
    return read_profile(Scene(DocumentedPortal(errors)).client)


def structure_of(errors: dict[str, dict[str, str]], fields: Any = None) -> Structure:
    client = Scene(DocumentedPortal(errors, fields)).client
    return build_structure(read_structure(client, read_profile(client)))


def test_the_answers_the_documentation_prints_are_a_structure() -> None:
    structure = structure_of({})

    assert structure.profile is not None
    assert (structure.profile.name, structure.profile.is_admin) == ("Vadim Valeev", True)
    assert {LEAD, DEAL, COMPANY, QUOTE, SMART_INVOICE, 1256} <= structure.entity_types.keys()
    assert structure.categories[DEAL][0].is_default
    assert structure.users[3].email == "test@gmail.com"
    assert structure.departments[15] == 1
    assert {"USD", "EUR"} <= structure.currencies.keys()
    assert structure.statuses["DEAL_STAGE"]["NEW"].is_system


@pytest.mark.parametrize("error", [NOT_FOUND, DENIED, WITHOUT_SCOPE], ids=lambda e: e["error"])
@pytest.mark.parametrize(
    "method", ["scope", "server.time", "department.get", "userfieldconfig.list"]
)
def test_what_is_optional_may_be_refused(method: str, error: dict[str, str]) -> None:
    assert structure_of({method: error}).entity_types == structure_of({}).entity_types


@pytest.mark.parametrize("error", [NOT_FOUND, DENIED], ids=lambda e: e["error"])
@pytest.mark.parametrize("method", ["crm.type.get", "crm.currency.get", "userfieldconfig.get"])
def test_what_a_list_leaves_out_may_be_refused(method: str, error: dict[str, str]) -> None:
    assert structure_of({method: error}).entity_types.keys() == structure_of({}).entity_types.keys()


@pytest.mark.parametrize("error", [NOT_FOUND, DENIED, WITHOUT_SCOPE], ids=lambda e: e["error"])
@pytest.mark.parametrize(
    "method",
    [
        "crm.type.list",
        "crm.category.list",
        "crm.status.list",
        "crm.currency.list",
        "user.get",
    ],
)
def test_what_is_indispensable_makes_a_portal_unusable(method: str, error: dict[str, str]) -> None:
    with pytest.raises(PortalNotUsable) as refusal:
        structure_of({method: error})

    assert refusal.value.hint
    assert method in refusal.value.message or "smart processes" in refusal.value.message


def test_a_portal_without_the_method_for_fields_is_not_taken_for_one_without_types() -> None:
    with pytest.raises(PortalNotUsable, match=r"crm\.item\.fields"):
        structure_of({"crm.item.fields": NOT_FOUND})


def test_a_system_type_the_portal_does_not_have_is_left_out() -> None:
    structure = structure_of({f"crm.item.fields {QUOTE}": NO_TYPE})

    assert QUOTE not in structure.entity_types
    assert structure.refused_types == ()


@pytest.mark.parametrize(
    ("error", "code"),
    [(DENIED, "ACCESS_DENIED"), (UNDOCUMENTED, "QUOTES_ARE_OFF")],
)
def test_a_type_refused_otherwise_is_there_but_not_readable(
    error: dict[str, str], code: str
) -> None:
    structure = structure_of({f"crm.item.fields {QUOTE}": error})

    assert QUOTE not in structure.entity_types
    assert [(t.entity_type_id, t.refused) for t in structure.refused_types] == [(QUOTE, code)]


@pytest.mark.parametrize("fields", [[], {}], ids=["a list", "an object"])
def test_a_type_without_a_single_field_is_not_readable(fields: Any) -> None:
    structure = structure_of({}, fields=fields)

    assert structure.entity_types == {}
    assert {t.refused for t in structure.refused_types} == {"no fields"}


def test_without_profile_the_portal_still_tells_whether_its_user_is_an_administrator() -> None:
    profile = read_as_profile(profile_of({"profile": NOT_FOUND}))

    assert (profile.user_id, profile.name, profile.is_admin) == (7, "user 7", True)


def test_a_portal_that_does_not_tell_who_the_webhook_speaks_for_is_not_usable() -> None:
    with pytest.raises(PortalNotUsable, match="profile"):
        profile_of({"profile": NOT_FOUND, "user.admin": NOT_FOUND})


def test_scopes_that_are_not_told_are_assumed_and_marked() -> None:
    profile = read_as_profile(profile_of({"scope": NOT_FOUND}))

    assert not profile.scopes_told
    assert {"crm", "user", "userfieldconfig"} <= profile.scopes


def test_a_scope_whose_methods_are_refused_counts_as_not_granted() -> None:
    profile = structure_of({"userfieldconfig.list": DENIED}).profile

    assert profile is not None
    assert "userfieldconfig" not in profile.scopes
    assert profile.refused_scopes == {"userfieldconfig"}


def test_reading_the_structure_ends_between_two_requests_when_asked_to() -> None:
    def interrupt() -> None:
        raise Interrupted(signal.SIGINT)

    whole, cut = Scene(DocumentedPortal({})), Scene(DocumentedPortal({}))
    read_structure(whole.client, read_profile(whole.client))

    with pytest.raises(Interrupted):
        read_structure(cut.client, read_profile(cut.client), interrupt)

    assert cut.sent < whole.sent
