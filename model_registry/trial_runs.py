"""The trials of a search as child runs of the training's run, one set for a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.core.clock import now
from estate.training.search import Found, State, Trial
from model_registry.tags import SEARCH_KEY

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARAMETER = "estimator."
"""Stands before the name of a parameter that was searched, in the training's run and in its children."""
_PARENT = "mlflow.parentRunId"
_STATUS: dict[State, str] = {
    "complete": "FINISHED",
    "pruned": "KILLED",
    "stopped": "KILLED",
    "failed": "FAILED",
}


def forget_trials(client: MlflowClient, experiment: str, key: str) -> None:
    """Delete the child runs that killed tries of a training have left; MLflow keeps them in its bin."""
    while found := client.search_runs([experiment], f"tags.{SEARCH_KEY} = '{key}'"):
        for run in found:
            client.delete_run(run.info.run_id)


def log_trials(client: MlflowClient, experiment: str, parent: str, *, key: str, found: Found) -> None:
    """Write each trial as a child: parameters, the metric of each block and its mean, state, seconds.

    The children stand one behind the other in time and end now, each as long as its trial was.
    """
    moment = int(now().timestamp() * 1000) - sum(_milliseconds(trial) for trial in found.trials)
    for trial in found.trials:
        ended = moment + _milliseconds(trial)
        tags = {SEARCH_KEY: key, _PARENT: parent, "trial_state": trial.state}
        if trial.reason:
            tags["reason"] = trial.reason
        run = client.create_run(
            experiment, start_time=moment, tags=tags, run_name=f"trial {trial.number}"
        ).info.run_id
        _log(client, run, trial, metric=found.summary.metric, moment=ended)
        client.set_terminated(run, _STATUS[trial.state], ended)
        moment = ended


def _log(client: MlflowClient, run: str, trial: Trial, *, metric: str, moment: int) -> None:
    from mlflow.entities import Metric, Param

    params = [Param(f"{PARAMETER}{name}", str(value)) for name, value in trial.parameters.items()]
    metrics = [
        Metric(f"{metric}_of_block", value, moment, place)
        for place, value in enumerate(trial.values, start=1)
    ]
    if trial.state == "complete":
        metrics.append(Metric(metric, trial.value, moment, 0))
    client.log_batch(run, metrics=[*metrics, Metric("seconds", trial.seconds, moment, 0)], params=params)


def _milliseconds(trial: Trial) -> int:
    return int(trial.seconds * 1000)
