"""The mapping file: what the page, the example and the published schema say is what is read."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from migrator.domain.mapping import PairKind
from migrator.domain.vocabulary import DEAL
from migrator.plan.pairing import Pairing
from migrator.planning.mapping_file import MappingFileError, read_mapping_file
from migrator.planning.mapping_lines import SECTIONS
from migrator.planning.mapping_schema import SCHEMA_NAME, mapping_schema, schema_text
from tests.docs.pages import MAPPING, ROOT, plain
from tests.fakes.builders import RESPONSIBLE, STAGE, a_category, a_status, a_structure, a_type

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = ROOT / "config" / "mapping.example.yaml"


def test_the_example_shows_every_section() -> None:
    file = read_mapping_file(EXAMPLE)

    assert {line.key.kind for line in file.lines} == set(PairKind)
    assert {user.department for user in file.users} == {None, "12"}
    assert all((file.rates, file.filters, file.matches))


def test_the_example_shows_what_is_left_out_and_what_is_open() -> None:
    answers = read_mapping_file(EXAMPLE).overrides.values()

    assert None in answers
    assert "103: # OPEN" in EXAMPLE.read_text(encoding="utf-8")


def test_the_example_names_the_schema_that_stands_beside_it() -> None:
    first = EXAMPLE.read_text(encoding="utf-8").splitlines()[0]

    assert first == f"# yaml-language-server: $schema={SCHEMA_NAME}"
    assert (EXAMPLE.parent / SCHEMA_NAME).is_file()


def test_the_published_schema_is_the_one_of_the_program() -> None:
    published = (ROOT / "config" / SCHEMA_NAME).read_text(encoding="utf-8")

    assert published == schema_text(), (
        "python -c 'from migrator.planning.mapping_schema import schema_text; "
        f'print(schema_text(), end="")\' > config/{SCHEMA_NAME}'
    )


def test_the_schema_knows_every_section_that_is_read() -> None:
    assert set(mapping_schema()["properties"]) == set(SECTIONS)


def test_the_page_explains_every_section() -> None:
    rows = MAPPING.table("The mapping file", "section")

    assert sorted(plain(row[0]) for row in rows) == sorted(SECTIONS)


@pytest.mark.parametrize("block", MAPPING.blocks("yaml"))
def test_what_the_page_shows_can_be_read(block: str, tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(block, encoding="utf-8")

    read = read_mapping_file(file)

    assert any((read.lines, read.filters, read.matches))
    assert set(YAML(typ="safe").load(block)) <= set(SECTIONS)


def test_mistakes_are_told_as_the_page_shows(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(
        dedent("""\
            stages:
              DEAL_STAGE_5:
                C5:NEU: C5:NEW



            filters:
              2:
                assignedByIdd: 7
            """),
        encoding="utf-8",
    )
    portal = a_structure(
        a_type(
            DEAL,
            STAGE,
            RESPONSIBLE,
            categories=[a_category(5, "Repair")],
            stages={5: [a_status("C5:NEW")]},
        )
    )
    read = read_mapping_file(file).resolved(portal, portal)
    pairs = Pairing(portal, portal, read.overrides).pairs()

    with pytest.raises(MappingFileError) as caught:
        read.check(pairs, portal, portal, is_partial=False)

    (shown,) = (one for one in MAPPING.blocks("text") if "mapping-file" in one)
    told = caught.value.message.replace(str(file), file.name).splitlines()
    assert [line.strip() for line in told] == [line.strip() for line in shown.splitlines()[1:-1]]
