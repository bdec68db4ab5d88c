"""What stands in the way of an import, what is merely lost, and what is neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.mapping import Mapping, PairKey, PairKind
from migrator.domain.structure import EntityType, Structure
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL, EntityTypeId
from migrator.plan.obstacles import Circumstances, Obstacles
from migrator.plan.pairing import Pairing
from migrator.plan.usage import Usage, UsageCounter
from tests.fakes.builders import (
    CATEGORY,
    CREATED,
    RESPONSIBLE,
    SPA,
    STAGE,
    TITLE,
    a_category,
    a_deal,
    a_field,
    a_list_field,
    a_list_value,
    a_profile,
    a_status,
    a_structure,
    a_type,
    a_user,
    a_user_field,
    field_key,
    list_value_key,
    status_key,
    type_key,
    user_key,
)

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingOf

    from migrator.domain.fields import Field

NORMAL = Circumstances(
    unmapped_users_block=False,
    without_import_right=frozenset(),
    add_instead=False,
    imported_into={},
)


@dataclass(kw_only=True)
class Case:
    """Items of a source, and a target they are to go to."""

    source: Structure
    target: Structure
    items: MappingOf[EntityTypeId, list[dict[str, Any]]]
    answers: dict[PairKey, str | None] = field(default_factory=dict)
    circumstances: Circumstances = NORMAL
    only: frozenset[EntityTypeId] = frozenset()
    dangling: bool = False

    def findings(self) -> list[Finding]:
        usage = self._usage()
        pairing = Pairing(self.source, self.target, self.answers)
        pairs = pairing.with_loose(pairing.pairs(), usage.needed)
        obstacles = Obstacles(
            self.source, self.target, Mapping(pairs), usage, self.circumstances, self.only
        )
        return list(obstacles.findings())

    def _usage(self) -> Usage:
        usage = Usage()
        for entity_type_id, rows in self.items.items():
            counter = UsageCounter(usage, self.source, entity_type_id)
            for row in rows:
                refers = counter.add(row)
                if self.dangling:
                    counter.note_dangling(refers)
        return usage


def the_deal(
    *fields: Field,
    into: tuple[Field, ...] | None = None,
    answers: dict[PairKey, str | None] | None = None,
    circumstances: Circumstances = NORMAL,
    **values: Any,
) -> list[Finding]:
    """The findings about one deal with these fields and values; `into` are the target's fields."""
    return Case(
        source=a_structure(a_type(DEAL, *fields)),
        target=a_structure(a_type(DEAL, *(fields if into is None else into))),
        items={DEAL: [a_deal(**values)]},
        answers=answers or {},
        circumstances=circumstances,
    ).findings()


def told(findings: list[Finding]) -> list[tuple[FindingKind, Severity, Effect]]:
    return [(one.kind, one.severity, one.effect) for one in findings]


def test_where_everything_has_a_partner_there_is_nothing_to_say() -> None:
    assert the_deal(TITLE, CREATED, createdTime="2024-01-01T00:00:00+00:00") == []


# What has no partner


def test_a_field_with_values_and_without_a_partner_blocks() -> None:
    (finding,) = the_deal(a_user_field("UF_CRM_SIZE", title="Size"), into=(), UF_CRM_SIZE="big")

    assert finding.kind is FindingKind.UNMAPPED_FIELD
    assert (finding.severity, finding.effect) == (Severity.BLOCKING, Effect.LOST)
    assert (finding.field, finding.value, finding.items) == ("UF_CRM_SIZE", "UF_CRM_SIZE", 1)
    assert "'Size' (UF_CRM_SIZE) has no partner in 2" in finding.detail
    assert finding.hint is not None
    assert "fields: 2: UF_CRM_SIZE: <target>" in finding.hint


def test_a_field_nobody_fills_needs_no_partner() -> None:
    assert the_deal(a_user_field("UF_CRM_SIZE"), into=()) == []


def test_links_that_the_targets_field_may_not_hold_are_counted_by_type() -> None:
    def see(**settings: str) -> Structure:
        field = a_user_field("UF_CRM_SEE", "crm", is_multiple=True, settings=settings)
        return a_structure(a_type(DEAL, field), a_type(CONTACT))

    case = Case(
        source=see(DEAL="Y", CONTACT="Y"),
        target=see(DEAL="Y"),
        items={DEAL: [a_deal(UF_CRM_SEE=["D_1", "C_7"]), a_deal(UF_CRM_SEE=["D_1"])]},
    )

    (finding,) = case.findings()

    assert told([finding]) == [(FindingKind.INCONVERTIBLE_VALUE, Severity.WARNING, Effect.LOST)]
    assert (finding.field, finding.value, finding.items) == ("UF_CRM_SEE", str(CONTACT), 1)


