"""A portal with everything in it arrives whole, on either database, between any time zones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.sandbox import twin_structure
from tests.acceptance.whole_portal import PROJECT, TASK, whole_portal

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair, Pair

EAST, WEST = "+09:00", "-08:00"


@pytest.mark.parametrize(("source", "target"), [(EAST, WEST), (WEST, EAST)])
def test_every_field_of_every_item_agrees(
    portals: MakePair, staging_url: str, source: str, target: str
) -> None:
    seed = whole_portal(utc_offset=source)
    twin = twin_structure(seed, utc_offset=target)
    pair = portals(seed, target=twin, staging_url=staging_url)

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.out + outcome.err + _differences(pair)
    assert pair.target.losses == []
    progress = pair.rows("SELECT * FROM v_progress")
    assert {row["entity_type_id"] for row in progress} == {1, 2, 3, 4, 7, 31, PROJECT, TASK}
    assert all(row["verified"] == row["source"] for row in progress)
    _assert_names_agree(pair)


def _differences(pair: Pair) -> str:
    rows = pair.rows("SELECT entity_type_id, source_id, field, expected, actual FROM difference")
    return "\n".join(str(row) for row in rows)


def _assert_names_agree(pair: Pair) -> None:
    """Without the program's own verification: what each item is linked to, by name."""
    titles = _titles(pair)
    for entity_type_id in (1, 2, 3, 4, 7, 31):
        source, target = (_linked(portal, entity_type_id) for portal in titles)
        assert source == target


def _titles(pair: Pair) -> list[dict[int, dict[int, dict[str, Any]]]]:
    types = (1, 2, 3, 4, 7, 31)
    return [{t: portal.items(t) for t in types} for portal in (pair.source, pair.target)]


def _name(item: dict[str, Any]) -> str:
    return str(item.get("title") or f"{item.get('name')} {item.get('lastName')}")


def _linked(portal: dict[int, dict[int, dict[str, Any]]], entity_type_id: int) -> dict[str, Any]:
    """Item name -> names of the items its system fields refer to."""
    references = {"companyId": 4, "contactIds": 3, "leadId": 1, "quoteId": 7, "dealId": 2}
    found = {}
    for item in portal[entity_type_id].values():
        links = {}
        for field, refers_to in references.items():
            value = item.get(field) or []
            ids = value if isinstance(value, list) else [value]
            links[field] = sorted(_name(portal[refers_to][one]) for one in ids)
        found[_name(item)] = links
    return found
