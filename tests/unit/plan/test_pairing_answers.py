"""The operator's own answers, and what items hold although no structure lists it."""

from __future__ import annotations

import pytest

from migrator.domain.mapping import Decision, Mapping, PairKey
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL
from migrator.plan.pairing import Pairing
from migrator.plan.target_names import target_name
from tests.fakes.builders import (
    OTHER_SPA,
    SPA,
    STAGE,
    TITLE,
    a_category,
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


def partner(mapping: Mapping, key: PairKey) -> tuple[str | None, Decision]:
    pair = mapping.get(key)
    assert pair is not None
    return pair.target_key, pair.decision


# The operator's own answers


def test_the_operators_answer_comes_before_everything() -> None:
    portal = a_structure(users=[a_user(7, "ada@example.com"), a_user(8, "bob@example.com")])

    mapping = pair_up(portal, portal, {user_key(7): "8"})

    assert partner(mapping, user_key(7)) == ("8", Decision.MAPPING)
    pair = mapping.get(user_key(7))
    assert pair is not None
    assert pair.target_name == "User 8"


def test_what_the_operator_leaves_out_has_no_partner_for_good() -> None:
    portal = a_structure(a_type(DEAL, a_user_field("UF_CRM_SIZE")))

    mapping = pair_up(portal, portal, {field_key(DEAL, "UF_CRM_SIZE"): None})

    assert partner(mapping, field_key(DEAL, "UF_CRM_SIZE")) == (None, Decision.DROPPED)


def test_the_stages_follow_the_operators_pipeline() -> None:
    source = a_structure(
        a_type(
            DEAL,
            STAGE,
            categories=[a_category(5, "Repair")],
            stages={5: [a_status("C5:NEW", "New")]},
        )
    )
    target = a_structure(
        a_type(
            DEAL,
            STAGE,
            categories=[a_category(8, "Repair"), a_category(9, "Service")],
            stages={8: [a_status("C8:NEW", "New")], 9: [a_status("C9:NEW", "New")]},
        )
    )

    mapping = pair_up(source, target, {category_key(DEAL, 5): "9"})

    assert partner(mapping, stage_key("DEAL_STAGE_5", "C5:NEW"))[0] == "C9:NEW"


def test_the_list_values_follow_the_operators_field() -> None:
    source = a_structure(a_type(DEAL, a_list_field(a_list_value(1, "Red"), name="UF_CRM_A")))
    target = a_structure(
        a_type(
            DEAL,
            a_list_field(a_list_value(1, "Red"), name="UF_CRM_A"),
            a_list_field(a_list_value(81, "Red"), name="UF_CRM_B"),
        )
    )

    mapping = pair_up(source, target, {field_key(DEAL, "UF_CRM_A"): "UF_CRM_B"})

    assert partner(mapping, list_value_key(DEAL, "UF_CRM_A", 1))[0] == "81"


def test_everything_of_an_spa_follows_the_operators_type() -> None:
    source = a_structure(
        a_type(
            SPA,
            TITLE,
            title="Projects",
            categories=[a_category(5, "Main")],
            stages={5: [a_status("DT1302_5:NEW", "New")]},
        )
    )
    target = a_structure(
        a_type(
            OTHER_SPA,
            TITLE,
            title="Undertakings",
            categories=[a_category(9, "Main")],
            stages={9: [a_status("DT1046_9:NEW", "New")]},
        )
    )

    mapping = pair_up(source, target, {type_key(SPA): "1046"})

    assert partner(mapping, category_key(SPA, 5))[0] == "9"
    assert partner(mapping, stage_key("DYNAMIC_1302_STAGE_5", "DT1302_5:NEW"))[0] == "DT1046_9:NEW"
    assert partner(mapping, field_key(SPA, "title"))[0] == "title"


@pytest.mark.parametrize("answer", ["9999", "Projects", "--5", "²"])
def test_an_answer_that_names_nothing_is_kept_for_the_complaint(answer: str) -> None:
    portal = a_structure(a_type(SPA, TITLE, categories=[a_category(5, "Main")]))

    for key in (type_key(SPA), category_key(SPA, 5)):
        pair = pair_up(portal, portal, {key: answer}).get(key)

        assert pair is not None
        assert (pair.target_key, pair.target_name) == (answer, None)


# What items hold although the structure does not list it


def test_a_status_that_was_deleted_but_is_still_held_is_open() -> None:
    portal = a_structure(a_type(DEAL), directories={"SOURCE": [a_status("CALL")]})
    pairing = Pairing(portal, portal, {})

    mapping = Mapping(pairing.with_loose(pairing.pairs(), [(DEAL, status_key("SOURCE", "GONE"))]))

    assert partner(mapping, status_key("SOURCE", "GONE")) == (None, Decision.OPEN)


def test_what_is_not_listed_can_be_answered_like_anything_else() -> None:
    portal = a_structure(
        a_type(DEAL), directories={"SOURCE": [a_status("CALL")]}, users=[a_user(8)]
    )
    gone, hidden = status_key("SOURCE", "GONE"), user_key(404)
    pairing = Pairing(portal, portal, {gone: "CALL", hidden: "8"})

    mapping = Mapping(pairing.with_loose(pairing.pairs(), [(DEAL, gone), (DEAL, hidden)]))

    assert partner(mapping, gone) == ("CALL", Decision.MAPPING)
    assert partner(mapping, hidden) == ("8", Decision.MAPPING)


def test_what_is_listed_is_not_listed_twice() -> None:
    portal = a_structure(a_type(DEAL), currencies=["USD"])
    pairing = Pairing(portal, portal, {})

    pairs = pairing.with_loose(pairing.pairs(), [(DEAL, currency_key("USD"))])

    assert [pair.pair_key for pair in pairs] == [type_key(DEAL), currency_key("USD")]


def test_nobody_is_asked_for_what_only_items_that_stay_behind_hold() -> None:
    source = a_structure(a_type(SPA, title="Projects"))
    pairing = Pairing(source, a_structure(), {})

    mapping = Mapping(pairing.with_loose(pairing.pairs(), [(SPA, user_key(404))]))

    assert mapping.get(user_key(404)) is None


@pytest.mark.parametrize(
    ("key", "answer", "name"),
    [
        (type_key(DEAL), "2", "Deal"),
        (category_key(DEAL, 0), "0", "Sales"),
        (stage_key("DEAL_STAGE", "NEW"), "NEW", "New"),
        (status_key("SOURCE", "CALL"), "CALL", "Call"),
        (field_key(DEAL, "stageId"), "stageId", "stageId"),
        (list_value_key(DEAL, "UF_CRM_COLOUR", 1), "1", "Red"),
        (user_key(7), "7", "User 7"),
        (currency_key("USD"), "USD", "USD by name"),
    ],
)
def test_every_possible_partner_has_a_name_and_nothing_else_has(
    key: PairKey, answer: str, name: str
) -> None:
    portal = a_structure(
        a_type(
            DEAL,
            STAGE,
            a_list_field(a_list_value(1, "Red")),
            categories=[a_category(0, "Sales")],
            stages={0: [a_status("NEW", "New")]},
        ),
        directories={"SOURCE": [a_status("CALL", "Call")]},
        users=[a_user(7)],
        currencies=["USD"],
    )
    pair = pair_up(portal, portal).get(key)
    assert pair is not None

    assert target_name(portal, pair, answer) == name
    assert target_name(portal, pair, "4711") is None


def test_types_only_one_portal_has_are_open_and_their_fields_are_not_looked_at() -> None:
    source = a_structure(a_type(CONTACT, TITLE), a_type(COMPANY, TITLE))

    mapping = pair_up(source, a_structure(a_type(CONTACT, TITLE)))

    assert partner(mapping, type_key(COMPANY)) == (None, Decision.OPEN)
    assert mapping.get(field_key(COMPANY, "title")) is None
