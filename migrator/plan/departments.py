"""Departments: which of several answers is the nearest to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def nearest(
    departments: Sequence[int], above: Mapping[int, int | None], answers: Mapping[int, str]
) -> str | None:
    """The answer of the fewest steps upwards; between equals, of the department named first."""
    found: tuple[int, str] | None = None
    for department in departments:
        for steps, one in enumerate(_upwards(department, above)):
            if one in answers and (found is None or steps < found[0]):
                found = (steps, answers[one])
                break
    return found[1] if found else None


def _upwards(department: int, above: Mapping[int, int | None]) -> Iterator[int]:
    """A department, the one it belongs to, and so on; a portal's data may hold a circle."""
    seen: set[int] = set()
    one: int | None = department
    while one is not None and one not in seen:
        seen.add(one)
        yield one
        one = above.get(one)
