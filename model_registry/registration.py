"""Put one training into the registry: one run, one version, however often it is asked for.

The version is made last, in one request that carries the training key: either it is there with its key, or
nothing is. A process that was killed before leaves a run behind, which the next attempt marks as killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from estate.bundles.manifest import check_manifest
from estate.store.database import Database
from estate.store.locks import advisory_lock
from estate.training.card import CALIBRATION_PLOT
from estate.training.search import Found
from model_registry.connection import Registry, answering, error_code
from model_registry.page import CARD_LIMIT, cut
from model_registry.run_log import DataSource, log_run
from model_registry.tags import BUNDLE_DIGEST, TRAINING_KEY
from model_registry.trial_runs import forget_trials, log_trials

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

MODEL_PATH = "model"
"""Where in a run's artifacts the MLflow model lies."""
_PLOT = "calibration.png"  # its address is known when there is a run


@dataclass(frozen=True, kw_only=True)
class Registration:
    """Everything that is kept of a training.

    Parameters
    ----------
    model, training_key : str
        Registered model; the key of this training: the same key is the same version.
    folder : Path
        What :func:`build_model_folder` made, with its manifest.
    artifacts_digest : str
        What it returned: over all files.
    bundle_digest : str
        Of the bundle alone, as serving checks it.
    params, metrics, tags : mapping
    description : str
        Markdown model card; ``CALIBRATION_PLOT`` in it becomes the address of ``plots/calibration.png``.
    plots : Path, optional
        Folder of PNG files.
    files : tuple of Path
        Tables and other files or folders.
    data : DataSource, optional
        What it was trained on.
    search : Found, optional
        Its trials become child runs.
    """

    model: str
    training_key: str
    folder: Path
    artifacts_digest: str
    bundle_digest: str
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    plots: Path | None = None
    files: tuple[Path, ...] = ()
    data: DataSource | None = None
    search: Found | None = None


@dataclass(frozen=True)
class Registered:
    """Where a training ended up."""

    version: str
    run_id: str


def register(registry: Registry, database: Database, registration: Registration) -> Registered:
    """Return the version of this training; make it if there is none.

    Safe to be killed anywhere and repeated, and to run in several processes at once.

    Raises
    ------
    ArtifactError
        If the files are not whole, or not the ones of ``artifacts_digest``.
    RegistryError, StoreError
        If MLflow or the database can't be reached.
    """
    check_manifest(registration.folder, digest=registration.artifacts_digest)
    name = f"register {registration.model} {registration.training_key}"
    with (
        advisory_lock(database, name, wait_seconds=1800),
        answering(registry, f"registration of `{registration.model}`"),
    ):
        found = version_of(registry, registration.model, registration.training_key)
        return _finished(registry, found) if found else _make(registry, registration)


def version_of(registry: Registry, model: str, training_key: str) -> ModelVersion | None:
    """Return the version that carries this training key; None if there is none."""
    condition = f"name = '{model}' and tag.{TRAINING_KEY} = '{training_key}'"
    versions = registry.client.search_model_versions(condition)
    return min(versions, key=lambda version: int(version.version), default=None)


def registered(registry: Registry, model: str, training_key: str) -> Registered | None:
    """Return where a training ended up; None if it has not. Closes the run of one that was killed just then.

    Raises
    ------
    RegistryError
        If MLflow can't be reached.
    """
    with answering(registry, f"registration of `{model}`"):
        found = version_of(registry, model, training_key)
        return _finished(registry, found) if found else None


def _finished(registry: Registry, version: ModelVersion) -> Registered:
    # Killed after the version was made and before its run was closed: close it now.
    run_id = str(version.run_id)
    if registry.client.get_run(run_id).info.status == "RUNNING":
        registry.client.set_terminated(run_id, "FINISHED")
    return Registered(str(version.version), run_id)


def _make(registry: Registry, registration: Registration) -> Registered:
    client, model, key = registry.client, registration.model, registration.training_key
    _ensure_model(registry, model)
    experiment = _experiment(registry, model)
    for half in client.search_runs([experiment], f"tags.{TRAINING_KEY} = '{key}' and status = 'RUNNING'"):
        client.set_terminated(half.info.run_id, "KILLED")
    forget_trials(client, experiment, key)
    tags = {**registration.tags, TRAINING_KEY: key, BUNDLE_DIGEST: registration.bundle_digest}
    run = client.create_run(experiment, tags=tags, run_name=f"{model} {key[:12]}")
    run_id = run.info.run_id
    try:
        _log(registry, run_id, registration)
        if registration.search:
            log_trials(client, experiment, run_id, key=key, found=registration.search)
        version = client.create_model_version(
            model,
            source=f"{run.info.artifact_uri}/{MODEL_PATH}",
            run_id=run_id,
            tags=tags,
            description=cut(_card(registration, run_id), CARD_LIMIT),
            await_creation_for=0,
        )
    except Exception:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")
    return Registered(str(version.version), run_id)


def _log(registry: Registry, run_id: str, registration: Registration) -> None:
    log_run(
        registry.client,
        run_id,
        params=registration.params,
        metrics=registration.metrics,
        data=registration.data,
    )
    if registration.plots:
        registry.client.log_artifacts(run_id, str(registration.plots), "plots")
    for path in registration.files:
        log = registry.client.log_artifacts if path.is_dir() else registry.client.log_artifact
        log(run_id, str(path), path.name if path.is_dir() else None)
    registry.client.log_text(run_id, _card(registration, run_id), "model_card.md")
    registry.client.log_artifacts(run_id, str(registration.folder), MODEL_PATH)


def _card(registration: Registration, run_id: str) -> str:
    """Return the card with its picture, or without the lines that would show one where there is none."""
    text = registration.description
    if registration.plots and (registration.plots / _PLOT).is_file():
        return text.replace(CALIBRATION_PLOT, picture_address(run_id, f"plots/{_PLOT}"))
    return "\n".join(line for line in text.splitlines() if CALIBRATION_PLOT not in line)


def picture_address(run_id: str, path: str) -> str:
    """Return where a page of MLflow's UI finds a file of a run, whatever address the UI itself has."""
    return f"get-artifact?{urlencode({'path': path, 'run_uuid': run_id})}"


def _ensure_model(registry: Registry, model: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        registry.client.create_registered_model(model)
    except MlflowException as error:
        if error_code(error) != "RESOURCE_ALREADY_EXISTS":
            raise


def _experiment(registry: Registry, model: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        return str(registry.client.create_experiment(model))
    except MlflowException as error:
        found = registry.client.get_experiment_by_name(model)
        if error_code(error) != "RESOURCE_ALREADY_EXISTS" or found is None:
            raise
    if found.lifecycle_stage == "deleted":
        registry.client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)
