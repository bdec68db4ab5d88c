"""The field that says in the target which source item an item came from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from migrator.correlation import (
    PER_LOOK_UP,
    CorrelationField,
    CorrelationFieldMissing,
    correlation_value,
    stored_name,
)
from migrator.domain.fields import Field, FieldSet
from migrator.domain.records import Migration, MigrationId
from migrator.domain.structure import EntityType
from migrator.domain.vocabulary import COMPANY, DEAL, SMART_INVOICE, EntityTypeId
from tests.fakes.builders import OTHER_SPA, SPA, a_user_field
from tests.fakes.scene import Scene, method_of, ok, refused, sent_json

if TYPE_CHECKING:
    from tests.fakes.transport import FakeReply

MIGRATION = Migration(
    migration_id=MigrationId(1),
    name="default",
    source_portal="old.bitrix24.test",
    target_portal="new.bitrix24.test",
    source_origin="https://old.bitrix24.test",
    target_origin="https://new.bitrix24.test",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def an_entity_type(entity_type_id: EntityTypeId, type_id: int | None = None) -> EntityType:
    return EntityType(entity_type_id=entity_type_id, title="Deal", type_id=type_id)


class PortalOfFields:
    """A portal in which user fields are made, and items looked for by them."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.carriers: dict[str, list[int]] = {}
        self.asked: list[list[str]] = []
        self.creation: FakeReply | BaseException | None = None
        #: What a creation brings about although it is reported otherwise.
        self.creates = True
        self.created: list[dict[str, Any]] = []

    def __call__(self, request: requests.PreparedRequest) -> FakeReply | BaseException:
        params = sent_json(request)
        match method_of(request):
            case "crm.item.fields":
                meta = {"type": "string", "isDynamic": True}
                return ok({"fields": {n: {**meta, "upperName": n} for n in self.names}})
            case "crm.item.list":
                return ok({"items": self._find(params)})
            case method:
                return self._create(method, params)

    def _create(self, method: str, params: dict[str, Any]) -> FakeReply | BaseException:
        self.created.append({"method": method, **params})
        config = params.get("fields") or params["field"]
        if self.creates:
            self.names.append(str(config.get("FIELD_NAME") or config.get("fieldName")))
        return self.creation or ok(1)

    def _find(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        ((name, values),) = ((k[1:], v) for k, v in params["filter"].items() if k != ">id")
        if params["filter"][">id"] == 0:
            self.asked.append(values)
        rows = [{"id": i, name: v} for v in values for i in self.carriers.get(v, [])]
        return sorted((r for r in rows if r["id"] > params["filter"][">id"]), key=lambda r: r["id"])


def a_correlation_field(
    portal: PortalOfFields, entity_type: EntityType | None = None, *known: Field
) -> CorrelationField:
    """`known` are the fields that the target had when its structure was read."""
    scene = Scene(portal)
    kind = entity_type or an_entity_type(DEAL)
    return CorrelationField(scene.client, kind, FieldSet.of(known), scene.clock)


def test_the_value_is_readable_in_the_crm_and_unlike_any_other() -> None:
    values = {correlation_value(MIGRATION, kind, 4711) for kind in (DEAL, COMPANY, SPA)}

    assert values == {
        "old.bitrix24.test/D_4711",
        "old.bitrix24.test/CO_4711",
        "old.bitrix24.test/T516_4711",
    }


@pytest.mark.parametrize(
    ("entity_type", "name"),
    [
        (an_entity_type(DEAL), "UF_CRM_MIGRATOR_SOURCE"),
        (an_entity_type(OTHER_SPA, type_id=44), "UF_CRM_44_MIGRATOR_SOURCE"),
        (an_entity_type(SMART_INVOICE), "UF_CRM_SMART_INVOICE_MIGRATOR_SOURCE"),
    ],
)
def test_the_field_is_called_what_its_entity_type_demands(
    entity_type: EntityType, name: str
) -> None:
    assert stored_name(entity_type) == name


def test_a_field_the_target_is_known_to_have_costs_no_request() -> None:
    scene = Scene(PortalOfFields())
    known = FieldSet.of([a_user_field("UF_CRM_MIGRATOR_SOURCE")])

    CorrelationField(scene.client, an_entity_type(DEAL), known, scene.clock).ensure()

    assert scene.sent == 0


def test_a_portal_that_prints_user_fields_in_camel_case_is_asked_by_that_name() -> None:
    printed = a_user_field("ufCrmMigratorSource", stored_name="UF_CRM_MIGRATOR_SOURCE")
    field = a_correlation_field(PortalOfFields(), None, printed)

    field.ensure()

    assert field.name == "ufCrmMigratorSource"


def test_a_missing_field_of_a_system_type_is_made_as_a_text() -> None:
    portal = PortalOfFields()

    a_correlation_field(portal).ensure()

    (made,) = portal.created
    assert made["method"] == "crm.deal.userfield.add"
    assert made["fields"]["FIELD_NAME"] == "UF_CRM_MIGRATOR_SOURCE"
    assert made["fields"]["USER_TYPE_ID"] == "string"


@pytest.mark.parametrize(
    ("entity_type", "entity_id"),
    [
        (an_entity_type(OTHER_SPA, type_id=44), "CRM_44"),
        (an_entity_type(SMART_INVOICE), "CRM_SMART_INVOICE"),
    ],
)
def test_a_missing_field_of_a_smart_type_is_made_for_its_entity(
    entity_type: EntityType, entity_id: str
) -> None:
    portal = PortalOfFields()

    a_correlation_field(portal, entity_type).ensure()

    (made,) = portal.created
    assert made["method"] == "userfieldconfig.add"
    assert made["field"]["entityId"] == entity_id
    assert made["field"]["userTypeId"] == "string"


def test_a_portal_without_the_older_methods_is_asked_by_the_newer_one() -> None:
    class WithoutOlderMethods(PortalOfFields):
        def _create(self, method: str, params: dict[str, Any]) -> FakeReply | BaseException:
            if method == "crm.deal.userfield.add":
                return refused("ERROR_METHOD_NOT_FOUND", "Method not found!", 404)
            return super()._create(method, params)

    portal = WithoutOlderMethods()

    assert not a_correlation_field(portal).ensure()
    (created,) = portal.created
    assert created["method"] == "userfieldconfig.add"
    assert created["field"]["entityId"] == "CRM_DEAL"


def test_a_field_that_was_made_although_the_answer_was_lost_is_not_made_twice() -> None:
    portal = PortalOfFields()
    portal.creation = requests.ReadTimeout("cut")

    a_correlation_field(portal).ensure()

    assert len(portal.created) == 1


def test_a_field_that_exists_in_spite_of_a_refusal_is_used() -> None:
    portal = PortalOfFields()
    portal.creation = refused("ERROR_CORE", "Field already exists")

    a_correlation_field(portal).ensure()

    assert len(portal.created) == 1


def test_without_the_field_nothing_is_imported_and_the_reason_is_told() -> None:
    portal = PortalOfFields()
    portal.creates = False
    portal.creation = refused("ERROR_CORE", "no right to do so")

    with pytest.raises(CorrelationFieldMissing, match="no right to do so"):
        a_correlation_field(portal).ensure()


def test_items_are_found_by_what_they_carry() -> None:
    portal = PortalOfFields("UF_CRM_MIGRATOR_SOURCE")
    portal.carriers = {"old/D_1": [101], "old/D_3": [103, 203]}
    field = a_correlation_field(portal)

    assert field.find(["old/D_1", "old/D_2", "old/D_3"]) == {
        "old/D_1": [101],
        "old/D_3": [103, 203],
    }


def test_many_values_are_looked_up_in_several_requests() -> None:
    portal = PortalOfFields("UF_CRM_MIGRATOR_SOURCE")
    values = [f"old/D_{n}" for n in range(PER_LOOK_UP + 1)]
    portal.carriers = {values[-1]: [5]}

    assert a_correlation_field(portal).find(values) == {values[-1]: [5]}
    assert portal.asked == [values[:-1], values[-1:]]


def test_nothing_is_asked_for_nothing() -> None:
    portal = PortalOfFields("UF_CRM_MIGRATOR_SOURCE")

    assert a_correlation_field(portal).find([]) == {}
    assert portal.asked == []
