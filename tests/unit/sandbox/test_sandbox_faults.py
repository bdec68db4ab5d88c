"""Every kind of fault, as a client sees it and as the portal is left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from migrator.sandbox import Portal, PortalServer, twin_structure
from migrator.sandbox.faults import FaultKind, FaultPlan, read_rules
from tests.acceptance.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMPORT = "crm.item.batchImport"


class Served:
    """A portal on a port, with a client that knows nothing but `requests`."""

    def __init__(self, rules: list[dict[str, Any]]) -> None:
        self.portal = Portal.from_seed({"portal": {"faults": rules}})
        self.server = PortalServer(self.portal).start()

    def post(self, method: str, body: object = None, timeout: float = 5.0) -> requests.Response:
        return requests.post(self.server.webhook_url() + method, json=body or {}, timeout=timeout)

    def import_deals(self, *titles: str, timeout: float = 5.0) -> requests.Response:
        data = {f"i{number}": {"title": title} for number, title in enumerate(titles)}
        return self.post(IMPORT, {"entityTypeId": 2, "data": data}, timeout)

    @property
    def deals(self) -> list[str]:
        return [item["title"] for item in self.portal.items(2).values()]

    def control(self) -> dict[str, Any]:
        url = f"{self.server.origin}/sandbox/faults"
        return dict(requests.get(url, timeout=5).json())


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    served: list[Served] = []

    def make(*rules: dict[str, Any]) -> Served:
        served.append(Served(list(rules)))
        return served[-1]

    yield make
    for one in served:
        one.server.stop()


def test_a_request_cut_before_is_not_executed(serve: Callable[..., Served]) -> None:
    portal = serve({"kind": "cut_before", "at": 1})

    with pytest.raises(requests.ConnectionError):
        portal.import_deals("a")

    assert portal.deals == []
    assert portal.portal.requests == []


def test_a_request_cut_after_is_executed(serve: Callable[..., Served]) -> None:
    portal = serve({"kind": "cut_after", "at": 1})

    with pytest.raises(requests.ConnectionError):
        portal.import_deals("a", "b")

    assert portal.deals == ["a", "b"]


def test_a_request_executed_late_is_cut_at_once(serve: Callable[..., Served]) -> None:
    portal = serve({"kind": "executed_late", "at": 1, "seconds": 1})

    with pytest.raises(requests.ConnectionError):
        portal.import_deals("a")

    assert portal.deals == []
    wait_until(lambda: portal.deals == ["a"])


@pytest.mark.parametrize("done", [0, 1, 3])
def test_an_import_is_cut_after_some_of_its_items(serve: Callable[..., Served], done: int) -> None:
    portal = serve({"kind": "cut_during_batch_import", "at": 1, "item": done})

    with pytest.raises(requests.ConnectionError):
        portal.import_deals("a", "b", "c", "d")

    assert portal.deals == ["a", "b", "c", "d"][:done]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("http_500", 500, "INTERNAL_SERVER_ERROR"),
        ("rate_limited", 503, "QUERY_LIMIT_EXCEEDED"),
        ("operation_time_limit", 429, "OPERATION_TIME_LIMIT"),
        ("expired_token", 401, "expired_token"),
        ("overload_limit", 503, "OVERLOAD_LIMIT"),
    ],
)
def test_a_refusal_has_its_documented_status_and_code_and_executes_nothing(
    serve: Callable[..., Served], kind: str, status: int, code: str
) -> None:
    portal = serve({"kind": kind, "at": 1})

    answer = portal.import_deals("a")

    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert portal.deals == []


@pytest.mark.parametrize("kind", ["http_500", "http_502_html"])
def test_a_server_error_can_hide_an_executed_request(
    serve: Callable[..., Served], kind: str
) -> None:
    portal = serve({"kind": kind, "at": 1, "executed": True})

    answer = portal.import_deals("a")

    assert answer.status_code >= 500
    assert portal.deals == ["a"]


def test_a_bad_gateway_is_a_page(serve: Callable[..., Served]) -> None:
    answer = serve({"kind": "http_502_html", "at": 1}).post("profile")

    assert answer.status_code == 502
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<html>" in answer.text


def test_truncated_json_is_half_of_an_executed_request_s_answer(
    serve: Callable[..., Served],
) -> None:
    portal = serve({"kind": "truncated_json", "at": 1})

    answer = portal.import_deals("a")

    assert answer.status_code == 200
    assert answer.text.startswith('{"result"')
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()
    assert portal.deals == ["a"]


@pytest.mark.parametrize("executed", [True, False])
def test_a_slow_answer_comes_after_the_client_has_gone(
    serve: Callable[..., Served], executed: bool
) -> None:
    portal = serve({"kind": "slow_answer", "at": 1, "seconds": 30, "executed": executed})

    with pytest.raises(requests.Timeout):
        portal.import_deals("a", timeout=0.2)

    wait_until(lambda: len(portal.portal.requests) == executed)
    assert portal.deals == (["a"] if executed else [])


def test_a_slow_answer_is_the_right_one_for_a_patient_client(
    serve: Callable[..., Served],
) -> None:
    portal = serve({"kind": "slow_answer", "at": 1, "seconds": 0.05, "executed": True})

    assert portal.import_deals("a").json()["result"]["items"] == {"i0": {"item": {"id": 1}}}


def test_one_item_of_an_import_is_reported_as_failed_although_it_was_created(
    serve: Callable[..., Served],
) -> None:
    portal = serve({"kind": "reported_failed_but_created", "at": 1, "item": 1})

    items = portal.import_deals("a", "b", "c").json()["result"]["items"]

    assert [sorted(items[key]) for key in ("i0", "i1", "i2")] == [
        ["item"],
        ["error", "error_description"],
        ["item"],
    ]
    assert portal.deals == ["a", "b", "c"]


@pytest.mark.parametrize("method", ["crm.item.import", "crm.item.add"])
def test_a_single_item_is_reported_as_failed_although_it_was_created(
    serve: Callable[..., Served], method: str
) -> None:
    portal = serve({"kind": "reported_failed_but_created", "at": 1})

    answer = portal.post(method, {"entityTypeId": 2, "fields": {"title": "a"}})

    assert (answer.status_code, answer.json()["error"]) == (400, "ERROR_CORE")
    assert portal.deals == ["a"]


def test_a_portal_that_is_down_refuses_connections_and_comes_back(
    serve: Callable[..., Served],
) -> None:
    portal = serve({"kind": "down_for", "at": 1, "seconds": 1})
    with pytest.raises(requests.ConnectionError):
        portal.post("profile")

    with pytest.raises(requests.ConnectionError, match="refused"):
        portal.post("profile")

    wait_until(lambda: _answers(portal))
    assert portal.control()["by_kind"] == {"down_for": 1}


def test_a_portal_can_be_stopped_while_it_is_down() -> None:
    portal = Served([{"kind": "down_for", "at": 1, "seconds": 30}])
    with pytest.raises(requests.ConnectionError):
        portal.post("profile")

    portal.server.stop()

    with pytest.raises(requests.ConnectionError, match="refused"):
        portal.post("profile")


def test_a_plan_can_be_set_and_read_while_the_portal_runs(serve: Callable[..., Served]) -> None:
    portal = serve()
    url = f"{portal.server.origin}/sandbox/faults"
    portal.post("profile")

    requests.post(url, json=[{"kind": "rate_limited", "method": "profile", "at": 2}], timeout=5)
    statuses = [portal.post("profile").status_code for _ in range(3)]

    assert statuses == [200, 503, 200]
    told = portal.control()
    assert told["total"] == 1
    assert told["by_kind"] == {"rate_limited": 1}
    assert told["faults"] == [{"kind": "rate_limited", "method": "profile", "call": 2}]


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ([{"kind": "earthquake", "at": 1}], "needs a kind out of"),
        ([{"kind": "cut_after", "att": 1}], "unknown keys: att"),
        ([{"kind": "cut_after"}], "either `at` or a `probability`"),
        ([{"kind": "cut_after", "at": 1, "probability": 0.5}], "either `at` or a `probability`"),
        ([{"kind": "cut_after", "at": 0}], "counted from 1"),
        ({"kind": "cut_after"}, "a list of rules"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused_and_the_old_one_stays(
    serve: Callable[..., Served], plan: object, complaint: str
) -> None:
    portal = serve({"kind": "rate_limited", "at": 1})

    answer = requests.post(f"{portal.server.origin}/sandbox/faults", json=plan, timeout=5)

    assert answer.status_code == 400
    assert complaint in answer.json()["error_description"]
    assert portal.post("profile").status_code == 503


def test_a_plan_in_a_seed_survives_a_dump() -> None:
    rules = [{"kind": "slow_answer", "at": 3, "seconds": 2.5, "executed": True}]
    portal = Portal.from_seed({"portal": {"faults": rules}})

    again = Portal.from_seed(portal.dump())

    assert again.settings.faults == portal.settings.faults == read_rules(rules)


def test_a_twin_has_no_faults() -> None:
    twin = twin_structure({"portal": {"faults": [{"kind": "cut_after", "at": 1}]}})

    assert Portal.from_seed(twin).settings.faults == ()


def test_a_rule_counts_only_the_calls_it_is_about() -> None:
    plan = a_plan({"kind": "cut_before", "method": "crm.item.*", "at": 2})

    assert strikes(
        plan, "profile", "crm.item.list", "profile", "crm.item.get", "crm.item.list"
    ) == [
        None,
        None,
        None,
        "cut_before",
        None,
    ]


def test_a_rule_can_strike_several_times_in_a_row_or_for_ever() -> None:
    thrice = a_plan({"kind": "http_500", "at": 2, "times": 3})
    always = a_plan({"kind": "http_500", "at": 2, "times": 0})

    assert [kind is not None for kind in strikes(thrice, *["profile"] * 6)] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]
    assert strikes(always, *["profile"] * 50).count("http_500") == 49


@pytest.mark.parametrize("kind", ["cut_during_batch_import", "reported_failed_but_created"])
def test_a_fault_of_imports_leaves_other_calls_alone(kind: str) -> None:
    plan = a_plan({"kind": kind, "at": 1})

    assert strikes(plan, "profile", "batch", IMPORT) == [None, None, kind]


def test_the_first_rule_wins_and_the_second_still_counts() -> None:
    plan = a_plan({"kind": "cut_after", "at": 1}, {"kind": "http_500", "at": 2})

    assert strikes(plan, "profile", "profile") == ["cut_after", "http_500"]


def test_chance_is_the_same_for_the_same_seed_and_about_as_frequent_as_asked_for() -> None:
    rule = {"kind": "cut_before", "probability": 0.2, "seed": 7}
    calls = ["profile"] * 1000

    first, second = strikes(a_plan(rule), *calls), strikes(a_plan(rule), *calls)
    other = strikes(a_plan({**rule, "seed": 8}), *calls)

    assert first == second != other
    assert 150 < first.count("cut_before") < 250


def test_every_kind_is_tested_here_by_name() -> None:
    source = Path(__file__).read_text(encoding="utf-8")

    assert [kind for kind in FaultKind if f'"{kind}"' not in source] == []


def a_plan(*rules: dict[str, Any]) -> FaultPlan:
    return FaultPlan(read_rules(rules))


def strikes(plan: FaultPlan, *methods: str) -> list[str | None]:
    rules = [plan.next(method) for method in methods]
    return [None if rule is None else str(rule.kind) for rule in rules]


def _answers(portal: Served) -> bool:
    try:
        return portal.post("profile").status_code == 200
    except requests.ConnectionError:
        return False
