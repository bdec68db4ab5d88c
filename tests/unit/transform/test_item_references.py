"""An item's references become those of the target, wait for it, or are lost on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.domain.findings import Effect, FindingKind
from migrator.domain.values import Reference
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, EntityTypeId
from migrator.transform.transformed import Deferred, TransformedItem
from tests.fakes.builders import (
    OTHER_SPA,
    SPA,
    Partners,
    a_deal,
    a_field,
    a_structure,
    a_transform,
    a_type,
    a_user_field,
)

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.domain.structure import Structure

CONTACTS = a_field("contactIds", "crm_contact", is_multiple=True)
COMPANY_FIELD = a_field("companyId", "crm_company")


def transformed(*fields: Field, partners: Partners | None = None, **values: Any) -> TransformedItem:
    """One deal with these fields and values, moved into a portal with the same fields."""
    portal = a_structure(a_type(DEAL, *fields))
    resolve = (partners or Partners()).resolve
    return a_transform(portal, portal).transform(1, a_deal(**values), resolve)


def test_a_reference_becomes_the_partner_of_its_item() -> None:
    partners = Partners(imported={(COMPANY, 8): (COMPANY, 1008)})

    item = transformed(COMPANY_FIELD, partners=partners, companyId=8)

    assert item.values == {"companyId": Reference(COMPANY, 1008)}


def test_a_binding_is_rewritten_for_the_type_and_the_number_of_the_target() -> None:
    see = a_user_field("UF_CRM_SEE", "crm", is_multiple=True)
    partners = Partners(imported={(SPA, 7): (OTHER_SPA, 107), (DEAL, 12): (DEAL, 112)})

    item = transformed(see, partners=partners, UF_CRM_SEE=["D_12", "T516_7"])

    assert item.values == {"UF_CRM_SEE": (Reference(DEAL, 112), Reference(OTHER_SPA, 107))}


def test_a_binding_printed_without_a_prefix_is_written_back_without_one() -> None:
    see = a_user_field("UF_CRM_SEE", "crm", settings={"DEAL": "Y"})
    partners = Partners(imported={(DEAL, 12): (DEAL, 112)})

    value = transformed(see, partners=partners, UF_CRM_SEE="12").values["UF_CRM_SEE"]

    assert isinstance(value, Reference)
    assert value.bare


def test_a_binding_the_targets_field_may_not_hold_is_lost_and_not_mistaken_for_another() -> None:
    def see(**settings: str) -> Structure:
        return a_structure(
            a_type(DEAL, a_user_field("UF_CRM_SEE", "crm", is_multiple=True, settings=settings)),
            a_type(CONTACT),
        )

    partners = Partners(imported={(CONTACT, 7): (CONTACT, 107), (DEAL, 12): (DEAL, 112)})
    move = a_transform(see(DEAL="Y", CONTACT="Y"), see(DEAL="Y", CONTACT="N"))
    payload = a_deal(UF_CRM_SEE=["D_12", "C_7"])

    item = move.transform(1, payload, partners.resolve)

    assert item.values == {"UF_CRM_SEE": (Reference(DEAL, 112),)}
    (finding,) = item.findings
    assert (finding.kind, finding.effect) == (FindingKind.INCONVERTIBLE_VALUE, Effect.LOST)
    assert finding.value == "3:7"
    assert [one for _, one in move.references(payload)] == [Reference(DEAL, 12)]


def test_a_parent_of_an_spa_moves_to_the_field_of_its_new_number() -> None:
    def parent(of: EntityTypeId) -> Field:
        return a_field(f"parentId{of}", "crm_entity", parent_entity_type_id=of)

    source = a_structure(a_type(DEAL, parent(SPA)), a_type(SPA, title="P"))
    target = a_structure(a_type(DEAL, parent(OTHER_SPA)), a_type(OTHER_SPA, title="P"))
    partners = Partners(imported={(SPA, 7): (OTHER_SPA, 107)})

    item = a_transform(source, target).transform(1, a_deal(parentId1302=7), partners.resolve)

    assert item.values == {"parentId1046": Reference(OTHER_SPA, 107)}


def test_a_reference_to_an_item_that_comes_later_is_deferred_and_no_loss() -> None:
    partners = Partners(staged={(COMPANY, 8)})

    item = transformed(COMPANY_FIELD, partners=partners, companyId=8)

    assert item.values == {"companyId": None}
    assert item.deferred == [Deferred(field="companyId", refers_to=Reference(COMPANY, 8))]
    assert item.findings == []


def test_a_reference_to_an_item_nobody_has_is_lost() -> None:
    item = transformed(COMPANY_FIELD, companyId=8)

    assert item.values == {"companyId": None}
    (finding,) = item.findings
    assert (finding.kind, finding.effect) == (FindingKind.DANGLING_REFERENCE, Effect.LOST)
    assert (finding.field, finding.value) == ("companyId", "4:8")


def test_of_several_references_those_that_can_be_set_are() -> None:
    partners = Partners(imported={(CONTACT, 5): (CONTACT, 105)}, staged={(CONTACT, 6)})

    item = transformed(CONTACTS, partners=partners, contactIds=[5, 6, 7])

    assert item.values == {"contactIds": (Reference(CONTACT, 105),)}
    assert [one.refers_to.item_id for one in item.deferred] == [6]
    assert [one.value for one in item.findings] == ["3:7"]


def test_the_primary_contact_comes_first_whatever_the_list_says() -> None:
    partners = Partners(imported={(CONTACT, n): (CONTACT, 100 + n) for n in (4, 5, 6)})

    item = transformed(CONTACTS, partners=partners, contactIds=[4, 5, 6], contactId=5)

    assert item.values["contactIds"] == tuple(Reference(CONTACT, n) for n in (105, 104, 106))


def test_an_item_can_be_asked_what_it_refers_to() -> None:
    portal = a_structure(a_type(DEAL, COMPANY_FIELD, CONTACTS, a_field("begindate", "date")))
    deal = a_deal(companyId=8, contactIds=[5], begindate="soon")

    found = [(f.name, ref) for f, ref in a_transform(portal, portal).references(deal)]

    assert found == [("companyId", Reference(COMPANY, 8)), ("contactIds", Reference(CONTACT, 5))]