def test_a_read_only_field_of_the_system_needs_no_partner() -> None:
    computed = a_field("stageSemanticId", "char", is_read_only=True)

    assert told(the_deal(computed, into=(), stageSemanticId="P")) == [
        (FindingKind.SET_BY_PORTAL, Severity.INFO, Effect.NONE)
    ]


@pytest.mark.parametrize(
    ("fields", "values", "kind", "noun"),
    [
        ((CATEGORY,), {"categoryId": 5}, FindingKind.UNMAPPED_CATEGORY, "pipeline"),
        ((STAGE,), {"stageId": "NEW"}, FindingKind.UNMAPPED_STAGE, "stage"),
        (
            (a_field("sourceId", "crm_status", status_type="SOURCE"),),
            {"sourceId": "CALL"},
            FindingKind.UNMAPPED_STATUS,
            "directory entry",
        ),
        (
            (a_field("currencyId", "crm_currency"),),
            {"currencyId": "BTC"},
            FindingKind.UNMAPPED_CURRENCY,
            "currency",
        ),
        (
            (a_list_field(),),
            {"UF_CRM_COLOUR": 79},
            FindingKind.UNMAPPED_ENUMERATION,
            "list value",
        ),
    ],
)
def test_structure_in_use_without_a_partner_blocks(
    fields: tuple[Field, ...], values: dict[str, Any], kind: FindingKind, noun: str
) -> None:
    (finding,) = the_deal(*fields, **values)

    assert told([finding]) == [(kind, Severity.BLOCKING, Effect.LOST)]
    assert finding.detail.startswith(noun)


def test_structure_that_is_not_in_use_blocks_nothing() -> None:
    source = a_structure(
        a_type(DEAL, TITLE, STAGE, categories=[a_category(0, "S")], stages={0: [a_status("ODD")]}),
        users=[a_user(7)],
        currencies=["BTC"],
        directories={"SOURCE": [a_status("CALL")]},
    )
    target = a_structure(a_type(DEAL, TITLE, STAGE, categories=[a_category(0, "S")]))

    assert Case(source=source, target=target, items={DEAL: [a_deal()]}).findings() == []


def test_an_spa_with_items_and_without_a_partner_blocks_and_nothing_of_it_is_named_too() -> None:
    source = a_structure(a_type(SPA, RESPONSIBLE, a_user_field("UF_CRM_302_SIZE")))
    items = {SPA: [{"id": 1, "assignedById": 404, "UF_CRM_302_SIZE": "big"}]}

    findings = Case(source=source, target=a_structure(), items=items).findings()

    assert told(findings) == [(FindingKind.UNMAPPED_ENTITY_TYPE, Severity.BLOCKING, Effect.LOST)]


def test_an_spa_without_items_needs_no_partner() -> None:
    case = Case(source=a_structure(a_type(SPA, TITLE)), target=a_structure(), items={SPA: []})

    assert case.findings() == []


def test_a_user_without_a_partner_is_replaced_and_named() -> None:
    (finding,) = the_deal(RESPONSIBLE, assignedById=404)

    assert told([finding]) == [(FindingKind.UNMAPPED_USER, Severity.WARNING, Effect.ADJUSTED)]
    assert finding.detail.endswith("the target webhook's own user is set instead")


def test_a_user_without_a_partner_blocks_where_the_operator_said_so() -> None:
    strict = Circumstances(
        unmapped_users_block=True,
        without_import_right=frozenset(),
        add_instead=False,
        imported_into={},
    )

    assert told(the_deal(RESPONSIBLE, circumstances=strict, assignedById=404)) == [
        (FindingKind.UNMAPPED_USER, Severity.BLOCKING, Effect.LOST)
    ]


@pytest.mark.parametrize(
    ("field", "value", "may_be_dropped"),
    [
        (STAGE, "NEW", False),
        (CATEGORY, 5, False),
        (a_field("currencyId", "crm_currency"), "BTC", False),
        (RESPONSIBLE, 404, True),
        (a_list_field(), 79, True),
    ],
)
def test_leaving_out_is_offered_only_for_what_may_be_missing(
    field: Field, value: object, may_be_dropped: bool
) -> None:
    (finding,) = Case(
        source=a_structure(a_type(DEAL, field)),
        target=a_structure(a_type(DEAL, field)),
        items={DEAL: [{"id": 1, field.name: value}]},
    ).findings()

    assert finding.hint is not None
    assert ("`drop`" in finding.hint) is may_be_dropped


