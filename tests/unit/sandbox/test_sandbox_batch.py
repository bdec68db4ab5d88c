"""Section 3 of the server's rules: batch and batchImport."""

from __future__ import annotations

from typing import Any

from migrator.sandbox import Portal

PAGE = "crm.item.list?entityTypeId=2&order[id]=ASC&start=-1&select[]=id&filter[>id]="


def a_portal(deals: int = 0) -> Portal:
    rows = [{"id": number, "title": f"Deal {number}"} for number in range(1, deals + 1)]
    return Portal.from_seed({"items": {"2": rows}})


def batch(portal: Portal, cmd: Any, halt: int = 0) -> dict[str, Any]:
    return dict(portal.call("batch", {"halt": halt, "cmd": cmd})["result"])


def test_results_are_kept_under_the_keys_of_the_commands() -> None:
    result = batch(a_portal(60), {"me": "profile", "deals": "crm.item.list?entityTypeId=2"})

    assert result["result"]["me"]["ID"] == "1"
    assert result["result_total"] == {"deals": 60}
    assert result["result_next"] == {"deals": 50}
    assert set(result["result_time"]) == {"me", "deals"}
    assert result["result_error"] == []


def test_a_list_of_commands_answers_with_lists() -> None:
    result = batch(a_portal(), ["profile", "profile"])

    assert [one["ID"] for one in result["result"]] == ["1", "1"]


def test_a_gap_in_numeric_keys_turns_the_list_into_a_map() -> None:
    result = batch(a_portal(), ["profile", "no.such.method", "profile"])

    assert set(result["result"]) == {"0", "2"}
    assert result["result_error"]["1"]["error"] == "ERROR_METHOD_NOT_FOUND"


def test_pages_are_chained_by_the_last_id() -> None:
    chain = {"p0": PAGE + "0", "p1": PAGE + "$result[p0][items][49][id]"}

    pages = batch(a_portal(70), chain)["result"]

    assert [item["id"] for item in pages["p1"]["items"]] == list(range(51, 71))


def test_the_command_after_a_short_page_fails_and_so_do_the_rest() -> None:
    chain = {"p0": PAGE + "0"}
    chain |= {f"p{n}": PAGE + f"$result[p{n - 1}][items][49][id]" for n in (1, 2, 3)}

    result = batch(a_portal(60), chain)

    assert set(result["result"]) == {"p0", "p1"}
    assert result["result_error"]["p2"] == {
        "error": "INVALID_ARG_VALUE",
        "error_description": "Invalid filter: field '>ID' has invalid value",
    }
    assert set(result["result_error"]) == {"p2", "p3"}


def test_inside_other_text_only_strings_are_substituted() -> None:
    portal = a_portal(1)
    command = "crm.item.update?entityTypeId=2&id=1&fields[title]=User $result[me][ID]"

    batch(portal, {"me": "profile", "u": command})

    assert portal.items(2)[1]["title"] == "User 1"


def test_halt_stops_at_the_first_error() -> None:
    result = batch(a_portal(), {"a": "nope", "b": "profile"}, halt=1)

    assert result["result"] == []
    assert set(result["result_error"]) == {"a"}


def test_without_halt_every_command_runs() -> None:
    assert "b" in batch(a_portal(), {"a": "nope", "b": "profile"})["result"]


def test_commands_beyond_fifty_fail_one_by_one() -> None:
    result = batch(a_portal(), {f"c{n}": "server.time" for n in range(52)})

    assert len(result["result"]) == 50
    assert {key: row["error"] for key, row in result["result_error"].items()} == {
        "c50": "ERROR_BATCH_LENGTH_EXCEEDED",
        "c51": "ERROR_BATCH_LENGTH_EXCEEDED",
    }


def test_a_nested_batch_is_refused() -> None:
    result = batch(a_portal(), {"a": "batch?cmd[x]=profile"})

    assert result["result_error"]["a"]["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"


def test_the_commands_of_a_batch_are_logged_with_their_errors() -> None:
    portal = a_portal()

    batch(portal, {"a": "profile", "b": "nope"})

    record = portal.requests[-1]
    assert (record.method, record.http_status, record.error) == ("batch", 200, None)
    assert record.commands == [("profile", None), ("nope", "ERROR_METHOD_NOT_FOUND")]


def batch_import(portal: Portal, data: Any) -> Any:
    return portal.call("crm.item.batchImport", {"entityTypeId": 2, "data": data})


def test_each_entry_of_an_import_has_its_own_outcome() -> None:
    portal = a_portal()

    items = batch_import(portal, [{"title": "a"}, {"stageId": "NOPE"}, {"title": "c"}])["result"][
        "items"
    ]

    assert items[0] == {"item": {"id": 1}}
    assert items[1]["error"] == "CRM_FIELD_ERROR_VALUE_NOT_VALID"
    assert items[2] == {"item": {"id": 2}}


def test_only_the_first_error_of_an_entry_is_told() -> None:
    entry = {"categoryId": 99, "stageId": "NOPE", "currencyId": "XXX"}

    [outcome] = batch_import(a_portal(), [entry])["result"]["items"]

    assert set(outcome) == {"error", "error_description"}
    assert "categoryId" in outcome["error_description"]


def test_outcomes_keep_the_keys_of_the_data() -> None:
    items = batch_import(a_portal(), {"x": {"title": "a"}, "y": {"title": "b"}})["result"]["items"]

    assert items == {"x": {"item": {"id": 1}}, "y": {"item": {"id": 2}}}


def test_more_than_twenty_entries_fail_as_a_whole() -> None:
    portal = a_portal()

    answer = batch_import(portal, [{"title": str(n)} for n in range(21)])

    assert answer["error"] == "MAX_IMPORT_BATCH_SIZE_EXCEEDED"
    assert portal.items(2) == {}


def test_import_works_inside_a_batch_where_every_value_is_text() -> None:
    portal = a_portal()

    batch(portal, {"i": "crm.item.import?entityTypeId=2&fields[title]=x&fields[opportunity]=5"})

    assert portal.items(2)[1]["opportunity"] == 5
