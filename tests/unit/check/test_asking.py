"""Lists read to their end in few requests, and refusals that say what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.commands import Command
from migrator.bitrix.errors import PortalError
from migrator.check.asking import Listing, ListQuery, ask, read_list, refusal
from migrator.check.hand_over import list_left_behind
from tests.fakes.scene import Scene, html, ok, parse_php_query, refused, sent_json

if TYPE_CHECKING:
    import requests

    from tests.fakes.transport import FakeReply


class PortalOfLists:
    """Answers batches of lists; `totals` says whether it counts, `knows_start` whether it pages."""

    def __init__(self, rows: int, *, totals: bool = True, knows_start: bool = True) -> None:
        self.rows = [{"ID": str(number)} for number in range(rows)]
        self.totals = totals
        self.knows_start = knows_start
        self.breaks_over = ""

    def __call__(self, request: requests.PreparedRequest) -> FakeReply | BaseException:
        results: dict[str, Any] = {}
        totals: dict[str, int] = {}
        for key, command in sent_json(request)["cmd"].items():
            method, _, query = command.partition("?")
            if method == self.breaks_over:
                return html(502)
            start = int(parse_php_query(query).get("start", 0)) if self.knows_start else 0
            results[key] = self.rows[start : start + 50]
            totals[key] = len(self.rows) if self.totals else 0
        return ok({"result": results, "result_total": totals})


def _read(portal: PortalOfLists, *, is_whole: bool = True) -> tuple[Listing, int]:
    scene = Scene(portal)
    query = ListQuery(method="user.get", is_whole=is_whole)
    first = ask(scene.client, {"users": query.command()})["users"]
    listing = read_list(scene.client, query, first)
    assert isinstance(listing, Listing)
    return listing, scene.sent


@pytest.mark.parametrize(("rows", "requests_sent"), [(0, 1), (49, 1), (51, 2), (520, 2)])
def test_a_list_with_a_total_takes_one_request_more_for_all_its_further_pages(
    rows: int, requests_sent: int
) -> None:
    listing, sent = _read(PortalOfLists(rows))

    assert (len(listing.rows), listing.total, sent) == (rows, rows, requests_sent)


def test_a_full_last_page_of_a_known_total_is_followed_by_one_empty_one() -> None:
    listing, sent = _read(PortalOfLists(100))

    assert (len(listing.rows), sent) == (100, 3)


def test_a_list_that_counts_nothing_is_read_until_a_page_is_not_full() -> None:
    listing, sent = _read(PortalOfLists(130, totals=False))

    assert (len(listing.rows), listing.total, sent) == (130, 130, 3)


def test_a_list_that_repeats_its_first_page_comes_to_an_end() -> None:
    listing, sent = _read(PortalOfLists(70, totals=False, knows_start=False))

    assert (len(listing.rows), sent) == (50, 2)


def test_the_first_page_and_the_total_do_where_no_more_is_wanted() -> None:
    listing, sent = _read(PortalOfLists(500), is_whole=False)

    assert (len(listing.rows), listing.total, sent) == (50, 500, 1)


def _refusal(code: str, description: str) -> str:
    scene = Scene(lambda _: refused(code, description, 403))
    with pytest.raises(PortalError) as caught:
        scene.client.call("bizproc.workflow.template.list")
    found = refusal(caught.value)
    return f"{found.message} / {found.hint}"


def test_a_missing_permission_is_named_as_the_webhooks_form_names_it() -> None:
    said = _refusal("insufficient_scope", "The request requires higher privileges")

    assert said.startswith("the webhook lacks the permission for it (bizproc.workflow.template")
    assert "tick the permission `bizproc`" in said


def test_what_only_applications_are_told_is_no_matter_of_rights() -> None:
    said = _refusal("ACCESS_DENIED", "Access denied! Application context required")

    assert "applications only" in said
    assert said.endswith("/ None")


def test_a_count_that_breaks_the_portal_is_left_out_and_the_others_go_on() -> None:
    portal = PortalOfLists(3)
    portal.breaks_over = "crm.activity.list"

    found = list_left_behind(Scene(portal).client, [], [])

    assert found["activities"].count is None
    assert found["activities"].refusal is not None
    assert found["requisites"].count == 3


def test_a_portal_as_a_whole_that_breaks_is_no_answer() -> None:
    scene = Scene(lambda _: refused("INVALID_CREDENTIALS", status=401))

    with pytest.raises(PortalError):
        ask(scene.client, {"time": Command("server.time")})
