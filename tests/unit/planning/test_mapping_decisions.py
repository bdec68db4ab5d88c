"""Sections of the mapping file that are no pairs: defaults, rates, filters, matches."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.mapping import MatchRule, OnMatch, UserDefaults
from migrator.domain.vocabulary import COMPANY, CONTACT, DEAL
from migrator.plan.pairing import Pairing
from migrator.planning.mapping_file import MappingFile, MappingFileError, read_mapping_file
from tests.fakes.builders import (
    CREATED,
    RESPONSIBLE,
    STAGE,
    TITLE,
    a_field,
    a_structure,
    a_type,
    a_user,
    a_user_field,
    user_key,
)

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = replace(
    a_structure(
        a_type(
            DEAL,
            TITLE,
            STAGE,
            CREATED,
            RESPONSIBLE,
            a_field("id", "integer", is_read_only=True),
            a_field("categoryId", "crm_category"),
            a_field("sourceDescription", "text"),
            a_field("isRecurring", "boolean"),
            a_field("closedate", "date"),
            a_field("opened", "boolean", is_required=True),
            a_user_field("UF_CRM_CITY"),
            a_user_field("UF_CRM_TOWN"),
            a_user_field("UF_CRM_NOTES", is_multiple=True),
            a_user_field("UF_CRM_DONE", "boolean"),
            a_user_field("UF_CRM_SCAN", "file"),
            a_user_field("UF_CRM_BOSS", "employee"),
        ),
        a_type(COMPANY, TITLE, a_user_field("UF_CRM_INN"), a_user_field("UF_CRM_ONLY_HERE")),
        a_type(CONTACT, a_field("name"), a_field("fm", "crm_multifield", is_multiple=True)),
        users=[
            replace(a_user(7, "ada@x.example"), departments=(12,)),
            a_user(8, "bob@x.example"),
            a_user(9, "twin@x.example"),
            a_user(10, "Twin@x.example"),
        ],
        currencies=["USD", "EUR"],
    ),
    departments={12: 1, 1: None},
)
TARGET = a_structure(
    a_type(
        DEAL,
        *(field for field in SOURCE.fields[DEAL]),
        a_user_field("UF_CRM_NUMBER", "integer"),
        a_user_field("UF_CRM_WHEN", "datetime"),
        a_field("stamp", is_read_only=True),
    ),
    a_type(COMPANY, TITLE, a_user_field("UF_CRM_INN")),
    a_type(CONTACT, *SOURCE.fields[CONTACT]),
    users=[a_user(70, "ada@y.example"), a_user(71, "boss@y.example")],
    currencies=["EUR"],
)


def read(path: Path, text: str) -> MappingFile:
    path.write_text(dedent(text), encoding="utf-8")
    return read_mapping_file(path).resolved(SOURCE, TARGET)


def checked(path: Path, text: str) -> MappingFile:
    file = read(path, text)
    pairs = Pairing(SOURCE, TARGET, file.overrides, file.user_defaults).pairs()
    file.check(pairs, SOURCE, TARGET, is_partial=False)
    return file


def refused(path: Path, text: str) -> list[str]:
    """What is told of each line, the file's name left out."""
    with pytest.raises(MappingFileError) as caught:
        checked(path, text)
    return [line.strip().removeprefix(f"{path}:") for line in caught.value.message.splitlines()[1:]]


# Users


def test_users_are_named_by_e_mail_or_id_on_either_side(path: Path) -> None:
    file = checked(
        path,
        """\
        users:
          ADA@x.example: Boss@y.example
          8: ada@y.example
        default_user: boss@y.example
        departments:
          12: 70
          1: ada@y.example
        """,
    )

    assert file.overrides == {user_key(7): "71", user_key(8): "70"}
    assert file.user_defaults == UserDefaults(everybody="71", departments={12: "70", 1: "70"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "users: {adda@x.example: 70}",
            "1: users: adda@x.example: the source has no such user (did you mean 'ada@x.example'?)",
        ),
        (
            "users: {7: bos@y.example}",
            "1: users: 7: the target has no user 'bos@y.example' (did you mean 'boss@y.example'?)",
        ),
        (
            "users: {twin@x.example: 70}",
            "1: users: twin@x.example: 2 users of the source have this e-mail, "
            "name one by ID: 9, 10",
        ),
        ("default_user: 99", "1: default_user: the target has no user '99'"),
        ("default_user: [70]", "1: default_user: must be one user, by ID or e-mail"),
        ("departments: {12: 99}", "1: departments: 12: the target has no user '99'"),
        ("departments: {13: 70}", "1: departments: 13: the source has no such department"),
        ("departments: {Sales: 70}", "1: departments: Sales: a department is named by its ID"),
    ],
)
def test_a_user_nobody_is_and_a_department_nobody_knows_are_refused(
    path: Path, text: str, told: str
) -> None:
    assert refused(path, text) == [told]


