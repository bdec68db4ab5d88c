"""Section 2 of the server's rules: what a sent value becomes."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from migrator.sandbox import Portal
from migrator.sandbox.clock import FixedClock

NOW = "2024-06-01T12:00:00+03:00"


def user_field(kind: str, *, multiple: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "entityId": "CRM_DEAL",
        "fieldName": "UF_CRM_X",
        "userTypeId": kind,
        "multiple": "Y" if multiple else "N",
        **more,
    }


def a_portal(*user_fields: dict[str, Any], **parts: Any) -> Portal:
    seed = {"users": [{"ID": "1", "ADMIN": True}], "userFields": list(user_fields), **parts}
    return Portal.from_seed(seed, clock=FixedClock(NOW))


def import_item(portal: Portal, entity_type_id: int = 2, **fields: Any) -> dict[str, Any]:
    """The item as crm.item.get prints it, or the error."""
    answer = portal.call("crm.item.import", {"entityTypeId": entity_type_id, "fields": fields})
    if "error" in answer:
        return answer
    get = {"entityTypeId": entity_type_id, "id": answer["result"]["item"]["id"]}
    return dict(portal.call("crm.item.get", get)["result"]["item"])


def losses(portal: Portal) -> list[tuple[str, str]]:
    return [(loss.kind, loss.field) for loss in portal.losses]


@pytest.mark.parametrize(
    ("kind", "sent", "read"),
    [
        ("string", "text", "text"),
        ("string", 12, "12"),
        ("integer", "12", 12),
        ("double", "1.50", 1.5),
        ("double", 3.0, 3),
        ("boolean", "Y", "Y"),
        ("boolean", True, "Y"),
        ("boolean", "true", "Y"),
        ("boolean", 1, "N"),
        ("boolean", "1", "N"),
        ("boolean", "N", "N"),
        ("date", "2024-04-19", "2024-04-19T03:00:00+03:00"),
        ("datetime", "2024-04-19T10:00:00+00:00", "2024-04-19T13:00:00+03:00"),
        ("money", "10.5|USD", "10.5|USD"),
        ("money", "10.5", "10.5|USD"),
        ("money", "|USD", None),
        ("url", "https://example.com", "https://example.com"),
        ("employee", 1, 1),
    ],
)
def test_a_user_field_reads_back_in_its_own_form(kind: str, sent: Any, read: Any) -> None:
    portal = a_portal(user_field(kind))

    assert import_item(portal, title="deal", ufCrmX=sent)["ufCrmX"] == read
    assert portal.losses == []


@pytest.mark.parametrize("sent", ["", None, [], False])
def test_an_empty_value_sets_a_user_field_to_null(sent: Any) -> None:
    portal = a_portal(user_field("string"))

    assert import_item(portal, title="deal", ufCrmX=sent)["ufCrmX"] is None


@pytest.mark.parametrize("sent", [0, "0"])
def test_a_zero_in_a_user_field_becomes_null_and_is_recorded(sent: Any) -> None:
    portal = a_portal(user_field("integer"))

    assert import_item(portal, title="deal", ufCrmX=sent)["ufCrmX"] is None
    assert losses(portal) == [("zero-to-null", "ufCrmX")]


def test_an_amount_of_zero_reads_zero() -> None:
    portal = a_portal()

    assert import_item(portal, title="deal", opportunity=0)["opportunity"] == 0
    assert portal.losses == []


def test_west_of_greenwich_a_date_is_printed_on_the_day_before() -> None:
    portal = a_portal(portal={"utc_offset": "-05:00"})

    assert import_item(portal, title="deal", begindate="2024-04-19")["begindate"] == (
        "2024-04-18T19:00:00-05:00"
    )


@pytest.mark.parametrize("kind", ["string", "enumeration", "file", "employee", "crm"])
def test_a_scalar_for_a_multiple_user_field_is_an_error(kind: str) -> None:
    answer = import_item(a_portal(user_field(kind, multiple=True)), title="deal", ufCrmX="one")

    assert answer["error"] == 100


def test_several_values_keep_their_order() -> None:
    portal = a_portal(user_field("string", multiple=True))

    assert import_item(portal, title="deal", ufCrmX=["b", "a"])["ufCrmX"] == ["b", "a"]


def test_an_unknown_option_is_stored_as_sent() -> None:
    portal = a_portal(user_field("enumeration", enum=[{"id": 7, "value": "seven"}]))

    assert import_item(portal, title="deal", ufCrmX=8)["ufCrmX"] == 8
    assert losses(portal) == [("unknown-enumeration", "ufCrmX")]


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("assignedById", 55, "unknown-user"),
        ("observers", [55], "unknown-user"),
        ("sourceId", "NOWHERE", "unknown-status"),
        ("typeId", "NOTHING", "unknown-status"),
        ("companyId", 99, "dangling-reference"),
        ("contactIds", [99], "dangling-reference"),
        ("leadId", 99, "dangling-reference"),
        ("quoteId", 99, "dangling-reference"),
    ],
)
def test_an_unknown_reference_is_stored_as_sent_and_recorded(
    key: str, value: Any, kind: str
) -> None:
    portal = a_portal()

    assert import_item(portal, title="deal", **{key: value})[key] == value
    assert losses(portal) == [(kind, key)]


@pytest.mark.parametrize(
    ("value", "lost"), [("CO_1", False), ("CO_2", True), ("T84_1", True), ("rubbish", True)]
)
def test_a_binding_to_nothing_is_stored_and_recorded(value: str, *, lost: bool) -> None:
    portal = a_portal(user_field("crm"), items={"4": [{"id": 1, "title": "Company"}]})

    assert import_item(portal, title="deal", ufCrmX=value)["ufCrmX"] == value
    assert losses(portal) == ([("dangling-reference", "ufCrmX")] if lost else [])


def test_a_binding_of_one_allowed_type_may_lack_its_prefix() -> None:
    field = user_field("crm", settings={"COMPANY": "Y", "DEAL": "N"})
    portal = a_portal(field, items={"4": [{"id": 1, "title": "Company"}]})

    import_item(portal, title="deal", ufCrmX="1")

    assert portal.losses == []


def test_money_in_an_unknown_currency_is_stored_and_recorded() -> None:
    portal = a_portal(user_field("money"))

    assert import_item(portal, title="deal", ufCrmX="5|XXX")["ufCrmX"] == "5|XXX"
    assert losses(portal) == [("unknown-currency", "ufCrmX")]


def test_a_directory_code_in_a_user_field_is_not_checked_but_recorded() -> None:
    portal = a_portal(user_field("crm_status", settings={"ENTITY_TYPE": "INDUSTRY"}))

    import_item(portal, title="one", ufCrmX="IT")
    import_item(portal, title="two", ufCrmX="NOPE")

    assert losses(portal) == [("unknown-status", "ufCrmX")]


def test_an_unreadable_date_leaves_the_field_as_if_absent() -> None:
    portal = a_portal(user_field("date"))

    assert import_item(portal, title="deal", ufCrmX="19.04.24 sharp")["ufCrmX"] is None
    assert losses(portal) == [("unreadable-date", "ufCrmX")]


def test_a_file_is_sent_as_name_and_base64_and_read_as_links() -> None:
    portal = a_portal(user_field("file"))
    pair = ["a.txt", base64.b64encode(b"content").decode()]

    value = import_item(portal, title="deal", ufCrmX=pair)["ufCrmX"]

    stored = portal.files.get(value["id"])
    assert stored is not None
    assert (stored.name, stored.content) == ("a.txt", b"content")
    assert "/rest/1/sandboxsecret001/" in value["urlMachine"]


@pytest.mark.parametrize(
    "sent", [{"fileData": ["a.txt", "YQ=="]}, ["a.txt", "not base64!"], "a.txt", ["a.txt"]]
)
def test_any_other_shape_of_a_file_leaves_the_field_empty(sent: Any) -> None:
    portal = a_portal(user_field("file"))

    assert import_item(portal, title="deal", ufCrmX=sent)["ufCrmX"] is None
    assert losses(portal) == [("unreadable-file", "ufCrmX")]


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("tilte", "unknown-field"),
        ("stageSemanticId", "read-only-field"),
        ("lastActivityTime", "read-only-field"),
        ("parentId1046", "unlinked-parent"),
        ("fm", "unknown-field"),
    ],
)
def test_a_key_that_cannot_be_written_is_ignored_and_recorded(key: str, kind: str) -> None:
    portal = a_portal()

    sent: dict[str, Any] = {key: "value"}
    import_item(portal, title="deal", **sent)

    assert losses(portal) == [(kind, key)]


def test_what_ends_in_an_error_is_not_a_silent_loss() -> None:
    portal = a_portal()

    answer = import_item(portal, title="deal", tilte="x", currencyId="XXX")

    assert answer["error"] == "CRM_FIELD_ERROR_VALUE_NOT_VALID"
    assert portal.losses == []


def test_a_long_title_is_cut() -> None:
    portal = a_portal()

    assert len(import_item(portal, title="x" * 256)["title"]) == 255
    assert losses(portal) == [("title-cut", "title")]


def test_an_absent_title_is_generated() -> None:
    portal = a_portal()

    assert import_item(portal)["title"] == "Deal #1"
    assert portal.losses == []


def test_an_empty_title_is_generated_and_recorded() -> None:
    portal = a_portal()

    assert import_item(portal, title="")["title"] == "Deal #1"
    assert losses(portal) == [("generated-name", "title")]


def test_comments_in_html_read_back_as_bb_code() -> None:
    sent = "<b>Bold</b><br>and <a href='https://x.test'>link</a> &amp; <span>text</span>"

    item = import_item(a_portal(), title="deal", comments=sent)

    assert item["comments"] == "[B]Bold[/B]\nand [URL=https://x.test]link[/URL] & text"


def test_plain_comments_stay_as_they_are() -> None:
    assert import_item(a_portal(), title="d", comments="1 < 2 & 3 [B]x[/B]")["comments"] == (
        "1 < 2 & 3 [B]x[/B]"
    )


def test_absent_keys_take_defaults() -> None:
    item = import_item(a_portal(), title="deal")

    expected = {
        "sourceId": "CALL",
        "typeId": "SALE",
        "begindate": "2024-06-01T03:00:00+03:00",
        "closedate": "2024-06-08T03:00:00+03:00",
        "opened": "Y",
        "assignedById": 1,
        "currencyId": "USD",
        "stageId": "NEW",
        "categoryId": 0,
        "isManualOpportunity": "N",
    }
    assert item.items() >= expected.items()


def test_explicit_empties_stay_empty() -> None:
    item = import_item(
        a_portal(), title="deal", sourceId="", typeId=None, begindate="", closedate=None, opened="N"
    )

    assert item["sourceId"] is None
    assert item["typeId"] is None
    assert (item["begindate"], item["closedate"], item["opened"]) == (None, None, "N")


def test_upper_case_names_work_as_plain_keys() -> None:
    assert import_item(a_portal(), TITLE="deal", SOURCE_ID="WEB")["sourceId"] == "WEB"


def test_stored_names_of_user_fields_are_switched_on_by_a_parameter() -> None:
    portal = a_portal(user_field("string"))
    params = {"entityTypeId": 2, "useOriginalUfNames": "Y"}

    portal.call("crm.item.import", params | {"fields": {"title": "d", "UF_CRM_X": "v"}})

    item = portal.call("crm.item.get", params | {"id": 1})["result"]["item"]
    assert item["UF_CRM_X"] == "v"
    assert "ufCrmX" not in item


def test_multifields_are_read_from_upper_case_keys() -> None:
    phones = [{"VALUE": "+1", "VALUE_TYPE": "MOBILE"}, {"VALUE": "+2"}]

    contact = import_item(a_portal(), 3, name="Ann", PHONE=phones, EMAIL=[{"VALUE": "a@x.test"}])

    assert [(one["typeId"], one["valueType"], one["value"]) for one in contact["fm"]] == [
        ("PHONE", "MOBILE", "+1"),
        ("PHONE", "WORK", "+2"),
        ("EMAIL", "WORK", "a@x.test"),
    ]
    assert (contact["hasPhone"], contact["hasEmail"], contact["hasImol"]) == ("Y", "Y", "N")


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("fm", [{"typeId": "PHONE", "valueType": "WORK", "value": "+1"}], "fm-on-import"),
        ("PHONE", "+1", "malformed-multifield"),
        ("PHONE", ["+1"], "malformed-multifield"),
        ("PHONE", [{"value": "+1"}], "malformed-multifield"),
    ],
)
def test_multifields_in_any_other_shape_are_not_read(key: str, value: Any, kind: str) -> None:
    portal = a_portal()

    assert import_item(portal, 3, name="Ann", **{key: value})["fm"] == []
    assert losses(portal) == [(kind, key)]


def test_a_contact_without_a_name_gets_one() -> None:
    portal = a_portal()

    assert import_item(portal, 3, name="", lastName="")["name"] == "Contact #1"
    assert losses(portal) == [("generated-name", "name")]


def test_required_user_fields_are_checked_only_when_the_portal_says_so() -> None:
    field = user_field("string", mandatory="Y")

    lenient = import_item(a_portal(field), title="deal")
    strict = import_item(a_portal(field, portal={"enforce_required_fields": True}), title="deal")

    assert "id" in lenient
    assert strict["error"] == "CRM_FIELD_ERROR_REQUIRED"
