"""Put one training into the registry: one run, one version, however often it is asked for.

The version is made last, in one request that carries the training key: either it is there with its key, or
nothing is. A process that was killed before leaves a run behind, which the next attempt marks as killed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.bundles.manifest import check_manifest
from estate.core.errors import ArtifactError
from estate.store.database import Database
from estate.store.locks import advisory_lock
from model_registry.connection import Registry, answering, error_code
from model_registry.page import CARD_LIMIT, cut
from model_registry.run_log import DataSource, log_run
from model_registry.tags import BUNDLE_DIGEST, TRAINING_KEY

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

MODEL_PATH = "model"
"""Where in a run's artifacts the MLflow model lies."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """Everything that is kept of a training.

    Parameters
    ----------
    model, training_key : str
        Registered model; the key of this training: the same key is the same version.
    bundle : Path
        Folder of the bundle, with its manifest.
    bundle_digest : str
        What ``check_manifest(bundle)`` gives.
    feature_names : tuple of str
        The d columns of the matrix that ``model.onnx`` reads.
    example : float32 array of shape (n, d)
        A few rows for the model page.
    output_names : tuple of str
        ``("score",)``, or one name per class.
    params, metrics, tags : mapping
    description : str
        Markdown model card.
    plots : Path, optional
        Folder of PNG files.
    files : tuple of Path
        Tables and other files or folders.
    data : DataSource, optional
        What it was trained on.
    """

    model: str
    training_key: str
    bundle: Path
    bundle_digest: str
    feature_names: tuple[str, ...]
    example: NDArray[np.float32]
    output_names: tuple[str, ...] = ("score",)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    plots: Path | None = None
    files: tuple[Path, ...] = ()
    data: DataSource | None = None


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
        If the bundle is not whole, or not the one of ``bundle_digest``.
    RegistryError, StoreError
        If MLflow or the database can't be reached.
    """
    digest = check_manifest(registration.bundle)
    if digest != registration.bundle_digest:
        raise ArtifactError(
            f"bundle {registration.bundle}",
            expected=f"digest {registration.bundle_digest}",
            got=digest,
            todo="Train again.",
        )
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
    tags = {**registration.tags, TRAINING_KEY: key, BUNDLE_DIGEST: registration.bundle_digest}
    run = client.create_run(experiment, tags=tags, run_name=f"{model} {key[:12]}")
    run_id = run.info.run_id
    try:
        _log(registry, run_id, registration)
        version = client.create_model_version(
            model,
            source=f"{run.info.artifact_uri}/{MODEL_PATH}",
            run_id=run_id,
            tags=tags,
            description=cut(registration.description, CARD_LIMIT),
            await_creation_for=0,
        )
    except Exception:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")
    return Registered(str(version.version), run_id)


def _log(registry: Registry, run_id: str, registration: Registration) -> None:
    from model_registry.model_folder import write_model_folder

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
    registry.client.log_text(run_id, registration.description, "model_card.md")
    with tempfile.TemporaryDirectory(prefix="leadloop-model-") as folder:
        write_model_folder(
            Path(folder) / MODEL_PATH,
            registration.bundle,
            columns=registration.feature_names,
            outputs=registration.output_names,
            example=registration.example,
        )
        registry.client.log_artifacts(run_id, f"{folder}/{MODEL_PATH}", MODEL_PATH)


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
