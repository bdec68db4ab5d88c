"""What a portal says is shown wherever the output goes, in one form or another."""

from __future__ import annotations

import json
import sys
from io import BytesIO, TextIOWrapper

import pytest

from migrator.cli import render

NAME = "Ж \U0001f600 é half \ud83d"


def an_output(encoding: str) -> TextIOWrapper:
    return TextIOWrapper(BytesIO(), encoding=encoding, write_through=True)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "koi8-r", "utf-8"])
def test_a_character_the_output_does_not_have_is_shown_as_an_escape(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    out = an_output(encoding)
    monkeypatch.setattr(sys, "stdout", out)

    render.escape_what_cannot_be_shown(out)
    render.console().print(NAME, markup=False)

    written = out.buffer.getvalue()  # type: ignore[attr-defined]  # a BytesIO
    assert written.decode(encoding).strip() == NAME.encode(encoding, "backslashreplace").decode(
        encoding
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "koi8-r", "utf-8"])
def test_json_stays_json_in_any_alphabet(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    out = an_output(encoding)
    monkeypatch.setattr(sys, "stdout", out)

    render.print_json({"name": NAME})

    written = out.buffer.getvalue()  # type: ignore[attr-defined]  # a BytesIO
    assert json.loads(written.decode(encoding)) == {"name": NAME}
