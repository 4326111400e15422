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
from model_registry import Registry, connect
from model_registry.tags import BUNDLE_DIGEST, TRAINING_KEY
from tests.behaviour.commands import leadloop
from tests.conftest import ROOT, stack_environment
from tests.flows.conftest import asked, put_model
from tests.flows.training_process import Running, TrainingProcess, training_process

pytestmark = [pytest.mark.stack, pytest.mark.thorough]

STEPS = (
    "open request",
    "find version",
    "extract",
    "check",
    "fit",
    "export",
    "fetch champion",
    "judge",
    "draw",
    "register",
    "report",
    "stage",
    "promote by policy",
    "close request",
)
MOST_TRIES = 5


@pytest.fixture(scope="module")
def model(stack: Settings, trainings: TrainingProcess, stack_database: Database) -> str:
    """Return a model with a champion, so that every later training has one to fetch and to beat."""
    name = put_model(stack, "killed_home")
    first = trainings.run(name, asked(stack_database, name))
    assert first.exit_code == 0
    assert tuple(first.began) == STEPS, first.result
    return name


@pytest.mark.parametrize("step", STEPS)
def test_killed_in_a_step_and_run_again(
    step: str, model: str, stack: Settings, trainings: TrainingProcess, stack_database: Database
) -> None:
    request = killed(trainings, stack_database, model, step=step)
    again(trainings, stack_database, connect(stack), model=model, request=request)


MOMENTS: dict[str, Callable[[Registry, str, str], bool]] = {
    "run made": lambda registry, model, key: bool(runs(registry, model, key)),
    "run logged": lambda registry, model, key: any(run.data.metrics for run in runs(registry, model, key)),
    "model uploaded": lambda registry, model, key: any(
        {file.path for file in registry.client.list_artifacts(run.info.run_id)} >= {"model"}
        for run in runs(registry, model, key)
    ),
    "version made": lambda registry, model, key: bool(versions(registry, model, key)),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_moment_of_the_registration_and_run_again(
    moment: str, model: str, stack: Settings, trainings: TrainingProcess, stack_database: Database
) -> None:
    """As seen from outside, in MLflow. The last moment is hundredths of a second before the step's end."""
    registry = connect(stack)

    def reached(request: str) -> None:
        until = time.monotonic() + 60
        while not MOMENTS[moment](registry, model, request):
            assert time.monotonic() < until

    request = killed(trainings, stack_database, model, step="register", wait=reached)
    again(trainings, stack_database, registry, model=model, request=request)


def test_two_runs_of_one_request_at_once_make_one_version(
    model: str, stack: Settings, trainings: TrainingProcess, stack_database: Database
) -> None:
    request = asked(stack_database, model)
    with training_process(stack) as others, ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(lambda process: process.run(model, request), (trainings, others)))
    assert [one.exit_code for one in ran] == [0, 0]
    assert ran[0].result == ran[1].result
    assert_one_version(stack_database, connect(stack), model, request=request)


@pytest.mark.parametrize("who", ["the same command goes on", "a second command takes it up"])
def test_a_run_that_is_killed_in_the_worker_is_taken_up_again(
    who: str, stack: Settings, stack_database: Database
) -> None:
    name = put_model(stack, f"worker_home_{'one' if who.startswith('the same') else 'two'}")
    command = [sys.executable, "-m", "infra.cli.main", "retrain", name]
    environment = stack_environment(stack.home)
    first = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    request = kill_worker_run(stack_database, name)
    if who.startswith("the same"):
        said, _ = first.communicate(timeout=240)
    else:
        first.kill()
        first.communicate()
        said = leadloop(stack, "retrain", name)
    assert request in said
    assert "done: version 1: passed" in said
    assert_one_version(stack_database, connect(stack), name, request=request)


def kill_worker_run(database: Database, model: str, *, seconds: float = 120) -> str:
    """Kill the process that runs the model's training as soon as there is one; returns the request."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with database.begin() as connection:
            found = training_requests.list_requests(connection, model, states=("running",))
        for process in Path("/proc").glob("[0-9]*") if found else ():
            with suppress(OSError):
                if (
                    f"PREFECT__FLOW_RUN_ID={found[0].flow_run_id}".encode()
                    in (process / "environ").read_bytes()
                ):
                    os.kill(int(process.name), signal.SIGKILL)
                    return found[0].request_id
        time.sleep(0.02)
    raise AssertionError("no training began")


def killed(
    trainings: TrainingProcess,
    database: Database,
    model: str,
    *,
    step: str,
    wait: Callable[[str], None] = lambda request: None,
) -> str:
    """Kill a training in the middle of a step; one that was over too soon is tried with another training.

    Returns the id of its request.
    """
    for _ in range(MOST_TRIES):
        request = asked(database, model)
        running = trainings.start(model, request)
        trainings.follow(running, until=step)
        assert running.began[-1] == step, f"{running.began}: {running.result}"
        wait(request)
        trainings.kill(running)
        if step not in running.ended and running.exit_code == -signal.SIGKILL:
            return request
    raise AssertionError(f"`{step}` was over before the signal in each of {MOST_TRIES} trainings")


def again(
    trainings: TrainingProcess, database: Database, registry: Registry, *, model: str, request: str
) -> None:
    repeated: Running = trainings.run(model, request)
    assert repeated.exit_code == 0
    assert repeated.ended[-1] == "close request", repeated.result
    assert_one_version(database, registry, model, request=request)


def assert_one_version(database: Database, registry: Registry, model: str, *, request: str) -> None:
    """One version, whose evidence is of its bundle; one row of the ledger; the request is done."""
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