def test_a_user_answered_twice_is_told_with_both_lines(path: Path) -> None:
    text = "users:\n  7: 70\n  ada@x.example: 71\n"

    assert refused(path, text) == [
        "3: users: ada@x.example: this user is answered in line 2 already, as '7'"
    ]


@pytest.mark.parametrize("email", ["adda@x.example", "twin@x.example"])
def test_an_e_mail_that_names_nobody_is_told_before_any_item_is_read(
    path: Path, email: str
) -> None:
    file = read(path, f"users: {{{email}: 70}}")
    pairs = Pairing(SOURCE, TARGET, file.overrides, file.user_defaults).pairs()

    with pytest.raises(MappingFileError, match=f"users: {email}"):
        file.check(pairs, SOURCE, TARGET, is_partial=True)


# Lines


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'departments:\n  12: 70\n  "12": 71\n',
            "3: departments: 12: is said twice (first in line 2)",
        ),
        (
            'filters:\n  2:\n    0: {id: 1}\n    "0": {id: 2}\n',
            "4: filters: 2: 0: is said twice (first in line 3)",
        ),
        (
            "fields:\n  2: &deals\n    UF_CRM_CITY: drop\n  4:\n    <<: *deals\n",
            "5: fields: 4: takes plain lines, neither `<<` nor tags such as `!!omap`",
        ),
        (
            "users: !!omap [7: 70]\n",
            "1: users: takes plain lines, neither `<<` nor tags such as `!!omap`",
        ),
        (
            "users: {7: !id 70}\n",
            "1: users: 7: takes plain lines, neither `<<` nor tags such as `!!omap`",
        ),
        ("users: &all\n  7: *all\n", "2: users: 7: contains itself"),
        ('filters:\n  2: &a\n    "0": *a\n', "3: filters: 2: 0: contains itself"),
        ("users:\n  ? [7]\n  : 70\n", "2: users: a key must be a single word or number"),
        ("users:\n  : 70\n", "2: users: a line without a key"),
        ("users: {true: 70}\n", "1: users: 'true' is read as yes or no: put it into quotes"),
        (
            "statuses:\n  SOURCE:\n    007: 7\n",
            "3: statuses: SOURCE: '007' is read as 7: put it into quotes",
        ),
        (
            "statuses:\n  SOURCE:\n    '7': 1e3\n",
            "3: statuses: SOURCE: 7: '1e3' is read as 1000.0: put it into quotes",
        ),
        (
            "filters:\n  2:\n    '>=createdTime': 2024-02-30\n",
            "3: filters: 2: >=createdTime: '2024-02-30' cannot be read: day is out of range for "
            "month",
        ),
        (
            "filters:\n  2:\n    categoryId: [0, 5]\n    '@categoryId': 5\n",
            "4: filters: 2: @categoryId: @categoryId is asked for by another line, too, and only "
            "one would count; put one of them into a numbered group",
        ),
    ],
)
def test_what_yaml_would_take_and_the_file_cannot_mean_is_refused(
    path: Path, text: str, told: str
) -> None:
    assert refused(path, text) == [told]


def test_the_field_of_the_stage_cannot_be_dropped_where_the_portal_would_choose(
    path: Path,
) -> None:
    (told,) = refused(path, "fields: {2: {stageId: drop}}")

    assert "fields: 2: stageId: cannot be dropped" in told


# Fields


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("UF_CRM_CITY: id", "the portal takes no values of other fields in 'id'"),
        ("UF_CRM_CITY: stageId", "the portal takes no values of other fields in 'stageId'"),
        ("UF_CRM_CITY: createdTime", "the portal takes no values of other fields in 'createdTime'"),
        ("UF_CRM_CITY: stamp", "the portal takes no values of other fields in 'stamp'"),
        ("UF_CRM_CITY: opened", "the portal takes no values of other fields in 'opened'"),
        (
            "UF_CRM_BOSS: title",
            "values of type employee cannot stand in 'title', which holds string",
        ),
        (
            "createdTime: UF_CRM_WHEN",
            "only its own partner can take its place, so it cannot go into another field",
        ),
        (
            "assignedById: UF_CRM_BOSS",
            "only its own partner can take its place, so it cannot go into another field",
        ),
        ("UF_CRM_NOTES: title", "the field holds several values, 'title' only one"),
        (
            "UF_CRM_CITY: sourceDescripton",
            "the target has no field 'sourceDescripton' in 2 (did you mean 'sourceDescription'?)",
        ),
    ],
)
def test_a_field_that_cannot_take_the_values_is_refused(path: Path, answer: str, why: str) -> None:
    key = answer.partition(":")[0]

    assert refused(path, f"fields: {{2: {{{answer}}}}}") == [f"1: fields: 2: {key}: {why}"]


