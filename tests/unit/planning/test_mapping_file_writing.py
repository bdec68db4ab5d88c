"""The mapping file as it is written: names beside identifiers, answers never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator.domain.mapping import Decision, Pair, PairKey, PairKind, UserDefaults
from migrator.domain.records import MatchCandidate
from migrator.domain.vocabulary import DEAL, EntityTypeId, SourceId, TargetId
from migrator.plan.pairing import Pairing
from migrator.planning.mapping_file import MappingFileError, read_mapping_file
from migrator.planning.mapping_schema import schema_text
from migrator.planning.mapping_writing import write_mapping_file
from tests.fakes.builders import (
    OTHER_SPA,
    TITLE,
    a_small_portal,
    a_structure,
    a_type,
    a_user_field,
    field_key,
    stage_key,
    user_key,
)

if TYPE_CHECKING:
    from pathlib import Path

    from migrator.domain.structure import Structure


# Writing


NOBODY = a_structure()


def pairs_of(source: Structure, target: Structure) -> list[Pair]:
    return Pairing(source, target, {}).pairs()


def test_what_was_decided_stands_there_with_names_and_what_is_open_is_marked(path: Path) -> None:
    added = write_mapping_file(
        path, pairs_of(a_small_portal(), a_small_portal(OTHER_SPA)), a_small_portal()
    )

    lines = [" ".join(line.split()) for line in path.read_text(encoding="utf-8").splitlines()]
    assert "1302: 1046 # Projects -> Projects (name)" in lines
    assert "DT1302_9:NEW: DT1046_9:NEW # New -> New (identity)" in lines
    assert "7: 7 # Ada <ada@example.com> -> Ada (identity)" in lines
    assert "8: # OPEN: Bob" in lines
    assert "'01': '01' # Fair -> Fair (identity)" in lines
    assert added == sum(" # " in line and not line.startswith("#") for line in lines)
    assert lines[0] == "# yaml-language-server: $schema=mapping.schema.json"


def test_system_fields_that_simply_correspond_have_no_line(path: Path) -> None:
    portal = a_structure(a_type(DEAL, TITLE, a_user_field("UF_CRM_SIZE")))

    write_mapping_file(path, pairs_of(portal, portal), portal)

    file = read_mapping_file(path)
    assert field_key(DEAL, "UF_CRM_SIZE") in file.overrides
    assert field_key(DEAL, "title") not in file.overrides


def test_a_system_field_without_a_partner_has_one(path: Path) -> None:
    write_mapping_file(
        path, pairs_of(a_structure(a_type(DEAL, TITLE)), a_structure(a_type(DEAL))), NOBODY
    )

    assert "title:" in path.read_text(encoding="utf-8")


def test_an_existing_file_is_only_added_to(path: Path) -> None:
    mine = "# my answers\nusers:\n  7: 8    # Ada has left\n\nstages:\n  DEAL_STAGE_5:\n"
    path.write_text(mine, encoding="utf-8")

    added = write_mapping_file(path, pairs_of(a_small_portal(), a_small_portal()), a_small_portal())

    text = path.read_text(encoding="utf-8")
    assert added > 5
    assert text.startswith("# my answers\nusers:\n  7: 8    # Ada has left\n")
    file = read_mapping_file(path)
    assert file.overrides[user_key(7)] == "8"
    assert file.overrides[stage_key("DEAL_STAGE_5", "C5:NEW")] == "C5:NEW"


def test_writing_a_second_time_adds_nothing_and_changes_nothing(path: Path) -> None:
    pairs = pairs_of(a_small_portal(), a_small_portal(OTHER_SPA))
    write_mapping_file(path, pairs, NOBODY)
    before = path.read_text(encoding="utf-8")

    assert write_mapping_file(path, pairs, NOBODY) == 0
    assert path.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("mine", ["users:\n", "users: {}\n", "stages:\n  DEAL_STAGE_5:\n"])
def test_sections_that_are_still_empty_are_filled(path: Path, mine: str) -> None:
    path.write_text(mine, encoding="utf-8")

    write_mapping_file(path, pairs_of(a_small_portal(), a_small_portal()), a_small_portal())

    assert user_key(7) in read_mapping_file(path).overrides


def test_nothing_is_written_into_a_file_that_is_no_mapping(path: Path) -> None:
    path.write_text("users: [7]\n", encoding="utf-8")

    with pytest.raises(MappingFileError, match="must hold lines"):
        write_mapping_file(path, pairs_of(a_small_portal(), a_small_portal()), a_small_portal())

    assert path.read_text(encoding="utf-8") == "users: [7]\n"


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingFileError, match="cannot be written: No such file or directory"):
        write_mapping_file(tmp_path / "nowhere" / "mapping.yaml", [], NOBODY)


def test_what_was_left_out_on_purpose_is_written_as_such(path: Path) -> None:
    portal = a_small_portal()
    pairs = Pairing(portal, portal, {field_key(DEAL, "UF_CRM_NOTE"): None}).pairs()

    write_mapping_file(path, pairs, NOBODY)

    assert read_mapping_file(path).overrides[field_key(DEAL, "UF_CRM_NOTE")] is None


#: No portal has identifiers with control characters or line ends in them; names may hold anything.
identifiers = st.text(
    st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]), min_size=1, max_size=12
)
awkward = st.sampled_from(
    [
        *[
            "1",
            "01",
            "1.5",
            "1e3",
            "0x1F",
            "1_000",
            "-0",
            "+1",
            ".5",
            ".inf",
            "12:30",
            "2024-01-01",
        ],
        *[
            "yes",
            "true",
            "null",
            "N",
            "~",
            "<<",
            "--",
            "---",
            "...",
            "C5:NEW",
            "a:b",
            "-a",
            "drop,",
        ],
        *[
            "#",
            "#x",
            "a#b",
            "'",
            '"',
            "{",
            "[",
            "&a",
            "*a",
            "!t",
            "%",
            "@",
            "`",
            "?",
            ":",
            "|",
            ">",
        ],
    ]
)
keys = identifiers | awkward
names = st.text(max_size=20)


@st.composite
def decisions(draw: st.DrawFn) -> Pair:
    kind = draw(st.sampled_from(list(PairKind)))
    decision = draw(st.sampled_from(list(Decision)))
    answer = draw(keys.filter(lambda text: text != "drop"))
    return Pair(
        kind=kind,
        scope="" if kind.section in {"entity_types", "users", "currencies"} else draw(keys),
        # As user fields have a line whatever was decided.
        source_key=("UF_" if kind is PairKind.FIELD else "") + draw(keys),
        source_name=draw(names),
        target_key=None if decision in {Decision.OPEN, Decision.DROPPED} else answer,
        target_name=draw(st.none() | names),
        decision=decision,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(decisions(), max_size=4, unique_by=lambda pair: pair.pair_key))
def test_writing_the_file_and_reading_it_back_gives_the_same_decisions(
    tmp_path: Path, pairs: list[Pair]
) -> None:
    path = tmp_path / "mapping.yaml"
    path.unlink(missing_ok=True)

    added = write_mapping_file(path, pairs, NOBODY)

    written = [pair for pair in pairs if pair.decision is not Decision.DEFAULT]
    expected: dict[PairKey, str | None] = {
        pair.pair_key: pair.target_key for pair in written if pair.decision is not Decision.OPEN
    }
    assert added == len(written)
    assert read_mapping_file(path).overrides == expected


# What has been decided in another way


def test_a_user_who_is_answered_by_e_mail_gets_no_second_line(path: Path) -> None:
    path.write_text("users:\n  Ada@Example.com: # nobody yet\n", encoding="utf-8")
    portal = a_small_portal()

    write_mapping_file(path, pairs_of(portal, portal), portal)

    users = path.read_text(encoding="utf-8").partition("users:\n")[2].partition("\nent")[0]
    assert users.startswith("  Ada@Example.com: # nobody yet\n  8: # OPEN: Bob")


def test_a_user_by_default_gets_no_line_because_the_default_may_change(path: Path) -> None:
    portal = a_small_portal()
    pairs = Pairing(portal, portal, {}, UserDefaults(everybody="7")).pairs()

    write_mapping_file(path, pairs, portal)

    assert user_key(8) not in read_mapping_file(path).overrides
    assert "8:" not in path.read_text(encoding="utf-8")


def test_sections_that_are_no_pairs_stay_as_they_are(path: Path) -> None:
    mine = 'rates: {USD: 0.92}   # today\nfilters:\n  2: {"%title": x}\ndefault_user: 7\n'
    path.write_text(mine, encoding="utf-8")
    portal = a_small_portal()

    write_mapping_file(path, pairs_of(portal, portal), portal)

    assert path.read_text(encoding="utf-8").startswith(mine)


# The schema


def test_a_new_file_gets_its_schema_beside_it_and_names_it(path: Path) -> None:
    write_mapping_file(path, [], NOBODY)

    schema = path.with_name("mapping.schema.json")
    assert schema.read_text(encoding="utf-8") == schema_text()
    assert path.read_text(encoding="utf-8").startswith(
        "# yaml-language-server: $schema=mapping.schema.json\n"
    )


def test_a_file_that_exists_gets_neither_a_schema_nor_a_line_about_one(path: Path) -> None:
    path.write_text("users:\n", encoding="utf-8")

    write_mapping_file(path, pairs_of(a_small_portal(), a_small_portal()), a_small_portal())

    assert not path.with_name("mapping.schema.json").exists()
    assert "yaml-language-server" not in path.read_text(encoding="utf-8")


def test_a_schema_that_is_there_already_is_left_alone(path: Path) -> None:
    path.with_name("mapping.schema.json").write_text("{}", encoding="utf-8")

    write_mapping_file(path, [], NOBODY)

    assert path.with_name("mapping.schema.json").read_text(encoding="utf-8") == "{}"


def test_a_file_that_lines_cannot_be_added_to_is_left_as_it_is(path: Path) -> None:
    mine = "users: &mine {7: 8}\ncurrencies: *mine\n"
    path.write_text(mine, encoding="utf-8")
    portal = a_small_portal()

    with pytest.raises(MappingFileError, match="no lines can be added"):
        write_mapping_file(path, pairs_of(portal, portal), portal)

    assert path.read_text(encoding="utf-8") == mine


def test_lines_are_not_added_to_a_section_that_shares_its_text_with_defaults(path: Path) -> None:
    mine = "departments: &mine {12: 8}\nusers: *mine\n"
    path.write_text(mine, encoding="utf-8")
    portal = a_small_portal()

    with pytest.raises(MappingFileError, match="no lines can be added"):
        write_mapping_file(path, pairs_of(portal, portal), portal)

    assert path.read_text(encoding="utf-8") == mine


def test_ambiguous_matches_get_open_lines_where_their_type_is_matched(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text("match:\n  4: {match_on: [UF_CRM_INN]} # mine\n", encoding="utf-8")
    ambiguous = [
        MatchCandidate(
            entity_type_id=EntityTypeId(entity_type_id),
            source_id=SourceId(1),
            target_id=TargetId(target_id),
            field="UF_CRM_INN",
            value="7",
            target_title=title,
        )
        for entity_type_id, target_id, title in ((4, 50, "Acme"), (4, 51, "Acme\nLtd"), (3, 9, "A"))
    ]

    added = write_mapping_file(path, [], NOBODY, ambiguous)
    again = write_mapping_file(path, [], NOBODY, ambiguous)

    assert (added, again) == (1, 0)
    assert read_mapping_file(path).match_rules[EntityTypeId(4)].answers == {}
    assert path.read_text(encoding="utf-8").startswith("match:\n  4: {match_on: [UF_CRM_INN],")
    assert "1: null" in path.read_text(encoding="utf-8")


def test_the_candidates_stand_beside_an_open_line(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text("match:\n  4:\n    match_on: [UF_CRM_INN]\n", encoding="utf-8")
    one = MatchCandidate(
        entity_type_id=EntityTypeId(4),
        source_id=SourceId(4711),
        target_id=TargetId(88),
        field="UF_CRM_INN",
        value="7",
        target_title="Acme",
    )

    write_mapping_file(path, [], NOBODY, [one])

    line = path.read_text(encoding="utf-8").splitlines()[-1]
    assert line == "      4711: # OPEN: 88 Acme (UF_CRM_INN), or new"
