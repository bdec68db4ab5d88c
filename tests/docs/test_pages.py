"""The pages as a whole: links lead somewhere, the tree is the real one, no page is forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import migrator
from tests.docs.pages import ARCHITECTURE, INDEX, PAGES, README, ROOT, Page

_TEXTS = {".md", ".py", ".toml", ".yaml", ".yml", ".sql", ".ini", ".txt", ".json", ".mako", ""}
#: What tools leave behind begins with a dot; of those folders only this one is ours.
_DOT_FOLDER = ".ci"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_to_something_that_exists(page: Page) -> None:
    local = [link for link in page.links if not link.startswith(("https://", "http://"))]

    assert [link for link in local if not _exists(page, link)] == []


def _exists(page: Page, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.path.parent / name).resolve() if name else page.path
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not anchor or anchor in Page(target).anchors


@pytest.mark.parametrize("start", [INDEX, README], ids=str)
def test_every_page_is_listed(start: Page) -> None:
    listed = {(start.path.parent / link.partition("#")[0]).resolve() for link in start.links}

    pages = {page.path for page in PAGES if page.path.parent.name == "docs"} - {INDEX.path}
    assert sorted(path.name for path in pages - listed) == []


def test_the_tree_names_every_part_of_the_package() -> None:
    (tree,) = ARCHITECTURE.blocks("text")
    drawn = {
        name for line in tree.splitlines() for name in re.findall(r"\w+", line[: line.index("  ")])
    }
    folder = Path(migrator.__file__).parent

    parts = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    parts |= {path.parent.name for path in folder.glob("*/__init__.py")}

    assert drawn == parts


def test_the_tree_has_the_layers_that_are_checked() -> None:
    contract = (ROOT / ".importlinter").read_text(encoding="utf-8")
    layers = contract.split("layers =\n")[1].split("\n\n")[0]
    (tree,) = ARCHITECTURE.blocks("text")

    assert [set(re.findall(r"\w+", line[: line.index("  ")])) for line in tree.splitlines()] == [
        set(re.findall(r"\w+", line)) for line in layers.splitlines()
    ]


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    somebodys = re.compile(r"(?<![\w.:/-])/(?:home|Users|root|work)/\w")

    assert [
        path.relative_to(ROOT).as_posix()
        for path in _our_files()
        if somebodys.search(path.read_text(encoding="utf-8"))
    ] == []


def _our_files() -> list[Path]:
    return [
        path
        for top in ROOT.iterdir()
        if top.is_file() or top.name == _DOT_FOLDER or _is_source(top)
        for path in ([top] if top.is_file() else top.rglob("*"))
        if path.is_file() and path.suffix in _TEXTS and path.name != ".env"
    ]


def _is_source(folder: Path) -> bool:
    return not folder.name.startswith(".") and folder.suffix != ".egg-info"
