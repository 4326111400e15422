"""The rows of a training, as its run keeps them."""

from __future__ import annotations

from pathlib import Path

from estate.core.errors import RegistryError
from estate.training.snapshot import SNAPSHOT
from model_registry.connection import Registry, answering, error_code


def fetch_snapshot(registry: Registry, run: str, destination: Path) -> Path:
    """Fetch the file with the rows that a run has learned from.

    Parameters
    ----------
    registry : Registry
    run : str
        A run's id, or ``model/version``.
    destination : Path
        An existing folder.

    Raises
    ------
    RegistryError
        If there is no such run or version, it kept no rows, or MLflow can't be reached.
    """
    with answering(registry, f"run `{run}`"):
        run_id = _run_id(registry, run)
        kept = {found.path for found in registry.client.list_artifacts(run_id)}
        if SNAPSHOT not in kept:
            raise RegistryError(
                f"run `{run}`",
                expected=f"a file {SNAPSHOT}",
                got="none: it was trained before rows were kept, or is none of ours",
            )
        return Path(registry.client.download_artifacts(run_id, SNAPSHOT, str(destination)))


def _run_id(registry: Registry, run: str) -> str:
    from mlflow.exceptions import MlflowException

    model, _, version = run.rpartition("/")
    try:
        if model:
            return str(registry.client.get_model_version(model, version).run_id)
        return str(registry.client.get_run(run).info.run_id)
    except MlflowException as error:
        if error_code(error) not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise
        raise RegistryError(
            f"run `{run}`",
            expected="the id of a run, or MODEL/VERSION",
            got="neither",
            todo="`leadloop models` lists what there is.",
        ) from error
