"""Lines are added to a file without touching a character of what somebody wrote there."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from migrator.planning.yaml_growth import Leaf, grow

if TYPE_CHECKING:
    from migrator.planning.yaml_growth import Branch

NEW = Leaf("M", "new")
OPEN = Leaf(None, "OPEN: somebody")


def grown(text: str, branch: Branch) -> str:
    return grow(dedent(text), branch)[0]


def test_a_line_goes_below_the_last_one_of_its_section_in_its_indentation() -> None:
    text = """\
        users:
            7: 70   # Ada has left

            # people from the branch

        currencies: {}
        """

    assert grown(text, {"users": {"8": OPEN, "9": NEW}}) == dedent(
        """\
        users:
            7: 70   # Ada has left
            8: # OPEN: somebody
            9: M # new

            # people from the branch

        currencies: {}
        """
    )


def test_what_stands_there_keeps_its_value_and_its_quotes() -> None:
    text = "users:\n  '7':   70\n  \"8\":  # nobody yet\n"

    assert grow(text, {"users": {"7": NEW, "8": NEW}}) == (text, 0)


def test_a_level_that_is_new_is_written_with_everything_below_it() -> None:
    text = "stages:\n  DEAL_STAGE:\n    NEW: NEW\nusers:\n  7: 70\n"

    assert grown(text, {"stages": {"DEAL_STAGE": {"WON": NEW}, "STATUS": {"NEW": OPEN}}}) == (
        "stages:\n  DEAL_STAGE:\n    NEW: NEW\n    WON: M # new\n"
        "  STATUS:\n    NEW: # OPEN: somebody\n"
        "users:\n  7: 70\n"
    )


def test_a_section_that_is_new_stands_at_the_end_even_of_a_file_without_a_last_line_break() -> None:
    assert grown("users:\n  7: 70", {"currencies": {"USD": NEW}}) == (
        "users:\n  7: 70\ncurrencies:\n  USD: M # new\n"
    )
    assert grown("users:\n  7: 70", {"users": {"8": NEW}, "currencies": {"USD": NEW}}) == (
        "users:\n  7: 70\n  8: M # new\ncurrencies:\n  USD: M # new\n"
    )


def test_remarks_at_the_end_of_a_file_stay_where_they_are() -> None:
    text = "users:\n  7: 70\n\n# the end\n"

    assert grown(text, {"users": {"8": NEW}, "rates": {"USD": NEW}}) == (
        "users:\n  7: 70\n  8: M # new\n\n# the end\nrates:\n  USD: M # new\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("users: # mine\nrates:\n", "users: # mine\n  7: M # new\nrates:\n"),
        ("users: ~\nrates:\n", "users: \n  7: M # new\nrates:\n"),
        ("users: null # mine\n", "users:  # mine\n  7: M # new\n"),
        ("users:", "users:\n  7: M # new\n"),
        ("", "users:\n  7: M # new\n"),
        ("# mine\n", "# mine\nusers:\n  7: M # new\n"),
        ("---\nrates:\n...\n", "---\nrates:\nusers:\n  7: M # new\n...\n"),
    ],
)
def test_a_section_without_lines_is_filled(text: str, expected: str) -> None:
    assert grown(text, {"users": {"7": NEW}}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("users: {}\n", "users: {\n    7: M, # new\n  }\n"),
        ("users: {5: 6}\n", "users: {5: 6,\n    7: M, # new\n  }\n"),
        ("users: {5: 6, } # mine\n", "users: {5: 6, \n    7: M, # new\n  } # mine\n"),
        ("users: {5: }\n", "users: {5: , \n    7: M, # new\n  }\n"),
        ("users: {5: 6 # a, b\n  }\n", "users: {5: 6, # a, b\n  \n    7: M, # new\n  }\n"),
        ("{users: {5: 6}, rates: {}}\n", "{users: {5: 6,\n    7: M, # new\n  }, rates: {}}\n"),
        ("{rates: {}}\n", "{rates: {},\n    users: {7: M},\n  }\n"),
        ("{users: }\n", "{users: {7: M} }\n"),
        ("{users}\n", "{users: {7: M}}\n"),
    ],
)
def test_a_section_in_braces_grows_inside_of_them(text: str, expected: str) -> None:
    assert grown(text, {"users": {"7": NEW}}) == expected


def test_a_file_with_the_line_ends_of_another_system_keeps_them() -> None:
    assert grow("users:\r\n  7: 70\r\n", {"users": {"8": NEW}})[0] == (
        "users:\r\n  7: 70\r\n  8: M # new\r\n"
    )


# For any layout

_KEYS = st.sampled_from(["1", "2", "NEW", "C5:NEW", "'01'", '"a b"', "UF_X", "ä", "'it''s'", "3.5"])
_VALUES = st.sampled_from(["", "", "70", "drop", "'07'", '"x: y"', "~", "C9:WON", "a#b", "null"])
_REMARKS = st.sampled_from(["", "", " # mine", "   #tight", " # a, {b}: c"])
_GAPS = st.sampled_from(["", "", "", "\n", "  # between\n", "# at the left\n", "\n\n"])


@st.composite
def blocks(draw: st.DrawFn, indent: int) -> str:
    keys = draw(st.lists(_KEYS, min_size=1, max_size=4, unique_by=_plain))
    lines = []
    for key in keys:
        lines.append(f"{' ' * indent}{key}: {draw(_VALUES)}{draw(_REMARKS)}\n{draw(_GAPS)}")
    return "".join(lines)


@st.composite
def braces(draw: st.DrawFn) -> str:
    keys = draw(st.lists(_KEYS, max_size=3, unique_by=_plain))
    values = st.sampled_from(["70", "drop", "'07'", "null", '"x: y"', ""])
    inner = draw(st.sampled_from([", ", ",  ", ",\n      "])).join(
        f"{key}: {draw(values)}" for key in keys
    )
    end = draw(st.sampled_from(["", " ", "\n    ", ","])) if keys else ""
    return "{" + inner + end + "}"


@st.composite
def sections(draw: st.DrawFn, name: str) -> str:
    """`users` has lines, `stages` has levels with lines."""
    step = draw(st.sampled_from([2, 4, 3]))
    if name == "users":
        body = draw(st.sampled_from(["block", "braces", "nothing"]))
        content = {
            "block": f"\n{draw(blocks(step))}",
            "braces": f" {draw(braces())}\n",
            "nothing": f"{draw(_REMARKS)}\n",
        }[body]
        return f"{name}:{content}"
    scopes = draw(st.lists(st.sampled_from(["DEAL_STAGE", "STATUS"]), max_size=2, unique=True))
    levels = "".join(
        f"{' ' * step}{scope}:"
        + draw(
            st.one_of(
                blocks(step * 2).map(lambda lines: f"\n{lines}"),
                braces().map(lambda line: f" {line}\n"),
                st.just("\n"),
            )
        )
        for scope in scopes
    )
    return f"{name}:\n{levels}"


@st.composite
def files(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(["users", "stages"]), max_size=2, unique=True))
    head = draw(st.sampled_from(["", "# mine\n", "\n", "---\n", "\ufeff# mine\n"]))
    text = head + "".join(draw(_GAPS) + draw(sections(name)) for name in names)
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def _plain(key: str) -> str:
    return str(YAML(typ="safe").load(key))


_LEAVES = st.builds(
    Leaf, st.none() | st.sampled_from(["4", "drop", "C9:NEW", "it's"]), st.just("x")
)
_NAMES = st.sampled_from(["1", "2", "9", "NEW", "C5:NEW", "LOST", "01", "a b", "it's"])
_LINES = st.dictionaries(_NAMES, _LEAVES, min_size=1, max_size=4)
branches = st.fixed_dictionaries(
    {},
    optional={
        "users": _LINES,
        "stages": st.dictionaries(
            st.sampled_from(["DEAL_STAGE", "STATUS", "QUOTE_STATUS"]), _LINES, min_size=1
        ),
    },
)


def loaded(text: str) -> dict[str, Any]:
    read: dict[str, Any] = _as_text(YAML(typ="safe").load(text.removeprefix("\ufeff")) or {})
    return read


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _as_text(inner) for key, inner in value.items()}
    return None if value is None else str(value)


def _united(mine: Any, branch: Any) -> Any:
    """What must be read afterwards: mine, and what it did not have."""
    result = dict(mine or {})
    for key, what in branch.items():
        if isinstance(what, Leaf):
            result.setdefault(key, what.value)
        else:
            result[key] = _united(result.get(key), what)
    return result


def _is_contained(lines: list[str], others: list[str]) -> bool:
    rest = iter(others)
    return all(line in rest for line in lines)


@settings(deadline=None)
@given(files(), branches)
def test_nothing_of_the_file_is_changed_and_all_that_was_missing_is_there(
    text: str, branch: Branch
) -> None:
    after, added = grow(text, branch)

    assert loaded(after) == _united(loaded(text), branch)
    assert _is_contained(list(_kept(text)), list(after))
    if "{" not in text and "~" not in text and "null" not in text:
        assert _is_contained(text.splitlines(), after.splitlines())
    assert grow(after, branch) == (after, 0)
    assert (added == 0) == (after == text)


def _kept(text: str) -> str:
    """The word for nothing has to go where lines are put below it."""
    return text.replace("null", "").replace("~", "")