def test_what_fits_is_taken(path: Path) -> None:
    checked(
        path,
        """\
        fields:
          2: {UF_CRM_CITY: sourceDescription, UF_CRM_TOWN: UF_CRM_NUMBER, title: UF_CRM_CITY}
        """,
    )


def test_two_fields_for_one_target_field_are_told_with_both_lines(path: Path) -> None:
    text = "fields:\n  2:\n    UF_CRM_CITY: title\n    UF_CRM_TOWN: title\n"

    assert refused(path, text) == [
        "3: fields: 2: UF_CRM_CITY: 'title' is also the answer for 'UF_CRM_TOWN' in line 4",
        "4: fields: 2: UF_CRM_TOWN: 'title' is also the answer for 'UF_CRM_CITY' in line 3",
    ]


# Rates


def test_rates_are_read_as_they_are_written(path: Path) -> None:
    file = checked(path, "currencies: {USD: EUR}\nrates: {USD: 0.1}\n")

    assert file.currency_rates == {"USD": Decimal("0.1")}
    assert read(path, "rates: {USD: '0.12345678901234567890'}").currency_rates == {
        "USD": Decimal("0.12345678901234567890")
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rates: {USD: -1}", "1: rates: USD: must be a number above 0"),
        ("rates: {USD: much}", "1: rates: USD: must be a number above 0"),
        ("rates: {USD: true}", "1: rates: USD: must be a number above 0"),
        (
            "rates: {USB: 2}",
            "1: rates: USB: the source has no such currency",
        ),
        (
            "rates: {EUR: 2}",
            "1: rates: EUR: the currency stays EUR, so there is nothing to convert; map it to "
            "another under currencies",
        ),
    ],
)
def test_a_rate_that_means_nothing_is_refused(path: Path, text: str, told: str) -> None:
    assert refused(path, text) == [told]


# Filters


def filters_of(path: Path, text: str) -> dict[str, Any]:
    return checked(path, text).item_filters(SOURCE)[DEAL]


def test_a_filter_is_taken_as_the_portal_is_asked(path: Path) -> None:
    found = filters_of(
        path,
        """\
        filters:
          2:
            ">=createdTime": "2024-01-01T00:00:00+03:00"
            "<closedate": 2024-05-31
            categoryId: [0, 3]
            "!assignedById": [7, 8]
            "@id": 5
            "%title": renewal
            isRecurring: false
            UF_CRM_DONE: true
            UF_CRM_CITY: ''
            "0": {logic: or, assignedById: 7, ">id": 100}
        """,
    )

    assert found == {
        ">=createdTime": "2024-01-01T00:00:00+03:00",
        "<closedate": "2024-05-31",
        "@categoryId": [0, 3],
        "!@assignedById": [7, 8],
        "@id": [5],
        "%title": "renewal",
        "isRecurring": "N",
        "UF_CRM_DONE": 1,
        "UF_CRM_CITY": "",
        "0": {"logic": "OR", "assignedById": 7, ">id": 100},
    }


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("createTime: 5", "the source has no field 'createTime' (did you mean 'createdTime'?)"),
        (
            "'>CREATED_TIME': x",
            "the source has no field 'CREATED_TIME' (did you mean 'createdTime'?)",
        ),
        ("'~title': x", "the source has no field '~title' (did you mean 'title'?)"),
        ("'>id': 5", "pages are told apart by this condition; use >=id"),
        ("UF_CRM_SCAN: 5", "the portal does not filter by fields of type file"),
        ("assignedById: ada", "'ada' is not a number"),
        ("assignedById: []", "the list is empty, so nothing would be taken"),
        ("'>assignedById': [7]", "takes one value, not a list"),
        ("title:", "must have a value"),
        ("isRecurring: maybe", "must be Y or N"),
        (
            "'>createdTime': '2024-01-01T00:00:00'",
            "'2024-01-01T00:00:00' is no date, or a time without offset "
            "(2024-01-31T00:00:00+03:00)",
        ),
        (
            "'>createdTime': 2024-01-01T00:00:00+03:00",
            "put the time into quotes, with its offset: it is sent as text",
        ),
        ("'0': 5", "must hold conditions of its own"),
        ("logic: OR", "belongs into a numbered group, and is AND or OR"),
    ],
)
def test_a_condition_the_portal_would_refuse_or_misread_is_told_with_its_line(
    path: Path, condition: str, why: str
) -> None:
    key = condition.rpartition(":")[0] if condition.endswith(":") else condition.partition(": ")[0]
    shown = key.strip("'")

    told = refused(path, f"filters:\n  2:\n    {condition}\n")

    assert told == [f"3: filters: 2: {shown}: {why}"]


