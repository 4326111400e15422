"""The trials of a search are children of the training's run: one set, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from estate.core.search_summary import SearchedParameter, SearchSummary
from estate.store.database import Database
from estate.training.search import Found, Trial
from model_registry import Registration, Registry, register
from tests.model_registry.conftest import MODEL, registration

SUMMARY = SearchSummary(
    parameters=(SearchedParameter("depth", "3", "8"),),
    trials=4, pruned=1, failed=1, ended_by="minutes", metric="log_loss",
    own=0.6, chosen=0.5, gain=0.1, gain_low=0.05, kept_own=False,
)  # fmt: skip
FOUND = Found(
    {"depth": 3},
    (
        Trial(0, {"depth": 8}, (0.7, 0.5), "complete", seconds=2.0),
        Trial(1, {"depth": 3}, (0.5, 0.5), "complete", seconds=1.0),
        Trial(2, {"depth": 9}, (0.8,), "pruned", seconds=0.5),
        Trial(3, {"depth": 99}, (), "failed", "MemoryError: too deep"),
    ),
    SUMMARY,
)


def searched(folder: Path, key: str = "k1") -> Registration:
    return replace(registration(folder, key), search=FOUND)


def children(registry: Registry, parent: str) -> list[Any]:
    experiment = registry.client.get_experiment_by_name(MODEL)
    assert experiment is not None
    found = registry.client.search_runs(
        [experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{parent}'", order_by=["start_time"]
    )
    return list(found)


def every_run(registry: Registry) -> int:
    experiment = registry.client.get_experiment_by_name(MODEL)
    assert experiment is not None
    return len(registry.client.search_runs([experiment.experiment_id]))


def test_each_trial_is_a_child_with_what_it_tried_and_what_came_of_it(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    made = register(registry, database, searched(tmp_path))
    first, second, pruned, failed = children(registry, made.run_id)
    assert [run.info.run_name for run in (first, second, pruned, failed)] == [f"trial {i}" for i in range(4)]
    assert first.data.params == {"estimator.depth": "8"}
    assert first.data.metrics["log_loss"] == pytest.approx(0.6)
    assert first.data.metrics["seconds"] == 2.0
    assert first.info.end_time - first.info.start_time == 2000
    blocks = registry.client.get_metric_history(first.info.run_id, "log_loss_of_block")
    assert [(one.step, one.value) for one in blocks] == [(1, 0.7), (2, 0.5)]
    assert [run.info.status for run in (first, second, pruned, failed)] == [
        "FINISHED", "FINISHED", "KILLED", "FAILED",
    ]  # fmt: skip
    assert "log_loss" not in pruned.data.metrics
    assert failed.data.tags["reason"] == "MemoryError: too deep"
    assert failed.data.tags["trial_state"] == "failed"


def test_the_same_training_again_makes_no_second_set(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    made = register(registry, database, searched(tmp_path))
    assert register(registry, database, searched(tmp_path)) == made
    assert every_run(registry) == 1 + 4


class Killed(BaseException):
    """As SIGKILL: nothing catches it."""


@pytest.mark.parametrize(("write", "after"), [("log_batch", 3), ("create_model_version", 1)])
def test_killed_and_run_again_leaves_one_set(
    registry: Registry, database: Database, tmp_path: Path, write: str, after: int
) -> None:
    """Killed amid the trials, and when all were written but there was no version yet."""
    calls = [0]
    real = getattr(MlflowClient, write)

    def dying(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] > after - (write == "create_model_version"):
            raise Killed
        return real(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowClient, write, dying)
        with pytest.raises(Killed):
            register(registry, database, searched(tmp_path))
    assert every_run(registry) > 1
    made = register(registry, database, searched(tmp_path))
    assert len(children(registry, made.run_id)) == 4
    assert every_run(registry) == 1 + 1 + 4  # the killed try stays, without children


def test_another_training_keeps_its_own(registry: Registry, database: Database, tmp_path: Path) -> None:
    one = register(registry, database, searched(tmp_path, "k1"))
    two = register(registry, database, searched(tmp_path, "k2"))
    assert [len(children(registry, made.run_id)) for made in (one, two)] == [4, 4]
