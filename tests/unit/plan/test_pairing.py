"""Which part of the source is which part of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from migrator.domain.mapping import Decision, Mapping, PairKey
from migrator.domain.vocabulary import DEAL, EntityTypeId
from tests.fakes.builders import (
    CATEGORY,
    OTHER_SPA,
    SPA,
    STAGE,
    TITLE,
    a_category,
    a_field,
    a_list_field,
    a_list_value,
    a_status,
    a_structure,
    a_type,
    a_user,
    a_user_field,
    category_key,
    currency_key,
    field_key,
    list_value_key,
    pair_up,
    stage_key,
    status_key,
    type_key,
    user_key,
)

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.domain.structure import Status, Structure


def partner(mapping: Mapping, key: PairKey) -> tuple[str | None, Decision]:
    pair = mapping.get(key)
    assert pair is not None
    return pair.target_key, pair.decision


# Entity types


def test_a_system_type_is_the_same_in_every_portal() -> None:
    mapping = pair_up(a_structure(a_type(DEAL)), a_structure(a_type(DEAL)))

    assert partner(mapping, type_key(DEAL)) == ("2", Decision.IDENTITY)


def test_an_spa_is_found_by_its_code_under_any_number() -> None:
    source = a_structure(a_type(SPA, title="Projects", code="PROJECT"))
    target = a_structure(a_type(OTHER_SPA, title="Projekte", code="project"))

    assert partner(pair_up(source, target), type_key(SPA)) == ("1046", Decision.IDENTITY)


def test_an_spa_without_a_code_is_found_by_its_title_in_any_case() -> None:
    source = a_structure(a_type(SPA, title=" Projects"))
    target = a_structure(a_type(OTHER_SPA, title="PROJECTS"))

    assert partner(pair_up(source, target), type_key(SPA)) == ("1046", Decision.NAME)


def test_the_same_number_does_not_make_two_spas_one() -> None:
    source = a_structure(a_type(SPA, title="Projects"))
    target = a_structure(a_type(SPA, title="Repairs"))

    assert partner(pair_up(source, target), type_key(SPA)) == (None, Decision.OPEN)


def test_identity_comes_before_name() -> None:
    source = a_structure(a_type(SPA, title="Projects", code="PROJECT"))
    namesake, renamed = EntityTypeId(130), EntityTypeId(132)
    target = a_structure(
        a_type(namesake, title="Projects", code="OTHER"),
        a_type(renamed, title="Undertakings", code="PROJECT"),
    )

    assert partner(pair_up(source, target), type_key(SPA)) == ("132", Decision.IDENTITY)


def test_two_namesakes_leave_the_pair_open() -> None:
    source = a_structure(a_type(SPA, title="Projects"))
    target = a_structure(
        a_type(EntityTypeId(130), title="Projects"), a_type(EntityTypeId(132), title="projects")
    )

    assert partner(pair_up(source, target), type_key(SPA)) == (None, Decision.OPEN)


def test_two_of_the_source_do_not_share_one_partner() -> None:
    source = a_structure(
        a_type(EntityTypeId(130), title="Projects"), a_type(EntityTypeId(132), title="projects")
    )
    target = a_structure(a_type(SPA, title="Projects"))

    mapping = pair_up(source, target)

    assert (
        partner(mapping, type_key(130))
        == partner(mapping, type_key(132))
        == (
            None,
            Decision.OPEN,
        )
    )


def test_a_partner_taken_by_identity_is_no_candidate_by_name() -> None:
    source = a_structure(
        a_type(EntityTypeId(130), title="Anything", code="A"),
        a_type(EntityTypeId(132), title="Projects"),
    )
    target = a_structure(
        a_type(EntityTypeId(140), title="Projects", code="A"),
        a_type(EntityTypeId(142), title="PROJECTS"),
    )

    assert partner(pair_up(source, target), type_key(132)) == ("142", Decision.NAME)


# Pipelines and stages


def test_the_built_in_deal_pipeline_is_itself_whatever_it_is_called() -> None:
    source = a_structure(a_type(DEAL, CATEGORY, categories=[a_category(0, "Sales")]))
    target = a_structure(a_type(DEAL, CATEGORY, categories=[a_category(0, "Verkauf")]))

    assert partner(pair_up(source, target), category_key(DEAL, 0)) == ("0", Decision.IDENTITY)


def test_another_pipeline_is_found_by_its_name() -> None:
    source = a_structure(a_type(DEAL, categories=[a_category(0, "Sales"), a_category(5, "Repair")]))
    target = a_structure(a_type(DEAL, categories=[a_category(0, "Sales"), a_category(9, "repair")]))

    assert partner(pair_up(source, target), category_key(DEAL, 5)) == ("9", Decision.NAME)


def test_default_pipelines_pair_where_no_name_does() -> None:
    source = a_structure(
        a_type(SPA, title="P", categories=[a_category(5, "Allgemein", is_default=True)])
    )
    target = a_structure(
        a_type(OTHER_SPA, title="P", categories=[a_category(9, "General", is_default=True)])
    )

    assert partner(pair_up(source, target), category_key(SPA, 5)) == ("9", Decision.IDENTITY)


def test_the_stages_of_a_pipeline_are_looked_for_in_its_partner() -> None:
    source = a_structure(
        a_type(
            DEAL,
            STAGE,
            categories=[a_category(5, "Repair")],
            stages={5: [a_status("C5:NEW", "New"), a_status("C5:UC_1", "Waiting")]},
        )
    )
    target = a_structure(
        a_type(
            DEAL,
            STAGE,
            categories=[a_category(9, "Repair")],
            stages={9: [a_status("C9:NEW", "New"), a_status("C9:UC_7", "waiting")]},
        )
    )

    mapping = pair_up(source, target)

    new, waiting = stage_key("DEAL_STAGE_5", "C5:NEW"), stage_key("DEAL_STAGE_5", "C5:UC_1")
    assert partner(mapping, new) == ("C9:NEW", Decision.IDENTITY)
    assert partner(mapping, waiting) == ("C9:UC_7", Decision.NAME)


def pair_stages(source: Status, target: Status) -> Mapping:
    def portal(stage: Status) -> Structure:
        deal = a_type(DEAL, STAGE, categories=[a_category(0, "Sales")], stages={0: [stage]})
        return a_structure(deal)

    return pair_up(portal(source), portal(target))


def test_a_system_stage_is_found_by_its_code_whatever_it_is_called() -> None:
    mapping = pair_stages(
        a_status("WON", "Won", "S", is_system=True),
        a_status("WON", "Gewonnen", "S", is_system=True),
    )

    assert partner(mapping, stage_key("DEAL_STAGE", "WON")) == ("WON", Decision.IDENTITY)


def test_a_code_somebody_chose_pairs_under_another_name() -> None:
    mapping = pair_stages(
        a_status("PREPARATION", "Prepare"), a_status("PREPARATION", "Vorbereiten")
    )

    assert partner(mapping, stage_key("DEAL_STAGE", "PREPARATION"))[0] == "PREPARATION"


def test_a_code_nobody_chose_means_nothing_under_another_name() -> None:
    mapping = pair_stages(a_status("UC_KN8KFI", "Waiting"), a_status("UC_KN8KFI", "Paid"))

    assert partner(mapping, stage_key("DEAL_STAGE", "UC_KN8KFI")) == (None, Decision.OPEN)


def test_a_stage_that_is_won_is_never_paired_with_one_that_is_lost() -> None:
    mapping = pair_stages(a_status("DONE", "Done", "S"), a_status("DONE", "Done", "F"))

    assert partner(mapping, stage_key("DEAL_STAGE", "DONE")) == (None, Decision.OPEN)


def test_the_entries_of_a_plain_directory_are_found_in_the_same_directory() -> None:
    source = a_structure(directories={"SOURCE": [a_status("CALL", "Call"), a_status("1", "Fair")]})
    target = a_structure(directories={"SOURCE": [a_status("CALL", "Anruf"), a_status("9", "fair")]})

    mapping = pair_up(source, target)

    assert partner(mapping, status_key("SOURCE", "CALL"))[0] == "CALL"
    assert partner(mapping, status_key("SOURCE", "1")) == ("9", Decision.NAME)


# Fields and list values


def test_a_system_field_is_found_by_its_name() -> None:
    mapping = pair_up(a_structure(a_type(DEAL, TITLE)), a_structure(a_type(DEAL, TITLE)))

    assert partner(mapping, field_key(DEAL, "title")) == ("title", Decision.IDENTITY)


def test_a_user_field_of_an_spa_is_found_under_the_other_type_id() -> None:
    source = a_structure(a_type(SPA, a_user_field("UF_CRM_5_SIZE"), title="P", type_id=5))
    target = a_structure(a_type(OTHER_SPA, a_user_field("UF_CRM_44_SIZE"), title="P", type_id=44))

    mapping = pair_up(source, target)

    assert partner(mapping, field_key(SPA, "UF_CRM_5_SIZE")) == (
        "UF_CRM_44_SIZE",
        Decision.IDENTITY,
    )


@pytest.mark.parametrize(
    "other",
    [
        a_user_field("UF_CRM_SIZE", "integer", title="Size"),
        a_user_field("UF_CRM_SIZE", is_multiple=True, title="Size"),
    ],
)
def test_a_name_with_another_type_is_another_field(other: Field) -> None:
    source = a_structure(a_type(DEAL, a_user_field("UF_CRM_SIZE", title="Size")))
    target = a_structure(a_type(DEAL, other))

    assert partner(pair_up(source, target), field_key(DEAL, "UF_CRM_SIZE"))[1] is Decision.OPEN


def test_a_user_field_is_found_by_its_external_code_before_its_label() -> None:
    source = a_structure(a_type(DEAL, a_user_field("UF_CRM_1", xml_id="SIZE", title="Size")))
    target = a_structure(
        a_type(
            DEAL,
            a_user_field("UF_CRM_7", title="Size"),
            a_user_field("UF_CRM_8", xml_id="SIZE", title="Extent"),
        )
    )

    assert partner(pair_up(source, target), field_key(DEAL, "UF_CRM_1")) == (
        "UF_CRM_8",
        Decision.IDENTITY,
    )


def test_a_user_field_is_found_by_its_label_in_the_end() -> None:
    source = a_structure(a_type(DEAL, a_user_field("UF_CRM_1", title="Size")))
    target = a_structure(a_type(DEAL, a_user_field("UF_CRM_8", title="size ")))

    assert partner(pair_up(source, target), field_key(DEAL, "UF_CRM_1")) == (
        "UF_CRM_8",
        Decision.NAME,
    )


def test_a_parent_field_changes_its_name_with_the_type_it_points_at() -> None:
    def parent(of: EntityTypeId) -> Field:
        return a_field(f"parentId{of}", "crm_entity", parent_entity_type_id=of)

    source = a_structure(a_type(DEAL, parent(SPA)), a_type(SPA, title="P"))
    target = a_structure(a_type(DEAL, parent(OTHER_SPA)), a_type(OTHER_SPA, title="P"))

    assert partner(pair_up(source, target), field_key(DEAL, "parentId1302")) == (
        "parentId1046",
        Decision.IDENTITY,
    )


def test_identity_and_the_marks_of_an_earlier_migration_are_not_paired() -> None:
    marks = [a_field("id", "integer"), a_user_field("UF_CRM_MIGRATOR_SOURCE")]
    portal = a_structure(a_type(DEAL, *marks))

    mapping = pair_up(portal, portal)

    assert [mapping.get(field_key(DEAL, mark.name)) for mark in marks] == [None, None]


def test_list_values_are_found_by_external_code_then_by_text() -> None:
    source = a_structure(
        a_type(DEAL, a_list_field(a_list_value(1, "Red", "R"), a_list_value(2, "Blue", "x")))
    )
    target = a_structure(
        a_type(DEAL, a_list_field(a_list_value(81, "Rot", "r"), a_list_value(82, "blue", "y")))
    )

    mapping = pair_up(source, target)

    colour = "UF_CRM_COLOUR"
    assert partner(mapping, list_value_key(DEAL, colour, 1)) == ("81", Decision.IDENTITY)
    assert partner(mapping, list_value_key(DEAL, colour, 2)) == ("82", Decision.NAME)


def test_the_same_list_number_means_nothing() -> None:
    source = a_structure(a_type(DEAL, a_list_field(a_list_value(1, "Red"))))
    target = a_structure(a_type(DEAL, a_list_field(a_list_value(1, "Green"))))

    assert partner(pair_up(source, target), list_value_key(DEAL, "UF_CRM_COLOUR", 1)) == (
        None,
        Decision.OPEN,
    )


# Users and currencies


def test_users_are_found_by_e_mail_in_any_case() -> None:
    source = a_structure(users=[a_user(7, "Ada@example.com")])
    target = a_structure(users=[a_user(7, "bob@example.com"), a_user(70, "ada@EXAMPLE.com")])

    assert partner(pair_up(source, target), user_key(7)) == ("70", Decision.IDENTITY)


def test_users_are_not_guessed_by_name() -> None:
    source = a_structure(users=[a_user(7, name="Ada"), a_user(8, "ada@a.example", "Ada")])
    target = a_structure(users=[a_user(70, name="Ada"), a_user(80, "ada@b.example", "Ada")])

    mapping = pair_up(source, target)

    assert [partner(mapping, user_key(n))[1] for n in (7, 8)] == [Decision.OPEN, Decision.OPEN]


def test_a_currency_is_its_code() -> None:
    mapping = pair_up(a_structure(currencies=["USD", "BTC"]), a_structure(currencies=["USD"]))

    assert partner(mapping, currency_key("USD")) == ("USD", Decision.IDENTITY)
    assert partner(mapping, currency_key("BTC")) == (None, Decision.OPEN)
