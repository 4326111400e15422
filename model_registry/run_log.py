"""What a run shows in the MLflow UI: parameters, metrics, and the data that it read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from estate.core.clock import now

if TYPE_CHECKING:
    from mlflow import MlflowClient

_T = TypeVar("_T")
_BATCH = 100  # MLflow takes so many parameters in one request
_DIGEST_LENGTH = 36  # MLflow's column is no wider; the whole fingerprint is in the tag


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """What a model was trained on.

    Parameters
    ----------
    name : str
        Table, query or file, without personal data.
    fingerprint : str
        Over all rows.
    source : str
        Where it lies.
    rows : int
    """

    name: str
    fingerprint: str
    source: str
    rows: int


def log_run(
    client: MlflowClient,
    run_id: str,
    *,
    params: Mapping[str, str],
    metrics: Mapping[str, float],
    data: DataSource | None,
) -> None:
    """Write all of it to a run."""
    from mlflow.entities import Metric, Param

    moment = int(now().timestamp() * 1000)
    for some in _batches([Param(key, value) for key, value in params.items()]):
        client.log_batch(run_id, params=some)
    for more in _batches([Metric(key, value, moment, 0) for key, value in metrics.items()]):
        client.log_batch(run_id, metrics=more)
    if data:
        _log_data(client, run_id, data)


def _log_data(client: MlflowClient, run_id: str, data: DataSource) -> None:
    import json

    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=data.name,
        digest=data.fingerprint[:_DIGEST_LENGTH],
        source_type="leadloop",
        source=json.dumps({"uri": data.source}),
        profile=json.dumps({"num_rows": data.rows}),
    )
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
    client.set_tag(run_id, "data_fingerprint", data.fingerprint)


def _batches(items: Sequence[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