# What the operator answered


@pytest.mark.parametrize(
    ("key", "fields", "values"),
    [
        (field_key(DEAL, "UF_CRM_SIZE"), [a_user_field("UF_CRM_SIZE")], {"UF_CRM_SIZE": "big"}),
        (
            status_key("SOURCE", "CALL"),
            [a_field("sourceId", "crm_status", status_type="SOURCE")],
            {"sourceId": "CALL"},
        ),
        (list_value_key(DEAL, "UF_CRM_COLOUR", 79), [a_list_field()], {"UF_CRM_COLOUR": 79}),
        (user_key(404), [RESPONSIBLE], {"assignedById": 404}),
        (type_key(DEAL), [TITLE], {}),
    ],
)
def test_what_is_left_out_on_purpose_is_on_record_and_blocks_nothing(
    key: PairKey, fields: list[Field], values: dict[str, Any]
) -> None:
    (finding,) = the_deal(*fields, answers={key: None}, **values)

    assert told([finding]) == [(FindingKind.DROPPED_BY_MAPPING, Severity.INFO, Effect.LOST)]
    assert finding.value == key.key


def test_the_list_values_of_a_field_that_is_left_out_need_no_answers() -> None:
    dropped: dict[PairKey, str | None] = {field_key(DEAL, "UF_CRM_COLOUR"): None}

    findings = the_deal(a_list_field(a_list_value(79, "Red")), answers=dropped, UF_CRM_COLOUR=79)

    assert [one.kind for one in findings] == [FindingKind.DROPPED_BY_MAPPING]


# What cannot be written


def test_a_field_the_target_computes_is_no_loss() -> None:
    ours, theirs = a_field("taxes", "double"), a_field("taxes", "double", is_read_only=True)

    assert told(the_deal(ours, into=(theirs,), taxes=5)) == [
        (FindingKind.SET_BY_PORTAL, Severity.INFO, Effect.NONE)
    ]


def test_an_identifier_that_means_something_in_the_source_only_is_lost() -> None:
    assert told(the_deal(a_field("webformId", "integer"), webformId=3)) == [
        (FindingKind.PORTAL_LOCAL_VALUE, Severity.WARNING, Effect.LOST)
    ]


def test_a_type_no_method_writes_is_lost() -> None:
    booking = a_user_field("UF_CRM_ROOM", "resourcebooking")

    assert told(the_deal(booking, UF_CRM_ROOM="7")) == [
        (FindingKind.UNSUPPORTED_FIELD_TYPE, Severity.WARNING, Effect.LOST)
    ]


def test_a_value_that_cannot_be_read_is_lost_and_blocks_nothing() -> None:
    assert told(the_deal(a_field("begindate", "date"), begindate="soon")) == [
        (FindingKind.UNREADABLE_VALUE, Severity.WARNING, Effect.LOST)
    ]


# References


def test_a_link_to_an_item_that_is_gone_is_lost() -> None:
    company = a_type(DEAL, a_field("companyId", "crm_company"))
    case = Case(
        source=a_structure(company, a_type(COMPANY)),
        target=a_structure(company, a_type(COMPANY)),
        items={DEAL: [a_deal(1, companyId=8), a_deal(2, companyId=8)]},
        dangling=True,
    )

    (finding,) = case.findings()

    assert told([finding]) == [(FindingKind.DANGLING_REFERENCE, Severity.WARNING, Effect.LOST)]
    assert (finding.field, finding.items) == ("companyId", 2)


def test_links_to_a_type_that_is_left_out_are_lost() -> None:
    deal = a_type(DEAL, a_field("companyId", "crm_company"))
    case = Case(
        source=a_structure(deal, a_type(COMPANY)),
        target=a_structure(deal, a_type(COMPANY)),
        items={DEAL: [a_deal(companyId=8)]},
        answers={type_key(COMPANY): None},
    )

    dropped, dangling = case.findings()

    assert (dropped.kind, dropped.items) == (FindingKind.DROPPED_BY_MAPPING, 0)
    assert dangling.kind is FindingKind.DANGLING_REFERENCE
    assert "left out" in dangling.detail


