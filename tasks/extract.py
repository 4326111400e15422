"""Read the rows that a training may see, and check them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from prefect import task

from estate.core.model_spec import ModelSpec
from estate.store import holdouts
from estate.training.check import check_rows
from estate.training.data import TrainingData
from estate.training.extract import extract
from estate.training.holdout import row_hashes
from tasks.platform import Platform
from tasks.retrying import COMPUTES, REACHES_OUT


@task(name="extract", **REACHES_OUT)
def extract_rows(platform: Platform, spec: ModelSpec, as_of: datetime, training_key: str) -> TrainingData:
    """Read what was known at a moment: features, ripe labels, and how often each row was judged on."""
    data = extract(spec, platform.database, as_of=as_of, cluster=platform.settings.dask)
    with platform.database.begin() as connection:
        uses = holdouts.uses(connection, spec.name, row_hashes(spec, data), training_key)
    return replace(data, uses=uses)


@task(name="check", **COMPUTES)
def check_contract(spec: ModelSpec, data: TrainingData) -> None:
    """Stop the training if the rows break their contract."""
    check_rows(spec, data)