def test_a_filter_on_a_type_the_source_does_not_have_is_refused(path: Path) -> None:
    (told,) = refused(path, "filters: {5: {title: x}}")

    assert told.startswith("1: filters: 5: the source has no such entity type (it has 2 (Deal)")


# Matches


def test_matches_are_read_with_what_becomes_of_the_matched(path: Path) -> None:
    text = """\
        match:
          4: {match_on: [UF_CRM_INN], on_match: update}
          3: {match_on: [EMAIL, PHONE, name]}
        """

    assert checked(path, text).match_rules == {
        COMPANY: MatchRule(match_on=("UF_CRM_INN",), on_match=OnMatch.UPDATE),
        CONTACT: MatchRule(match_on=("EMAIL", "PHONE", "name")),
    }


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("{match_on: title}", "match_on: must be a list of fields, such as [UF_CRM_INN]"),
        ("{match_on: []}", "match_on: must be a list of fields, such as [UF_CRM_INN]"),
        ("{on_match: keep}", "match_on: must be a list of fields, such as [UF_CRM_INN]"),
        ("{match_on: [title], on_match: drop}", "on_match: must be keep or update"),
        (
            "{match_on: [title], on_mach: keep}",
            "on_mach: there is no such key (did you mean 'on_match'?)",
        ),
        (
            "{match_on: [UF_CRM_IN]}",
            "match_on: the source has no field 'UF_CRM_IN' (did you mean 'UF_CRM_INN'?)",
        ),
        ("{match_on: [EMAIL]}", "match_on: the source has no field 'EMAIL'"),
        (
            "{match_on: [UF_CRM_ONLY_HERE]}",
            "match_on: 'UF_CRM_ONLY_HERE' has no partner in the target",
        ),
    ],
)
def test_a_match_that_cannot_be_carried_out_is_refused(path: Path, rule: str, told: str) -> None:
    assert refused(path, f"match: {{4: {rule}}}") == [f"1: match: 4: {told}"]


def test_only_one_of_two_types_that_go_into_one_can_be_matched_there(path: Path) -> None:
    text = """\
        entity_types: {2: 4}
        match:
          4: {match_on: [title]}
          2: {match_on: [title]}
        """

    assert refused(path, text) == [
        "4: match: 2: goes into 4 of the target, as 4 does, which is matched there in line 3 "
        "already; only one of them can be"
    ]


def test_answers_name_an_item_of_the_target_or_a_new_one_and_may_be_open(path: Path) -> None:
    rule = "{match_on: [UF_CRM_INN], answers: {4711: 88, 4712: new, 4713: }}"

    answers = checked(path, f"match: {{4: {rule}}}").match_rules[COMPANY].answers

    assert answers == {4711: 88, 4712: None}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ("[1]", "answers: must hold lines `source item: target item`"),
        ("{x: 88}", "answers: x: an item of the source is named by its ID"),
        ("{1: drop}", "answers: 1: must be the ID of an item of the target, or `new`"),
        ("{1: 8, 2: 8}", "answers: 2: 8 is the answer for 1 in line 1 already"),
    ],
)
def test_an_answer_that_means_nothing_is_refused(path: Path, answers: str, told: str) -> None:
    text = f"match: {{4: {{match_on: [UF_CRM_INN], answers: {answers}}}}}"

    assert refused(path, text) == [f"1: match: 4: {told}"]


@pytest.mark.parametrize("name", ["id", "assignedById", "opportunity", "fm"])
def test_a_field_that_does_not_say_which_item_it_is_cannot_be_matched_by(
    path: Path, name: str
) -> None:
    (told,) = refused(path, f"match:\n  2:\n    match_on: [{name}]\n")

    assert told.startswith("3: match: 2: match_on: ")


# All at once


def test_mistakes_in_all_sections_are_told_at_once_in_the_order_of_the_file(path: Path) -> None:
    told = refused(
        path,
        """\
        match: {4: {match_on: [nothing]}}
        filters: {2: {nothing: 1}}
        rates: {XXX: 2}
        departments: {99: 70}
        default_user: 99
        users: {99: 70}
        entity_types: {99: drop}
        """,
    )

    assert [line.partition(":")[0] for line in told] == ["1", "2", "3", "4", "5", "6", "7"]


def test_a_key_that_is_nearly_right_is_told_what_was_probably_meant(path: Path) -> None:
    (told,) = refused(path, "filter: {2: {title: x}}")

    assert told.startswith("1: unknown section 'filter' (known: entity_types, categories")
    assert told.endswith("(did you mean 'filters'?)")


def test_entity_types_that_are_left_out_are_known_without_any_portal(path: Path) -> None:
    path.write_text("entity_types: {4: drop, 2: 2, 3: }", encoding="utf-8")

    assert read_mapping_file(path).left_out == {COMPANY}
