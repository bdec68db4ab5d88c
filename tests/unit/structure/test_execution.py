"""Each step is taken exactly once, whatever becomes of its answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from migrator.bitrix.errors import UnknownOutcome
from migrator.domain.records import CreationState, StructureCreation
from migrator.plan.structure.steps import there_before
from migrator.structure.execution import Execution
from migrator.structure.lookup import Lookup
from migrator.workspace import Workspace
from tests.fakes.scene import Scene, method_of, ok, refused, sent_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from migrator.staging import Staging
    from tests.fakes.transport import FakeReply

CUTOFF = 60.0
#: The one whose webhook it is.
USER = 7


class PipelinePortal:
    """Makes pipelines, and loses answers: `carried_out` says when, after the request, in seconds.

    None is never. A pipeline is seen by whoever looks after that moment.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[int, str, float]] = [(0, "General", 0.0)]
        self.lost: list[float | None] = []
        self.adds = 0
        self.scene = Scene(self)

    def __call__(self, request: requests.PreparedRequest) -> FakeReply | BaseException:
        now = self.scene.clock.monotonic()
        if method_of(request) == "crm.category.list":
            seen = [{"id": n, "name": name} for n, name, at in self.rows if at <= now]
            return ok({"categories": seen}, total=len(seen))
        self.adds += 1
        name = sent_json(request)["fields"]["name"]
        if name == "Too many":
            return refused("", "The number of pipelines is limited")
        if not self.lost:
            return ok({"category": {"id": self._make(name, now)}})
        after = self.lost.pop(0)
        if after is not None:
            self._make(name, now + after)
        return requests.ReadTimeout("cut")

    def _make(self, name: str, at: float) -> int:
        self.rows.append((len(self.rows), name, at))
        return len(self.rows) - 1


@pytest.fixture
def portal() -> PipelinePortal:
    return PipelinePortal()


@pytest.fixture
def workspace(
    portal: PipelinePortal, open_staging: Callable[[str], Staging], tmp_path: Path
) -> Workspace:
    staging = open_staging(f"sqlite:///{tmp_path / 'staging.db'}")
    staging.upgrade()
    with staging.begin() as transaction:
        migration = transaction.migrations.get_or_create(
            "default",
            source_portal="old",
            target_portal="new",
            source_origin="https://old",
            target_origin="https://new",
        )
    return Workspace(staging=staging, migration=migration, clock=portal.scene.clock)


@pytest.fixture
def execution(workspace: Workspace, portal: PipelinePortal) -> Execution:
    return Execution(workspace, portal.scene.client, CUTOFF)


def a_step(name: str = "Retail", source_key: str = "5") -> StructureCreation:
    params: dict[str, Any] = {"entityTypeId": 2, "fields": {"name": name, "sort": 500}}
    return StructureCreation(
        kind="category",
        scope="2",
        source_key=source_key,
        name=name,
        method="crm.category.add",
        params=params,
        target_scope="2",
        detail=there_before([0]),
    )


def on_record(workspace: Workspace) -> list[tuple[str, str, str | None]]:
    with workspace.read() as repositories:
        made = repositories.creations.load()
    return [(one.source_key, one.state.value, one.target_key) for one in made]


def test_a_step_is_on_record_before_its_request(
    execution: Execution, workspace: Workspace, portal: PipelinePortal
) -> None:
    def stop() -> None:
        if checks:
            raise KeyboardInterrupt
        checks.append(True)

    checks: list[bool] = []
    workspace.check_stop = stop

    with pytest.raises(KeyboardInterrupt):
        execution.run([a_step()])

    assert (on_record(workspace), portal.adds) == ([("5", "sent", None)], 0)


def test_a_step_that_was_carried_out_although_its_answer_was_lost_is_not_repeated(
    execution: Execution, workspace: Workspace, portal: PipelinePortal
) -> None:
    portal.lost = [0.0]

    execution.run([a_step()])

    assert (on_record(workspace), portal.adds) == ([("5", "found", "1")], 1)


def test_a_step_the_portal_is_still_working_on_is_waited_for(
    execution: Execution, workspace: Workspace, portal: PipelinePortal
) -> None:
    portal.lost = [CUTOFF - 1]

    execution.run([a_step()])

    assert (on_record(workspace), portal.adds) == ([("5", "found", "1")], 1)


def test_a_step_is_sent_again_only_when_the_portal_has_certainly_stopped(
    execution: Execution, workspace: Workspace, portal: PipelinePortal
) -> None:
    portal.lost = [None]
    began = portal.scene.clock.now()

    execution.run([a_step()])

    assert (on_record(workspace), portal.adds) == ([("5", "created", "1")], 2)
    assert portal.scene.clock.now() - began >= timedelta(seconds=CUTOFF)


def test_a_pipeline_of_that_name_that_was_there_before_is_not_taken_for_the_new_one(
    execution: Execution, workspace: Workspace, portal: PipelinePortal
) -> None:
    portal.rows[0] = (0, "Retail", 0.0)
    portal.lost = [0.0]

    execution.run([a_step()])

    assert on_record(workspace) == [("5", "found", "1")]


@pytest.mark.parametrize(("author", "found"), [(USER, "1032"), (USER + 1, None)])
def test_a_smart_process_of_that_name_that_somebody_else_made_meanwhile_is_not_ours(
    author: int, found: str | None
) -> None:
    row = {"id": 8, "entityTypeId": 1032, "title": "Project", "createdBy": author}
    scene = Scene(lambda _: ok({"types": [row]}, total=1))
    step = replace(
        a_step("Project"),
        kind="entity_type",
        method="crm.type.add",
        params={"fields": {"title": "Project"}},
    )

    assert Lookup(scene.client).find(step) == found


def test_of_two_pipelines_of_one_name_each_gets_its_own(
    execution: Execution, workspace: Workspace, portal: PipelinePortal
) -> None:
    portal.lost = [0.0, 0.0]

    execution.run([a_step()])
    execution.run([a_step(source_key="6")])

    assert on_record(workspace) == [("5", "found", "1"), ("6", "found", "2")]


def test_a_refused_step_is_on_record_with_the_reason_and_stops_no_other(
    execution: Execution, workspace: Workspace
) -> None:
    execution.run([a_step("Too many"), a_step(source_key="6")])

    assert on_record(workspace) == [("5", "failed", None), ("6", "created", "1")]
    (refusal,) = execution.account.refused
    assert refusal.reason == "The number of pipelines is limited"


def test_what_an_earlier_process_left_open_is_settled_by_looking(
    execution: Execution, workspace: Workspace, portal: PipelinePortal
) -> None:
    with workspace.write() as repositories:
        repositories.creations.begin([a_step(), a_step("Wholesale", source_key="6")])
    portal.rows.append((1, "Retail", 30.0))

    absent = execution.settle_in_doubt([a_step(), a_step("Wholesale", source_key="6")])

    assert [one.name for one in absent] == ["Wholesale"]
    assert on_record(workspace) == [("5", "found", "1"), ("6", "sent", None)]


def test_a_portal_that_loses_every_answer_is_given_up_with_the_step_in_doubt(
    execution: Execution, workspace: Workspace, portal: PipelinePortal
) -> None:
    portal.lost = [None] * 5

    with pytest.raises(UnknownOutcome):
        execution.run([a_step()])

    assert on_record(workspace) == [("5", CreationState.UNKNOWN.value, None)]
