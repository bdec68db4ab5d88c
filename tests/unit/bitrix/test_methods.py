from __future__ import annotations

import pytest

from migrator.bitrix.methods import is_write


@pytest.mark.parametrize(
    "method",
    [
        "crm.item.list",
        "crm.item.get",
        "crm.item.fields",
        "crm.type.getByEntityTypeId",
        "crm.status.entity.types",
        "crm.status.entity.items",
        "crm.enum.ownertype",
        "crm.deal.contact.items.get",
        "crm.settings.mode.get",
        "userfieldconfig.getTypes",
        "user.current",
        "user.search",
        "profile",
        "PROFILE",
        "methods",
        "scope",
        "method.get",
        "server.time",
        "crm.controller.item.getFile",
    ],
)
def test_a_known_reading_method_reads(method: str) -> None:
    assert not is_write(method)


@pytest.mark.parametrize(
    "method",
    [
        "crm.item.add",
        "crm.item.update",
        "crm.item.delete",
        "crm.item.import",
        "crm.item.batchImport",
        "crm.deal.contact.items.set",
        "crm.status.add",
        "event.offline.get",
        "user.add",
        "crm.something.unheard",
        "",
    ],
)
def test_everything_else_is_taken_to_write(method: str) -> None:
    assert is_write(method)
