"""Bring a version's bundle to this machine, every file checked."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from estate.bundles.manifest import check_manifest
from estate.core.errors import ArtifactError
from model_registry.connection import Registry, answering
from model_registry.model_folder import BUNDLE

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository


def fetch_bundle(
    registry: Registry, model: str, version: str, destination: Path, *, digest: str | None = None
) -> Path:
    """Return ``destination``, holding the bundle of a version.

    A whole bundle that is there already is used without asking the registry. The folder appears at once or
    not at all.

    Parameters
    ----------
    digest : str, optional
        What the bundle must have; the one in the evidence.

    Raises
    ------
    ArtifactError
        If a file is missing, changed or one too many (named, with both sums), or the digest is another one.
    RegistryError
        If the registry can't be reached or does not know the version.
    """
    if destination.is_dir() and _intact(destination, digest):
        return destination
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=f".{destination.name}-") as folder:
        fetched = _download(registry, model, version, Path(folder))
        found = _checked(fetched)
        if digest is not None and found != digest:
            raise ArtifactError(
                f"bundle of `{model}` version {version}",
                expected=f"digest {digest}",
                got=found,
                todo="The artifact was changed after training: do not use it; promote another version.",
            )
        _put(fetched, destination, Path(folder))
    return destination


def _intact(folder: Path, digest: str | None) -> bool:
    try:
        found = _checked(folder)
    except ArtifactError:
        return False
    return digest is None or found == digest


def _checked(folder: Path) -> str:
    try:
        return check_manifest(folder)
    except OSError as error:  # a folder among the files, or a file that can't be read
        raise ArtifactError(f"bundle {folder}", expected="readable files", got=str(error)) from error


def _download(registry: Registry, model: str, version: str, folder: Path) -> Path:
    with answering(registry, f"bundle of `{model}` version {version}"):
        repository = _repository(registry, model, version)
        if not repository.list_artifacts(BUNDLE):
            raise ArtifactError(
                f"artifacts of `{model}` version {version}",
                expected=f"a folder `{BUNDLE}`",
                got="none",
                todo="Only versions that Leadloop registered can be used: train with `leadloop retrain`.",
            )
        return Path(str(repository.download_artifacts(BUNDLE, str(folder))))  # type: ignore[no-untyped-call]


def _repository(registry: Registry, model: str, version: str) -> ArtifactRepository:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    source = registry.client.get_model_version_download_uri(model, version)
    return get_artifact_repository(source, tracking_uri=registry.uri, registry_uri=registry.uri)


def _put(fetched: Path, destination: Path, spare: Path) -> None:
    if destination.exists():  # a broken one, or another process was quicker
        destination.rename(spare / "replaced")
    try:
        fetched.rename(destination)
    except OSError:
        if not _intact(destination, _checked(fetched)):
            raise
        shutil.rmtree(fetched)
