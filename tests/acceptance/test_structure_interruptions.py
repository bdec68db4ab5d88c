"""Whatever befalls `structure apply`, each part is made exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from migrator.bitrix.transport import Reply, Transport
from migrator.sandbox import FaultPlan, Portal, PortalServer, read_rules
from tests.acceptance.conftest import Pair
from tests.acceptance.in_process import opened
from tests.acceptance.structured_portal import small_structure, target_of_small_structure
from tests.torture.structure_lines import structure_lines

if TYPE_CHECKING:
    from tests.acceptance.conftest import MakePair
    from tests.fork_server import ForkServer

#: Every request that makes something, renames it or takes it away.
METHODS = (
    "crm.currency.add",
    "crm.type.add",
    "crm.type.update",
    "crm.category.add",
    "crm.category.update",
    "crm.status.add",
    "crm.status.update",
    "crm.status.delete",
    "crm.deal.userfield.add",
    "userfieldconfig.add",
    "userfieldconfig.update",
)


class Died(BaseException):
    """Stands for the end of the process: nothing handles it."""


def a_pair(portals: MakePair) -> Pair:
    seed = small_structure()
    return portals(seed, target=target_of_small_structure(seed))


def apply(pair: Pair, **changes: Any) -> None:
    with opened(pair, **changes) as app:
        assert app.apply_structure().is_complete


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, program: ForkServer) -> list[str]:
    """What the target holds after an apply that nothing befell."""
    seed = small_structure()
    source, target = (Portal.from_seed(s) for s in (seed, target_of_small_structure(seed)))
    servers = (PortalServer(source), PortalServer(target))
    folder = tmp_path_factory.mktemp("undisturbed")
    for server in servers:
        server.start()
    apply(Pair(source, target, *servers, folder, f"sqlite:///{folder / 'staging.db'}", program))
    for server in servers:
        server.stop()
    return structure_lines(target)


def test_killed_after_every_kind_of_request_in_turn_it_repeats_none_of_them(
    portals: MakePair, monkeypatch: pytest.MonkeyPatch, undisturbed: list[str]
) -> None:
    pair = a_pair(portals)
    post = Transport.post
    died: set[str] = set()

    def die_after(transport: Transport, method: str, body: bytes) -> Reply:
        reply = post(transport, method, body)
        if method in METHODS and method not in died:
            died.add(method)
            raise Died
        return reply

    monkeypatch.setattr(Transport, "post", die_after)
    for _ in METHODS:
        with pytest.raises(Died):
            apply(pair)

    apply(pair)

    assert died == set(METHODS)
    assert structure_lines(pair.target) == undisturbed


@pytest.mark.parametrize("kind", ["cut_after", "cut_before", "http_500"])
def test_an_answer_lost_to_every_kind_of_request_leads_to_exactly_one(
    portals: MakePair, kind: str, undisturbed: list[str]
) -> None:
    pair = a_pair(portals)
    rules = [{"kind": kind, "method": method, "at": 1} for method in METHODS]
    if kind == "http_500":
        rules = [{**rule, "executed": True} for rule in rules]
    pair.target_server.faults = FaultPlan(read_rules(rules))

    apply(pair)

    assert len(pair.target_server.faults.happened) == len(METHODS)
    assert structure_lines(pair.target) == undisturbed


def test_a_request_the_portal_is_still_working_on_is_waited_for(
    portals: MakePair, undisturbed: list[str]
) -> None:
    """It is executed after the first look: an impatient second one would make a twin."""
    pair = a_pair(portals)
    late = {"kind": "executed_late", "method": "crm.category.add", "at": 1, "seconds": 0.7}
    pair.target_server.faults = FaultPlan(read_rules([late]))

    apply(pair, cutoff_seconds=0.5)

    assert structure_lines(pair.target) == undisturbed
