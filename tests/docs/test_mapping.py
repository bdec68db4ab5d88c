"""The mapping file: what the page and the example show can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from migrator.domain.mapping import PairKind
from migrator.planning.mapping_file import read_mapping_file
from tests.docs.pages import MAPPING, ROOT, plain

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = ROOT / "config" / "mapping.example.yaml"


def test_the_example_shows_every_section() -> None:
    shown = {line.key.kind for line in read_mapping_file(EXAMPLE).lines}

    assert shown == set(PairKind)


def test_the_example_shows_what_is_left_out_and_what_is_open() -> None:
    answers = read_mapping_file(EXAMPLE).overrides.values()

    assert None in answers
    assert "103: # OPEN" in EXAMPLE.read_text(encoding="utf-8")


def test_the_page_explains_every_section() -> None:
    rows = MAPPING.table("The mapping file", "section")

    assert sorted(plain(row[0]) for row in rows) == sorted(kind.section for kind in PairKind)


@pytest.mark.parametrize("block", MAPPING.blocks("yaml"))
def test_what_the_page_shows_can_be_read(block: str, tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(block, encoding="utf-8")

    assert read_mapping_file(file).lines
