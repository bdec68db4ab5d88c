"""The sandbox is the other side: it may not lean on what it checks."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCES = sorted((Path(__file__).parents[3] / "migrator" / "sandbox").glob("*.py"))


def test_the_sandbox_imports_nothing_else_of_the_package() -> None:
    imported = {
        name
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        for name in _names(node)
        if name.split(".")[0] == "migrator"
    }

    assert imported
    assert {name for name in imported if not f"{name}.".startswith("migrator.sandbox.")} == set()


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or "migrator"]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
