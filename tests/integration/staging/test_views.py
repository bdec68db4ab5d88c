"""Views answer the same on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.domain.findings import Effect, FindingKind, Phase
from migrator.domain.vocabulary import SourceId
from tests.integration.staging.builders import a_finding, a_pair, a_saved_migration, an_item
from tests.integration.staging.scenario import SPA, play

if TYPE_CHECKING:
    from migrator.staging import Staging

DEAL, QUOTE = 2, 7


@pytest.fixture
def played(staging: Staging) -> Staging:
    play(staging)
    return staging


def rows(staging: Staging, sql: str) -> list[dict[str, Any]]:
    columns, found = staging.query_read_only(sql)
    return [dict(zip(columns, row, strict=True)) for row in found]


def test_progress_puts_every_source_item_in_exactly_one_column(played: Staging) -> None:
    progress = rows(played, "SELECT * FROM v_progress ORDER BY entity_type_id")

    assert [tuple(row.values()) for row in progress] == [
        (1, "default", DEAL, "Deal", 5, 1, 1, 1, 1, 1),
        (1, "default", QUOTE, "7", 1, 1, 0, 0, 0, 0),
        (1, "default", SPA, "Project", 1, 0, 1, 0, 0, 0),
    ]
    parts = ("not_imported", "imported", "verified", "different", "failed")
    assert all(row["source"] == sum(row[part] for part in parts) for row in progress)


def test_an_item_that_failed_before_it_was_imported_does_not_count_as_failed(
    staging: Staging,
) -> None:
    play(staging)
    with staging.begin() as tx:
        tx.of(tx.migrations.list()[0].migration_id).id_map.add([a_pair(4)])

    (deals,) = rows(staging, "SELECT * FROM v_progress WHERE entity_type_id = 2")

    assert (deals["failed"], deals["imported"]) == (0, 2)
    assert rows(staging, "SELECT * FROM v_failed_items") == []


def test_unresolved_references_say_what_became_of_the_item_referred_to(played: Staging) -> None:
    found = rows(
        played,
        "SELECT * FROM v_unresolved_references ORDER BY source_id, refers_to_source_id",
    )

    summary = [
        (row["source_id"], row["refers_to_source_id"], row["refers_to_state"], row["state"])
        for row in found
    ]
    assert summary == [
        (1, 4, "failed", "pending"),
        (2, 5, "not_imported", "pending"),
        (2, 99, "not_exported", "unresolvable"),
    ]
    assert found[0]["entity_type"] == found[0]["refers_to_entity_type"] == "Deal"
    assert found[2]["detail"] == "deleted in the source"


def test_a_failed_item_carries_the_servers_words_and_a_link(played: Staging) -> None:
    (failed,) = rows(played, "SELECT * FROM v_failed_items")

    assert (failed["source_id"], failed["title"]) == (4, "Four")
    assert failed["error"] == "CRM_FIELD_ERROR_VALUE_NOT_VALID"
    assert failed["source_link"] == "https://old.example.com/crm/deal/details/4/"


def test_where_is_leads_from_a_source_item_to_its_target_item(played: Staging) -> None:
    (two,) = rows(played, "SELECT * FROM v_where_is WHERE entity_type_id = 2 AND source_id = 2")

    assert (two["title"], two["target_title"], two["state"]) == ("Two", "Zwei", "different")
    assert two["source_link"] == "https://old.example.com/crm/deal/details/2/"
    assert two["target_link"] == "https://new.example.com/crm/deal/details/1002/"


def test_where_is_knows_the_states_of_all_items(played: Staging) -> None:
    found = rows(played, "SELECT * FROM v_where_is WHERE entity_type_id = 2 ORDER BY source_id")

    states = [row["state"] for row in found]
    assert states == ["verified", "different", "imported", "failed", "not_imported"]
    assert found[4]["target_link"] is None


@pytest.mark.parametrize(
    ("entity_type_id", "path"),
    [
        (1, "/crm/lead/details/8/"),
        (2, "/crm/deal/details/8/"),
        (3, "/crm/contact/details/8/"),
        (4, "/crm/company/details/8/"),
        (7, "/crm/type/7/details/8/"),
        (31, "/crm/type/31/details/8/"),
        (1302, "/crm/type/1302/details/8/"),
    ],
)
def test_links_lead_to_the_card_of_the_entity_type(
    staging: Staging, entity_type_id: Any, path: str
) -> None:
    migration = a_saved_migration(staging)
    with staging.begin() as tx:
        tx.of(migration.migration_id).items.save([an_item(8, entity_type_id=entity_type_id)])

    (found,) = rows(staging, "SELECT source_link FROM v_where_is")

    assert found["source_link"] == f"https://old.example.com{path}"


def test_the_link_of_an_spa_item_carries_the_entity_type_of_its_own_portal(played: Staging) -> None:
    (spa,) = rows(played, f"SELECT * FROM v_where_is WHERE entity_type_id = {SPA}")

    assert spa["source_link"].endswith("/crm/type/1302/details/7/")
    assert spa["target_link"].endswith("/crm/type/1046/details/70/")


def test_findings_by_kind_count_findings_and_what_they_stand_for(played: Staging) -> None:
    found = rows(played, "SELECT * FROM v_findings_by_kind ORDER BY kind, effect")

    summary = [
        (row["kind"], row["effect"], row["findings"], row["items"], row["example_source_id"])
        for row in found
    ]
    assert summary == [
        ("unmapped-stage", "none", 1, 4, None),
        ("unmapped-user", "adjusted", 1, 1, 3),
        ("unmapped-user", "lost", 1, 1, 2),
    ]


def test_coverage_counts_each_value_of_imported_items_once(played: Staging) -> None:
    found = rows(played, "SELECT * FROM v_coverage WHERE entity_type_id = 2 ORDER BY field")

    counts = ("filled", "carried", "adjusted", "lost", "different")
    summary = {row["field"]: tuple(row[name] for name in counts) for row in found}
    assert summary == {
        "comments": (1, 1, 0, 0, 0),
        "stageId": (3, 2, 0, 0, 1),
        "ufCrmUser": (2, 0, 1, 1, 0),
    }


@pytest.mark.parametrize("empty", [None, "", 0, 0.0, False, [], {}])
def test_an_empty_value_is_nothing_to_carry_over(staging: Staging, empty: Any) -> None:
    assert coverage_of(staging, empty) == []


@pytest.mark.parametrize("value", ["0", " ", 1, -1, 0.5, "N", True, [0], {"a": None}])
def test_any_other_value_is_counted(staging: Staging, value: Any) -> None:
    assert coverage_of(staging, value) == [{"field": "x", "filled": 1}]


def test_what_the_target_sets_itself_is_nothing_to_carry_over(staging: Staging) -> None:
    migration = a_saved_migration(staging)
    with staging.begin() as tx:
        repos = tx.of(migration.migration_id)
        repos.items.save([an_item(1, lastActivityTime="2024-01-01", closedate="2024-01-02")])
        repos.id_map.add([a_pair(1)])
        for field, source_id in (("lastActivityTime", None), ("closedate", SourceId(1))):
            found = a_finding(
                FindingKind.SET_BY_PORTAL, field=field, source_id=source_id, effect=Effect.LOST
            )
            repos.findings.add(Phase.PLAN, [found])

    assert rows(staging, "SELECT field, lost FROM v_coverage") == [
        {"field": "closedate", "lost": 1}
    ]


def coverage_of(staging: Staging, value: Any) -> list[dict[str, Any]]:
    migration = a_saved_migration(staging)
    with staging.begin() as tx:
        repos = tx.of(migration.migration_id)
        repos.items.save([an_item(1, x=value)])
        repos.id_map.add([a_pair(1)])
    return rows(staging, "SELECT field, filled FROM v_coverage")
