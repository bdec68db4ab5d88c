"""The operator's answers: written, edited, read back, and every mistake named with its line."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from migrator.domain.vocabulary import DEAL
from migrator.plan.pairing import Pairing
from migrator.planning.mapping_file import (
    MappingFile,
    MappingFileError,
    read_mapping_file,
)
from tests.fakes.builders import (
    SPA,
    a_small_portal,
    category_key,
    currency_key,
    field_key,
    list_value_key,
    stage_key,
    status_key,
    type_key,
    user_key,
)

if TYPE_CHECKING:
    from pathlib import Path


def written(path: Path, text: str) -> Path:
    path.write_text(dedent(text), encoding="utf-8")
    return path


def complaint(caught: pytest.ExceptionInfo[MappingFileError]) -> str:
    return caught.value.message


def refused(path: Path, text: str) -> str:
    with pytest.raises(MappingFileError) as caught:
        read_mapping_file(written(path, text))
    return complaint(caught)


def check(file: MappingFile, *, is_partial: bool = False) -> None:
    portal = a_small_portal()
    file = file.resolved(portal, portal)
    pairs = Pairing(portal, portal, file.overrides).pairs()
    file.check(pairs, portal, portal, is_partial=is_partial)


def checked(path: Path, text: str) -> str:
    file = read_mapping_file(written(path, text))
    with pytest.raises(MappingFileError) as caught:
        check(file)
    return complaint(caught)


# Reading


def test_every_section_is_read_with_its_scope_and_the_line_it_stands_on(path: Path) -> None:
    file = read_mapping_file(
        written(
            path,
            """\
            entity_types:
              1302: 1046
            categories:
              2:
                5: 9
            stages:
              DEAL_STAGE_5:
                "C5:NEW": C9:NEW    # New -> New
            statuses:
              SOURCE:
                CALL: drop
            fields:
              2:
                UF_CRM_A: UF_CRM_B
            enumerations:
              2.UF_CRM_A:
                1: 81
            users:
              7: 70
            currencies:
              BTC: EUR
            """,
        )
    )

    assert file.overrides == {
        type_key(SPA): "1046",
        category_key(DEAL, 5): "9",
        stage_key("DEAL_STAGE_5", "C5:NEW"): "C9:NEW",
        status_key("SOURCE", "CALL"): None,
        field_key(DEAL, "UF_CRM_A"): "UF_CRM_B",
        list_value_key(DEAL, "UF_CRM_A", 1): "81",
        user_key(7): "70",
        currency_key("BTC"): "EUR",
    }
    assert [line.line for line in file.lines] == [2, 5, 8, 11, 14, 17, 19, 21]


def test_a_line_without_an_answer_is_still_open(path: Path) -> None:
    text = """\
        users:
          7:          # OPEN: Ada
        stages:
          DEAL_STAGE_5:
        currencies:
        """

    assert read_mapping_file(written(path, text)).overrides == {}


@pytest.mark.parametrize("text", ["", "# nothing but a remark\n", "---\n"])
def test_an_empty_file_answers_nothing(path: Path, text: str) -> None:
    assert read_mapping_file(written(path, text)).lines == ()


def test_a_code_with_leading_zeros_is_read_as_it_is_written_in_quotes(path: Path) -> None:
    file = read_mapping_file(written(path, "statuses: {SOURCE: {'01': '02'}}"))

    assert file.overrides == {status_key("SOURCE", "01"): "02"}


# Mistakes in the form


def test_a_file_that_is_not_there_is_named_and_how_to_make_one_is_said(path: Path) -> None:
    with pytest.raises(MappingFileError) as caught:
        read_mapping_file(path)

    assert complaint(caught) == f"the mapping file {path} cannot be read: No such file or directory"
    assert caught.value.hint is not None
    assert "--write-mapping" in caught.value.hint


def test_a_file_that_is_no_text_is_refused(path: Path) -> None:
    path.write_bytes(b"users:\n  7: \xff\n")

    with pytest.raises(MappingFileError, match="it is not a UTF-8 text"):
        read_mapping_file(path)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("users:\n  7: [\n", 3, "expected the node content"),
        ("users:\n  7: 70\n  7: 71\n", 3, "users: 7: is said twice (first in line 2)"),
        ("users:\n  7: 70\nusers:\n  8: 70\n", 3, "users: is said twice (first in line 1)"),
        ("users:\n  7: 'Ada\n", 3, "(while scanning a quoted scalar that begins in line 2)"),
        ("users:\n\t7: 70\n", 2, "a tab stands where YAML takes blanks only"),
        ("users:\n  7: \x00\n", 2, "holds a character that is no text (U+0000)"),
        (f"users: {'[' * 2000}{']' * 2000}\n", 1, "levels stand in levels too deep to be read"),
        ("- users\n", 1, "must hold sections such as `stages:` and `users:`"),
        ("user:\n  7: 70\n", 1, "unknown section 'user' (known: entity_types, categories, "),
        ("users:\n  - 7\n", 1, "section 'users' must hold lines `source: target`"),
        ("users:\n  7: {a: b}\n", 2, "users: 7: must be one identifier, or `drop`"),
        ("users:\n  7: [70]\n", 2, "users: 7: must be one identifier, or `drop`"),
        ("users:\n  7: true\n", 2, "users: 7: must be one identifier, or `drop`"),
        ("stages:\n  DEAL_STAGE: NEW\n", 2, "stages: DEAL_STAGE: must hold lines"),
    ],
)
def test_every_mistake_in_the_form_names_file_and_line(
    path: Path, text: str, line: int, problem: str
) -> None:
    message = refused(path, text)

    assert message.startswith("1 line of the mapping file cannot be used:\n")
    assert f"  {path}:{line}: " in message
    assert problem in message


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(path: Path) -> None:
    message = refused(path, "users:\n  7: [70]\nnonsense: 1\nstages:\n  X: Y\n")

    assert message.splitlines()[0] == "3 lines of the mapping file cannot be used:"
    assert [line.partition("yaml:")[2][0] for line in message.splitlines()[1:]] == ["2", "3", "5"]


# Lines that match nothing


def test_answers_that_fit_both_portals_are_accepted(path: Path) -> None:
    text = """\
        entity_types: {1302: 1302}
        categories: {2: {5: 0}}
        stages: {DEAL_STAGE_5: {"C5:NEW": NEW}}
        statuses: {SOURCE: {CALL: drop}}
        fields: {2: {UF_CRM_NOTE: UF_CRM_NOTES}}
        enumerations: {2.UF_CRM_COLOUR: {2: 1}}
        users: {8: 7}
        currencies: {USD: USD}
        """

    check(read_mapping_file(written(path, text)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("entity_types: {1303: 1302}", "entity_types: 1303: the source has no such entity type"),
        ("categories: {2: {6: 0}}", "categories: 2: 6: the source has no such category"),
        (
            "stages: {DEAL_STAGE_5: {'C5:NEU': NEW}}",
            "stages: DEAL_STAGE_5: C5:NEU: the source has no such stage",
        ),
        ("fields: {2: {UF_CRM_X: drop}}", "fields: 2: UF_CRM_X: the source has no such field"),
        ("users: {9: 7}", "users: 9: the source has no such user"),
        ("entity_types: {1302: 9999}", "entity_types: 1302: the target has no entity type '9999'"),
        ("entity_types: {1302: Deals}", "the target has no entity type 'Deals'"),
        ("categories: {2: {5: 77}}", "categories: 2: 5: the target has no category '77' in 2"),
        (
            "stages: {DEAL_STAGE_5: {'C5:NEW': WON}}",
            "stages: DEAL_STAGE_5: C5:NEW: the target has no stage 'WON' in DEAL_STAGE_5",
        ),
        (
            "statuses: {SOURCE: {CALL: MAIL}}",
            "statuses: SOURCE: CALL: the target has no status 'MAIL' in SOURCE",
        ),
        ("fields: {2: {title: name}}", "fields: 2: title: the target has no field 'name' in 2"),
        (
            "enumerations: {2.UF_CRM_COLOUR: {1: 99}}",
            "the target has no enumeration '99' in 2.UF_CRM_COLOUR",
        ),
        ("users: {7: 99}", "users: 7: the target has no user '99'"),
        ("currencies: {USD: ''}", "currencies: USD: the target has no currency ''"),
        ("stages: {DEAL_STAGE_5: {'C5:NEW': drop}}", "a stage cannot be dropped"),
        ("categories: {2: {5: drop}}", "a category cannot be dropped"),
        (
            "fields: {2: {UF_CRM_NOTES: UF_CRM_NOTE}}",
            "fields: 2: UF_CRM_NOTES: the field holds several values, 'UF_CRM_NOTE' only one",
        ),
    ],
)
def test_a_line_that_matches_nothing_is_refused_with_its_number_and_its_key(
    path: Path, text: str, problem: str
) -> None:
    message = checked(path, "# answers\n" + text)

    assert f"{path}:2: " in message
    assert problem in message
    assert len(message.splitlines()) == 2


def test_lines_below_a_type_that_is_left_out_are_passed_over(path: Path) -> None:
    text = """\
        entity_types: {1302: drop}
        categories: {1302: {9: 9}}
        stages: {DYNAMIC_1302_STAGE_9: {"DT1302_9:NEW": "DT1302_9:NEW"}}
        fields: {1302: {title: title}}
        """

    check(read_mapping_file(written(path, text)))


def test_lines_below_a_field_that_is_left_out_are_passed_over(path: Path) -> None:
    text = """\
        fields: {2: {UF_CRM_COLOUR: drop}}
        enumerations: {2.UF_CRM_COLOUR: {1: 1}}
        """

    check(read_mapping_file(written(path, text)))


def test_of_a_type_with_a_wrong_partner_only_its_own_line_is_refused(path: Path) -> None:
    message = checked(
        path,
        """\
        entity_types: {1302: 9999}
        categories: {1302: {9: 9}}
        fields: {1302: {title: title}}
        """,
    )

    assert len(message.splitlines()) == 2


def test_where_only_some_types_were_looked_at_the_others_may_hold_what_is_not_listed(
    path: Path,
) -> None:
    file = read_mapping_file(written(path, "users: {404: 7}\nstatuses: {SOURCE: {GONE: CALL}}"))

    check(file, is_partial=True)


def test_a_field_has_to_exist_even_where_only_some_types_were_looked_at(path: Path) -> None:
    file = read_mapping_file(written(path, "fields: {2: {UF_CRM_X: drop}}"))

    with pytest.raises(MappingFileError, match="the source has no such field"):
        check(file, is_partial=True)
