"""Read the rows that a training may see, and check them."""

from __future__ import annotations

from datetime import datetime

from prefect import task

from estate.core.model_spec import ModelSpec
from estate.training.check import check_rows
from estate.training.data import TrainingData
from estate.training.extract import extract
from tasks.platform import Platform
from tasks.retrying import COMPUTES, REACHES_OUT


@task(name="extract", **REACHES_OUT)
def extract_rows(platform: Platform, spec: ModelSpec, as_of: datetime) -> TrainingData:
    """Read what was known at a moment; features and ripe labels."""
    return extract(spec, platform.database, as_of=as_of)


@task(name="check", **COMPUTES)
def check_contract(spec: ModelSpec, data: TrainingData) -> None:
    """Stop the training if the rows break their contract."""
    check_rows(spec, data)
