"""Values that need more than a copy: large files, and what cannot be carried at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.acceptance.user_fields import a_file

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair, Pair


def _field(name: str, kind: str, *, multiple: str = "N") -> dict[str, Any]:
    return {
        "id": str(100 + len(name)),
        "entityId": "CRM_DEAL",
        "fieldName": name,
        "userTypeId": kind,
        "multiple": multiple,
    }


def _deals(*deals: dict[str, Any]) -> list[dict[str, Any]]:
    common = {
        "createdTime": "2024-01-01T00:00:00+03:00",
        "updatedTime": "2024-01-01T00:00:00+03:00",
    }
    return [{"id": n, "title": f"D{n}", **common, **one} for n, one in enumerate(deals, start=1)]


def _methods(pair: Pair) -> list[str]:
    names = ("crm.item.import", "crm.item.batchImport")
    return [request.method for request in pair.target.requests if request.method in names]


def test_an_item_whose_files_are_large_goes_alone(portals: MakePair) -> None:
    large, small = a_file("scan.bin", b"\x00\x01" * 100_000), a_file("note.txt", b"hello")
    seed = {
        "userFields": [_field("UF_CRM_FILE", "file")],
        "items": {"2": _deals({"UF_CRM_FILE": small}, {"UF_CRM_FILE": large}, {})},
    }
    pair = portals(seed, MIGRATOR_LARGEST_REQUEST_BYTES="100000")

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    assert _methods(pair) == ["crm.item.batchImport", "crm.item.import", "crm.item.batchImport"]
    assert pair.target.losses == []


def test_a_file_is_downloaded_once(portals: MakePair) -> None:
    files = [{"UF_CRM_FILE": a_file(f"{n}.bin", bytes([n]) * 60_000)} for n in range(6)]
    seed = {"userFields": [_field("UF_CRM_FILE", "file")], "items": {"2": _deals(*files)}}
    pair = portals(seed, MIGRATOR_LARGEST_REQUEST_BYTES="100000")

    assert pair.migrator("run").code == 0

    downloads = [r for r in pair.source.requests if "getFile" in r.method]
    assert len(downloads) == len(files)


def test_identifiers_of_one_portal_only_are_left_out_and_on_record(portals: MakePair) -> None:
    fields = [
        _field("UF_CRM_ELEMENT", "iblock_element"),
        _field("UF_CRM_SECTION_OF", "iblock_section"),
        _field("UF_CRM_BOOKING_OF_IT", "resourcebooking"),
    ]
    values = {"UF_CRM_ELEMENT": 5, "UF_CRM_SECTION_OF": 6, "UF_CRM_BOOKING_OF_IT": 7}
    pair = portals({"userFields": fields, "items": {"2": _deals(values)}})

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    rows = pair.rows("SELECT kind, field FROM finding WHERE phase = 'import' ORDER BY field")
    assert [(row["kind"], row["field"]) for row in rows] == [
        ("unsupported-field-type", "UF_CRM_BOOKING_OF_IT"),
        ("portal-local-value", "UF_CRM_ELEMENT"),
        ("portal-local-value", "UF_CRM_SECTION_OF"),
    ]
    assert pair.target.losses == []


def test_the_text_zero_is_left_out_and_on_record(portals: MakePair) -> None:
    pair = portals({"items": {"2": _deals({"additionalInfo": "0"})}})

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.err
    rows = pair.rows("SELECT kind, value FROM finding WHERE phase = 'import'")
    assert rows == [{"kind": "unsendable-value", "value": "0"}]


def test_a_closing_date_the_portal_overwrites_is_a_finding_and_no_difference(
    portals: MakePair,
) -> None:
    seed: dict[str, Any] = {
        "types": [
            {
                "id": 5,
                "entityTypeId": 1302,
                "title": "Project",
                "isStagesEnabled": "Y",
                "isBeginCloseDatesEnabled": "Y",
            }
        ],
        "categories": [{"id": 9, "entityTypeId": 1302, "name": "General", "isDefault": "Y"}],
    }
    project = {"categoryId": 9, "stageId": "DT1302_9:SUCCESS", "closedate": "2023-05-06"}
    seed["items"] = {"1302": _deals(project)}
    pair = portals(seed)

    outcome = pair.migrator("run")

    assert outcome.code == 0, outcome.out + outcome.err
    rows = pair.rows("SELECT kind, field, value FROM finding WHERE phase = 'verify'")
    assert rows == [{"kind": "set-by-portal", "field": "closedate", "value": "2023-05-06"}]