def test_a_text_that_goes_into_numbers_is_foretold_because_some_may_be_none() -> None:
    size, number = a_user_field("UF_CRM_SIZE"), a_user_field("UF_CRM_NUMBER", "double")
    case = Case(
        source=a_structure(a_type(DEAL, size)),
        target=a_structure(a_type(DEAL, number)),
        items={DEAL: [a_deal(UF_CRM_SIZE="12"), a_deal(UF_CRM_SIZE="large")]},
        answers={field_key(DEAL, "UF_CRM_SIZE"): "UF_CRM_NUMBER"},
    )

    (finding,) = case.findings()

    assert (finding.kind, finding.severity, finding.effect, finding.items) == (
        FindingKind.INCONVERTIBLE_VALUE,
        Severity.WARNING,
        Effect.NONE,
        2,
    )


# Rights and history


def rights(*, is_admin: bool, add_instead: bool = False, denied: bool = False) -> list[Finding]:
    deal = a_type(DEAL, TITLE)
    circumstances = Circumstances(
        unmapped_users_block=False,
        without_import_right=frozenset({DEAL, CONTACT} if denied else ()),
        add_instead=add_instead,
        imported_into={},
    )
    return Case(
        source=a_structure(deal),
        target=a_structure(deal, profile=a_profile(is_admin=is_admin)),
        items={DEAL: [a_deal()]},
        circumstances=circumstances,
    ).findings()


def test_a_user_who_is_no_administrator_cannot_keep_the_history_so_that_blocks() -> None:
    assert told(rights(is_admin=False)) == [
        (FindingKind.NOT_ADMINISTRATOR, Severity.BLOCKING, Effect.LOST)
    ]


def test_losing_the_history_may_be_accepted() -> None:
    assert told(rights(is_admin=False, add_instead=True)) == [
        (FindingKind.NOT_ADMINISTRATOR, Severity.WARNING, Effect.LOST)
    ]


def test_an_empty_source_has_no_history_to_lose() -> None:
    target = a_structure(profile=a_profile(is_admin=False))

    assert Case(source=a_structure(), target=target, items={}).findings() == []


@pytest.mark.parametrize(("entity_type_id", "blocks"), [(DEAL, False), (SPA, True)])
def test_only_smart_processes_need_the_scope_for_their_user_fields(
    entity_type_id: EntityTypeId, blocks: bool
) -> None:
    kind = a_type(entity_type_id, TITLE)
    case = Case(
        source=a_structure(kind),
        target=a_structure(kind, profile=a_profile(scopes=["crm"])),
        items={entity_type_id: [{"id": 1}]},
    )

    missing = [one for one in case.findings() if one.kind is FindingKind.MISSING_SCOPE]

    assert [one.severity for one in missing] == ([Severity.BLOCKING] if blocks else [])


def test_without_the_import_right_nothing_is_written_for_types_that_have_items() -> None:
    findings = rights(is_admin=True, denied=True)

    assert told(findings) == [(FindingKind.NO_IMPORT_RIGHT, Severity.BLOCKING, Effect.LOST)]
    assert findings[0].entity_type_id == DEAL


def test_adding_instead_of_importing_says_beforehand_what_that_triggers() -> None:
    (finding,) = rights(is_admin=True, denied=True, add_instead=True)

    assert finding.severity is Severity.WARNING
    assert "automation rules and workflows of the target start for every item" in finding.detail


def test_a_type_the_source_does_not_show_blocks() -> None:
    secret = EntityType(entity_type_id=SPA, title="Secret", refused="ACCESS_DENIED")
    case = Case(source=a_structure(refused=[secret]), target=a_structure(), items={})

    assert told(case.findings()) == [
        (FindingKind.TYPE_NOT_READABLE, Severity.BLOCKING, Effect.LOST)
    ]


def test_a_type_the_source_does_not_show_may_be_left_out() -> None:
    secret = EntityType(entity_type_id=SPA, title="Secret", refused="ACCESS_DENIED")
    case = Case(
        source=a_structure(refused=[secret]),
        target=a_structure(),
        items={},
        only=frozenset({DEAL}),
    )

    assert case.findings() == []


@pytest.mark.parametrize("kind", list(PairKind))
def test_every_kind_of_pair_has_a_finding_for_being_open(kind: PairKind) -> None:
    assert FindingKind.named(f"unmapped-{kind.replace('_', '-')}").text


def test_findings_have_names_that_do_not_change_and_texts_for_people() -> None:
    assert FindingKind.named("late-item") is FindingKind.LATE_ITEM
    assert all(kind.text and kind.value == kind.value.lower() for kind in FindingKind)
    with pytest.raises(KeyError):
        FindingKind.named("anything")
