"""Bring a version's files to this machine, every file checked; nothing of them is run or unpickled."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from estate.bundles.manifest import MOST_FILES, check_manifest
from estate.core.errors import ArtifactError
from model_registry.connection import Registry, answering
from model_registry.model_folder import BUNDLE

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

MOST_BYTES = 2_000_000_000
"""Of all files of a version."""


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
        fetched = _download(registry, model, version, Path(folder), path=BUNDLE)
        check_manifest(fetched, digest=digest)
        _put(fetched, destination, Path(folder))
    return destination


def fetch_model(registry: Registry, model: str, version: str, destination: Path, *, digest: str) -> Path:
    """Return a folder below ``destination`` with every file of a version, MLflow's own among them.

    Parameters
    ----------
    digest : str
        What they must have together: ``artifacts_digest`` of the evidence.

    Raises
    ------
    ArtifactError
        If a file is missing, changed or one too many (named, with both sums), or the digest is another one.
    RegistryError
        If the registry can't be reached or does not know the version.
    """
    fetched = _download(registry, model, version, destination, path="")
    check_manifest(fetched, digest=digest)
    return fetched


def _intact(folder: Path, digest: str | None) -> bool:
    try:
        check_manifest(folder, digest=digest)
    except ArtifactError:
        return False
    return True


def _download(registry: Registry, model: str, version: str, folder: Path, *, path: str) -> Path:
    what = f"artifacts of `{model}` version {version}"
    with answering(registry, what):
        repository = _repository(registry, model, version)
        if not _look(repository, path, what):
            raise ArtifactError(
                what,
                expected=f"a folder `{path}`" if path else "files",
                got="none",
                todo="Only versions that Leadloop registered can be used: train with `leadloop retrain`.",
            )
        return Path(str(repository.download_artifacts(path, str(folder))))  # type: ignore[no-untyped-call]


def _look(repository: ArtifactRepository, path: str, what: str) -> int:
    """Count the files before any is fetched: not too many, not too large, none outside."""
    folders, files, size = [path], 0, 0
    while folders:
        for found in repository.list_artifacts(folders.pop()):
            name = PurePosixPath(str(found.path))
            if name.is_absolute() or ".." in name.parts:
                raise ArtifactError(what, expected="paths inside the version's folder", got=repr(str(name)))
            if found.is_dir:
                folders.append(str(name))
            files, size = files + 1, size + int(found.file_size or 0)
            if files > MOST_FILES or size > MOST_BYTES:
                raise ArtifactError(
                    what, expected=f"at most {MOST_FILES} files of {MOST_BYTES:,} bytes together", got="more"
                )
    return files


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
        if not _intact(destination, check_manifest(fetched)):
            raise
        shutil.rmtree(fetched)
