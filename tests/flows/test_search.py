"""A model file with a search goes through the training of the running stack, as it stands in the docs."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from estate.core.settings import Settings
from estate.store import evidence
from estate.store.database import Database
from model_registry import connect
from tests.behaviour.commands import leadloop
from tests.behaviour.test_own_model_file import inquiries
from tests.conftest import ROOT
from tests.flows.conftest import asked
from tests.flows.test_kill_and_repeat import begun, killed, versions
from tests.flows.training_process import TrainingProcess

pytestmark = [pytest.mark.stack, pytest.mark.thorough]
NAME = "tour_searched"


@pytest.fixture(scope="module")
def model(stack: Settings) -> str:
    (folder,) = stack.models
    folder.mkdir(exist_ok=True)
    inquiries(2000, seed=0).to_csv(folder / "inquiries.csv", index=False)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), re.DOTALL)
    (block,) = (one for one in blocks if f'name="{NAME}"' in one)
    assert "trials=40" in block
    (folder / f"{NAME}.py").write_text(block.replace("trials=40", "trials=4"))
    return NAME


def children(stack: Settings, parent: str) -> list[Any]:
    client = connect(stack).client
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    condition = f"tags.`mlflow.parentRunId` = '{parent}'"
    return list(client.search_runs([experiment.experiment_id], condition, order_by=["start_time"]))


def all_children(stack: Settings) -> int:
    client = connect(stack).client
    experiment = client.get_experiment_by_name(NAME)
    if experiment is None:
        return 0
    found = client.search_runs([experiment.experiment_id])
    return sum("mlflow.parentRunId" in run.data.tags for run in found)


def test_the_file_in_the_docs_is_searched_and_tells_it(
    stack: Settings, trainings: TrainingProcess, stack_database: Database, model: str
) -> None:
    request = asked(stack_database, model)
    ran = trainings.run(model, request)
    assert ran.exit_code == 0, ran.result
    (version,) = versions(connect(stack), model, request)
    trials = children(stack, version.run_id)
    assert [run.info.run_name for run in trials] == ["trial 0", "trial 1", "trial 2", "trial 3"]
    assert trials[0].data.params["estimator.max_depth"] == "6"
    with stack_database.begin() as connection:
        proof = evidence.load(connection, model, str(version.version))
    assert proof is not None
    assert proof.search is not None
    shown = connect(stack).client.get_run(version.run_id).data.params
    chosen = {f"estimator.{one.name}": one.chosen for one in proof.search.parameters}
    assert chosen.items() <= shown.items()
    assert "Search: 4 trials" in str(version.description)
    said = leadloop(stack, "explain", model, str(version.version))
    assert "search: 4 trials" in said
    assert re.search(r"max_depth\W+\d+\W+6\b", said), said


def test_killed_while_it_searches_and_while_it_writes_trials_it_ends_in_one_set(
    stack: Settings, trainings: TrainingProcess, stack_database: Database, model: str
) -> None:
    before = all_children(stack)
    request = asked(stack_database, model)
    killed(trainings, model, request, step="fit")
    running = begun(trainings, model, request, step="register")
    until = time.monotonic() + 60
    while all_children(stack) == before:
        assert time.monotonic() < until
    trainings.kill(running)
    ran = trainings.run(model, request)
    assert ran.exit_code == 0, ran.result
    (version,) = versions(connect(stack), model, request)
    assert len(children(stack, version.run_id)) == 4
    assert all_children(stack) == before + 4
