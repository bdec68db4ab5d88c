"""The mapping file as it is written: names beside identifiers, answers never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator.domain.mapping import Decision, Pair, PairKey, PairKind
from migrator.domain.vocabulary import DEAL
from migrator.plan.pairing import Pairing
from migrator.planning.mapping_file import (
    MappingFileError,
    read_mapping_file,
    write_mapping_file,
)
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


def pairs_of(source: Structure, target: Structure) -> list[Pair]:
    return Pairing(source, target, {}).pairs()


def test_what_was_decided_stands_there_with_names_and_what_is_open_is_marked(path: Path) -> None:
    added = write_mapping_file(path, pairs_of(a_small_portal(), a_small_portal(OTHER_SPA)))

    lines = [" ".join(line.split()) for line in path.read_text(encoding="utf-8").splitlines()]
    assert "1302: 1046 # Projects -> Projects (name)" in lines
    assert "DT1302_9:NEW: DT1046_9:NEW # New -> New (identity)" in lines
    assert "7: 7 # Ada <ada@example.com> -> Ada (identity)" in lines
    assert "8: # OPEN: Bob" in lines
    assert "'01': '01' # Fair -> Fair (identity)" in lines
    assert added == sum(" # " in line and not line.startswith("#") for line in lines)
    assert lines[0].startswith("# What of the source is what of the target.")


def test_system_fields_that_simply_correspond_have_no_line(path: Path) -> None:
    portal = a_structure(a_type(DEAL, TITLE, a_user_field("UF_CRM_SIZE")))

    write_mapping_file(path, pairs_of(portal, portal))

    file = read_mapping_file(path)
    assert field_key(DEAL, "UF_CRM_SIZE") in file.overrides
    assert field_key(DEAL, "title") not in file.overrides


def test_a_system_field_without_a_partner_has_one(path: Path) -> None:
    write_mapping_file(path, pairs_of(a_structure(a_type(DEAL, TITLE)), a_structure(a_type(DEAL))))

    assert "title:" in path.read_text(encoding="utf-8")


def test_an_existing_file_is_only_added_to(path: Path) -> None:
    mine = "# my answers\nusers:\n  7: 8    # Ada has left\n\nstages:\n  DEAL_STAGE_5:\n"
    path.write_text(mine, encoding="utf-8")

    added = write_mapping_file(path, pairs_of(a_small_portal(), a_small_portal()))

    text = path.read_text(encoding="utf-8")
    assert added > 5
    assert text.startswith("# my answers\nusers:\n  7: 8    # Ada has left\n")
    file = read_mapping_file(path)
    assert file.overrides[user_key(7)] == "8"
    assert file.overrides[stage_key("DEAL_STAGE_5", "C5:NEW")] == "C5:NEW"


def test_writing_a_second_time_adds_nothing_and_changes_nothing(path: Path) -> None:
    pairs = pairs_of(a_small_portal(), a_small_portal(OTHER_SPA))
    write_mapping_file(path, pairs)
    before = path.read_text(encoding="utf-8")

    assert write_mapping_file(path, pairs) == 0
    assert path.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("mine", ["users:\n", "users: {}\n", "stages:\n  DEAL_STAGE_5:\n"])
def test_sections_that_are_still_empty_are_filled(path: Path, mine: str) -> None:
    path.write_text(mine, encoding="utf-8")

    write_mapping_file(path, pairs_of(a_small_portal(), a_small_portal()))

    assert user_key(7) in read_mapping_file(path).overrides


def test_nothing_is_written_into_a_file_that_is_no_mapping(path: Path) -> None:
    path.write_text("users: [7]\n", encoding="utf-8")

    with pytest.raises(MappingFileError, match="must hold lines"):
        write_mapping_file(path, pairs_of(a_small_portal(), a_small_portal()))

    assert path.read_text(encoding="utf-8") == "users: [7]\n"


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingFileError, match="cannot be written: No such file or directory"):
        write_mapping_file(tmp_path / "nowhere" / "mapping.yaml", [])


def test_what_was_left_out_on_purpose_is_written_as_such(path: Path) -> None:
    portal = a_small_portal()
    pairs = Pairing(portal, portal, {field_key(DEAL, "UF_CRM_NOTE"): None}).pairs()

    write_mapping_file(path, pairs)

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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(decisions(), max_size=4, unique_by=lambda pair: pair.pair_key))
def test_writing_the_file_and_reading_it_back_gives_the_same_decisions(
    tmp_path: Path, pairs: list[Pair]
) -> None:
    path = tmp_path / "mapping.yaml"
    path.unlink(missing_ok=True)

    added = write_mapping_file(path, pairs)

    expected: dict[PairKey, str | None] = {
        pair.pair_key: pair.target_key for pair in pairs if pair.decision is not Decision.OPEN
    }
    assert added == len(pairs)
    assert read_mapping_file(path).overrides == expected
