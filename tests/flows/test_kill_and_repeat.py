"""``kill -9`` in the middle of each step of ``retrain``, then the same again: one version, one ledger row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from estate.core.settings import Settings
from estate.store import evidence, ledger, training_requests
from estate.store.database import Database
from estate.store.governor_decisions import decisions_of
from estate.store.training_requests import Request
from infra.training import start_waiting
from model_registry import Registry, connect
from model_registry.judge import judge
from model_registry.tags import BUNDLE_DIGEST, TRAINING_KEY
from tests.behaviour.commands import leadloop
from tests.conftest import ROOT, stack_environment
from tests.flows.conftest import asked, put_model
from tests.flows.training_process import Running, TrainingProcess, training_process

pytestmark = [pytest.mark.stack, pytest.mark.thorough]

GROUPS = (
    ("open request", "find version", "extract", "check", "weigh"),
    ("fit", "export", "fetch champion", "judge"),
    ("draw", "snapshot", "register", "report"),
    ("stage", "promote by policy", "close request"),
)
STEPS = tuple(step for group in GROUPS for step in group)
MOST_TRIES = 5


@pytest.fixture(scope="module")
def model(stack: Settings, trainings: TrainingProcess, stack_database: Database) -> str:
    """Return a model with a champion, so that every later training has one to fetch and to beat."""
    name = put_model(stack, "killed_home")
    first = trainings.run(name, asked(stack_database, name))
    assert first.exit_code == 0
    assert tuple(first.began) == STEPS, first.result
    return name


@pytest.mark.parametrize("group", GROUPS, ids=", ".join)
def test_killed_in_each_step_and_run_again(
    group: tuple[str, ...],
    model: str,
    stack: Settings,
    trainings: TrainingProcess,
    stack_database: Database,
) -> None:
    """Each repeated run is itself killed in the next step of the group; the last one is let through."""
    request = asked(stack_database, model)
    for step in group:
        killed(trainings, model, request, step=step)
        assert len(versions(connect(stack), model, request)) <= 1
    again(trainings, stack_database, connect(stack), model=model, request=request)


MOMENTS: dict[str, Callable[[Registry, str, str], bool]] = {
    "run made": lambda registry, model, key: bool(runs(registry, model, key)),
    "model uploaded": lambda registry, model, key: any(
        {file.path for file in registry.client.list_artifacts(run.info.run_id)} >= {"model"}
        for run in runs(registry, model, key)
    ),
}
"""The moment after the version is made is too short to hit from outside; tests/model_registry stops there."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_moment_of_the_registration_and_run_again(
    moment: str, model: str, stack: Settings, trainings: TrainingProcess, stack_database: Database
) -> None:
    """As seen from outside, in MLflow."""
    registry = connect(stack)

    for _ in range(MOST_TRIES):
        request = asked(stack_database, model)
        running = begun(trainings, model, request, step="register")
        until = time.monotonic() + 60
        while not MOMENTS[moment](registry, model, request):
            assert time.monotonic() < until
        trainings.kill(running)
        if "register" not in running.ended:
            break
    assert "register" not in running.ended, f"over before the signal in each of {MOST_TRIES} trainings"
    assert running.exit_code == -signal.SIGKILL
    again(trainings, stack_database, registry, model=model, request=request)


def test_two_runs_of_one_request_at_once_are_one_training(
    model: str, stack: Settings, trainings: TrainingProcess, stack_database: Database
) -> None:
    request = asked(stack_database, model)
    with training_process(stack) as others, ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(lambda process: process.run(model, request), (trainings, others)))
    assert [one.exit_code for one in ran] == [0, 0]
    assert sorted(one.result.startswith("not trained now") for one in ran) == [False, True]
    assert sorted("fit" in one.began for one in ran) == [False, True]
    assert_one_version(stack_database, connect(stack), model, request=request)


def test_a_run_that_is_killed_in_the_worker_is_taken_up_again(
    stack: Settings, stack_database: Database
) -> None:
    """By the command that waits for it; and by a second command, if that one is killed too."""
    name = put_model(stack, "worker_home")
    command = [sys.executable, "-m", "infra.cli.main", "retrain", name]
    environment = stack_environment(stack.home)
    first = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    request = kill_worker_run(stack_database, name, but=())
    (once,) = run_ids(stack_database, request)
    assert kill_worker_run(stack_database, name, but=(once,)) == request
    first.kill()
    first.wait()
    said = leadloop(stack, "retrain", name)
    assert request in said
    assert "done: version 1: passed" in said
    assert_one_version(stack_database, connect(stack), name, request=request)


