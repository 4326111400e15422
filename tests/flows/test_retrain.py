"""What a training leaves behind, and who waits for whom."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estate.catalog import load_specs
from estate.core.clock import now
from estate.core.prediction import AnsweredBy, Prediction
from estate.core.settings import Settings
from estate.core.training_rules import DEFAULT_RULES
from estate.store import ledger, training_leases, training_requests
from estate.store.database import Database
from estate.store.governor_decisions import decisions_of
from estate.store.predictions import write_many
from estate.store.training_claims import claim_one
from estate.store.training_requests import Request
from estate.store.watch_passes import list_passes
from infra.stack.health import request as http
from infra.training import run_flow
from tests.flows.conftest import asked, put_model
from tests.flows.training_process import TrainingProcess

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def model(stack: Settings, trainings: TrainingProcess, stack_database: Database) -> str:
    """Return a model with a version in production."""
    name = put_model(stack, "drift_home", rows=600)
    ran = trainings.run(name, asked(stack_database, name))
    assert ran.result == "1"
    return name


def request_of(database: Database, request_id: str) -> Request:
    with database.begin() as connection:
        return training_requests.get(connection, request_id)


def test_a_training_leaves_tables_and_plots_in_prefect(stack: Settings, model: str) -> None:
    wanted = {"artifacts": {"key": {"like_": "drift-home-%"}}}
    found = json.loads(http("POST", f"{stack.endpoint('prefect_url')}/artifacts/filter", wanted) or b"[]")
    shown = {artifact["key"]: artifact for artifact in found}
    kinds = {name: shown[f"drift-home-{name}"]["type"] for name in ("gate", "measures", "plots")}
    assert kinds == {"gate": "table", "measures": "table", "plots": "markdown"}
    assert {row["rule"] for row in json.loads(shown["drift-home-gate"]["data"])} >= {"GATE101", "GATE106"}
    assert "mae" in {row["metric"] for row in json.loads(shown["drift-home-measures"]["data"])}
    assert "data:image/png;base64,iVBOR" in shown["drift-home-plots"]["data"]


@pytest.mark.thorough
def test_a_broken_model_file_fails_its_request_with_the_reason_and_no_other(
    stack: Settings, trainings: TrainingProcess, stack_database: Database, model: str
) -> None:
    name = put_model(stack, "broken_home")
    file = stack.models[0] / f"{name}.py"
    good = file.read_text()
    try:
        file.write_text(good.replace("def estimator(seed):", "def estimator(seed)"))
        request = asked(stack_database, name)
        assert "SyntaxError" in trainings.run(name, request).result
        failed = request_of(stack_database, request)
        assert failed.state == "failed"
        assert failed.reason is not None
        assert f"model file {file}: expected a file that runs, got SyntaxError" in failed.reason
        assert trainings.run(model, asked(stack_database, model)).result.isdigit()

        file.write_text(good.replace('"rooms"', '"roms"'))
        assert "expected columns roms" in trainings.run(name, request).result
        assert "expected columns roms" in str(request_of(stack_database, request).reason)

        file.write_text(good)
        assert trainings.run(name, request).result == "1"
        assert request_of(stack_database, request).state == "done"
    finally:
        file.unlink()


def test_a_scheduled_run_is_skipped_while_another_training_runs(
    trainings: TrainingProcess, stack_database: Database, model: str
) -> None:
    first = asked(stack_database, model)
    with stack_database.begin() as connection:
        lease = training_leases.take(connection, model, first)
        training_requests.mark(connection, first, "running")
    assert lease is not None
    assert trainings.run(model).result.startswith(
        f"not trained now: skipped: request {first} is being trained"
    )
    with stack_database.begin() as connection:
        (skipped, *_) = training_requests.list_requests(connection, model, states=("refused",))
        assert skipped.cause == "schedule"
        (decided, *_) = decisions_of(connection, model)
        assert (decided.request_id, decided.rule) == (skipped.request_id, "running")
        training_leases.give_back(connection, lease)
        training_requests.mark(connection, first, "done")


@pytest.mark.thorough
def test_a_scheduled_run_on_the_same_rows_is_refused(
    trainings: TrainingProcess, stack_database: Database, model: str
) -> None:
    last = asked(stack_database, model)
    assert trainings.run(model, last).result.isdigit()
    assert trainings.run(model).result.startswith(f"not trained: request {last} trained on the same rows")
    assert trainings.run(model, asked(stack_database, model)).result.isdigit()  # but a person may


@pytest.mark.thorough
def test_too_few_new_labels_put_a_training_off(
    stack: Settings, trainings: TrainingProcess, stack_database: Database, model: str
) -> None:
    table = stack.models[0] / f"{model}.csv"
    before = table.read_text()
    try:
        with table.open("a") as file:
            file.writelines(
                f"n{i},2024-06-{1 + i // 24:02}T{i % 24:02}:00:00Z,3,250000,north,no,40,cold\n"
                for i in range(20)
            )
        assert trainings.run(model).result.startswith(
            "not trained: 20 new ripe labels, at least 50 are wanted"
        )
    finally:
        table.write_text(before)
    with stack_database.begin() as connection:
        (waits,) = training_requests.list_requests(connection, model, states=("waiting",))
        assert (waits.cause, waits.as_of) == ("schedule", None)
        assert waits.not_before is not None
        assert claim_one(connection, waits, DEFAULT_RULES) is None
        training_requests.mark(connection, waits.request_id, "refused", reason="the test is over")


def test_drift_starts_one_training_by_itself(stack: Settings, stack_database: Database, model: str) -> None:
    """The deployed flow `watch` emits an event, which starts `dispatch`, which starts `retrain`."""
    answered(stack_database, model, stack.models[0] / f"{model}.py")
    put_model(stack, model, rows=700)  # outcomes since the last training
    run_flow(stack, "watch/watch", {"model": model}, seconds=120)
    with stack_database.begin() as connection:
        (seen, *_) = list_passes(connection, model, limit=1)
    assert seen.decision == "drift", seen.findings
    assert seen.request_id is not None
    until = time.monotonic() + 150
    while (request := request_of(stack_database, seen.request_id)).state != "done":
        assert request.state in {"waiting", "dispatched", "running"}, request
        assert time.monotonic() < until, request
        time.sleep(0.3)
    assert request.cause == "drift"
    (run,) = runs_of(stack, seen.request_id)
    assert run["id"] == request.flow_run_id


def answered(database: Database, model: str, file: Path) -> None:
    """Keep predictions of homes with more rooms than any home of the training had."""
    (spec,) = load_specs(file)
    random = np.random.default_rng(0)
    with database.begin() as connection:
        entry = ledger.current(connection, model)
        assert entry is not None
        write_many(
            connection,
            [
                Prediction(
                    prediction_id=str(uuid.uuid4()),
                    model=model,
                    version=entry.to_version,
                    answered_by=AnsweredBy.MODEL,
                    entity_id=None,
                    score=float(random.normal(30, 5)),
                    label=None,
                    features={
                        "rooms": float(random.integers(5, 12)),
                        "area": str(random.choice(["north", "west"])),
                    },
                    fingerprint=spec.features.fingerprint,
                    at=now(),
                )
                for _ in range(500)
            ],
        )


def runs_of(stack: Settings, request_id: str) -> list[Any]:
    wanted = {"deployments": {"name": {"any_": ["retrain"]}}, "sort": "START_TIME_DESC"}
    answer = http("POST", f"{stack.endpoint('prefect_url')}/flow_runs/filter", wanted)
    return [run for run in json.loads(answer or b"[]") if run["parameters"].get("request_id") == request_id]
