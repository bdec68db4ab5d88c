"""Portals that lack what ours has: entity types that are switched off, methods that came later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.errors import MethodNotFound
from migrator.export.profile import PortalNotUsable
from migrator.plan.check.line import Question, Verdict
from migrator.sandbox import twin_structure
from migrator.sandbox.registry import METHODS
from tests.acceptance.in_process import move, opened
from tests.acceptance.test_check import check, lines_of
from tests.acceptance.whole_portal import whole_portal

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair

LEAD, QUOTE, SMART_INVOICE = "1", "7", "31"
OFF = "ENTITY_TYPE_NOT_SUPPORTED"


def without(seed: dict[str, Any], *types: str) -> dict[str, Any]:
    seed["portal"] = {**seed.get("portal", {}), "refused_types": dict.fromkeys(types, OFF)}
    return seed


def test_what_both_portals_have_switched_off_is_no_question(portals: MakePair) -> None:
    target = without(twin_structure(whole_portal()), QUOTE, SMART_INVOICE)
    pair = portals(without(whole_portal(), QUOTE, SMART_INVOICE), target=target)

    report = check(pair)

    assert report.verdict is not Verdict.BLOCKING
    (line,) = lines_of(report, Question.ENTITY_TYPES)
    assert line.verdict is Verdict.OK
    assert not any("Quote" in one.detail for one in lines_of(report, Question.ITEMS))


def test_items_of_a_type_the_target_has_switched_off_have_no_partner(portals: MakePair) -> None:
    target = without(twin_structure(whole_portal()), LEAD)
    pair = portals(whole_portal(), target=target)

    (line,) = lines_of(check(pair), Question.ENTITY_TYPES)

    assert line.verdict is Verdict.BLOCKING
    assert "has no partner in the target" in line.detail
    assert "`drop`" in (line.remedy or "")


def test_without_the_method_for_many_items_they_are_imported_one_by_one(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(METHODS, "crm.item.batchimport")
    pair = portals(whole_portal())

    move(pair)

    writes = pair.writes()
    assert writes.count("crm.item.import") == sum(map(len, whole_portal()["items"].values()))
    assert writes.count("crm.item.batchImport") <= len(whole_portal()["items"])
    assert pair.rows("SELECT * FROM v_failed_items") == []
    assert pair.rows("SELECT * FROM difference") == []


def test_without_any_method_to_import_no_item_is_taken_for_a_failed_one(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(METHODS, "crm.item.batchimport")
    monkeypatch.delitem(METHODS, "crm.item.import")
    pair = portals(whole_portal())

    with pytest.raises(MethodNotFound, match=r"crm\.item\.import"):
        move(pair)

    assert pair.rows("SELECT * FROM v_failed_items") == []


def test_a_source_without_the_list_of_items_is_wrong_configuration(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(METHODS, "crm.item.list")
    pair = portals(whole_portal())

    with opened(pair) as app, pytest.raises(PortalNotUsable, match=r"crm\.item\.list"):
        app.export()
