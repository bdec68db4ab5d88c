"""The documentation as the tests read it: pages, tables, code blocks, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """The text without its fenced code blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        return [body for name, body in _FENCE.findall(self.text) if name == language]

    @cached_property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    @cached_property
    def anchors(self) -> set[str]:
        return {_slug(heading) for _, heading in _HEADING.findall(self.prose)}

    def section(self, heading: str) -> str:
        """What stands below a heading, up to the next one of its level or above."""
        start = re.search(rf"^(#+) {re.escape(heading)}$", self.text, re.MULTILINE)
        assert start, f"{self} has no section '{heading}'"
        rest = self.text[start.end() :]
        level = len(start[1])
        end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
        return rest[: end.start()] if end else rest

    def table(self, heading: str, first: str) -> list[list[str]]:
        """The rows of the table in a section whose first column is headed `first`."""
        lines = self.section(heading).splitlines()
        head = next(n for n, line in enumerate(lines) if line.startswith(f"| {first} |"))
        rows = []
        for line in lines[head + 2 :]:
            if not line.startswith("|"):
                break
            rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
        return rows


def _slug(heading: str) -> str:
    """The anchor GitHub makes of a heading."""
    plain = re.sub(r"[^\w\- ]", "", heading.lower())
    return plain.replace(" ", "-")


def plain(cell: str) -> str:
    return cell.strip().strip("`").strip()


USER_GUIDE = Page(ROOT / "docs" / "user-guide.md")
COMMANDS = Page(ROOT / "docs" / "commands.md")
JSON_OUTPUT = Page(ROOT / "docs" / "json-output.md")
CONFIGURATION = Page(ROOT / "docs" / "configuration.md")
MAPPING = Page(ROOT / "docs" / "mapping.md")
FINDINGS = Page(ROOT / "docs" / "findings.md")
ERRORS = Page(ROOT / "docs" / "errors.md")
ARCHITECTURE = Page(ROOT / "docs" / "architecture.md")
INDEX = Page(ROOT / "docs" / "index.md")
README = Page(ROOT / "README.md")

PAGES = [Page(path) for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])]
