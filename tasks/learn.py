"""Split, fit and calibrate; then export with a parity check."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from prefect import get_run_logger, task
from prefect.exceptions import MissingContextError

from estate.bundles import Bundle
from estate.core.model_spec import ModelSpec
from estate.training.bundling import write_bundle
from estate.training.data import TrainingData
from estate.training.fit import Trained, fit
from estate.training.memory import OWN, Choice, choose_memory
from estate.training.search import Found, search_parameters
from estate.training.split import Split, split_by_time
from model_registry import build_model_folder
from tasks.retrying import COMPUTES

EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class Learned:
    """A fitted model with all rows, and the parts of them that it was fitted and will be judged on.

    Parameters
    ----------
    trained : Trained
    parts : Split
        Its train part is what the chosen memory holds.
    data : TrainingData
    choice : Choice
        How far back it learned, and why.
    found : Found or None
        What a search chose and tried; None where the spec names none.
    """

    trained: Trained
    parts: Split
    data: TrainingData
    choice: Choice = field(default_factory=lambda: Choice(OWN, (), ""))
    found: Found | None = None


@dataclass(frozen=True)
class Exported:
    """A bundle, how far it is from the fitted model at most, and the folder that will be registered.

    Parameters
    ----------
    bundle : Bundle
    parity : float
    model_folder : Path
        MLflow's, with the bundle inside.
    artifacts_digest : str
        Over every file of it.
    """

    bundle: Bundle
    parity: float
    model_folder: Path
    artifacts_digest: str


@task(name="fit", **COMPUTES)
def fit_model(spec: ModelSpec, data: TrainingData, *, choose: bool = False) -> Learned:
    """Train on the oldest rows, with parameters that a search chose if there is one; calibrate on the next.

    Parameters
    ----------
    spec : ModelSpec
    data : TrainingData
    choose : bool
        Whether a backtest chooses how far back to learn: after a drift old rows may mislead.
    """
    parts = split_by_time(spec, data)
    choice = choose_memory(spec, parts) if choose else Choice(OWN, (), "")
    remembered = choice.memory.of(parts)
    spec = choice.memory.spec(spec)
    found = search_parameters(spec, remembered.train, say=_log().info) if spec.search else None
    return Learned(fit(found.spec(spec) if found else spec, remembered), remembered, data, choice, found)


def _log() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """Return the run's log in Prefect, or this module's where there is no run."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)


@task(name="export", **COMPUTES)
def export_bundle(learned: Learned, folder: Path) -> Exported:
    """Write the bundle and compare it on the whole holdout; then MLflow's folder, before any evidence."""
    bundle, parity = write_bundle(learned.trained, learned.parts, folder)
    model_folder = folder.with_name("model")
    example = bundle.encoder.matrix(learned.parts.holdout.features)[:EXAMPLE_ROWS]
    return Exported(bundle, parity, model_folder, build_model_folder(bundle, example, model_folder))
