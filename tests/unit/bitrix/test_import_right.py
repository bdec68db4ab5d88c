"""Which types may be imported, found out without creating anything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migrator.bitrix.errors import RateLimited
from migrator.bitrix.import_right import ProbeAccepted, types_without_import_right
from migrator.domain.vocabulary import COMPANY, DEAL
from tests.fakes.scene import Scene, method_of, ok, refused, replying, sent_json


def test_a_refusal_of_the_values_means_that_the_right_is_there() -> None:
    scene = Scene(replying(refused("CRM_FIELD_ERROR_VALUE_NOT_VALID"), refused("ACCESS_DENIED")))

    assert types_without_import_right(scene.client, [DEAL, COMPANY]) == {COMPANY}


def test_what_is_asked_for_is_impossible_three_times_over() -> None:
    scene = Scene(replying(refused("ACCESS_DENIED")))

    types_without_import_right(scene.client, [DEAL])

    (request,) = scene.adapter.requests
    sent = sent_json(request)
    assert method_of(request) == "crm.item.import"
    assert sent["entityTypeId"] == DEAL
    assert datetime.fromisoformat(sent["fields"]["createdTime"]) > datetime(2900, 1, 1, tzinfo=UTC)
    assert sent["fields"]["createdBy"] < 0
    assert sent["fields"]["updatedBy"] < 0


def test_an_item_created_in_spite_of_all_is_named_and_everything_stops() -> None:
    scene = Scene(replying(ok({"item": {"id": 77}})))

    with pytest.raises(ProbeAccepted, match="created item 77"):
        types_without_import_right(scene.client, [DEAL, COMPANY])

    assert scene.sent == 1


def test_any_other_trouble_is_not_taken_for_an_answer() -> None:
    scene = Scene(replying(refused("QUERY_LIMIT_EXCEEDED", status=503)))

    with pytest.raises(RateLimited):
        types_without_import_right(scene.client, [DEAL])
