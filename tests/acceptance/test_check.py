"""`migrator check` knows beforehand what a migration between two portals will meet."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from migrator.check import owners
from migrator.plan.check.line import Line, Question, Verdict
from migrator.sandbox import twin_structure
from tests.acceptance.in_process import move, opened
from tests.acceptance.whole_portal import ANNA, BORIS, DISMISSED, PROJECT, whole_portal

if TYPE_CHECKING:
    from migrator.plan.check.report import CheckReport
    from tests.acceptance.conftest import MakePair, Pair

OLD, MIDDLE, NEW = (f"2024-0{month}-01T12:00:00+00:00" for month in (1, 2, 3))
SCOPES = ["crm", "user", "userfieldconfig", "department", "bizproc"]


def check(pair: Pair, **settings: Any) -> CheckReport:
    with opened(pair, **settings) as app:
        return app.check_everything()


def lines_of(report: CheckReport, question: Question) -> list[Line]:
    return [line for line in report.lines if line.question is question]


def verdicts(report: CheckReport, question: Question) -> list[Verdict]:
    return [line.verdict for line in lines_of(report, question)]


def part(report: CheckReport, key: str) -> Line:
    return next(line for line in report.lines if line.figures.get("part") == key)


def test_two_portals_that_suit_each_other_are_checked_by_reading_only(portals: MakePair) -> None:
    pair = portals(whole_portal())

    outcome = pair.migrator("check", "--json")

    assert outcome.code == 0, outcome.err
    assert pair.writes() == []
    document = outcome.json
    assert document["verdict"] == "warning"
    assert {line["question"] for line in document["lines"]} == {q.value for q in Question}
    assert [one["role"] for one in document["portals"]] == ["source", "target"]
    assert document["requests"] == len(pair.source.requests) + len(pair.target.requests)


def test_nothing_of_the_source_is_staged_and_nothing_is_made_in_the_target(
    portals: MakePair,
) -> None:
    pair = portals(whole_portal())
    before = pair.target.dump()

    check(pair)

    assert pair.target.dump() == before
    staged = "(SELECT COUNT(*) FROM item) + (SELECT COUNT(*) FROM structure_element)"
    assert pair.rows(f"SELECT {staged} AS kept") == [{"kept": 0}]


def test_every_line_is_shown_with_its_verdict_and_its_remedy(portals: MakePair) -> None:
    target = twin_structure(whole_portal())
    target["currencies"] = [one for one in target["currencies"] if one["CURRENCY"] == "EUR"]
    pair = portals(whole_portal(), target=target)

    outcome = pair.migrator("check")

    assert outcome.code == 2
    assert "the target has no USD" in outcome.out
    assert "-> add it in the target" in outcome.out
    assert "1 blocking" in outcome.out


def _large_portal(users: int, smart_processes: int) -> dict[str, Any]:
    """Six system types and some smart processes, and many users who own an item each."""
    owners = [{"ID": str(100 + n), "EMAIL": f"u{n}@firm.test"} for n in range(users)]
    return {
        "portal": {"webhooks": [{"user_id": 1, "secret": "large", "scopes": SCOPES}]},
        "users": [{"ID": "1", "EMAIL": "a@firm.test", "ADMIN": True}, *owners],
        "types": [
            {"id": n, "entityTypeId": 1030 + 2 * n, "title": f"Process {n}"}
            for n in range(1, smart_processes + 1)
        ],
        "items": {
            str(t): [
                {"id": n + 1, "title": "x", "assignedById": 100 + n, "createdTime": OLD}
                for n in range(users)
            ]
            for t in (1, 2, 7, *(1030 + 2 * n for n in range(1, smart_processes + 1)))
        },
    }


def test_a_check_of_ten_types_and_a_hundred_users_without_a_partner_takes_few_requests(
    portals: MakePair,
) -> None:
    seed = _large_portal(users=100, smart_processes=4)
    target = twin_structure(seed) | {"users": [{"ID": "9", "EMAIL": "a@firm.test", "ADMIN": True}]}
    target["portal"]["webhooks"][0]["user_id"] = 9
    pair = portals(seed, target=target)

    report = check(pair)

    print(f"check of 10 types and 100 users: {report.requests} HTTP requests")
    assert report.requests < 50
    (users,) = lines_of(report, Question.USERS)
    assert users.figures["items"] == 700
    assert len(users.figures["without_partner"]) == 100


def test_every_user_is_paired_however_many_there_are(portals: MakePair) -> None:
    report = check(portals(_large_portal(users=230, smart_processes=0)))

    assert verdicts(report, Question.USERS) == [Verdict.OK]
    assert lines_of(report, Question.USERS)[0].figures["source_users"] == 231


def test_items_older_than_the_targets_newest_row_are_counted(portals: MakePair) -> None:
    deals = [
        {"id": n, "title": f"Deal {n}", "createdTime": when}
        for n, when in enumerate((OLD, OLD, MIDDLE, NEW), start=1)
    ]
    seed = {"items": {"2": deals}}
    target = twin_structure(seed)
    target["items"] = {"2": [{"id": 7, "title": "Theirs", "createdTime": MIDDLE}]}

    (line,) = lines_of(check(portals(seed, target=target)), Question.DATES)

    assert line.verdict is Verdict.WARNING
    assert line.figures["late_items"] == 2
    assert line.figures["source_items"] == 4


def test_items_that_were_imported_already_are_not_late(portals: MakePair) -> None:
    pair = portals(whole_portal())
    move(pair)

    report = check(pair)

    assert verdicts(report, Question.DATES) == [Verdict.OK]
    deals = next(
        one for one in lines_of(report, Question.ITEMS) if one.figures["entity_type_id"] == 2
    )
    assert deals.figures["imported"] == deals.figures["target_items"] == 3


def test_users_are_named_with_the_items_they_own(portals: MakePair) -> None:
    seed = whole_portal()
    gone = ("anna@firm.test", "boris@firm.test")
    target = twin_structure(seed)
    target["users"] = [user for user in target["users"] if user["EMAIL"] not in gone]
    pair = portals(seed, target=target)

    report = check(pair)

    (line,) = lines_of(report, Question.USERS)
    owned = {one["user_id"]: one["items"] for one in line.figures["without_partner"]}
    assert owned == {user: _owned(pair, user) for user in (ANNA, BORIS)}
    assert owned[ANNA] > 0
    assert line.figures["created_items"] == _owned(pair, ANNA, "createdBy") + _owned(
        pair, BORIS, "createdBy"
    )


def _owned(pair: Pair, user_id: int, field: str = "assignedById") -> int:
    items = [item for t in pair.source.entity_type_ids() for item in pair.source.items(t).values()]
    return sum(item.get(field) == user_id for item in items)


def test_a_partner_who_was_dismissed_in_the_target_is_named(portals: MakePair) -> None:
    target = twin_structure(whole_portal())
    for user in target["users"]:
        user["ACTIVE"] = user["EMAIL"] != "anna@firm.test"
    pair = portals(whole_portal(), target=target)

    (line,) = lines_of(check(pair), Question.DISMISSED)

    assert line.verdict is Verdict.WARNING
    gone = {one["user_id"]: one["items"] for one in line.figures["dismissed_in_target"]}
    assert gone == {ANNA: _owned(pair, ANNA)}
    assert line.figures["dismissed_in_source"] == 1
    assert DISMISSED not in gone


@pytest.mark.parametrize("most_ids", [500, 2])
def test_items_of_users_the_portal_does_not_list_are_counted_however_many_it_lists(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch, most_ids: int
) -> None:
    monkeypatch.setattr(owners, "_MOST_IDS", most_ids)
    seed = whole_portal()
    seed["items"]["2"][0]["assignedById"] = 4711

    lines = lines_of(check(portals(seed)), Question.USERS)

    assert [line.figures.get("items") for line in lines if line.verdict is Verdict.WARNING] == [1]


def test_the_mapping_file_answers_for_users(portals: MakePair) -> None:
    seed = whole_portal()
    target = twin_structure(seed)
    target["users"] = [one for one in target["users"] if one["EMAIL"] != "boris@firm.test"]
    pair = portals(seed, target=target)
    partner = next(int(user["ID"]) for user in target["users"])
    mapping = pair.folder / "mapping.yaml"
    mapping.write_text(f"users:\n  {BORIS}: {partner}\n", encoding="utf-8")

    assert verdicts(check(pair), Question.USERS) == [Verdict.WARNING]
    assert verdicts(check(pair, mapping=mapping), Question.USERS) == [Verdict.OK]


def test_what_the_mapping_file_does_not_take_is_not_counted(portals: MakePair) -> None:
    deals = [
        {"id": n, "title": f"Deal {n}", "createdTime": when, "currencyId": "CHF"}
        for n, when in enumerate((OLD, MIDDLE, NEW), start=1)
    ]
    offer = {"id": 1, "title": "Offer", "createdTime": OLD, "currencyId": "CHF"}
    currencies = [{"CURRENCY": "EUR", "BASE": "Y"}, {"CURRENCY": "CHF"}]
    seed = {"currencies": currencies, "items": {"2": deals, "7": [offer]}}
    target = twin_structure(seed)
    target["currencies"] = target["currencies"][:1]
    pair = portals(seed, target=target)
    mapping = pair.folder / "mapping.yaml"
    mapping.write_text(
        f'entity_types:\n  7: drop\nfilters:\n  2:\n    ">=createdTime": "{MIDDLE}"\n',
        encoding="utf-8",
    )

    whole, narrowed = check(pair), check(pair, mapping=mapping)

    assert [line.figures["items"] for line in lines_of(whole, Question.CURRENCIES)] == [4]
    assert [line.figures["items"] for line in lines_of(narrowed, Question.CURRENCIES)] == [2]


def test_a_smart_process_without_a_partner_blocks(portals: MakePair) -> None:
    target = twin_structure(whole_portal())
    partner = next(t for t in target["types"] if t["title"] == "Project")["entityTypeId"]
    target["types"] = [t for t in target["types"] if t["entityTypeId"] != partner]
    for part_name in ("categories", "statuses", "userFields"):
        target[part_name] = [
            one
            for one in target[part_name]
            if one.get("entityTypeId") != partner and str(partner) not in str(one.get("ENTITY_ID"))
        ]
    target["userFields"] = []

    report = check(portals(whole_portal(), target=target))

    blocking = [line for line in report.lines if line.verdict is Verdict.BLOCKING]
    assert [line.question for line in blocking] == [Question.ENTITY_TYPES]
    assert blocking[0].figures["entity_type_id"] == PROJECT


def test_a_currency_the_target_lacks_is_named_with_the_items_in_it(portals: MakePair) -> None:
    target = twin_structure(whole_portal())
    target["currencies"] = [one for one in target["currencies"] if one["CURRENCY"] == "EUR"]
    pair = portals(whole_portal(), target=target)

    (line,) = lines_of(check(pair), Question.CURRENCIES)

    items = [item for t in pair.source.entity_type_ids() for item in pair.source.items(t).values()]
    assert line.figures == {
        "currency": "USD",
        "items": sum(item.get("currencyId") == "USD" for item in items),
    }
    assert line.verdict is Verdict.BLOCKING


def _target_without_admin(imports: Any) -> dict[str, Any]:
    target = twin_structure(whole_portal())
    owner = target["portal"]["webhooks"][0]["user_id"]
    for user in target["users"]:
        if int(user["ID"]) == int(owner):
            user.update({"ADMIN": False, "IMPORT": imports, "CRM_ADMIN": True})
    return target


@pytest.mark.parametrize(("imports", "verdict"), [([2], Verdict.BLOCKING), (True, Verdict.OK)])
def test_somebody_who_is_no_administrator_is_asked_type_by_type_and_nothing_is_created(
    portals: MakePair, imports: Any, verdict: Verdict
) -> None:
    pair = portals(whole_portal(), target=_target_without_admin(imports))

    report = check(pair)

    assert verdicts(report, Question.IMPORT_RIGHT) == [verdict]
    assert verdicts(report, Question.RIGHTS) == [Verdict.OK, Verdict.BLOCKING]
    assert set(pair.writes()) == {"crm.item.import"}
    assert all(not pair.target.items(t) for t in pair.target.entity_type_ids())


def test_a_portal_that_cannot_be_reached_is_a_line_and_the_other_is_checked(
    portals: MakePair,
) -> None:
    pair = portals(whole_portal())
    wrong = pair.target_server.webhook_url().rstrip("/")[:-3] + "abc/"
    pair.extra["MIGRATOR_TARGET__WEBHOOK_URL"] = wrong

    outcome = pair.migrator("check", "--json")

    assert outcome.code == 2
    found = {(one["question"], one["role"]): one for one in outcome.json["lines"]}
    assert found["reachable", "source"]["verdict"] == "ok"
    assert found["reachable", "target"]["verdict"] == "blocking"
    assert "INVALID_CREDENTIALS" in found["reachable", "target"]["detail"]
    assert found["rights", "source"]["verdict"] == "ok"
    assert [one["role"] for one in outcome.json["portals"]] == ["source"]


def test_leads_into_a_target_without_leads_are_a_warning(portals: MakePair) -> None:
    target = twin_structure(whole_portal())
    target["portal"]["crm_mode"] = 2

    report = check(portals(whole_portal(), target=target))

    assert verdicts(report, Question.CRM_MODE) == [Verdict.WARNING]


def _left_behind() -> dict[str, Any]:
    seed = copy.deepcopy(whole_portal())
    seed["portal"]["webhooks"][0]["scopes"] = SCOPES
    seed["departments"] = [
        {"ID": "1", "NAME": "Firm", "SORT": 500},
        {"ID": "2", "NAME": "Sales", "SORT": 500, "PARENT": "1"},
    ]
    processes = [("crm", "Approve"), ("crm", "Remind"), ("lists", "Holidays")]
    seed["lists"] = {
        "bizproc.workflow.template.list": [
            {"ID": str(n), "MODULE_ID": module, "NAME": name}
            for n, (module, name) in enumerate(processes)
        ],
        "crm.documentgenerator.template.list": [{"id": "39", "name": "Contract"}],
        "crm.documentgenerator.numerator.list": [{"id": "2", "name": "Offers"}],
        "crm.requisite.preset.list": [{"ID": "1", "NAME": "Organization"}],
        "crm.requisite.list": [{"ID": str(n), "NAME": "Firm"} for n in range(3)],
        "crm.activity.list": [{"ID": str(n), "SUBJECT": "Call"} for n in range(120)],
        "crm.product.list": [{"ID": str(n), "NAME": "Thing"} for n in range(51)],
        "crm.deal.recurring.list": [{"id": "1", "deal_id": "575"}],
        "crm.automatedsolution.list": [{"id": 238, "title": "HR", "typeIds": [PROJECT]}],
        "crm.item.details.configuration.get": [
            {"entityTypeId": 2, "scope": "C", "sections": [{"name": "main", "title": "Main"}]},
            {"entityTypeId": 3, "scope": "P", "sections": [{"name": "mine", "title": "Mine"}]},
        ],
    }
    return seed


def test_what_stays_behind_is_counted_and_named(portals: MakePair) -> None:
    report = check(portals(_left_behind()))

    counts = {
        line.figures["part"]: line.figures["count"]
        for line in lines_of(report, Question.HAND_OVER)
        if "count" in line.figures
    }
    assert counts == {
        "users": 0,
        "departments": 2,
        "business_processes": 2,
        "triggers": None,
        "document_templates": 1,
        "numerators": 1,
        "card_views": 1,
        "workspaces": 1,
        "recurring_deals": 1,
        "products": 51,
        "requisite_templates": 1,
        "requisites": 3,
        "activities": 120,
    }
    assert part(report, "business_processes").figures["names"] == ["Approve", "Remind"]
    assert part(report, "card_views").figures["names"] == ["Deal"]
    assert part(report, "document_templates").figures["names"] == ["Contract"]
    assert "applications only" in part(report, "triggers").figures["refused"]


def test_without_a_permission_the_hand_over_list_says_so_and_the_check_goes_on(
    portals: MakePair,
) -> None:
    seed = _left_behind()
    seed["portal"]["webhooks"][0]["scopes"] = ["crm", "user", "userfieldconfig"]

    report = check(portals(seed))

    line = part(report, "departments")
    assert line.figures["count"] is None
    assert line.remedy is not None
    assert "`department`" in line.remedy
    assert part(report, "document_templates").figures["count"] == 1


def test_run_does_not_ask_all_that_check_asks(portals: MakePair) -> None:
    pair = portals({"items": {}})

    assert pair.migrator("run").code == 0

    asked = {method for one in pair.source.requests for method, _ in one.commands}
    assert "crm.activity.list" not in asked
    assert "app.info" not in asked


def test_structure_the_target_lacks_is_counted_and_nothing_of_it_is_kept(
    portals: MakePair,
) -> None:
    target = twin_structure(whole_portal())
    target["userFields"] = target["userFields"][1:]
    pair = portals(whole_portal(), target=target)

    (line,) = lines_of(check(pair), Question.STRUCTURE)

    assert line.verdict is Verdict.WARNING
    assert line.figures["by_kind"]["field"]["missing"] == 1
    assert pair.writes() == []
    assert pair.rows("SELECT COUNT(*) AS kept FROM structure_element") == [{"kept": 0}]


def test_a_mapping_file_that_names_nothing_in_the_target_blocks_with_its_line(
    portals: MakePair,
) -> None:
    pair = portals(whole_portal())
    mapping = pair.folder / "mapping.yaml"
    mapping.write_text("currencies:\n  USD: XYZ\n", encoding="utf-8")

    (line,) = lines_of(check(pair, mapping=mapping), Question.STRUCTURE)

    assert line.verdict is Verdict.BLOCKING
    assert "mapping.yaml:2: currencies: USD: the target has no currency 'XYZ'" in line.detail


def test_a_webhook_that_may_not_see_all_user_fields_leaves_the_structure_uncompared(
    portals: MakePair,
) -> None:
    seed = whole_portal()
    seed["portal"]["webhooks"][0]["scopes"] = ["crm", "user"]
    pair = portals(seed)

    (line,) = lines_of(check(pair), Question.STRUCTURE)

    assert line.verdict is Verdict.WARNING
    assert line.detail.startswith("not answered: ")
    assert "userfieldconfig" in (line.remedy or "")