def test_the_crash_of_a_run_starts_the_next_one_by_itself(stack: Settings, stack_database: Database) -> None:
    """Nobody waits for it; the event of the crash comes long before the dispatcher's own five minutes."""
    name = put_model(stack, "crashed_home")
    with stack_database.begin() as connection:
        made = training_requests.request_training(connection, name, cause="api", detail="test")
    start_waiting(stack, stack_database)
    assert kill_worker_run(stack_database, name, but=()) == made.request_id
    began = time.monotonic()
    (killed,) = run_ids(stack_database, made.request_id)
    while (request := request_of(stack_database, made.request_id)).state != "done":
        assert time.monotonic() - began < 150, request
        time.sleep(0.2)
    assert request.flow_run_id != killed
    with stack_database.begin() as connection:
        decided = [one.decision for one in decisions_of(connection, name)][::-1]
    assert decided == ["dispatched", "begun", "taken_back", "dispatched", "begun"]
    assert_one_version(stack_database, connect(stack), name, request=made.request_id)


def request_of(database: Database, request: str) -> Request:
    with database.begin() as connection:
        return training_requests.get(connection, request)


def run_ids(database: Database, request: str) -> list[str | None]:
    with database.begin() as connection:
        return [training_requests.get(connection, request).flow_run_id]


def kill_worker_run(
    database: Database, model: str, *, but: tuple[str | None, ...], seconds: float = 120
) -> str:
    """Kill the process that runs the model's training as soon as there is one; returns the request."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with database.begin() as connection:
            found = training_requests.list_requests(connection, model, states=("running",))
        for one in found:
            if one.flow_run_id not in but and kill_process_of(str(one.flow_run_id)):
                return one.request_id
        time.sleep(0.02)
    raise AssertionError("no training began")


def kill_process_of(flow_run_id: str) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"PREFECT__FLOW_RUN_ID={flow_run_id}".encode() in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
                return True
    return False


def begun(trainings: TrainingProcess, model: str, request: str, *, step: str) -> Running:
    """Start a training and return when the step has begun."""
    running = trainings.start(model, request)
    trainings.follow(running, until=step)
    assert running.began[-1] == step, f"{running.began}: {running.result}"
    return running


def killed(trainings: TrainingProcess, model: str, request: str, *, step: str) -> None:
    """Kill a training in the middle of a step; one of milliseconds may be over too soon: again."""
    for _ in range(MOST_TRIES):
        running = begun(trainings, model, request, step=step)
        trainings.kill(running)
        assert running.exit_code == -signal.SIGKILL
        if step not in running.ended:
            return
    raise AssertionError(f"`{step}` was over before the signal each of {MOST_TRIES} times")


def again(
    trainings: TrainingProcess, database: Database, registry: Registry, *, model: str, request: str
) -> None:
    repeated: Running = trainings.run(model, request)
    assert repeated.exit_code == 0
    assert repeated.ended[-1] == "close request", repeated.result
    assert_one_version(database, registry, model, request=request)


def assert_one_version(database: Database, registry: Registry, model: str, *, request: str) -> None:
    """One version, whose evidence is of its very files; one row of the ledger; the request is done."""
    (version,) = versions(registry, model, request)
    with database.begin() as connection:
        proof = evidence.load(connection, model, str(version.version))
        rows = [row for row in ledger.history(connection, model) if row.to_version == str(version.version)]
        ledger.verify(connection)
        state = training_requests.get(connection, request).state
    assert proof is not None
    assert proof.training_key == request
    assert version.tags[BUNDLE_DIGEST] == proof.bundle_digest
    assert version.tags["evidence"] == proof.digest
    assert judge(registry, database, model, str(version.version)).refusals == ()
    assert [row.decision for row in rows] == ["promoted"]
    assert rows[0].evidence_digest == proof.digest
    assert state == "done"
    assert [run.info.status for run in runs(registry, model, request) if run.info.status != "KILLED"] == [
        "FINISHED"
    ]


def versions(registry: Registry, model: str, key: str) -> list[Any]:
    return list(registry.client.search_model_versions(f"name = '{model}' and tag.{TRAINING_KEY} = '{key}'"))


def runs(registry: Registry, model: str, key: str) -> list[Any]:
    experiment = registry.client.get_experiment_by_name(model)
    assert experiment is not None
    return list(registry.client.search_runs([experiment.experiment_id], f"tags.{TRAINING_KEY} = '{key}'"))
