"""Contacts and companies share one relation; deals keep a list."""

from __future__ import annotations

from typing import Any

from migrator.sandbox import Portal


def a_portal() -> Portal:
    companies = [{"id": number, "title": f"Company {number}"} for number in (1, 2)]
    contacts = [{"id": number, "name": f"Contact {number}"} for number in (1, 2)]
    return Portal.from_seed({"items": {"3": contacts, "4": companies}})


def write(portal: Portal, entity_type_id: int, item_id: int, **fields: Any) -> None:
    params = {"entityTypeId": entity_type_id, "id": item_id, "fields": fields}
    portal.call("crm.item.update", params)


def test_a_binding_set_on_the_contact_is_seen_from_the_company() -> None:
    portal = a_portal()

    write(portal, 3, 1, companyIds=[2, 1])

    assert portal.items(3)[1]["companyIds"] == [2, 1]
    assert portal.items(4)[1]["contactIds"] == [1]
    assert portal.items(4)[2]["contactIds"] == [1]


def test_a_binding_set_on_the_company_is_seen_from_the_contact() -> None:
    portal = a_portal()

    write(portal, 4, 2, contactIds=[2, 1])

    assert portal.items(3)[1]["companyIds"] == [2]
    assert portal.items(4)[2]["contactIds"] == [2, 1]


def test_a_binding_removed_at_one_end_is_gone_at_the_other() -> None:
    portal = a_portal()
    write(portal, 3, 1, companyIds=[1, 2])

    write(portal, 4, 1, contactIds=[])

    assert portal.items(3)[1]["companyIds"] == [2]


def test_the_first_company_is_the_main_one() -> None:
    portal = a_portal()
    write(portal, 3, 1, companyIds=[2, 1])

    item = portal.call("crm.item.get", {"entityTypeId": 3, "id": 1})["result"]["item"]

    assert (item["companyId"], item["companyIds"]) == (2, [2, 1])


def test_the_deprecated_company_of_a_contact_is_its_only_company() -> None:
    portal = a_portal()

    write(portal, 3, 1, companyId=2)

    assert portal.items(3)[1]["companyIds"] == [2]


def test_a_company_imported_later_finds_the_contacts_that_named_it() -> None:
    portal = a_portal()
    params = {"entityTypeId": 3, "fields": {"name": "Ann", "companyIds": [3]}}
    portal.call("crm.item.import", params)

    portal.call("crm.item.import", {"entityTypeId": 4, "fields": {"title": "Late"}})

    assert portal.items(4)[3]["contactIds"] == [3]
    assert [loss.kind for loss in portal.losses] == ["dangling-reference"]


def test_equal_contacts_are_dropped_and_the_first_becomes_primary() -> None:
    portal = a_portal()
    params = {"entityTypeId": 2, "fields": {"title": "deal", "contactIds": [2, 1, 2]}}
    portal.call("crm.item.import", params)

    item = portal.call("crm.item.get", {"entityTypeId": 2, "id": 1})["result"]["item"]

    assert (item["contactId"], item["contactIds"]) == (2, [2, 1])
    assert [loss.kind for loss in portal.losses] == ["duplicate-binding"]


def test_a_seed_may_name_a_pair_at_either_end() -> None:
    items = {
        "4": [{"id": 1, "title": "Company", "contactIds": [1, 2]}],
        "3": [{"id": 1, "name": "One", "companyIds": [1]}, {"id": 2, "name": "Two"}],
    }
    portal = Portal.from_seed({"items": items})

    assert portal.items(4)[1]["contactIds"] == [1, 2]
    assert portal.items(3)[2]["companyIds"] == [1]


def test_an_item_without_links_reads_zero_or_null_as_its_type_does() -> None:
    seed = {"items": {"2": [{"id": 1}], "31": [{"id": 1}]}}
    portal = Portal.from_seed(seed)

    read = {
        etid: portal.call("crm.item.get", {"entityTypeId": etid, "id": 1})["result"]["item"]
        for etid in (2, 31)
    }

    assert (read[2]["companyId"], read[2]["contactId"], read[2]["leadId"]) == (0, 0, None)
    assert (read[31]["companyId"], read[31]["contactId"]) == (None, None)
